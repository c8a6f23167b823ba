//! The key of one name. The client pins the first key that it uses, and accepts no other.

use crate::crypto::PublicKey;

/// Whether a key is pinned, and whether the roster agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Pin {
    /// The key was not used: another one may replace it.
    Free,
    Pinned,
    /// The key is pinned, and the roster lists another one.
    Foreign,
    /// The same, and the user knows.
    ForeignReported,
}

/// The key of a name, as far as the client knows it.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct PeerKey {
    key: PublicKey,
    pin: Pin,
}

/// The effect of the key in a roster entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyChange {
    None,
    /// The entry's key replaces the key of the name.
    Replaced,
    /// The entry's key is not the pinned one.
    BecameForeign,
    /// The entry's key is still not the pinned one.
    StaysForeign,
    /// The entry's key is the pinned one again.
    Returned,
}

impl KeyChange {
    /// Returns whether the entry has another key than the name.
    pub(super) fn is_other(self) -> bool {
        matches!(
            self,
            Self::Replaced | Self::BecameForeign | Self::StaysForeign
        )
    }

    /// Returns whether the name became trusted, or lost its trust.
    pub(super) fn changes_trust(self) -> bool {
        matches!(self, Self::BecameForeign | Self::Returned)
    }
}

impl PeerKey {
    /// No key; all zero bits.
    pub(super) const NONE: Self = Self {
        key: PublicKey::NONE,
        pin: Pin::Free,
    };

    /// Creates the pinned key of a name that the roster does not list.
    pub(super) const fn pinned(key: PublicKey) -> Self {
        Self {
            key,
            pin: Pin::Pinned,
        }
    }

    pub(super) fn get(&self) -> &PublicKey {
        &self.key
    }

    pub(super) fn is_pinned(&self) -> bool {
        self.pin != Pin::Free
    }

    /// Returns whether the roster lists another key than the pinned one.
    pub(super) fn is_foreign(&self) -> bool {
        matches!(self.pin, Pin::Foreign | Pin::ForeignReported)
    }

    /// Notes that the user hears of the other key; true the first time.
    pub(super) fn report_foreign(&mut self) -> bool {
        let is_new = self.pin == Pin::Foreign;
        if is_new {
            self.pin = Pin::ForeignReported;
        }
        is_new
    }

    /// Returns whether messages may be encrypted for this key.
    pub(super) fn is_usable(&self) -> bool {
        !self.is_foreign() && !self.key.is_none()
    }

    /// Notes that the key is pinned.
    pub(super) fn pin(&mut self) {
        if self.pin == Pin::Free {
            self.pin = Pin::Pinned;
        }
    }

    /// Sets the key that is pinned for the name; true if it was another one so far.
    pub(super) fn restore(&mut self, key: &PublicKey) -> bool {
        let is_other = !self.key.is_none() && self.key != *key;
        self.key = *key;
        self.pin();
        if is_other {
            self.pin = Pin::Foreign;
        }
        is_other
    }

    /// Applies the key that the roster lists.
    pub(super) fn list(&mut self, key: &PublicKey) -> KeyChange {
        let is_other = self.key != *key;
        let change = match self.pin {
            Pin::Free if is_other => KeyChange::Replaced,
            Pin::Pinned if is_other => KeyChange::BecameForeign,
            Pin::Foreign | Pin::ForeignReported if is_other => KeyChange::StaysForeign,
            Pin::Foreign | Pin::ForeignReported => KeyChange::Returned,
            Pin::Free | Pin::Pinned => KeyChange::None,
        };
        match change {
            KeyChange::Replaced => self.key = *key,
            KeyChange::BecameForeign => self.pin = Pin::Foreign,
            KeyChange::Returned => self.pin = Pin::Pinned,
            KeyChange::None | KeyChange::StaysForeign => {}
        }
        change
    }

    /// Sets the key, with which a message was decrypted; true if it is another one.
    pub(super) fn learn(&mut self, key: &PublicKey) -> bool {
        let is_other = self.key != *key;
        self.key = *key;
        is_other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KEY_LEN;

    const ONE: PublicKey = PublicKey([1; KEY_LEN]);
    const OTHER: PublicKey = PublicKey([2; KEY_LEN]);

    #[test]
    fn trusts_roster_until_key_is_pinned() {
        let mut key = PeerKey::NONE;
        assert!(!key.is_usable());
        assert_eq!(key.list(&OTHER), KeyChange::Replaced);
        assert_eq!(key.list(&ONE), KeyChange::Replaced);
        assert!(key.is_usable() && !key.is_pinned());
        key.pin();
        assert_eq!(key.list(&ONE), KeyChange::None);
        assert_eq!(key.list(&OTHER), KeyChange::BecameForeign);
        assert_eq!(key.list(&OTHER), KeyChange::StaysForeign);
        assert!(!key.is_usable() && key.is_pinned());
        assert_eq!(*key.get(), ONE, "the pinned key was replaced");
        key.pin();
        assert!(key.report_foreign() && !key.report_foreign());
        assert!(key.is_foreign(), "the roster lists another key");
        assert_eq!(key.list(&ONE), KeyChange::Returned);
        assert!(key.is_usable());
    }

    #[test]
    fn changes_trust_only_with_the_pinned_key() {
        let mut key = PeerKey::NONE;
        assert!(!key.list(&ONE).changes_trust());
        assert!(!key.list(&ONE).changes_trust());
        key.pin();
        assert!(key.list(&OTHER).changes_trust());
        assert!(!key.list(&OTHER).changes_trust());
        assert!(key.list(&ONE).changes_trust());
    }

    #[test]
    fn learns_key_of_message_while_none_is_pinned() {
        let mut key = PeerKey::NONE;
        assert!(key.learn(&ONE) && !key.learn(&ONE));
    }

    #[test]
    fn prefers_restored_key_to_listed_key() {
        let mut key = PeerKey::NONE;
        assert!(!key.restore(&ONE) && key.is_usable() && key.is_pinned());
        let mut key = PeerKey::NONE;
        key.list(&OTHER);
        assert!(key.restore(&ONE));
        assert!(key.is_foreign() && *key.get() == ONE);
        assert_eq!(key.list(&ONE), KeyChange::Returned);
    }
}
