//! Where the server's records go.

use std::collections::VecDeque;

use chatapp_core::{Instant, Record, Server, StoreFailed, Ticket};

/// Keeps the records of a server, in the order it gets them.
///
/// The server holds back whatever depends on a record until its ticket comes back. A journal that works beside
/// the event loop wakes it ([`Waker`](crate::Waker)) when a ticket is ready.
pub trait Journal {
    /// Takes over a record; it may wait for [`submit`](Self::submit), so that several are stored together. Its ticket
    /// comes out of [`poll_stored`](Self::poll_stored) when it is safe, or lost.
    /// The server has at most as many records on the way as it was given journal slots.
    fn store(&mut self, ticket: Ticket, record: Record<'_>);

    /// Lets all that was taken over be stored. To be called once behind each turn, before the sleep: what a burst of
    /// datagrams brings is then stored together, and costs one wake-up of whoever stores it.
    fn submit(&mut self) {}

    /// The next ticket whose fate is known.
    fn poll_stored(&mut self) -> Option<(Ticket, Result<(), StoreFailed>)>;

    /// Why records could not be stored, the last time that it happened, for people.
    fn failure(&self) -> Option<String> {
        None
    }

    /// Hands all that waits from the server to the journal, and back. What the journal got need not be on its way to the
    /// disk before [`submit`](Self::submit).
    fn exchange(&mut self, server: &mut Server<'_>, now: Instant) {
        loop {
            while let Some(persist) = server.poll_persist() {
                self.store(persist.ticket, persist.record);
            }
            // What was held back for a ticket may give further records.
            let Some((ticket, result)) = self.poll_stored() else {
                return;
            };
            server.handle_stored(now, ticket, result);
        }
    }
}

/// Keeps nothing: what the server knows lives as long as its process.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    stored: VecDeque<Ticket>,
}

impl Journal for MemoryJournal {
    fn store(&mut self, ticket: Ticket, _record: Record<'_>) {
        self.stored.push_back(ticket);
    }

    fn poll_stored(&mut self) -> Option<(Ticket, Result<(), StoreFailed>)> {
        self.stored.pop_front().map(|ticket| (ticket, Ok(())))
    }
}
