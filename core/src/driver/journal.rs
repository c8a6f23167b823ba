//! The store behind a server.

use crate::server::{Record, Server, StoreFailed, Ticket};
use crate::time::Instant;

/// Stores the records of a [`Server`], in the order in which it gets them.
///
/// The server delays all effects of a record until the journal returns its ticket. A journal on
/// another thread wakes the event loop when a ticket is ready.
pub trait Journal {
    /// Takes a record. The journal may wait for [`submit`](Self::submit), to store several at once.
    ///
    /// [`poll_stored`](Self::poll_stored) returns the ticket once the record is stored or lost. The
    /// journal has at most as many records of the server as the server has journal slots.
    fn store(&mut self, ticket: Ticket, record: Record<'_>);

    /// Starts to store all records that it has taken. Call it once after each poll of the loop,
    /// before parking: it then stores the records of a burst of datagrams at once.
    fn submit(&mut self) {}

    /// Returns the next ticket whose result is known.
    fn poll_stored(&mut self) -> Option<(Ticket, Result<(), StoreFailed>)>;

    /// Returns a message for people: why the journal last failed to store a record.
    fn failure(&self) -> Option<&str> {
        None
    }

    /// Moves records from the server to the journal, and results back, until there are no more.
    /// Call it first after each input: [`poll_persist`](Server::poll_persist) comes before all
    /// other outputs.
    fn exchange(&mut self, server: &mut Server<'_>, now: Instant) {
        loop {
            while let Some(persist) = server.poll_persist() {
                self.store(persist.ticket, persist.record);
            }
            // A result may release further records.
            let Some((ticket, result)) = self.poll_stored() else {
                return;
            };
            server.handle_stored(now, ticket, result);
        }
    }
}

/// A journal that stores nothing, and reports every record as stored: the room lives as long as
/// its process.
#[derive(Debug, Default)]
pub struct NullJournal {
    /// The first ticket without a reported result; the tickets up to `end` are consecutive.
    next: u64,
    end: u64,
}

impl NullJournal {
    /// Creates a journal without tickets.
    pub const fn new() -> Self {
        Self { next: 0, end: 0 }
    }
}

impl Journal for NullJournal {
    fn store(&mut self, ticket: Ticket, _: Record<'_>) {
        if self.next == self.end {
            self.next = ticket.number();
        }
        self.end = ticket.number() + 1;
    }

    fn poll_stored(&mut self) -> Option<(Ticket, Result<(), StoreFailed>)> {
        if self.next == self.end {
            return None;
        }
        self.next += 1;
        Some((Ticket::new(self.next - 1), Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: Record<'static> = Record::Epoch {
        epoch: 0,
        serial: 0,
        log_next: 0,
    };

    #[test]
    fn returns_every_ticket_in_order() {
        let mut journal = NullJournal::new();
        assert_eq!(journal.poll_stored(), None);
        for start in [1, 7] {
            for ticket in start..start + 3 {
                journal.store(Ticket::new(ticket), RECORD);
            }
            for ticket in start..start + 3 {
                assert_eq!(journal.poll_stored(), Some((Ticket::new(ticket), Ok(()))));
            }
            assert_eq!(journal.poll_stored(), None);
        }
    }
}
