//! Which clients were silent for long.

use super::name_list::NameList;
use crate::containers::{Linked, List, Slots};
use crate::time::Instant;

/// A slot of a client that is heard of.
pub(super) trait Heard: Linked<NameList> {
    /// Returns when it was last heard of, or probed.
    fn heard_at(&self) -> Instant;
    /// Notes when it was last heard of, or probed.
    fn set_heard_at(&mut self, at: Instant);
}

/// The clients in the room, by the time they were last heard of.
pub(super) struct Liveness {
    list: List<NameList>,
    silence_ms: u64,
}

impl Liveness {
    /// Creates an empty list of clients that may be silent for so many milliseconds.
    pub(super) fn new(silence_ms: u32) -> Self {
        Self {
            list: List::new(NameList::Silence),
            silence_ms: silence_ms.max(1).into(),
        }
    }

    /// Notes that a client was heard of, or is probed; only one that `is_here` is watched.
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

    /// Notes that a client is not watched any more.
    pub(super) fn remove<T: Heard>(&mut self, names: &mut Slots<'_, T>, slot: u32) {
        self.list.remove(names, slot);
    }

    /// Returns when the next client has been silent for too long.
    pub(super) fn deadline<T: Heard>(&self, names: &Slots<'_, T>) -> Option<Instant> {
        let first = names.at(self.list.first()?);
        Some(first.heard_at().plus_millis(self.silence_ms))
    }

    /// Returns the client that has been silent for too long.
    pub(super) fn silent<T: Heard>(&self, names: &Slots<'_, T>, now: Instant) -> Option<u32> {
        let slot = self.list.first()?;
        let silence_ms = now.millis_since(names.at(slot).heard_at());
        (silence_ms >= self.silence_ms).then_some(slot)
    }
}
