//! Clients of an earlier life of the server are told that their sessions are gone, so that they ask
//! for new ones at once.

use super::name_list::NameList;
use crate::containers::{Linked, List, Slots};
use crate::retry::RetryPolicy;
use crate::time::Instant;

/// When a client is told next, and how often it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Notice {
    at: Instant,
    count: u8,
}

impl Notice {
    /// None was sent; all zero bits.
    pub(super) const VACANT: Self = Self {
        at: Instant::ZERO,
        count: 0,
    };
}

/// A slot of a client that may have to be told.
pub(super) trait Noticed: Linked<NameList> {
    /// Returns when it is told next.
    fn notice(&self) -> Notice;
    /// Notes when it is told next.
    fn set_notice(&mut self, notice: Notice);
}

/// The clients that are still to be told, by the time of the next notice.
pub(super) struct RestartNotices {
    list: List<NameList>,
}

impl RestartNotices {
    /// Creates an empty list.
    pub(super) fn new() -> Self {
        Self {
            list: List::new(NameList::Notices),
        }
    }

    /// Notes that a client is to be told.
    pub(super) fn add<T: Noticed>(&mut self, names: &mut Slots<'_, T>, slot: u32, now: Instant) {
        self.list.remove(names, slot);
        names.at_mut(slot).set_notice(Notice { at: now, count: 0 });
        self.list.push(names, slot);
    }

    /// Notes that a client has a new session, or needs none.
    pub(super) fn remove<T: Noticed>(&mut self, names: &mut Slots<'_, T>, slot: u32) {
        self.list.remove(names, slot);
    }

    /// Returns when the next client is to be told.
    pub(super) fn deadline<T: Noticed>(&self, names: &Slots<'_, T>) -> Option<Instant> {
        Some(names.at(self.list.first()?).notice().at)
    }

    /// Returns the client that is to be told now; each is told again as everything is that waits
    /// for an answer.
    pub(super) fn next<T: Noticed>(
        &mut self,
        names: &mut Slots<'_, T>,
        now: Instant,
        retry: RetryPolicy,
    ) -> Option<u32> {
        let slot = self.list.first()?;
        let name = names.at_mut(slot);
        let Notice { at, count } = name.notice();
        if at > now {
            return None;
        }
        let at = now.plus_millis(retry.interval_ms.into());
        name.set_notice(Notice {
            at,
            count: count + 1,
        });
        self.list.remove(names, slot);
        if count < retry.retries {
            self.list.push(names, slot);
        }
        Some(slot)
    }
}
