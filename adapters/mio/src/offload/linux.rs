//! `UDP_SEGMENT` and `UDP_GRO` (`man 7 udp`).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use mio::net::UdpSocket;
use nix::sys::socket::sockopt::{UdpGroSegment, UdpGsoSegment};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt,
};

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

/// Receives the next datagrams: their bytes, the length of each except the last, and their source.
pub(crate) fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
) -> io::Result<(usize, usize, SocketAddr)> {
    let mut control = Control([0; 256]);
    let mut parts = [IoSliceMut::new(buffer)];
    let received = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut control.0),
        MsgFlags::empty(),
    )?;
    let segment_len = received.cmsgs()?.find_map(|fact| match fact {
        // With a length of 0, the caller would return empty datagrams for ever.
        ControlMessageOwned::UdpGroSegments(len) => {
            usize::try_from(len).ok().filter(|len| *len != 0)
        }
        _ => None,
    });
    let from = received.address.as_ref().and_then(address);
    let from = from.ok_or(io::ErrorKind::InvalidData)?;
    let len = received.bytes;
    Ok((len, segment_len.unwrap_or(len), from))
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| (*v4).into());
    let v6 = || storage.as_sockaddr_in6().map(|v6| (*v6).into());
    v4.map(SocketAddr::V4).or_else(|| v6().map(SocketAddr::V6))
}

/// Sends datagrams of this length; the last one may be shorter.
pub(crate) fn send(
    socket: &UdpSocket,
    to: SocketAddr,
    datagrams: &[u8],
    segment_len: u16,
) -> io::Result<()> {
    sendmsg(
        socket.as_raw_fd(),
        &[IoSlice::new(datagrams)],
        &[ControlMessage::UdpGsoSegments(&segment_len)],
        MsgFlags::empty(),
        Some(&SockaddrStorage::from(to)),
    )?;
    Ok(())
}
