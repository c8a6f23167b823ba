//! The process that has a name.

use crate::address::PackedAddress;
use crate::crypto::PublicKey;

/// Number of replaced processes that the server remembers for one name.
const PREVIOUS: usize = 4;

/// The process that has a name, and its latest session.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Process {
    incarnation: u64,
    /// When the cookie of the latest session was issued: an older one marks a replayed request.
    cookie_issued_at_ms: u64,
    /// The key that the name belongs to.
    key: PublicKey,
    /// The address that the process receives at.
    address: PackedAddress,
    /// Session sequence of the latest session: a request with a lower one is old.
    session_sequence: u32,
    /// Replaced processes, by 32 bits of their incarnations.
    previous: [u32; PREVIOUS],
}

/// A session that a process starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionStart {
    pub(super) incarnation: u64,
    pub(super) session_sequence: u32,
    pub(super) key: PublicKey,
    pub(super) address: PackedAddress,
    pub(super) cookie_issued_at_ms: u64,
}

fn short(incarnation: u64) -> u32 {
    let [a, b, c, d, ..] = incarnation.to_le_bytes();
    u32::from_le_bytes([a, b, c, d]).max(1)
}

impl Process {
    /// No process; all zero bits.
    pub(super) const VACANT: Self = Self {
        incarnation: 0,
        cookie_issued_at_ms: 0,
        key: PublicKey::NONE,
        address: PackedAddress::VACANT,
        session_sequence: 0,
        previous: [0; PREVIOUS],
    };

    /// Returns the incarnation; 0 for no process.
    pub(super) fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Returns the key that the name belongs to.
    pub(super) fn key(&self) -> PublicKey {
        self.key
    }

    /// Returns the key that the name belongs to, without a copy.
    pub(super) fn key_ref(&self) -> &PublicKey {
        &self.key
    }

    /// Returns the address that the process receives at, without a copy.
    pub(super) fn address_ref(&self) -> &PackedAddress {
        &self.address
    }

    /// Returns the address that the process receives at.
    pub(super) fn address(&self) -> PackedAddress {
        self.address
    }

    /// Returns the session sequence of the latest session.
    pub(super) fn session_sequence(&self) -> u32 {
        self.session_sequence
    }

    /// Returns whether no other process had the name before.
    pub(super) fn is_first(&self) -> bool {
        self.previous == [0; PREVIOUS]
    }

    /// Returns the replaced processes, by 32 bits of their incarnations. A provisional process has
    /// not replaced the one before.
    pub(super) fn replaced(&self, is_provisional: bool) -> [u32; PREVIOUS] {
        let mut replaced = self.previous;
        if is_provisional {
            replaced.rotate_left(1);
            if let Some(oldest) = replaced.last_mut() {
                *oldest = 0;
            }
        }
        replaced
    }

    /// Returns whether the name belongs to another key.
    pub(super) fn has_other_key(&self, key: &PublicKey) -> bool {
        self.key != *key && !self.key.is_none()
    }

    /// Returns whether another process has replaced this one. A provisional process has not.
    pub(super) fn was_evicted(&self, incarnation: u64, is_provisional: bool) -> bool {
        self.replaced(is_provisional).contains(&short(incarnation))
    }

    /// Returns whether a cookie is older than that of the latest session.
    pub(super) fn has_newer_cookie(&self, issued_at_ms: u64) -> bool {
        issued_at_ms < self.cookie_issued_at_ms
    }

    /// Begins a session of this process, or of one that replaces it; returns whether the address is
    /// new. A provisional process is forgotten, as it may never have been there.
    pub(super) fn begin(&mut self, start: &SessionStart, is_provisional: bool) -> bool {
        let is_other = self.incarnation != start.incarnation && self.incarnation != 0;
        if is_other && !is_provisional {
            self.previous.rotate_right(1);
            if let Some(latest) = self.previous.first_mut() {
                *latest = short(self.incarnation);
            }
        } else if is_other && self.previous.first() == Some(&short(start.incarnation)) {
            self.previous = self.replaced(true);
        }
        let has_moved = self.address != start.address;
        *self = Self {
            incarnation: start.incarnation,
            cookie_issued_at_ms: start.cookie_issued_at_ms,
            key: start.key,
            address: start.address,
            session_sequence: start.session_sequence,
            previous: self.previous,
        };
        has_moved
    }

    /// Reverts the latest session, which could not be stored.
    pub(super) fn reject(&mut self) {
        self.session_sequence = self.session_sequence.saturating_sub(1);
    }

    /// Sets the address that the process receives at.
    pub(super) fn move_to(&mut self, address: PackedAddress) {
        self.address = address;
    }

    /// Restores the process from the store.
    pub(super) fn restore(&mut self, start: &SessionStart, previous: [u32; PREVIOUS]) {
        *self = Self {
            incarnation: start.incarnation,
            cookie_issued_at_ms: self.cookie_issued_at_ms,
            key: start.key,
            address: start.address,
            session_sequence: start.session_sequence,
            previous,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(incarnation: u64) -> SessionStart {
        SessionStart {
            incarnation,
            session_sequence: 1,
            key: PublicKey([1; 32]),
            address: PackedAddress::VACANT,
            cookie_issued_at_ms: 50,
        }
    }

    #[test]
    fn remembers_four_evicted_processes() {
        let mut process = Process::VACANT;
        for incarnation in 1..=6 {
            assert!(!process.was_evicted(incarnation, false));
            process.begin(&session(incarnation), false);
            process.begin(&session(incarnation), false);
        }
        let evicted = [1, 2, 3, 4, 5, 6].map(|number| process.was_evicted(number, false));
        assert_eq!(evicted, [false, true, true, true, true, false]);
        assert!(process.has_newer_cookie(49) && !process.has_newer_cookie(50));
        assert!(process.has_other_key(&PublicKey([2; 32])));
    }

    #[test]
    fn lets_a_process_return_that_was_not_replaced() {
        let mut process = Process::VACANT;
        process.begin(&session(1), false);
        process.begin(&session(2), false);
        process.begin(&session(3), false);
        assert!(process.was_evicted(2, false));
        assert!(!process.was_evicted(2, true) && process.was_evicted(1, true));
        process.begin(&session(2), true);
        let evicted = [1, 2, 3].map(|number| process.was_evicted(number, false));
        assert_eq!(evicted, [true, false, false]);
        process.begin(&session(4), false);
        process.begin(&session(5), true);
        let evicted = [1, 2, 4].map(|number| process.was_evicted(number, false));
        assert_eq!(evicted, [true, true, false]);
    }
}
