//! The socket of `ChatApp admin` in a server's folder. The rights of the file decide who may give
//! orders: only the user of the server. Systems without such sockets have none.
#![cfg_attr(not(unix), expect(dead_code, reason = "nobody can reach this server"))]

use std::io;
use std::path::Path;
#[cfg(unix)]
use std::sync::mpsc::sync_channel;
use std::sync::mpsc::{Receiver, SyncSender};
#[cfg(unix)]
use std::time::Duration;

use chatapp_mio::Waker;

use crate::answer::Answer;

/// Name of the socket in the folder.
#[cfg(unix)]
pub(crate) const FILE: &str = "admin";
/// Longest order in bytes.
#[cfg(unix)]
const ORDER_LEN_MAX: u64 = 1_024;
/// Time that a caller has to write its order, and to read the answer.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(5);
/// Time that the server has for an order: as long as the store takes.
#[cfg(unix)]
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(60);

/// The process that gave an order, and waits for the answer.
pub(crate) struct Caller(SyncSender<String>);

impl Caller {
    /// Answers, as one line of JSON.
    pub(crate) fn answer(self, answer: &Answer) {
        if let Ok(line) = serde_json::to_string(answer) {
            // A caller that is gone needs no answer.
            let _ = self.0.try_send(line);
        }
    }
}

/// The socket, which a thread serves: one caller after the other.
pub(crate) struct AdminSocket {
    orders: Receiver<(String, Caller)>,
    #[cfg(unix)]
    file: std::path::PathBuf,
}

impl AdminSocket {
    /// Returns the next order and its caller.
    pub(crate) fn poll(&self) -> Option<(String, Caller)> {
        self.orders.try_recv().ok()
    }

    /// Listens in a folder that only this server uses. The socket appears with its rights.
    ///
    /// # Errors
    /// Returns an error if the socket or a thread cannot be made.
    #[cfg(unix)]
    pub(crate) fn listen(folder: &Path, waker: Waker) -> io::Result<Option<Self>> {
        use std::fs;
        use std::os::unix::fs::PermissionsExt;
        use std::os::unix::net::UnixListener;

        // Nobody else can look into this folder.
        let unfinished = tempfile::Builder::new().prefix(".a").tempdir_in(folder)?;
        let made = unfinished.path().join(FILE);
        let listener = UnixListener::bind(&made)?;
        fs::set_permissions(&made, fs::Permissions::from_mode(0o600))?;
        let file = folder.join(FILE);
        fs::rename(&made, &file)?;
        let (sender, orders) = sync_channel(1);
        std::thread::Builder::new()
            .name("admin".into())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    // A caller that hangs or leaves costs nobody but itself.
                    let _ = serve(&stream, &sender, &waker);
                }
            })?;
        Ok(Some(Self { orders, file }))
    }

    #[cfg(not(unix))]
    pub(crate) fn listen(_: &Path, _: Waker) -> io::Result<Option<Self>> {
        Ok(None)
    }
}

#[cfg(unix)]
impl Drop for AdminSocket {
    fn drop(&mut self) {
        // If it stays, the next server replaces it.
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Reads an order, waits until it is executed, and writes the answer.
#[cfg(unix)]
fn serve(
    stream: &std::os::unix::net::UnixStream,
    orders: &SyncSender<(String, Caller)>,
    waker: &Waker,
) -> io::Result<()> {
    use std::io::{BufRead, BufReader, Read, Write};

    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut order = String::new();
    BufReader::new(stream.take(ORDER_LEN_MAX)).read_line(&mut order)?;
    let (sender, answer) = sync_channel(1);
    if orders.send((order, Caller(sender))).is_err() {
        return Ok(());
    }
    waker.wake();
    if let Ok(line) = answer.recv_timeout(ANSWER_TIME) {
        (&*stream).write_all(format!("{line}\n").as_bytes())?;
    }
    Ok(())
}
