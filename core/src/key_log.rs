//! Keys for tools that read captured datagrams (`--keylog`, dissectors, the simulator): told only where the caller has
//! handed in room for them.

use core::fmt;

use zeroize::Zeroize;

use crate::hop::Hop;
use crate::name::Name;
use crate::seal::{KEY_LEN, Letters};

/// A key that has just come into use. Whoever has it reads everything that is sealed with it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoggedKey {
    /// Datagrams that are sent to this session id are sealed with this key, from counter 0 on. Both directions of a
    /// session are told, one after the other. A request that is answered again, by a server that was started anew, makes
    /// two keys for one id.
    Session {
        /// The id in the datagrams.
        id: u64,
        /// Their first key; the following ones come from it ([`Session`](crate::seal::Session)).
        key: [u8; KEY_LEN],
    },
    /// The private messages of one process to one name are sealed with this key. May be told again.
    Letters {
        /// The sender's process.
        incarnation: u64,
        /// The recipient.
        to: Name,
        /// The key.
        key: [u8; KEY_LEN],
    },
    /// There was no room for this many further keys.
    Lost {
        /// How many.
        count: u32,
    },
}

impl fmt::Debug for LoggedKey {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session { id, .. } => write!(f, "Session({id:016x}, ..)"),
            Self::Letters {
                incarnation, to, ..
            } => write!(f, "Letters({incarnation:016x} to {to}, ..)"),
            Self::Lost { count } => write!(f, "Lost({count})"),
        }
    }
}

/// Room for one key that waits to be polled.
#[derive(Clone, Debug)]
pub struct KeySlot(Option<LoggedKey>);

impl KeySlot {
    /// A slot with nothing in it.
    pub const VACANT: Self = Self(None);
}

/// Keys that wait to be polled, in the order in which they came. Without slots it is off.
pub(crate) struct KeyLog<'a> {
    slots: &'a mut [KeySlot],
    first: usize,
    used: usize,
    lost: u32,
}

impl<'a> KeyLog<'a> {
    pub(crate) fn new(slots: &'a mut [KeySlot]) -> Self {
        Self {
            slots,
            first: 0,
            used: 0,
            lost: 0,
        }
    }

    /// A session has been agreed on.
    pub(crate) fn note_session(&mut self, hop: &Hop) {
        if !self.slots.is_empty() {
            let (send, receive) = hop.session.keys();
            for (id, key) in [(hop.local_id, *receive), (hop.remote_id, *send)] {
                self.push(LoggedKey::Session { id, key });
            }
        }
    }

    /// What the letters of a process to a name are sealed with has been computed.
    pub(crate) fn note_letters(&mut self, incarnation: u64, to: &Name, letters: &Letters) {
        if !self.slots.is_empty() {
            self.push(LoggedKey::Letters {
                incarnation,
                to: to.clone(),
                key: *letters.key(),
            });
        }
    }

    fn place(&self, ahead: usize) -> usize {
        let place = self.first.saturating_add(ahead);
        place.checked_rem(self.slots.len()).unwrap_or_default()
    }

    fn push(&mut self, key: LoggedKey) {
        let place = self.place(self.used);
        match self.slots.get_mut(place) {
            Some(slot) if slot.0.is_none() => {
                slot.0 = Some(key);
                self.used += 1;
            }
            _ => self.lost = self.lost.saturating_add(1),
        }
    }

    pub(crate) fn pop(&mut self) -> Option<LoggedKey> {
        let oldest = self.slots.get_mut(self.first)?.0.take();
        if oldest.is_some() {
            self.first = self.place(1);
            self.used = self.used.saturating_sub(1);
            return oldest;
        }
        let count = core::mem::take(&mut self.lost);
        (count != 0).then_some(LoggedKey::Lost { count })
    }
}

impl Drop for KeyLog<'_> {
    fn drop(&mut self) {
        for slot in &mut *self.slots {
            if let Some(LoggedKey::Session { key, .. } | LoggedKey::Letters { key, .. }) =
                &mut slot.0
            {
                key.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u64) -> LoggedKey {
        LoggedKey::Session {
            id,
            key: [7; KEY_LEN],
        }
    }

    #[test]
    fn keys_come_in_their_order_and_those_without_room_are_counted() {
        let mut slots = [const { KeySlot::VACANT }; 3];
        let mut log = KeyLog::new(&mut slots);
        for round in 0..4 {
            (0..5).for_each(|id| log.push(key(10 * round + id)));
            for id in 0..3 {
                assert_eq!(log.pop(), Some(key(10 * round + id)));
            }
            assert_eq!(log.pop(), Some(LoggedKey::Lost { count: 2 }));
            assert_eq!(log.pop(), None);
        }
        log.push(key(1));
        log.push(key(2));
        assert_eq!(log.pop(), Some(key(1)));
        log.push(key(3));
        assert_eq!(log.pop(), Some(key(2)));
        assert_eq!(log.pop(), Some(key(3)));
    }

    #[test]
    fn a_log_without_room_is_off() {
        let mut log = KeyLog::new(&mut []);
        let mut hop = Hop::VACANT;
        hop.local_id = 1;
        log.note_session(&hop);
        assert_eq!(log.pop(), None);
    }

    #[test]
    fn keys_are_not_printed() {
        assert_eq!(
            std::format!("{:?}", key(1)),
            "Session(0000000000000001, ..)"
        );
    }
}
