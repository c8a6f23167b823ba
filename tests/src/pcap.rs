//! Writes what was sent as a capture file that Wireshark opens: pcap, raw IP packets with UDP in them.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use crate::medium::Captured;
use crate::model::WALL_CLOCK_START;

/// Packets begin with their IP header (<https://www.tcpdump.org/linktypes.html>).
const LINKTYPE_RAW: u32 = 101;
/// The longest packet that a capture may hold.
const SNAP_LEN: u32 = 65_535;
const UDP: u8 = 17;
const HOP_LIMIT: u8 = 64;
const UDP_HEADER: usize = 8;

/// Writes all datagrams, in their order.
///
/// # Errors
/// Those of the writer.
pub fn write_pcap(out: &mut impl Write, datagrams: &[Captured]) -> io::Result<()> {
    out.write_all(&0xa1b2_c3d4_u32.to_le_bytes())?;
    out.write_all(&2_u16.to_le_bytes())?;
    out.write_all(&4_u16.to_le_bytes())?;
    for field in [0, 0, SNAP_LEN, LINKTYPE_RAW] {
        out.write_all(&field.to_le_bytes())?;
    }
    for datagram in datagrams {
        let packet = packet(datagram.from, datagram.to, &datagram.bytes);
        let seconds = WALL_CLOCK_START + u32::try_from(datagram.at / 1_000).unwrap_or(u32::MAX / 4);
        let micros = (datagram.at % 1_000) as u32 * 1_000;
        let len = packet.len() as u32;
        for field in [seconds, micros, len, len] {
            out.write_all(&field.to_le_bytes())?;
        }
        out.write_all(&packet)?;
    }
    Ok(())
}

/// An IP packet around a UDP datagram; a forger's sender may be of the other family, and is mapped then.
fn packet(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let udp_len = (UDP_HEADER + payload.len()) as u16;
    let mut packet = match (from.ip(), to.ip()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let mut header = vec![0x45, 0];
            header.extend((20 + udp_len).to_be_bytes());
            header.extend([0, 0, 0, 0, HOP_LIMIT, UDP, 0, 0]);
            header.extend(source.octets());
            header.extend(target.octets());
            let sum = checksum([&*header]).to_be_bytes();
            header[10..12].copy_from_slice(&sum);
            header
        }
        (source, target) => {
            let mut header = vec![0x60, 0, 0, 0];
            header.extend(udp_len.to_be_bytes());
            header.extend([UDP, HOP_LIMIT]);
            for address in [source, target] {
                header.extend(match address {
                    IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
                    IpAddr::V6(address) => address.octets(),
                });
            }
            header
        }
    };
    let mut udp = Vec::new();
    for field in [from.port(), to.port(), udp_len, 0] {
        udp.extend(field.to_be_bytes());
    }
    udp.extend(payload);
    // The pseudo header: both addresses, which end the IP header, then protocol and length.
    let addresses = match packet[0] {
        0x45 => &packet[12..],
        _ => &packet[8..],
    };
    let [high, low] = udp_len.to_be_bytes();
    let sum = match checksum([addresses, &[0, UDP, high, low], &udp]) {
        0 => u16::MAX,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    packet.append(&mut udp);
    packet
}

/// The Internet checksum (RFC 1071) over parts that all but the last have an even length.
fn checksum<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u16 {
    let sum: u32 = parts
        .into_iter()
        .flat_map(|part| part.chunks(2))
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_rfc() {
        let example = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum([&example[..4], &example[4..]]), !0xddf2);
    }

    #[test]
    fn a_capture_has_a_header_and_each_datagram() {
        let datagram = |to: &str| Captured {
            at: 1_234,
            from: "10.0.0.1:5000".parse().expect("an address"),
            to: to.parse().expect("an address"),
            bytes: b"abc".to_vec(),
        };
        let mut out = Vec::new();
        let datagrams = [datagram("10.0.0.2:6000"), datagram("[fd00::1]:6000")];
        write_pcap(&mut out, &datagrams).expect("memory takes everything");
        assert_eq!(out.len(), 24 + (16 + 20 + 8 + 3) + (16 + 40 + 8 + 3));
        let first = &out[24 + 16..][..31];
        assert_eq!(checksum([&first[..20]]), 0, "the IP header sums up");
        let udp = [&first[12..20], &[0, UDP, 0, 11], &first[20..]];
        assert_eq!(checksum(udp), 0, "the UDP datagram sums up");
    }
}
