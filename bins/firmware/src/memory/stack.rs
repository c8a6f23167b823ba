//! The memory of the network stack.

use chatapp_smoltcp::smoltcp::iface::SocketStorage;
use chatapp_smoltcp::smoltcp::socket::udp::PacketMetadata;
use chatapp_smoltcp::{ParkedSlot, StackStorage};

use super::take;

/// Datagrams that wait for the hardware address of their next hop.
const PARKED: usize = 2;
/// Longest packet of the network.
const PACKET_LEN_MAX: usize = 1_500;

/// The memory of the network stack; `None` if it is taken.
pub fn stack() -> Option<StackStorage<'static>> {
    Some(StackStorage {
        sockets: take!(SocketStorage<'static>, SocketStorage::EMPTY, 1),
        packets: [
            take!(PacketMetadata, PacketMetadata::EMPTY, 1),
            take!(PacketMetadata, PacketMetadata::EMPTY, 1),
        ],
        received: take!(u8, 0, PACKET_LEN_MAX),
        sent: take!(u8, 0, PACKET_LEN_MAX),
        parked: take!(ParkedSlot, ParkedSlot::VACANT, PARKED),
    })
}
