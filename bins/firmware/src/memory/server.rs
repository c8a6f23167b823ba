//! The memory of a server.

use chatapp_core::{
    ChangeSlot, FlightSlot, JournalSlot, LogSlot, MailSlot, NameSlot, ServerStorage, SourceSlot,
};

use super::{ROOM, WINDOW};

/// Frames on the way to each client.
const FLIGHTS: usize = 2 * WINDOW as usize;
/// Messages for those who are away, entries of the channel log, and words of four bytes for the texts of each.
const MAIL: usize = ROOM;
const LOG: usize = ROOM;
const TEXT_WORDS: usize = 768;
/// Records on the way to the store, which takes each at once.
const JOURNAL: usize = 8;

/// The memory of one server. All of it is zero at first.
#[derive(Debug)]
pub struct ServerMemory {
    names: [NameSlot; ROOM],
    name_index: [u32; 2 * ROOM],
    session_index: [u32; 4 * ROOM],
    sources: [SourceSlot; ROOM],
    flights: [FlightSlot; FLIGHTS * ROOM],
    changes: [ChangeSlot; 2 * ROOM],
    mail: [MailSlot; MAIL],
    mail_texts: [u32; TEXT_WORDS],
    log: [LogSlot; LOG],
    log_texts: [u32; TEXT_WORDS],
    journal: [JournalSlot; JOURNAL],
}

impl ServerMemory {
    /// Unused memory.
    pub const VACANT: Self = Self {
        names: [NameSlot::VACANT; ROOM],
        name_index: [0; 2 * ROOM],
        session_index: [0; 4 * ROOM],
        sources: [SourceSlot::VACANT; ROOM],
        flights: [FlightSlot::VACANT; FLIGHTS * ROOM],
        changes: [ChangeSlot::VACANT; 2 * ROOM],
        mail: [MailSlot::VACANT; MAIL],
        mail_texts: [0; TEXT_WORDS],
        log: [LogSlot::VACANT; LOG],
        log_texts: [0; TEXT_WORDS],
        journal: [JournalSlot::VACANT; JOURNAL],
    };

    /// What to hand to the server.
    pub fn storage(&mut self) -> ServerStorage<'_> {
        ServerStorage {
            names: &mut self.names,
            name_index: &mut self.name_index,
            session_index: &mut self.session_index,
            sources: &mut self.sources,
            flights: &mut self.flights,
            changes: &mut self.changes,
            mail: &mut self.mail,
            mail_texts: &mut self.mail_texts,
            log: &mut self.log,
            log_texts: &mut self.log_texts,
            journal: &mut self.journal,
        }
    }
}
