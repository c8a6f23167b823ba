//! The memory of a server, handed in by the caller.

use super::channel_log::LogSlot;
use super::in_flight::FlightSlot;
use super::journal::JournalSlot;
use super::mailboxes::MailSlot;
use super::name_slot::NameSlot;
use super::quotas::SourceSlot;
use super::table::ChangeSlot;
use crate::session::ConnectionSlot;

/// The slices that a server works in, sized once by the caller: statics on a microcontroller, the
/// heap elsewhere. All slots must be `VACANT`, all numbers and blocks zero.
#[derive(Debug)]
pub struct ServerStorage<'a> {
    /// One for each name that the room can hold.
    pub names: &'a mut [NameSlot],
    /// One for each name.
    pub connections: &'a mut [ConnectionSlot],
    /// At least two for each name.
    pub name_index: &'a mut [u32],
    /// At least four for each name.
    pub session_index: &'a mut [u32],
    /// One for each address or network that may be busy at a time; at least one.
    pub sources: &'a mut [SourceSlot],
    /// Frames on the way: divided evenly, this many may be unacknowledged by each client; at least
    /// two for each.
    pub flights: &'a mut [FlightSlot],
    /// The latest changes of the table; a client that is further behind gets the whole table.
    pub changes: &'a mut [ChangeSlot],
    /// One for each message that can be stored.
    pub mail: &'a mut [MailSlot],
    /// The encrypted texts of stored messages, each 80 bytes longer than its text: one word for
    /// each four bytes and one more. 271 for each message are always enough; at most 2^26 - 1.
    pub mail_texts: &'a mut [u32],
    /// One for each entry of the channel log.
    pub log: &'a mut [LogSlot],
    /// The texts of the channel log: one for each four bytes and one more, at least three; none
    /// for up to three bytes. 251 for each entry are always enough; at most 2^26 - 1.
    pub log_texts: &'a mut [u32],
    /// Records that may be with the store at a time.
    pub journal: &'a mut [JournalSlot],
}
