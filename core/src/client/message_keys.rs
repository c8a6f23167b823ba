//! The keys of stored messages: one for each sending process and recipient.

use zeroize::Zeroize;

use crate::crypto::{Correspondence, Identity, KEY_LEN, MessageKey, PublicKey};

/// The ephemeral key of this process for stored messages.
pub(super) struct MessageKeys {
    secret: [u8; KEY_LEN],
    public: PublicKey,
}

impl MessageKeys {
    /// Creates the key from its secret half, which is drawn once for each process.
    //= PROTOCOL.md#11.1
    pub(super) fn new(identity: &Identity, secret: &[u8; KEY_LEN]) -> Self {
        Self {
            public: PublicKey(identity.suite().public(secret)),
            secret: *secret,
        }
    }

    /// Returns the public half.
    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Computes the key of messages to a recipient; `None` if its public key is none. Cost: two
    /// Diffie-Hellman operations.
    pub(super) fn derive(
        &self,
        identity: &Identity,
        recipient: &PublicKey,
        correspondence: Correspondence<'_>,
    ) -> Option<MessageKey> {
        MessageKey::to(
            identity,
            recipient,
            &self.secret,
            &self.public,
            correspondence,
        )
    }

    /// Wipes the secrets.
    pub(super) fn wipe(&mut self) {
        self.secret.zeroize();
    }
}

/// The keys of stored messages between this process and one peer.
#[derive(Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct PeerMessageKeys {
    /// The key to the peer belongs to the peer's present public key.
    is_current: bool,
    /// The process of the peer that the key `from` belongs to; 0 for none.
    from_process: u64,
    to: MessageKey,
    from: MessageKey,
}

impl PeerMessageKeys {
    /// No keys; all zero bits.
    pub(super) const NONE: Self = Self {
        is_current: false,
        from_process: 0,
        to: MessageKey::VACANT,
        from: MessageKey::VACANT,
    };

    /// Returns the key of messages to the peer.
    pub(super) fn to(&self) -> Option<&MessageKey> {
        self.is_current.then_some(&self.to)
    }

    /// Returns the latest key of messages to the peer, even if the peer has another public key now.
    pub(super) fn latest_to(&self) -> &MessageKey {
        &self.to
    }

    pub(super) fn set_to(&mut self, key: MessageKey) {
        (self.is_current, self.to) = (true, key);
    }

    /// Marks the key to the peer as outdated: the peer has another public key.
    pub(super) fn expire_to(&mut self) {
        self.is_current = false;
    }

    /// Returns the key of messages from this process of the peer.
    pub(super) fn from(&self, process: u64) -> Option<&MessageKey> {
        (self.from_process != 0 && self.from_process == process).then_some(&self.from)
    }

    pub(super) fn set_from(&mut self, process: u64, key: MessageKey) {
        (self.from_process, self.from) = (process, key);
    }

    /// Wipes the secrets.
    pub(super) fn wipe(&mut self) {
        self.to.wipe();
        self.from.wipe();
        (self.is_current, self.from_process) = (false, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_latest_key_for_messages_in_flight() {
        let mut keys = PeerMessageKeys::NONE;
        assert!(keys.to().is_none());
        keys.set_to(MessageKey::of([7; KEY_LEN]));
        assert_eq!(keys.to().map(|key| *key.key()), Some([7; KEY_LEN]));
        keys.expire_to();
        assert!(keys.to().is_none());
        assert_eq!(keys.latest_to().key(), &[7; KEY_LEN]);
        keys.wipe();
        assert_eq!(keys.latest_to().key(), &[0; KEY_LEN]);
    }

    #[test]
    fn returns_key_of_one_process_only() {
        let mut keys = PeerMessageKeys::NONE;
        assert!(keys.from(0).is_none(), "process 0 has a key");
        keys.set_from(5, MessageKey::of([7; KEY_LEN]));
        assert!(keys.from(5).is_some() && keys.from(6).is_none());
        keys.wipe();
        assert!(keys.from(5).is_none());
    }
}
