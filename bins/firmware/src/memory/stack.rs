//! The memory of the network stack.

use chatapp_core::limits::{DATAGRAM_LEN_MAX, RECEIVE_LEN};
use chatapp_smoltcp::smoltcp::iface::SocketStorage;
use chatapp_smoltcp::smoltcp::socket::udp::PacketMetadata;
use chatapp_smoltcp::{PendingSlot, StackStorage};

/// Datagrams that wait for neighbour resolution.
const PENDING: usize = 1;

/// Tables of one network stack. They are not zero at first, so they take room in the image.
#[derive(Debug)]
pub struct StackTables<'a> {
    sockets: [SocketStorage<'a>; 1],
    packets: [[PacketMetadata; 1]; 2],
}

/// Buffers of one network stack, all zero at first.
#[derive(Debug)]
pub struct StackBuffers {
    received: [u8; RECEIVE_LEN],
    sent: [u8; DATAGRAM_LEN_MAX],
    pending: [PendingSlot; PENDING],
}

impl StackBuffers {
    /// Memory that no stack uses yet.
    pub const VACANT: Self = Self {
        received: [0; RECEIVE_LEN],
        sent: [0; DATAGRAM_LEN_MAX],
        pending: [PendingSlot::VACANT; PENDING],
    };
}

impl<'a> StackTables<'a> {
    /// Memory that no stack uses yet.
    pub const VACANT: Self = Self {
        sockets: [SocketStorage::EMPTY; 1],
        packets: [[PacketMetadata::EMPTY; 1]; 2],
    };

    /// Returns the storage for the stack.
    pub fn storage(&'a mut self, buffers: &'a mut StackBuffers) -> StackStorage<'a> {
        let [received, sent] = &mut self.packets;
        StackStorage {
            sockets: &mut self.sockets,
            packets: [received, sent],
            received: &mut buffers.received,
            sent: &mut buffers.sent,
            pending: &mut buffers.pending,
        }
    }
}
