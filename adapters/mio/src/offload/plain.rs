//! Fallback without offload.

use std::io;
use std::net::SocketAddr;

use chatapp_core::limits::RECEIVE_LEN;
use mio::net::UdpSocket;

pub(crate) const RECEIVED_LEN_MAX: usize = RECEIVE_LEN;

pub(crate) fn enable(_: &UdpSocket) -> bool {
    false
}

/// Receives the next datagram: its length twice, and its source.
pub(crate) fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
) -> io::Result<(usize, usize, SocketAddr)> {
    let (len, from) = socket.recv_from(buffer)?;
    Ok((len, len, from))
}

pub(crate) fn send(_: &UdpSocket, _: SocketAddr, _: &[u8], _: u16) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
