//! Writes what was sent in a simulated room as a capture file.

use std::io::{self, Write};
use std::time::Duration;

use chatapp_wireshark::Capture;

use crate::medium::Captured;
use crate::model::WALL_CLOCK_START;

/// Writes all datagrams, in their order.
///
/// # Errors
/// Those of the writer.
pub fn write_pcap(out: &mut impl Write, datagrams: &[Captured]) -> io::Result<()> {
    let mut capture = Capture::new(out)?;
    let start = Duration::from_secs(WALL_CLOCK_START.into());
    for datagram in datagrams {
        let at = start + Duration::from_millis(datagram.at);
        capture.write(at, datagram.from, datagram.to, &datagram.bytes)?;
    }
    capture.flush()
}
