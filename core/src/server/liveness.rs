//! Finds clients that were silent for long.

use super::name_list::NameList;
use crate::containers::{Linked, List, Slots};
use crate::time::Instant;

/// A slot with the time of the last sign of its client.
pub(super) trait Heard: Linked<NameList> {
    /// Returns when the client was last heard from, or probed.
    fn heard_at(&self) -> Instant;
    /// Sets when the client was last heard from, or probed.
    fn set_heard_at(&mut self, at: Instant);
}

/// The clients in the room, by the time they were last heard from.
pub(super) struct Liveness {
    list: List<NameList>,
    silence_ms: u64,
}

impl Liveness {
    /// Creates an empty list of clients that may be silent for `silence_ms`, at least 1 ms.
    pub(super) fn new(silence_ms: u32) -> Self {
        Self {
            list: List::new(NameList::Silence),
            silence_ms: silence_ms.max(1).into(),
        }
    }

    /// Records that a client was heard from or probed; watches it only if it `is_here`.
    pub(super) fn on_heard<T: Heard>(
        &mut self,
        names: &mut Slots<'_, T>,
        slot: u32,
        now: Instant,
        is_here: bool,
    ) {
        names.at_mut(slot).set_heard_at(now);
        self.list.remove(names, slot);
        if is_here {
            self.list.push(names, slot);
        }
    }

    /// Stops to watch a client.
    pub(super) fn remove<T: Heard>(&mut self, names: &mut Slots<'_, T>, slot: u32) {
        self.list.remove(names, slot);
    }

    /// Returns when the next client has been silent for too long.
    pub(super) fn deadline<T: Heard>(&self, names: &Slots<'_, T>) -> Option<Instant> {
        let first = names.at(self.list.first()?);
        Some(first.heard_at().plus_millis(self.silence_ms))
    }

    /// Returns the slot of a client that has been silent for too long.
    pub(super) fn silent<T: Heard>(&self, names: &Slots<'_, T>, now: Instant) -> Option<u32> {
        let slot = self.list.first()?;
        let silence_ms = now.millis_since(names.at(slot).heard_at());
        (silence_ms >= self.silence_ms).then_some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::Link;

    struct Name(Link, Instant);
    impl Linked<NameList> for Name {
        fn link(&self, _: NameList) -> &Link {
            &self.0
        }
        fn link_mut(&mut self, _: NameList) -> &mut Link {
            &mut self.0
        }
    }
    impl Heard for Name {
        fn heard_at(&self) -> Instant {
            self.1
        }
        fn set_heard_at(&mut self, at: Instant) {
            self.1 = at;
        }
    }

    #[test]
    fn finds_the_client_with_the_longest_silence() {
        let mut names = [(); 3].map(|()| Name(Link::VACANT, Instant::ZERO));
        let mut names = Slots::new(&mut names).unwrap();
        let mut liveness = Liveness::new(100);
        let at = Instant::from_millis;
        for (slot, heard_ms, is_here) in [(0, 1, true), (1, 2, true), (2, 3, false), (0, 4, true)] {
            liveness.on_heard(&mut names, slot, at(heard_ms), is_here);
        }
        assert_eq!(liveness.deadline(&names), Some(at(102)));
        assert_eq!(liveness.silent(&names, at(101)), None);
        assert_eq!(liveness.silent(&names, at(102)), Some(1));
        liveness.remove(&mut names, 1);
        assert_eq!(liveness.silent(&names, at(104)), Some(0));
        liveness.on_heard(&mut names, 0, at(104), false);
        assert_eq!(liveness.deadline(&names), None);
    }
}
