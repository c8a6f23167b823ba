//! The channel of `ChatApp admin`: a named pipe, whose name is the path of the server's folder.
//!
//! Its default rights let the user of the server, administrators and the system write to it
//! (`CreateNamedPipe`, "Named Pipe Security and Access Rights"). Everybody may read: without an
//! order there is nothing to read. Other machines are refused.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::windows::named_pipe::{
    ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::exit::{Exit, Failure};

/// Longest order in bytes.
const ORDER_LEN_MAX: u64 = 1_024;
/// Time that a caller has to write its order, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest part of the path in the name of the pipe, which has at most 256 characters.
const PATH_LEN_MAX: usize = 200;
/// `ERROR_PIPE_BUSY`: another caller has the pipe.
const PIPE_BUSY: i32 = 231;
/// Time between two attempts to get a pipe that another caller has.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// The pipe of a server. A thread serves it until this is dropped: one caller after the other.
pub(crate) struct Listener {
    _end: oneshot::Sender<()>,
}

impl Listener {
    /// Listens for the server of this folder. `execute` gets each order, and returns the answer.
    ///
    /// # Errors
    /// Returns an error if the pipe or a thread cannot be made.
    pub(crate) fn start(
        folder: &Path,
        execute: impl Fn(String) -> Option<String> + Send + Sync + 'static,
    ) -> io::Result<Option<Self>> {
        let (runtime, name) = (runtime()?, name(folder)?);
        let first = {
            let _context = runtime.enter();
            // Nobody else may have it already, and get the orders.
            let options = &mut ServerOptions::new();
            options.first_pipe_instance(true).create(&name)?
        };
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("admin".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = serve_all(&name, first, Arc::new(execute)) => {}
                        _ = ended => {}
                    }
                });
                // An order that is not done does not hold up the end.
                runtime.shutdown_background();
            })?;
        Ok(Some(Self { _end: end }))
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Returns the name of the pipe for a folder.
///
/// # Errors
/// Returns an error if the folder is not there.
fn name(folder: &Path) -> io::Result<String> {
    let path = folder.canonicalize()?;
    let path = path.to_string_lossy().replace('\\', "/");
    let skipped = path.chars().count().saturating_sub(PATH_LEN_MAX);
    let path: String = path.chars().skip(skipped).collect();
    Ok(format!(r"\\.\pipe\chatapp/{path}"))
}

/// Serves callers until the pipe fails. Each has an instance of its own. The next one is there
/// before the last one ends, so that nobody else can get the name.
async fn serve_all<F>(name: &str, mut pipe: NamedPipeServer, execute: Arc<F>) -> io::Result<()>
where
    F: Fn(String) -> Option<String> + Send + Sync + 'static,
{
    loop {
        pipe.connect().await?;
        // A caller that hangs or leaves costs nobody but itself.
        let _ = serve(&mut pipe, &execute).await;
        pipe = ServerOptions::new().create(name)?;
    }
}

/// Reads an order, waits until it is executed, and writes the answer.
async fn serve<F>(pipe: &mut NamedPipeServer, execute: &Arc<F>) -> io::Result<()>
where
    F: Fn(String) -> Option<String> + Send + Sync + 'static,
{
    let mut order = String::new();
    let mut input = BufReader::new((&mut *pipe).take(ORDER_LEN_MAX));
    timeout(PATIENCE, input.read_line(&mut order)).await??;
    let execute = Arc::clone(execute);
    let executed = tokio::task::spawn_blocking(move || execute(order)).await?;
    if let Some(line) = executed {
        timeout(PATIENCE, pipe.write_all(format!("{line}\n").as_bytes())).await??;
        // The end of the pipe would discard the answer. The caller closes it when it has read it.
        let _ = timeout(PATIENCE, pipe.read_u8()).await?;
    }
    Ok(())
}

/// Sends the order to the server of a folder. Returns the answer with its line end.
///
/// # Errors
/// Returns a failure if no server runs there, or it does not answer in this time.
pub(crate) fn ask(folder: &Path, line: &str, time: Duration) -> Result<String, Failure> {
    let lost = |error| Failure::system("the server did not answer; the order may be done")(error);
    let runtime = runtime().map_err(Failure::system("cannot wait for the answer"))?;
    runtime.block_on(async {
        let mut pipe = connect(folder, time).await.map_err(|error| {
            let folder = folder.display();
            let message = format!("no server takes orders in {folder}: {error}");
            Failure::new(Exit::Usage, message)
        })?;
        let asked = async {
            pipe.write_all(format!("{line}\n").as_bytes()).await?;
            let mut answer = String::new();
            BufReader::new(&mut pipe).read_line(&mut answer).await?;
            Ok(answer)
        };
        match timeout(time, asked).await {
            Ok(Ok(answer)) if answer.is_empty() => Err(lost(ErrorKind::UnexpectedEof.into())),
            Ok(asked) => asked.map_err(lost),
            Err(_) => Err(lost(ErrorKind::TimedOut.into())),
        }
    })
}

/// Opens the pipe of a server, and waits while another caller has it.
async fn connect(folder: &Path, time: Duration) -> io::Result<NamedPipeClient> {
    let (name, end) = (name(folder)?, Instant::now() + time);
    loop {
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) && Instant::now() < end => {
                sleep(BUSY_PAUSE).await;
            }
            opened => return opened,
        }
    }
}
