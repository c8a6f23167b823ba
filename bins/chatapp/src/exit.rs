//! How the program ends.

use std::fmt;
use std::process::ExitCode;

/// The exit codes, as `--help` explains them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is done.
    Done = 0,
    /// The machine failed: standard output was closed, there is no memory for a thread, or the
    /// like.
    System = 1,
    /// The arguments are wrong, or name a port or address that cannot be used.
    Usage = 2,
    /// The server does not respond, or speaks another version of the protocol.
    NoServer = 3,
    /// The server refused this client, or gave its name to another process.
    Refused = 4,
    /// The key of the server has changed.
    ServerKeyChanged = 5,
    /// A message of `--exec` did not arrive, and is not stored either.
    NotDelivered = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the program ends early: a message for standard error, and the exit code.
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

    /// For `map_err`: something that should work on any machine did not.
    pub(crate) fn system(what: &str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::new(Exit::System, format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
