//! Capture files and key logs, of a simulated room and of the program.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use chatapp_core::LoggedKey;
use chatapp_wireshark::{Capture, KeyLog};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use crate::medium::Captured;
use crate::times::WALL_CLOCK_START;

/// Writes all datagrams in their order.
///
/// # Errors
/// The errors of the writer.
pub fn write_pcap(out: &mut impl Write, datagrams: &[Captured]) -> io::Result<()> {
    let mut capture = Capture::new(out)?;
    let start = Duration::from_secs(WALL_CLOCK_START.into());
    for datagram in datagrams {
        let at = start + Duration::from_millis(datagram.at);
        capture.write(at, datagram.from, datagram.to, &datagram.bytes)?;
    }
    capture.flush()
}

/// Writes the keys that decrypt them.
///
/// # Errors
/// The errors of the writer.
pub fn write_key_log(out: &mut impl Write, keys: &[LoggedKey]) -> io::Result<()> {
    let mut log = KeyLog::new(out);
    for key in keys {
        match key {
            LoggedKey::Session { id, key } => log.session(*id, key)?,
            LoggedKey::StoredMessages {
                incarnation,
                to,
                key,
            } => log.message_key(*incarnation, to.as_str(), key)?,
            LoggedKey::Handshake { id, part } => {
                log.handshake(*id, &part.key, &part.transcript)?;
            }
            LoggedKey::Lost { count } => log.lost(*count)?,
            _ => {}
        }
    }
    log.flush()
}

/// A datagram in a capture file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recorded {
    /// The source address.
    pub from: SocketAddr,
    /// The destination address.
    pub to: SocketAddr,
    /// The payload.
    pub bytes: Vec<u8>,
}

/// Reads all datagrams of a capture file that [`Capture`] writes or has written.
///
/// # Panics
/// If the file has another form.
pub fn read_pcap(path: &Path) -> Vec<Recorded> {
    const HEADER_LEN: usize = 24;
    const PACKET_HEADER_LEN: usize = 16;
    let file = std::fs::read(path).expect("the capture can be read");
    let mut rest = file.get(HEADER_LEN..).expect("a capture has a header");
    let mut datagrams = Vec::new();
    while let Some((header, packets)) = rest.split_at_checked(PACKET_HEADER_LEN) {
        let len = u32::from_le_bytes(header[8..12].try_into().expect("four bytes"));
        let Some((packet, next)) = packets.split_at_checked(len as usize) else {
            break;
        };
        rest = next;
        let packet = SlicedPacket::from_ip(packet).expect("an IP packet");
        let (source, target): (IpAddr, IpAddr) = match packet.net {
            Some(NetSlice::Ipv4(ip)) => (
                ip.header().source_addr().into(),
                ip.header().destination_addr().into(),
            ),
            Some(NetSlice::Ipv6(ip)) => (
                ip.header().source_addr().into(),
                ip.header().destination_addr().into(),
            ),
            other => panic!("not an IP packet: {other:?}"),
        };
        let Some(TransportSlice::Udp(udp)) = packet.transport else {
            panic!("not a UDP datagram: {:?}", packet.transport);
        };
        datagrams.push(Recorded {
            from: (source, udp.source_port()).into(),
            to: (target, udp.destination_port()).into(),
            bytes: udp.payload().to_vec(),
        });
    }
    datagrams
}
