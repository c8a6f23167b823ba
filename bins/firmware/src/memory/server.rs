//! The memory of a server.

use chatapp_core::{
    ChangeSlot, FlightSlot, JournalSlot, LogSlot, MailSlot, NameSlot, ServerStorage, SourceSlot,
};

use super::{ROOM, WINDOW, take};

/// Messages for those who are away, entries of the channel log, and words of four bytes for the texts of each.
const MAIL: usize = 2 * ROOM;
const LOG: usize = 2 * ROOM;
const TEXT_WORDS: usize = 1_024;
/// Records on the way to the store, which takes each at once.
const JOURNAL: usize = 8;

/// The memory of the server; `None` if it is taken.
pub fn server() -> Option<ServerStorage<'static>> {
    Some(ServerStorage {
        names: take!(NameSlot, NameSlot::VACANT, ROOM),
        name_index: take!(u32, 0, 2 * ROOM),
        session_index: take!(u32, 0, 4 * ROOM),
        sources: take!(SourceSlot, SourceSlot::VACANT, ROOM),
        flights: take!(FlightSlot, FlightSlot::VACANT, ROOM * 2 * WINDOW as usize),
        changes: take!(ChangeSlot, ChangeSlot::VACANT, 2 * ROOM),
        mail: take!(MailSlot, MailSlot::VACANT, MAIL),
        mail_texts: take!(u32, 0, TEXT_WORDS),
        log: take!(LogSlot, LogSlot::VACANT, LOG),
        log_texts: take!(u32, 0, TEXT_WORDS),
        journal: take!(JournalSlot, JournalSlot::VACANT, JOURNAL),
    })
}
