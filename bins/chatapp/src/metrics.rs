//! The file of `--metrics-file`: the counters of a server as OpenMetrics text. A thread replaces
//! the whole file, so that its reader never sees half of one, and the room waits for no disk.

use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use chatapp_core::{Instant, Server, UnixSeconds};
use chatapp_mio::Waker;
use clap::Args;

use crate::counters::Counters;
use crate::exit::Failure;
use crate::platform::files::make_public;
use crate::server_log::ServerLog;

/// Time between two versions of the file.
const EVERY_MS: u64 = 5_000;

/// The option about the file.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MetricsOptions {
    /// Write the server's counters to this file every 5 s, as OpenMetrics text
    #[arg(
        long,
        value_name = "FILE",
        requires = "server",
        conflicts_with = "client"
    )]
    metrics_file: Option<PathBuf>,
}

/// The thread that writes the file, if there is one.
pub(crate) struct Metrics {
    writer: Option<Writer>,
    due: Instant,
    /// The last version could not be written, and that was said.
    has_failed: bool,
}

struct Writer {
    texts: SyncSender<String>,
    results: Receiver<Result<(), String>>,
}

impl Metrics {
    /// Starts the thread if there is a file to write. It wakes `waker` for each result.
    ///
    /// # Errors
    /// Returns a failure if the operating system cannot start a thread.
    pub(crate) fn start(options: &MetricsOptions, waker: &Waker) -> Result<Self, Failure> {
        let file = options.metrics_file.clone();
        let writer = file.map(|file| Writer::start(file, waker.clone()));
        let writer = writer.transpose();
        let writer = writer.map_err(Failure::system("cannot start a thread"))?;
        Ok(Self {
            writer,
            due: Instant::ZERO,
            has_failed: false,
        })
    }

    /// Writes the counters if that is due. Logs once if the file cannot be written, or can again.
    pub(crate) fn poll(
        &mut self,
        server: &Server<'_>,
        now: Instant,
        log: &ServerLog,
        wall: UnixSeconds,
    ) {
        if let Some(notice) = self.write(server, now) {
            log.warn("metrics", notice, wall);
        }
    }

    /// Writes the counters if that is due. Returns a notice about the last result.
    fn write(&mut self, server: &Server<'_>, now: Instant) -> Option<String> {
        let writer = self.writer.as_ref()?;
        if self.due <= now {
            self.due = now.plus_millis(EVERY_MS);
            // If the last version is not written yet, the disk is slow, and this one is left out.
            let _ = writer.texts.try_send(Counters::of(server).open_metrics());
        }
        match writer.results.try_iter().last()? {
            Ok(()) if std::mem::take(&mut self.has_failed) => {
                Some("the metrics file is written again".into())
            }
            Err(reason) if !std::mem::replace(&mut self.has_failed, true) => Some(reason),
            _ => None,
        }
    }

    /// Returns when [`poll`](Self::poll) is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.writer.is_some().then_some(self.due)
    }
}

impl Writer {
    fn start(file: PathBuf, waker: Waker) -> io::Result<Self> {
        let (texts, received) = sync_channel::<String>(1);
        let (sender, results) = channel();
        thread::Builder::new()
            .name("metrics".into())
            .spawn(move || {
                for text in received {
                    let written = replace(&file, &text).map_err(|error| {
                        let file = file.display();
                        format!("the metrics file {file} cannot be written: {error}")
                    });
                    if sender.send(written).is_err() {
                        return;
                    }
                    waker.wake();
                }
            })?;
        Ok(Self { texts, results })
    }
}

/// Replaces a file with one that everybody may read: it has numbers only.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // Collectors of text files skip names that begin with a dot.
    let mut unfinished = tempfile::Builder::new();
    unfinished.prefix(".metrics-");
    make_public(&mut unfinished);
    let mut unfinished = unfinished.tempfile_in(folder)?;
    unfinished.write_all(text.as_bytes())?;
    unfinished.persist(file).map_err(|failed| failed.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("room.prom");
        for text in ["much\n# EOF\n", "# EOF\n"] {
            replace(&file, text).unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("none/room.prom"), "").is_err());
    }
}
