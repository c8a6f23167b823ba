//! The share of a storage that one sender may use.

/// Of so many places, the last one is for senders that have none.
const RESERVED: u32 = 10;
/// The share of a sender that may use everything.
const ALL: u32 = 100;

/// The share of a storage that one sender may use.
///
/// A sender that has nothing in the storage always finds room until the storage is full. All others
/// leave its last tenth alone, and use at most their share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    capacity: u32,
    /// Places that senders may use who have some already.
    common: u32,
    /// Places that one sender may use.
    own: u32,
}

impl Share {
    /// Creates the share of each sender, in percent of a capacity, rounded up. With 100 or more,
    /// one sender may use everything.
    pub(super) fn new(capacity: u32, percent: u32) -> Self {
        if percent >= ALL || !cfg!(feature = "quotas") {
            return Self {
                capacity,
                common: capacity,
                own: capacity,
            };
        }
        Self {
            capacity,
            common: capacity - capacity / RESERVED,
            own: (capacity / ALL * percent + (capacity % ALL * percent).div_ceil(ALL)).max(1),
        }
    }

    /// Returns the capacity of the storage.
    pub(super) fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Returns whether a sender with this many places has used its share.
    pub(super) fn is_used(&self, own: u32) -> bool {
        own >= self.own
    }

    /// Returns whether any sender may use one more place, however many of the `used` ones it has.
    pub(super) fn is_roomy(&self, used: u32) -> bool {
        used < self.own && used < self.common
    }

    /// Returns whether a sender that has `own` of the `used` places may use `more` of them.
    //= PROTOCOL.md#15.4
    pub(super) fn admits(&self, own: u32, more: u32, used: u32) -> bool {
        let (room, share) = if own == 0 {
            (self.capacity, self.capacity)
        } else {
            (self.common, self.own)
        };
        used + more <= room && own + more <= share
    }
}

#[cfg(all(test, feature = "quotas"))]
mod tests {
    use super::*;

    #[test]
    //= PROTOCOL.md#15.4
    fn leaves_the_last_tenth_to_those_without_any() {
        let share = Share::new(1_000, 20);
        assert_eq!(share.capacity(), 1_000);
        assert!(share.admits(199, 1, 500) && !share.admits(200, 1, 500));
        assert!(share.admits(1, 1, 899) && !share.admits(1, 1, 900));
        assert!(share.admits(0, 1, 999) && !share.admits(0, 1, 1_000));
        assert!(share.is_used(200) && !share.is_used(199));
        assert!(share.is_roomy(199) && !share.is_roomy(200));
    }

    #[test]
    fn counts_all_places_of_a_long_message() {
        let share = Share::new(1_000, 20);
        assert!(share.admits(0, 271, 729) && !share.admits(0, 271, 730));
        assert!(share.admits(1, 199, 0) && !share.admits(1, 200, 0));
    }

    #[test]
    fn admits_one_of_a_small_storage() {
        let share = Share::new(1, 20);
        assert!(share.admits(0, 1, 0) && !share.admits(1, 1, 1));
        let share = Share::new(3, 1);
        assert!(share.admits(0, 1, 2) && !share.admits(1, 1, 1));
    }

    #[test]
    fn admits_everything_with_all_of_it() {
        let share = Share::new(1_000, 100);
        assert!(share.admits(999, 1, 999) && !share.admits(999, 1, 1_000));
        assert!(share.is_roomy(999) && !share.is_roomy(1_000));
        assert!(!share.is_used(999));
    }
}
