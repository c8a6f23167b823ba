//! Formats the counters of a server.

use core::fmt;

use chatapp_core::{DropReason, Gauge, Server, Stats, Usage};

/// Report of all counters and gauges, several on each line, without those that are zero.
#[derive(Debug)]
pub struct Report<'a> {
    usage: Usage,
    stats: &'a Stats,
}

impl<'a> Report<'a> {
    /// Creates a report of the server's present state.
    pub fn of(server: &'a Server<'_>) -> Self {
        Self {
            usage: server.usage(),
            stats: server.stats(),
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Usage {
            names,
            online,
            kept_messages,
            mail_per_name,
            channel_messages,
            records,
        } = self.usage;
        let Stats {
            received,
            sent,
            retransmissions_timed,
            retransmissions_on_evidence,
            give_ups,
            ..
        } = self.stats;
        writeln!(f, "clients: {online} online; names: {}", Of(names))?;
        writeln!(
            f,
            "stored: {} messages (at most {mail_per_name} for each name), {} channel messages; {} \
             records pending in the store",
            Of(kept_messages),
            Of(channel_messages),
            Of(records)
        )?;
        for (title, traffic) in [("received", received), ("sent", sent)] {
            let (datagrams, bytes) = (traffic.datagrams, traffic.bytes);
            write!(f, "{title}: {datagrams} datagrams, {bytes} bytes")?;
            list(f, "; ", traffic.datagrams_by_kind())?;
            list(f, "; frames: ", traffic.frames_by_kind())?;
            writeln!(f)?;
        }
        writeln!(
            f,
            "retransmitted: {retransmissions_timed} after a timeout, \
             {retransmissions_on_evidence} on loss; given up: {give_ups}"
        )?;
        let drops = DropReason::ALL.map(|reason| (reason.name(), self.stats.drops(reason)));
        f.write_str("dropped")?;
        let any = list(f, ": ", drops)?;
        f.write_str(if any { "" } else { ": nothing" })
    }
}

/// Formats a gauge as used and maximum.
struct Of(Gauge);

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Gauge { used, most } = self.0;
        write!(f, "{used} of {most}")
    }
}

/// Writes names and counts without those that are zero; returns whether there were any.
fn list(
    f: &mut fmt::Formatter<'_>,
    before: &str,
    counts: impl IntoIterator<Item = (&'static str, u64)>,
) -> Result<bool, fmt::Error> {
    let mut any = false;
    for (name, count) in counts.into_iter().filter(|(_, count)| *count != 0) {
        let separator = if any { ", " } else { before };
        write!(f, "{separator}{name} {count}")?;
        any = true;
    }
    Ok(any)
}
