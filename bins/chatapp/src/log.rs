//! The log of a server on standard error.

use chatapp_console::Stamp;
use chatapp_core::{DropReason, Instant, Stats, UnixSeconds};
use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;

use crate::counters::Counters;
use crate::local_time::utc_offset;

/// Minimum time between two lines about traffic.
const TRAFFIC_EVERY_MS: u64 = 1_000;

/// The level and the format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogOptions {
    pub(crate) level: Level,
    pub(crate) format: Format,
}

/// Severity of a record. A log shows its own level and all more severe ones.
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

/// Formats of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Time, level and text, for people
    Text,
    /// One JSON object per line, for programs
    Json,
}

/// One record of the log.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) level: Level,
    #[serde(rename = "event")]
    pub(crate) kind: &'static str,
    #[serde(flatten)]
    pub(crate) fields: Fields,
    pub(crate) message: String,
}

/// Fields that only some records have.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stats: Option<Counters>,
}

/// A record with its time, in the layout of the JSON format.
#[derive(Serialize)]
struct Timed<'a> {
    time: String,
    #[serde(flatten)]
    record: &'a Record,
}

impl LogOptions {
    /// Returns a record as a line if its level is enabled.
    pub(crate) fn line(self, record: &Record, wall: UnixSeconds) -> Option<String> {
        if record.level > self.level {
            return None;
        }
        Some(match self.format {
            Format::Text => {
                let stamp = Stamp {
                    at: wall,
                    utc_offset: utc_offset(wall),
                };
                let level = record.level.name();
                format!("{stamp} {level:5} {}", record.message)
            }
            Format::Json => {
                let time = Timestamp::from_second(wall.0.into()).unwrap_or_default();
                let timed = Timed {
                    time: time.to_string(),
                    record,
                };
                // JSON can represent every field, so serialization cannot fail.
                serde_json::to_string(&timed).unwrap_or_default()
            }
        })
    }
}

/// Traffic counters since the last line about traffic.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    reported: Stats,
    /// No earlier than this, the next line is written.
    next: Instant,
}

impl Traffic {
    /// Returns a record if the level is enabled, there was traffic, the last record is old enough,
    /// and the log has room. Returns when the next record is due, if one is pending.
    pub(crate) fn report(
        &mut self,
        level: Level,
        has_room: bool,
        stats: &Stats,
        now: Instant,
    ) -> (Option<Record>, Option<Instant>) {
        let is_new = stats.received.datagrams != self.reported.received.datagrams
            || stats.sent.datagrams != self.reported.sent.datagrams;
        if level < Level::Debug || !is_new {
            return (None, None);
        }
        if now < self.next {
            return (None, Some(self.next));
        }
        if !has_room {
            return (None, None);
        }
        let record = Record {
            level: Level::Debug,
            kind: "traffic",
            fields: Fields::default(),
            message: self.words(stats),
        };
        self.reported = stats.clone();
        self.next = now.plus_millis(TRAFFIC_EVERY_MS);
        (Some(record), None)
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
