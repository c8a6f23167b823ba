//! The log of a person's own messages.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chatapp_console::{Stamp, Visible, Wording};
use chatapp_core::limits::TEXT_LEN_MAX;
use chatapp_core::{ClientEvent, Command, UnixSeconds};
use serde::Serialize;

use super::json;
use crate::local_time::utc_offset;
use crate::rotating::{self, RotatingFile};
use crate::spill::{Drops, Spill};

/// Bytes of one file of the log.
const FILE_LEN_MAX: u64 = 10 << 20;

/// Time to wait for the disk before earlier messages are read.
const READ_WAIT: Duration = Duration::from_millis(500);

/// Messages that `history` shows without a number, and at most.
pub(super) const SHOWN_USUALLY: usize = 20;
pub(super) const SHOWN_MAX: usize = 1_000;

/// Bytes of a line, at most: an escaped character takes up to ten.
const LINE_LEN_MAX: usize = 200 + 10 * TEXT_LEN_MAX;

/// An object in the log.
#[derive(Debug, Serialize)]
struct Entry<T> {
    /// Seconds since 1970, UTC.
    at: u32,
    #[serde(flatten)]
    said: T,
}

/// A message of one's own.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "sent")]
struct Sent<'a> {
    /// `None` for everyone.
    to: Option<&'a str>,
    text: &'a str,
}

/// Writes the messages that are shown and sent to a file, on a thread of its own. A disk that
/// stalls costs entries, which are counted, and never holds the room up.
///
/// A line begins with its time: `… bob: hi`, `… Channel_Message bob: hi`, and for messages of one's
/// own `… to bob: hi`, or `Channel_Message` with one's own name.
pub(super) struct MessageLog {
    path: PathBuf,
    is_json: bool,
    spill: Spill,
    has_failed: bool,
}

impl MessageLog {
    /// Opens the log, and continues it. Its entries are JSON objects if the name ends in `.jsonl`.
    ///
    /// # Errors
    /// Returns the error of the operating system.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = RotatingFile::open(path, FILE_LEN_MAX)?;
        Ok(Self {
            path: path.to_owned(),
            is_json: path.extension().is_some_and(|end| end == "jsonl"),
            spill: Spill::start(file)?,
            has_failed: false,
        })
    }

    /// Enters a message that is shown. Returns a line for the user if the log fails, once.
    pub(super) fn shown(
        &mut self,
        event: &ClientEvent<'_>,
        wording: Wording<'_>,
        wall: UnixSeconds,
    ) -> Option<String> {
        if !matches!(event, ClientEvent::Message { .. }) {
            return None;
        }
        if !self.is_json {
            let line: String = wording.event(event).map(|line| line.to_string()).collect();
            return self.enter(&format!("{} {line}", stamp(wall)));
        }
        // The same object as with `--json`.
        json::events(event, None).find_map(|said| self.enter_object(said, wall))
    }

    /// Enters a message of one's own that was accepted. Returns a line for the user if the log
    /// fails, once.
    pub(super) fn sent(
        &mut self,
        command: Command<'_>,
        own_name: &str,
        wall: UnixSeconds,
    ) -> Option<String> {
        let (to, text) = match command {
            Command::Send { to, text } => (Some(to), text),
            Command::SendAll { text } => (None, text),
            _ => return None,
        };
        if !self.is_json {
            let (time, text) = (stamp(wall), Visible(text));
            return self.enter(&match to {
                Some(to) => format!("{time} to {}: {text}", Visible(to)),
                None => format!("{time} Channel_Message {}: {text}", Visible(own_name)),
            });
        }
        self.enter_object(Sent { to, text }, wall)
    }

    fn enter_object(&mut self, said: impl Serialize, wall: UnixSeconds) -> Option<String> {
        let entry = Entry { at: wall.0, said };
        // JSON can represent every field, so serialization cannot fail.
        self.enter(&serde_json::to_string(&entry).unwrap_or_default())
    }

    fn enter(&mut self, line: &str) -> Option<String> {
        let written = self.spill.write_all(format!("{line}\n").as_bytes());
        let error = written.and_then(|()| self.spill.flush()).err()?;
        let path = self.path.display();
        (!mem::replace(&mut self.has_failed, true))
            .then(|| format!("[Cannot write to {path}: {error}]"))
    }

    /// Returns the latest lines of the log, the oldest first.
    ///
    /// # Errors
    /// Returns the error of the operating system.
    pub(super) fn latest(&self, count: usize) -> io::Result<Vec<String>> {
        self.spill.wait_until_written(READ_WAIT);
        let mut latest = VecDeque::new();
        let newest_first = rotating::files(&self.path).collect::<Vec<_>>();
        for path in newest_first.iter().rev() {
            let missing = count - latest.len();
            let end = match end_of(path, (missing * LINE_LEN_MAX) as u64) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                end => end?,
            };
            let lines = end.lines().rev().take(missing);
            lines.for_each(|line| latest.push_front(line.to_owned()));
        }
        Ok(latest.into())
    }

    /// Waits a moment for the disk. Returns how many messages are not in the log.
    pub(super) fn finish(self) -> u64 {
        Drops::of(&self.spill).finish()
    }
}

/// Reads at most this many bytes at the end of a file, whole lines only.
fn end_of(path: &Path, len_max: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let skipped = file.metadata()?.len().saturating_sub(len_max);
    file.seek(SeekFrom::Start(skipped))?;
    let mut end = Vec::new();
    file.take(len_max).read_to_end(&mut end)?;
    let end = String::from_utf8_lossy(&end).into_owned();
    Ok(match end.split_once('\n') {
        Some((_, whole)) if skipped > 0 => whole.to_owned(),
        _ => end,
    })
}

fn stamp(at: UnixSeconds) -> Stamp {
    let utc_offset = utc_offset(at);
    Stamp { at, utc_offset }
}
