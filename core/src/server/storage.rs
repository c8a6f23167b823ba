//! The memory of a server, provided by the caller.

use super::channel_log::LogSlot;
use super::in_flight::InFlightSlot;
use super::journal::JournalSlot;
use super::mailboxes::MailSlot;
use super::name_slot::NameSlot;
use super::quotas::SourceSlot;
use super::table::ChangeSlot;
use crate::containers::CountSlot;
use crate::session::ConnectionSlot;

/// The slices that a server works in. The caller sizes them once: statics on a microcontroller, the
/// heap elsewhere. All slots must be `VACANT`, all words zero.
#[derive(Debug)]
pub struct ServerStorage<'a> {
    /// One slot for each name that the room can hold.
    pub names: &'a mut [NameSlot],
    /// One slot for each name.
    pub connections: &'a mut [ConnectionSlot],
    /// At least two words for each name.
    pub name_index: &'a mut [u32],
    /// At least two slots for each name; four make the search shorter.
    pub name_counts: &'a mut [CountSlot],
    /// At least four words for each name.
    pub session_index: &'a mut [u32],
    /// One slot for each source (address or network) that may be busy at a time; at least one.
    pub sources: &'a mut [SourceSlot],
    /// Frames in flight, divided evenly among the clients; at least two for each.
    pub in_flight: &'a mut [InFlightSlot],
    /// The latest changes of the table; a client that is further behind gets the whole table.
    pub changes: &'a mut [ChangeSlot],
    /// One slot for each message that can be stored.
    pub mail: &'a mut [MailSlot],
    /// The encrypted texts of stored messages, each 80 bytes longer than its text. Each takes one
    /// word for each four bytes, and one more. 272 words for each message are always enough; more
    /// than `2^26-1` are an error.
    pub mail_texts: &'a mut [u32],
    /// At least one slot for each message; twice as many make the search shorter.
    pub mail_counts: &'a mut [CountSlot],
    /// One slot for each entry of the channel log.
    pub log: &'a mut [LogSlot],
    /// The texts of the channel log. Each takes one word for each four bytes and one more, at least
    /// three; none for up to three bytes. 251 words for each entry are always enough; more than
    /// `2^26-1` are an error.
    pub log_texts: &'a mut [u32],
    /// One slot for each record that may wait for an answer of the store.
    pub journal: &'a mut [JournalSlot],
}
