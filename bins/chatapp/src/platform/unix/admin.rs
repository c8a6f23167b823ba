//! The channel of `ChatApp admin`: a socket in the folder of the server. The rights of the file
//! decide who may give orders: only the user of the server.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::exit::{Exit, Failure};

/// Name of the socket in the folder.
const FILE: &str = "admin";
/// Longest order in bytes.
const ORDER_LEN_MAX: u64 = 1_024;
/// Time that a caller has to write its order, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The socket of a server. A thread serves it: one caller after the other.
pub(crate) struct Listener {
    file: PathBuf,
}

impl Listener {
    /// Listens in a folder that only this server uses. The socket appears with its rights.
    /// `execute` gets each order, and returns the answer.
    ///
    /// # Errors
    /// Returns an error if the socket or a thread cannot be made.
    pub(crate) fn start(
        folder: &Path,
        execute: impl Fn(String) -> Option<String> + Send + 'static,
    ) -> io::Result<Option<Self>> {
        // Nobody else can look into this folder.
        let unfinished = tempfile::Builder::new().prefix(".a").tempdir_in(folder)?;
        let made = unfinished.path().join(FILE);
        let listener = UnixListener::bind(&made)?;
        fs::set_permissions(&made, Permissions::from_mode(0o600))?;
        let file = folder.join(FILE);
        fs::rename(&made, &file)?;
        std::thread::Builder::new()
            .name("admin".into())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    // A caller that hangs or leaves costs nobody but itself.
                    let _ = serve(&stream, &execute);
                }
            })?;
        Ok(Some(Self { file }))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // If it stays, the next server replaces it.
        let _ = fs::remove_file(&self.file);
    }
}

/// Reads an order, waits until it is executed, and writes the answer.
fn serve(stream: &UnixStream, execute: &impl Fn(String) -> Option<String>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut order = String::new();
    BufReader::new(stream.take(ORDER_LEN_MAX)).read_line(&mut order)?;
    if let Some(line) = execute(order) {
        // A caller that is gone gives an error, and no signal: the runtime of Rust ignores SIGPIPE,
        // and its standard library sets `SO_NOSIGPIPE` on macOS and `MSG_NOSIGNAL` elsewhere.
        (&*stream).write_all(format!("{line}\n").as_bytes())?;
    }
    Ok(())
}

/// Sends the order to the server in a folder. Returns the answer with its line end.
///
/// # Errors
/// Returns a failure if no server runs there, or it does not answer in this time.
pub(crate) fn ask(folder: &Path, line: &str, time: Duration) -> Result<String, Failure> {
    let file = folder.join(FILE);
    let mut stream = UnixStream::connect(&file).map_err(|error| {
        let file = file.display();
        Failure::new(
            Exit::Usage,
            format!("no server takes orders at {file}: {error}"),
        )
    })?;
    let lost = |error| Failure::system("the server did not answer; the order may be done")(error);
    stream.set_read_timeout(Some(time)).map_err(lost)?;
    stream
        .write_all(format!("{line}\n").as_bytes())
        .map_err(lost)?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .map_err(lost)?;
    if answer.is_empty() {
        return Err(lost(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(answer)
}
