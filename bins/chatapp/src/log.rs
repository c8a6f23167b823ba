//! The log of a server, on standard error.

use chatapp_console::Stamp;
use chatapp_core::{DropReason, Instant, Stats, UnixSeconds};
use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;

use crate::display::Display;
use crate::local_time::utc_offset;

/// At most so often is traffic a line.
const TRAFFIC_EVERY_MS: u64 = 1_000;

/// The level and the format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogOptions {
    pub(crate) level: Level,
    pub(crate) format: Format,
}

/// How much a line matters; of a log, everything that matters at least as much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Store failures
    Error,
    /// Refused clients, other protocol versions, clients over their rate
    Warn,
    /// Arrivals and departures
    Info,
    /// Traffic and dropped datagrams
    Debug,
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }
}

/// The format of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Time, level and text, for people
    Text,
    /// One JSON object per line, for programs
    Json,
}

/// One line.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) level: Level,
    #[serde(rename = "event")]
    pub(crate) kind: &'static str,
    #[serde(flatten)]
    pub(crate) fields: Fields,
    pub(crate) message: String,
}

/// The fields that only some records have.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
}

/// A record with its time, as JSON has it.
#[derive(Serialize)]
struct Timed<'a> {
    time: String,
    #[serde(flatten)]
    record: &'a Record,
}

impl LogOptions {
    /// Writes a line, if it matters enough.
    pub(crate) fn write(self, log: &Display, record: &Record, wall: UnixSeconds) {
        if record.level > self.level {
            return;
        }
        match self.format {
            Format::Text => {
                let stamp = Stamp {
                    at: wall,
                    utc_offset: utc_offset(wall),
                };
                let level = record.level.name();
                log.line(format_args!("{stamp} {level:5} {}", record.message));
            }
            Format::Json => {
                let time = Timestamp::from_second(wall.0.into()).unwrap_or_default();
                let timed = Timed {
                    time: time.to_string(),
                    record,
                };
                // There is nothing in it that JSON does not have.
                log.line(serde_json::to_string(&timed).unwrap_or_default());
            }
        }
    }
}

/// The traffic since the last line about it.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    reported: Stats,
    /// Before that, there is no other line.
    next: Instant,
}

impl Traffic {
    /// Writes a line if the log has them, there was traffic, and the last one is long enough ago.
    /// Returns when one is to be written, unless the log itself will say so.
    pub(crate) fn report(
        &mut self,
        log: &Display,
        options: LogOptions,
        stats: &Stats,
        now: Instant,
        wall: UnixSeconds,
    ) -> Option<Instant> {
        let is_new = stats.received.datagrams != self.reported.received.datagrams
            || stats.sent.datagrams != self.reported.sent.datagrams;
        if options.level < Level::Debug || !is_new {
            return None;
        }
        if now < self.next {
            return Some(self.next);
        }
        if !log.has_room() {
            return None;
        }
        let record = Record {
            level: Level::Debug,
            kind: "traffic",
            fields: Fields::default(),
            message: self.words(stats),
        };
        options.write(log, &record, wall);
        self.reported = stats.clone();
        self.next = now.plus_millis(TRAFFIC_EVERY_MS);
        None
    }

    fn words(&self, stats: &Stats) -> String {
        let old = &self.reported;
        let mut words = format!(
            "{} datagrams received, {} sent, {} retransmitted",
            stats.received.datagrams - old.received.datagrams,
            stats.sent.datagrams - old.sent.datagrams,
            stats.retransmissions_timed - old.retransmissions_timed,
        );
        for reason in DropReason::ALL {
            let count = stats.drops(reason) - old.drops(reason);
            if count > 0 {
                words += &format!(", {count} dropped: {}", reason.name());
            }
        }
        words
    }
}
