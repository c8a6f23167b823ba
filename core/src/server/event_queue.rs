//! The events that wait to be polled.

use core::net::SocketAddr;

use super::event::{Departure, ServerEvent};
use crate::address::PackedAddress;
use crate::name::Name;
use crate::time::Instant;
use crate::wire::Refusal;

/// Milliseconds between two events that any sender can cause at will.
const LIMITED_MS: u64 = 5_000;
/// Maximum number of events that wait to be polled.
const EVENTS_MAX: usize = 16;

/// A waiting event, with slots in place of names.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    Registered {
        slot: u32,
        returning: bool,
    },
    Departed {
        slot: u32,
        reason: Departure,
    },
    Refused {
        name: Name,
        address: PackedAddress,
        reason: Refusal,
    },
    ForeignVersion {
        address: PackedAddress,
        version: u8,
    },
    Throttled {
        slot: u32,
    },
    Forgotten {
        slot: u32,
    },
    StoreFailed,
    StoreRecovered,
}

/// The events that wait to be polled, at most 16.
pub(super) struct EventQueue {
    events: heapless::Deque<Pending, EVENTS_MAX>,
    /// Number of events that found no room.
    lost: u32,
    limited_until: Instant,
    /// The name in the refusal that was polled last; the event borrows it.
    refused_name: Name,
}

impl EventQueue {
    /// Creates an empty queue.
    pub(super) const fn new() -> Self {
        Self {
            events: heapless::Deque::new(),
            lost: 0,
            limited_until: Instant::ZERO,
            refused_name: Name::VACANT,
        }
    }

    /// Returns whether the queue is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Appends an event, or counts it as lost if there is no room.
    pub(super) fn push(&mut self, event: Pending) {
        if self.events.push_back(event).is_err() {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Appends an event that any sender can cause, at most once in 5 s. The counters count the
    /// rest.
    pub(super) fn push_limited(&mut self, event: Pending, now: Instant) {
        if now >= self.limited_until {
            self.limited_until = now.plus_millis(LIMITED_MS);
            self.push(event);
        }
    }

    /// Returns the next event; `client` returns the name and the address of the client in a slot.
    pub(super) fn poll<'e>(
        &'e mut self,
        client: impl Fn(u32) -> (&'e str, SocketAddr),
    ) -> Option<ServerEvent<'e>> {
        let Some(pending) = self.events.pop_front() else {
            let count = core::mem::take(&mut self.lost);
            return (count != 0).then_some(ServerEvent::EventsLost { count });
        };
        Some(match pending {
            Pending::Registered { slot, returning } => {
                let (name, address) = client(slot);
                ServerEvent::Registered {
                    name,
                    address,
                    returning,
                }
            }
            Pending::Departed { slot, reason } => ServerEvent::Departed {
                name: client(slot).0,
                reason,
            },
            Pending::Refused {
                name,
                address,
                reason,
            } => {
                // The event borrows the name, which must outlive the queue's entry.
                self.refused_name = name;
                ServerEvent::Refused {
                    name: self.refused_name.as_str(),
                    address: address.get(),
                    reason,
                }
            }
            Pending::ForeignVersion { address, version } => ServerEvent::ForeignVersion {
                address: address.get(),
                version,
            },
            Pending::Throttled { slot } => ServerEvent::Throttled {
                name: client(slot).0,
            },
            Pending::Forgotten { slot } => ServerEvent::Forgotten {
                name: client(slot).0,
            },
            Pending::StoreFailed => ServerEvent::StoreFailed,
            Pending::StoreRecovered => ServerEvent::StoreRecovered,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(events: &mut EventQueue) -> Option<ServerEvent<'_>> {
        let address = SocketAddr::from(([192, 0, 2, 1], 1));
        events.poll(|_| ("alice", address))
    }

    #[test]
    fn counts_events_without_room() {
        let mut events = EventQueue::new();
        for slot in 0..EVENTS_MAX + 2 {
            events.push(Pending::Throttled { slot: slot as u32 });
        }
        for _ in 0..EVENTS_MAX {
            let event = poll(&mut events);
            assert_eq!(event, Some(ServerEvent::Throttled { name: "alice" }));
        }
        let lost = ServerEvent::EventsLost { count: 2 };
        assert_eq!(poll(&mut events), Some(lost));
        assert_eq!(poll(&mut events), None);
    }

    #[test]
    fn limits_events_to_one_every_five_seconds() {
        let mut events = EventQueue::new();
        for at_ms in [1, 5_000, 5_001] {
            let now = Instant::from_millis(at_ms);
            events.push_limited(Pending::StoreFailed, now);
        }
        assert!(poll(&mut events).is_some() && poll(&mut events).is_some());
        assert_eq!(poll(&mut events), None);
    }
}
