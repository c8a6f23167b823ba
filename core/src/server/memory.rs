//! The memory of a server as one value.

use super::channel_log::LogSlot;
use super::in_flight::InFlightSlot;
use super::journal::JournalSlot;
use super::mailboxes::MailSlot;
use super::name_slot::NameSlot;
use super::quotas::SourceSlot;
use super::storage::ServerStorage;
use super::table::ChangeSlot;
use crate::containers::CountSlot;
use crate::session::ConnectionSlot;

/// Number of sources with rate limits of their own at a time: those of a small room.
const SOURCES: usize = 8;

/// All memory of one server, sized at compile time: a static on a microcontroller, or a value on
/// the heap. New memory is all zero bits, so a static takes no room in an image.
///
/// * `NAMES`: names that the room can hold, at least 1.
/// * `FRAMES`: frames that may be in flight to each client, at least 2.
/// * `MESSAGES`: stored messages, and as many entries of the channel log.
/// * `WORDS`: words of four bytes for the texts of stored messages, and as many for those of the
///   log. 272 for each message are always enough.
/// * `RECORDS`: records that may wait for an answer of the store, at least 1.
///
/// Only this type is generic: [`Server`](crate::Server) borrows slices.
#[derive(Debug)]
pub struct ServerMemory<
    const NAMES: usize,
    const FRAMES: usize,
    const MESSAGES: usize,
    const WORDS: usize,
    const RECORDS: usize,
> {
    names: [NameSlot; NAMES],
    connections: [ConnectionSlot; NAMES],
    name_index: [[u32; 2]; NAMES],
    name_counts: [[CountSlot; 2]; NAMES],
    session_index: [[u32; 4]; NAMES],
    sources: [SourceSlot; SOURCES],
    in_flight: [[InFlightSlot; FRAMES]; NAMES],
    changes: [[ChangeSlot; 2]; NAMES],
    mail: [MailSlot; MESSAGES],
    mail_texts: [u32; WORDS],
    mail_counts: [CountSlot; MESSAGES],
    log: [LogSlot; MESSAGES],
    log_texts: [u32; WORDS],
    journal: [JournalSlot; RECORDS],
}

impl<
    const NAMES: usize,
    const FRAMES: usize,
    const MESSAGES: usize,
    const WORDS: usize,
    const RECORDS: usize,
> ServerMemory<NAMES, FRAMES, MESSAGES, WORDS, RECORDS>
{
    /// Creates unused memory.
    pub const fn new() -> Self {
        const { assert!(NAMES >= 1 && FRAMES >= 2 && MESSAGES >= 1 && RECORDS >= 1) };
        const { assert!(WORDS >= 3, "a text pool has at least three words") };
        Self {
            names: [NameSlot::VACANT; NAMES],
            connections: [ConnectionSlot::VACANT; NAMES],
            name_index: [[0; 2]; NAMES],
            name_counts: [[CountSlot::VACANT; 2]; NAMES],
            session_index: [[0; 4]; NAMES],
            sources: [SourceSlot::VACANT; SOURCES],
            in_flight: [[InFlightSlot::VACANT; FRAMES]; NAMES],
            changes: [[ChangeSlot::VACANT; 2]; NAMES],
            mail: [MailSlot::VACANT; MESSAGES],
            mail_texts: [0; WORDS],
            mail_counts: [CountSlot::VACANT; MESSAGES],
            log: [LogSlot::VACANT; MESSAGES],
            log_texts: [0; WORDS],
            journal: [JournalSlot::VACANT; RECORDS],
        }
    }

    /// Returns the slices for [`Server::new`](crate::Server::new).
    pub fn storage(&mut self) -> ServerStorage<'_> {
        ServerStorage {
            names: &mut self.names,
            connections: &mut self.connections,
            name_index: self.name_index.as_flattened_mut(),
            name_counts: self.name_counts.as_flattened_mut(),
            session_index: self.session_index.as_flattened_mut(),
            sources: &mut self.sources,
            in_flight: self.in_flight.as_flattened_mut(),
            changes: self.changes.as_flattened_mut(),
            mail: &mut self.mail,
            mail_texts: &mut self.mail_texts,
            mail_counts: &mut self.mail_counts,
            log: &mut self.log,
            log_texts: &mut self.log_texts,
            journal: &mut self.journal,
        }
    }
}

impl<
    const NAMES: usize,
    const FRAMES: usize,
    const MESSAGES: usize,
    const WORDS: usize,
    const RECORDS: usize,
> Default for ServerMemory<NAMES, FRAMES, MESSAGES, WORDS, RECORDS>
{
    fn default() -> Self {
        Self::new()
    }
}
