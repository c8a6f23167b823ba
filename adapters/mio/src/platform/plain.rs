//! Fallback without offload.

use std::io;
use std::net::{IpAddr, SocketAddr};

use chatapp_core::limits::RECEIVE_LEN;
use mio::net::UdpSocket;

use crate::arrived::Arrived;

pub(crate) const RECEIVED_LEN_MAX: usize = RECEIVE_LEN;

pub(crate) fn enable(_: &UdpSocket) -> bool {
    false
}

pub(crate) fn enable_local_addresses(_: &UdpSocket, _: bool) {}

/// Receives the next datagram.
pub(crate) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Arrived> {
    let (len, from) = socket.recv_from(buffer)?;
    Ok(Arrived {
        len,
        segment_len: len,
        from,
        to: None,
    })
}

pub(crate) fn send(
    _: &UdpSocket,
    _: SocketAddr,
    _: Option<IpAddr>,
    _: &[u8],
    _: Option<u16>,
) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
