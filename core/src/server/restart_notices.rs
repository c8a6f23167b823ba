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
    fn tells_each_client_six_times() {
        let mut names = [(); 2].map(|()| Name(Link::VACANT, Notice::VACANT));
        let mut names = Slots::new(&mut names).unwrap();
        let mut notices = RestartNotices::new();
        let at = Instant::from_millis;
        notices.add(&mut names, 0, at(0));
        notices.add(&mut names, 1, at(0));
        let mut told = [0; 2];
        while let Some(now) = notices.deadline(&names) {
            let slot = notices.next(&mut names, now, RetryPolicy::DEFAULT).unwrap();
            told[slot as usize] += 1;
        }
        assert_eq!(told, [6, 6]);
    }

    #[test]
    fn stops_when_the_client_has_a_session() {
        let mut names = [Name(Link::VACANT, Notice::VACANT)];
        let mut names = Slots::new(&mut names).unwrap();
        let mut notices = RestartNotices::new();
        notices.add(&mut names, 0, Instant::ZERO);
        notices.remove(&mut names, 0);
        assert_eq!(notices.deadline(&names), None);
    }
}
