//! Exit codes and failures of the program, and its output as a command.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Exit codes; `--help` explains them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is done.
    Done = 0,
    /// System failure: standard output is closed, or the system cannot start a thread, for example.
    System = 1,
    /// The arguments are wrong, or name a port or address that cannot be used.
    Usage = 2,
    /// The server is not found, does not respond, or uses another protocol version.
    NoServer = 3,
    /// The server refused this client, or gave its name to another process.
    Refused = 4,
    /// The key of the server has changed.
    ServerKeyChanged = 5,
    /// A message of `--exec` was neither delivered nor stored.
    NotDelivered = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Reason for an early end: a message for standard error, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// Returns a closure for `map_err` that reports an unexpected system failure.
    pub(crate) fn system(what: &str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::new(Exit::System, format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Time that a reader of the last words has.
const LAST_WORDS_TIME: Duration = Duration::from_millis(300);

/// Writes a text, but does not wait long for a reader that hangs.
pub(crate) fn complain(mut output: impl Write + Send + 'static, text: String) {
    let (done, is_done) = mpsc::channel();
    let started = thread::Builder::new().spawn(move || {
        // If nobody reads it, nobody else can be told.
        let _ = output
            .write_all(text.as_bytes())
            .and_then(|()| output.flush());
        let _ = done.send(());
    });
    if started.is_ok() {
        let _ = is_done.recv_timeout(LAST_WORDS_TIME);
    }
}

/// Time that a disk has for the last records.
const LAST_RECORDS_TIME: Duration = Duration::from_millis(1_500);

/// Drops a value whose end waits for the disk. Returns whether that ended in time; otherwise the
/// end of the process ends it.
pub(crate) fn drop_in_time(value: impl Send + 'static) -> bool {
    let (done, is_done) = mpsc::channel();
    let started = thread::Builder::new().spawn(move || {
        drop(value);
        let _ = done.send(());
    });
    // Without a thread, it was dropped here.
    started.is_err() || is_done.recv_timeout(LAST_RECORDS_TIME).is_ok()
}

/// Prints the output of a command. A reader that has read enough, such as `head`, closes its pipe:
/// that is no failure.
///
/// # Errors
/// Returns an error if the output cannot be written for another reason.
pub(crate) fn print(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::system("cannot write to standard output")(error))
        }
        _ => Ok(Exit::Done),
    }
}
