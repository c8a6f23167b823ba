//! The memory of the network stack.

use chatapp_core::limits::{DATAGRAM_LEN_MAX, RECEIVE_LEN};
use chatapp_smoltcp::smoltcp::iface::SocketStorage;
use chatapp_smoltcp::smoltcp::socket::udp::PacketMetadata;
use chatapp_smoltcp::{ParkedSlot, StackStorage};

use super::take;

/// Datagrams that wait for the hardware address of their next hop.
const PARKED: usize = 1;

/// The memory of the network stack; `None` if it is taken.
pub fn stack() -> Option<StackStorage<'static>> {
    Some(StackStorage {
        sockets: take!(SocketStorage<'static>, SocketStorage::EMPTY, 1),
        packets: [
            take!(PacketMetadata, PacketMetadata::EMPTY, 1),
            take!(PacketMetadata, PacketMetadata::EMPTY, 1),
        ],
        received: take!(u8, 0, RECEIVE_LEN),
        sent: take!(u8, 0, DATAGRAM_LEN_MAX),
        parked: take!(ParkedSlot, ParkedSlot::VACANT, PARKED),
    })
}
