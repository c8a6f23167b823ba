//! `UDP_SEGMENT` and `UDP_GRO` (`man 7 udp`), `IP_PKTINFO` (`man 7 ip`) and `IPV6_PKTINFO`
//! (RFC 3542).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

use libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use mio::net::UdpSocket;
use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo, UdpGroSegment, UdpGsoSegment};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt,
};

use crate::arrived::Arrived;

/// Maximum number of bytes that the kernel returns at once.
pub(crate) const RECEIVED_LEN_MAX: usize = 65_535;

/// Buffer for the segment length and other control messages that the kernel may add to a datagram.
#[repr(align(8))]
struct Control([u8; 256]);

/// Lets [`receive`] return several datagrams at once, if the kernel supports this. Returns whether
/// the caller may use [`send`]: an older kernel would send all datagrams as one. Sets no length for
/// every datagram.
pub(crate) fn enable(socket: &UdpSocket) -> bool {
    let sends = setsockopt(socket, UdpGsoSegment, &0).is_ok();
    // Receive offload is the younger of the two (Linux 5.0), so it implies send offload.
    let receives = setsockopt(socket, UdpGroSegment, &true).is_ok();
    sends && receives
}

/// Lets [`receive`] return the local address that a datagram was sent to. A kernel that cannot do
/// so leaves it out.
pub(crate) fn enable_local_addresses(socket: &UdpSocket, is_ipv6: bool) {
    // An IPv6 socket tells it of IPv4 datagrams, too, as a mapped address.
    let _ = if is_ipv6 {
        setsockopt(socket, Ipv6RecvPacketInfo, &true)
    } else {
        setsockopt(socket, Ipv4PacketInfo, &true)
    };
}

/// Receives the next datagrams.
pub(crate) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Arrived> {
    let mut control = Control([0; 256]);
    let mut parts = [IoSliceMut::new(buffer)];
    let received = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut control.0),
        MsgFlags::empty(),
    )?;
    let (mut segment_len, mut to) = (None, None);
    for fact in received.cmsgs()? {
        match fact {
            // With a length of 0, the caller would return empty datagrams for ever.
            ControlMessageOwned::UdpGroSegments(len) => {
                segment_len = usize::try_from(len).ok().filter(|len| *len != 0);
            }
            // Of a broadcast, this is the address to answer from.
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let ip = Ipv4Addr::from(info.ipi_spec_dst.s_addr.to_ne_bytes());
                to = Some(IpAddr::V4(ip));
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                to = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).to_canonical());
            }
            _ => {}
        }
    }
    let from = received.address.as_ref().and_then(address);
    let from = from.ok_or(io::ErrorKind::InvalidData)?;
    let len = received.bytes;
    Ok(Arrived {
        len,
        segment_len: segment_len.unwrap_or(len),
        from,
        to,
    })
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| (*v4).into());
    let v6 = || storage.as_sockaddr_in6().map(|v6| (*v6).into());
    v4.map(SocketAddr::V4).or_else(|| v6().map(SocketAddr::V6))
}

/// Sends datagrams of this length; the last one may be shorter. They leave from this local address
/// (mapped, on an IPv6 socket), or from the kernel's choice.
pub(crate) fn send(
    socket: &UdpSocket,
    to: SocketAddr,
    from: Option<IpAddr>,
    datagrams: &[u8],
    segment_len: Option<u16>,
) -> io::Result<()> {
    let (v4, v6);
    let source = match from {
        None => None,
        Some(IpAddr::V4(ip)) => {
            v4 = packet_info_v4(ip);
            Some(ControlMessage::Ipv4PacketInfo(&v4))
        }
        Some(IpAddr::V6(ip)) => {
            v6 = packet_info_v6(ip);
            Some(ControlMessage::Ipv6PacketInfo(&v6))
        }
    };
    let segments = segment_len.as_ref().map(ControlMessage::UdpGsoSegments);
    let facts: Vec<_> = [source, segments].into_iter().flatten().collect();
    sendmsg(
        socket.as_raw_fd(),
        &[IoSlice::new(datagrams)],
        &facts,
        MsgFlags::empty(),
        Some(&SockaddrStorage::from(to)),
    )?;
    Ok(())
}

/// The interface is that of the route.
fn packet_info_v4(ip: Ipv4Addr) -> in_pktinfo {
    in_pktinfo {
        ipi_ifindex: 0,
        ipi_spec_dst: in_addr {
            s_addr: u32::from_ne_bytes(ip.octets()),
        },
        ipi_addr: in_addr { s_addr: 0 },
    }
}

/// The interface is that of the route, or of the scope of the destination.
fn packet_info_v6(ip: Ipv6Addr) -> in6_pktinfo {
    in6_pktinfo {
        ipi6_addr: in6_addr {
            s6_addr: ip.octets(),
        },
        ipi6_ifindex: 0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chatapp_core::limits::RECEIVE_LEN;

    use super::*;
    use crate::gso_buffer::GsoBuffer;
    use crate::socket::{Received, Socket};

    #[test]
    fn answers_from_the_address_that_was_asked() {
        let mut server = Socket::bind(None, 0).unwrap();
        let server_at = |ip: &str| {
            let ip: IpAddr = ip.parse().unwrap();
            SocketAddr::new(ip, server.local_addr().port())
        };
        let asked = ["127.0.0.2", "127.0.0.1", "127.0.0.3"].map(server_at);
        let mut gso = GsoBuffer::new();
        let mut buffer = [0; RECEIVE_LEN];
        let client = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let timeout = Some(Duration::from_secs(10));
        client.set_read_timeout(timeout).unwrap();
        for to in asked {
            client.send_to(&[1], to).unwrap();
            while gso.receive(&mut server, &mut buffer) == Received::Nothing {
                std::thread::yield_now();
            }
            // A burst, and one alone.
            for number in [3, 1] {
                for at in 0..number {
                    let client = client.local_addr().unwrap();
                    assert_eq!(gso.send(&mut server, client, &[at; 9]), Ok(()));
                }
                assert_eq!(gso.flush(&mut server), Ok(()));
            }
            for _ in 0..4 {
                assert_eq!(client.recv_from(&mut buffer).unwrap(), (9, to));
            }
        }
    }
}
