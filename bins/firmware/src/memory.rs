//! How large the room is, and where everything lies: statics, each taken once.

use chatapp_core::{
    ChangeSlot, ClientStorage, FlightSlot, JournalSlot, LogSlot, MailSlot, NameSlot, OutboxSlot,
    PeerSlot, ServerStorage, SourceSlot, WindowSlot,
};
use chatapp_smoltcp::smoltcp::iface::SocketStorage;
use chatapp_smoltcp::smoltcp::socket::udp::PacketMetadata;
use chatapp_smoltcp::{ParkedSlot, StackStorage};
use static_cell::ConstStaticCell;

/// People in the room, oneself included: `CHATAPP_ROOM` when this was built, 8 if it was not set.
pub const ROOM: usize = match usize::from_str_radix(env!("CHATAPP_ROOM"), 10) {
    Ok(room) if room > 1 => room,
    _ => panic!("CHATAPP_ROOM is a number of people, at least 2"),
};

/// Numbered frames that each other side may have on the way to us.
pub const WINDOW: u16 = 4;

/// Commands of the client that are not settled.
const COMMANDS: usize = 4;

/// What the server keeps: messages for those who are away, and the channel log, and words of four bytes for their texts.
const MAIL: usize = 4 * ROOM;
const LOG: usize = 2 * ROOM;
const TEXT_WORDS: usize = 1_024;
/// Records on the way to the store, which takes each at once.
const JOURNAL: usize = 8;

/// Datagrams that wait for the hardware address of their next hop.
const PARKED: usize = 2;
/// Longest packet of the network.
const PACKET_LEN_MAX: usize = 1_500;

/// A static array of vacant slots, taken where this stands. It can be taken once: `None` after that.
macro_rules! take {
    ($slot:ty, $vacant:expr, $count:expr) => {{
        static CELL: ConstStaticCell<[$slot; $count]> = ConstStaticCell::new([$vacant; $count]);
        CELL.try_take()?
    }};
}

/// The memory of the client; `None` if it is taken.
pub fn client() -> Option<ClientStorage<'static>> {
    Some(ClientStorage {
        peers: take!(PeerSlot, PeerSlot::VACANT, ROOM + 1),
        names: take!(u32, 0, 2 * (ROOM + 1)),
        sessions: take!(u32, 0, 4 * (ROOM + 1)),
        outbox: take!(OutboxSlot, OutboxSlot::VACANT, COMMANDS),
        windows: take!(WindowSlot, WindowSlot::VACANT, ROOM),
    })
}

/// The memory of the server; `None` if it is taken.
pub fn server() -> Option<ServerStorage<'static>> {
    Some(ServerStorage {
        names: take!(NameSlot, NameSlot::VACANT, ROOM),
        name_index: take!(u32, 0, 2 * ROOM),
        session_index: take!(u32, 0, 4 * ROOM),
        sources: take!(SourceSlot, SourceSlot::VACANT, ROOM),
        flights: take!(FlightSlot, FlightSlot::VACANT, ROOM * WINDOW as usize),
        changes: take!(ChangeSlot, ChangeSlot::VACANT, 2 * ROOM),
        mail: take!(MailSlot, MailSlot::VACANT, MAIL),
        mail_texts: take!(u32, 0, TEXT_WORDS),
        log: take!(LogSlot, LogSlot::VACANT, LOG),
        log_texts: take!(u32, 0, TEXT_WORDS),
        journal: take!(JournalSlot, JournalSlot::VACANT, JOURNAL),
    })
}

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
