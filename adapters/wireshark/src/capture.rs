//! Capture files: pcap, raw IP packets with UDP in them.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use etherparse::PacketBuilder;

/// Marks the byte order, and timestamps in microseconds
/// (<https://www.tcpdump.org/manpages/pcap-savefile.5.html>).
const MAGIC: u32 = 0xa1b2_c3d4;
const VERSION: [u16; 2] = [2, 4];
/// Maximum length of a packet in the capture.
const SNAP_LEN: u32 = 65_535;
/// Packets begin with their IP header (<https://www.tcpdump.org/linktypes.html>).
const LINKTYPE_RAW: u32 = 101;

/// Length of the header of each packet in the file.
const RECORD_HEADER_LEN: usize = 16;

const HOP_LIMIT: u8 = 64;

/// Writer of a capture.
#[derive(Debug)]
pub struct Capture<W> {
    out: W,
    /// Buffer for the packet and its header; reused for its memory.
    packet: Vec<u8>,
}

impl<W: Write> Capture<W> {
    /// Starts a capture.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&MAGIC.to_le_bytes())?;
        for part in VERSION {
            out.write_all(&part.to_le_bytes())?;
        }
        for field in [0, 0, SNAP_LEN, LINKTYPE_RAW] {
            out.write_all(&field.to_le_bytes())?;
        }
        Ok(Self {
            out,
            packet: Vec::new(),
        })
    }

    /// Writes a datagram with one call of the writer; `at` is the time since 1970, UTC. If only one
    /// address is IPv4, both are written as IPv6.
    ///
    /// # Errors
    /// Returns an error if the writer fails, or the datagram is longer than UDP permits.
    pub fn write(
        &mut self,
        at: Duration,
        from: SocketAddr,
        to: SocketAddr,
        payload: &[u8],
    ) -> io::Result<()> {
        let builder = match (from.ip(), to.ip()) {
            (IpAddr::V4(source), IpAddr::V4(target)) => {
                PacketBuilder::ipv4(source.octets(), target.octets(), HOP_LIMIT)
            }
            (source, target) => PacketBuilder::ipv6(mapped(source), mapped(target), HOP_LIMIT),
        };
        self.packet.clear();
        self.packet.resize(RECORD_HEADER_LEN, 0);
        builder
            .udp(from.port(), to.port())
            .write(&mut self.packet, payload)
            .map_err(io::Error::other)?;
        let (header, packet) = self.packet.split_at_mut(RECORD_HEADER_LEN);
        let len = u32::try_from(packet.len()).map_err(io::Error::other)?;
        // The format's seconds wrap in 2106.
        let fields = [at.as_secs() as u32, at.subsec_micros(), len, len];
        for (bytes, field) in header.as_chunks_mut().0.iter_mut().zip(fields) {
            *bytes = field.to_le_bytes();
        }
        self.out.write_all(&self.packet)
    }

    /// Flushes the writer.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn mapped(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::SlicedPacket;

    #[test]
    fn writes_a_header_and_each_datagram() {
        let from: SocketAddr = "10.0.0.1:5000".parse().unwrap();
        let mut out = Vec::new();
        let mut capture = Capture::new(&mut out).unwrap();
        for to in ["10.0.0.2:6000", "[fd00::1]:6000"] {
            capture
                .write(
                    Duration::from_micros(1_234_567),
                    from,
                    to.parse().unwrap(),
                    b"abc",
                )
                .unwrap();
        }
        let (header, packets) = out.split_at(24);
        assert_eq!(header[..4], MAGIC.to_le_bytes());
        let (first, second) = packets.split_at(16 + 20 + 8 + 3);
        assert_eq!(second.len(), 16 + 40 + 8 + 3);
        assert_eq!(first[..4], 1_u32.to_le_bytes());
        assert_eq!(first[4..8], 234_567_u32.to_le_bytes());
        for packet in [&first[16..], &second[16..]] {
            let packet = SlicedPacket::from_ip(packet).unwrap();
            let Some(etherparse::TransportSlice::Udp(udp)) = packet.transport else {
                panic!("a UDP datagram: {packet:?}");
            };
            assert_eq!((udp.source_port(), udp.destination_port()), (5_000, 6_000));
            assert_eq!(udp.payload(), b"abc");
        }
    }
}
