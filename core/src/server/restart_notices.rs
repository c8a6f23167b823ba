//! Restart notices: tell clients of an earlier run of the server that their sessions are gone. They
//! ask for new ones at once.

use super::name_list::NameList;
use crate::containers::{Linked, List, Slots};
use crate::retry::RetryPolicy;
use crate::time::Instant;

/// The time of a client's next notice, and the number of notices sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Notice {
    at: Instant,
    count: u8,
}

impl Notice {
    /// No notice sent; all zero bits.
    pub(super) const VACANT: Self = Self {
        at: Instant::ZERO,
        count: 0,
    };
}

/// A slot of a client that may get notices.
pub(super) trait Noticed: Linked<NameList> {
    /// Returns the state of the client's notices.
    fn notice(&self) -> Notice;
    /// Sets the state of the client's notices.
    fn set_notice(&mut self, notice: Notice);
}

/// The clients that still get notices, by the time of the next one.
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

    /// Adds a client that gets its first notice now.
    pub(super) fn add<T: Noticed>(&mut self, names: &mut Slots<'_, T>, slot: u32, now: Instant) {
        self.list.remove(names, slot);
        names.at_mut(slot).set_notice(Notice { at: now, count: 0 });
        self.list.push(names, slot);
    }

    /// Removes a client that has a new session, or needs none.
    pub(super) fn remove<T: Noticed>(&mut self, names: &mut Slots<'_, T>, slot: u32) {
        self.list.remove(names, slot);
    }

    /// Returns when the next notice is due.
    pub(super) fn deadline<T: Noticed>(&self, names: &Slots<'_, T>) -> Option<Instant> {
        Some(names.at(self.list.first()?).notice().at)
    }

    /// Returns the slot of the client whose notice is due. Notices repeat with the interval and
    /// number of retransmissions.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::Link;

    struct Name(Link, Notice);
    impl Linked<NameList> for Name {
        fn link(&self, _: NameList) -> &Link {
            &self.0
        }
        fn link_mut(&mut self, _: NameList) -> &mut Link {
            &mut self.0
        }
    }
    impl Noticed for Name {
        fn notice(&self) -> Notice {
            self.1
        }
        fn set_notice(&mut self, notice: Notice) {
            self.1 = notice;
        }
    }

    #[test]
    fn sends_each_client_six_notices() {
        let mut names = [(); 2].map(|()| Name(Link::VACANT, Notice::VACANT));
        let mut names = Slots::new(&mut names).unwrap();
        let mut notices = RestartNotices::new();
        let at = Instant::from_millis;
        notices.add(&mut names, 0, at(0));
        notices.add(&mut names, 1, at(0));
        let mut sent = [0; 2];
        while let Some(now) = notices.deadline(&names) {
            let slot = notices.next(&mut names, now, RetryPolicy::DEFAULT).unwrap();
            sent[slot as usize] += 1;
        }
        assert_eq!(sent, [6, 6]);
    }

    #[test]
    fn sends_no_notice_after_a_new_session() {
        let mut names = [Name(Link::VACANT, Notice::VACANT)];
        let mut names = Slots::new(&mut names).unwrap();
        let mut notices = RestartNotices::new();
        notices.add(&mut names, 0, Instant::ZERO);
        notices.remove(&mut names, 0);
        assert_eq!(notices.deadline(&names), None);
    }
}
