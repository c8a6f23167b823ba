//! The counters of a server for programs: as fields in JSON, and as OpenMetrics text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chatapp_core::{DropReason, Gauge, Server, Stats, Traffic, Usage};
use serde::Serialize;

/// The use and the capacity of one storage.
#[derive(Debug, Serialize)]
pub(crate) struct Fill {
    used: u32,
    max: u32,
}

/// The traffic of one direction, by kind.
#[derive(Debug, Serialize)]
pub(crate) struct Direction {
    datagrams: u64,
    bytes: u64,
    datagrams_by_kind: BTreeMap<&'static str, u64>,
    frames_by_kind: BTreeMap<&'static str, u64>,
}

/// The frames that were sent again, by the reason for it.
#[derive(Debug, Serialize)]
pub(crate) struct Retransmitted {
    timeout: u64,
    loss: u64,
}

/// All counters and gauges of a server.
#[derive(Debug, Serialize)]
pub(crate) struct Counters {
    online: u32,
    names: Fill,
    stored_messages: Fill,
    stored_messages_per_name: u32,
    channel_messages: Fill,
    pending_records: Fill,
    received: Direction,
    sent: Direction,
    retransmitted: Retransmitted,
    given_up: u64,
    dropped: BTreeMap<&'static str, u64>,
}

impl From<Gauge> for Fill {
    fn from(Gauge { used, most }: Gauge) -> Self {
        Self { used, max: most }
    }
}

impl From<&Traffic> for Direction {
    fn from(traffic: &Traffic) -> Self {
        Self {
            datagrams: traffic.datagrams,
            bytes: traffic.bytes,
            datagrams_by_kind: traffic.datagrams_by_kind().collect(),
            frames_by_kind: traffic.frames_by_kind().collect(),
        }
    }
}

impl Counters {
    /// Reads the counters of a server.
    pub(crate) fn of(server: &Server<'_>) -> Self {
        Self::new(server.usage(), server.stats())
    }

    fn new(usage: Usage, stats: &Stats) -> Self {
        let drops = DropReason::ALL.map(|reason| (reason.name(), stats.drops(reason)));
        Self {
            online: usage.online,
            names: usage.names.into(),
            stored_messages: usage.kept_messages.into(),
            stored_messages_per_name: usage.mail_per_name,
            channel_messages: usage.channel_messages.into(),
            pending_records: usage.records.into(),
            received: (&stats.received).into(),
            sent: (&stats.sent).into(),
            retransmitted: Retransmitted {
                timeout: stats.retransmissions_timed,
                loss: stats.retransmissions_on_evidence,
            },
            given_up: stats.give_ups,
            dropped: drops.into_iter().collect(),
        }
    }

    /// Returns the counters in the text format of OpenMetrics 1.0.
    pub(crate) fn open_metrics(&self) -> String {
        let mut text = Text::default();
        text.family("chatapp_build", "info", "The version of the program.");
        text.sample("_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        text.family("chatapp_names_online", "gauge", "Names that are online.");
        text.sample("", &[], self.online.into());
        for (name, fill, what) in [
            (
                "chatapp_names",
                &self.names,
                "Known names, online and offline.",
            ),
            (
                "chatapp_stored_messages",
                &self.stored_messages,
                "Messages that wait for their recipients.",
            ),
            (
                "chatapp_channel_messages",
                &self.channel_messages,
                "Messages in the channel log.",
            ),
            (
                "chatapp_pending_records",
                &self.pending_records,
                "Records that wait for the store.",
            ),
        ] {
            text.family(name, "gauge", what);
            text.sample("", &[], fill.used.into());
            text.family(&format!("{name}_max"), "gauge", "Its capacity.");
            text.sample("", &[], fill.max.into());
        }
        self.traffic(&mut text);
        text.family("chatapp_retransmissions", "counter", "Frames sent again.");
        text.sample(
            "_total",
            &[("cause", "timeout")],
            self.retransmitted.timeout,
        );
        text.sample("_total", &[("cause", "loss")], self.retransmitted.loss);
        text.family(
            "chatapp_given_up_sessions",
            "counter",
            "Sessions without an answer.",
        );
        text.sample("_total", &[], self.given_up);
        text.family(
            "chatapp_dropped",
            "counter",
            "Datagrams and frames without effect.",
        );
        for (reason, count) in &self.dropped {
            text.sample("_total", &[("reason", reason)], *count);
        }
        text.finish()
    }

    fn traffic(&self, text: &mut Text) {
        let directions = [("received", &self.received), ("sent", &self.sent)];
        text.family("chatapp_datagrams", "counter", "Datagrams, valid or not.");
        for (direction, traffic) in directions {
            text.sample("_total", &[("direction", direction)], traffic.datagrams);
        }
        text.family("chatapp_traffic_bytes", "counter", "Bytes of UDP payload.");
        for (direction, traffic) in directions {
            text.sample("_total", &[("direction", direction)], traffic.bytes);
        }
        text.family("chatapp_valid_datagrams", "counter", "Datagrams by kind.");
        for (direction, traffic) in directions {
            for (kind, count) in &traffic.datagrams_by_kind {
                let labels = [("direction", direction), ("kind", *kind)];
                text.sample("_total", &labels, *count);
            }
        }
        text.family("chatapp_frames", "counter", "Frames by kind.");
        for (direction, traffic) in directions {
            for (kind, count) in &traffic.frames_by_kind {
                let labels = [("direction", direction), ("kind", *kind)];
                text.sample("_total", &labels, *count);
            }
        }
    }
}

/// OpenMetrics text that is being written.
#[derive(Default)]
struct Text {
    text: String,
    family: String,
}

// Writing to a string cannot fail, here and below.
impl Text {
    /// Begins a family of samples.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        name.clone_into(&mut self.family);
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
        if name.ends_with("_bytes") {
            let _ = writeln!(self.text, "# UNIT {name} bytes");
        }
        let _ = writeln!(self.text, "# HELP {name} {help}");
    }

    /// Adds a sample to the family. Labels have no characters to escape.
    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        let labels = match &*labels {
            [] => String::new(),
            some => format!("{{{}}}", some.join(",")),
        };
        let _ = writeln!(self.text, "{}{suffix}{labels} {value}", self.family);
    }

    fn finish(mut self) -> String {
        self.text += "# EOF\n";
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters() -> Counters {
        let gauge = |used| Gauge { used, most: 9 };
        let usage = Usage {
            names: gauge(3),
            online: 2,
            kept_messages: gauge(1),
            mail_per_name: 4,
            channel_messages: gauge(5),
            records: gauge(0),
        };
        Counters::new(usage, &Stats::default())
    }

    #[test]
    fn has_fields_for_programs() {
        let object = serde_json::to_value(counters()).unwrap();
        assert_eq!(object["names"]["used"], 3);
        assert_eq!(object["names"]["max"], 9);
        assert_eq!(object["sent"]["datagrams_by_kind"]["data"], 0);
        assert_eq!(object["dropped"]["bad-tag"], 0);
    }

    #[test]
    fn writes_families_and_samples() {
        let text = counters().open_metrics();
        for line in [
            "# TYPE chatapp_names gauge",
            "chatapp_names 3",
            "chatapp_names_max 9",
            "chatapp_names_online 2",
            "# UNIT chatapp_traffic_bytes bytes",
            "chatapp_traffic_bytes_total{direction=\"sent\"} 0",
            "chatapp_dropped_total{reason=\"bad-tag\"} 0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
