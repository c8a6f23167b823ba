//! The keys of stored messages: one for each sending process and recipient.

use zeroize::Zeroize;

#[cfg(feature = "medium-keys")]
use super::medium_keys::MediumKeys;
#[cfg(feature = "medium-keys")]
use crate::crypto::MediumKeyId;
use crate::crypto::{Correspondence, Identity, KEY_LEN, MEDIUM_ID_LEN, MessageKey, PublicKey};

/// The id of the medium-term key that a stored message is encrypted for; zeros for none.
pub(super) type MediumId = [u8; MEDIUM_ID_LEN];

/// No medium-term key: a message is encrypted for the static key alone.
pub(super) const NO_MEDIUM_KEY: MediumId = [0; MEDIUM_ID_LEN];

/// The ephemeral key of this process for stored messages, and its own medium-term keys.
pub(super) struct MessageKeys {
    secret: [u8; KEY_LEN],
    public: PublicKey,
    #[cfg(feature = "medium-keys")]
    medium: MediumKeys,
}

impl MessageKeys {
    /// Creates the key from its secret half, which is drawn once for each process.
    //= PROTOCOL.md#11.1
    pub(super) fn new(
        identity: &Identity,
        secret: &[u8; KEY_LEN],
        #[cfg(feature = "medium-keys")] medium: MediumKeys,
    ) -> Self {
        Self {
            public: PublicKey(identity.suite().public(secret)),
            secret: *secret,
            #[cfg(feature = "medium-keys")]
            medium,
        }
    }

    /// Returns the medium-term keys of this client.
    #[cfg(feature = "medium-keys")]
    pub(super) fn medium(&self) -> &MediumKeys {
        &self.medium
    }

    /// Returns the medium-term keys of this client, to change them.
    #[cfg(feature = "medium-keys")]
    pub(super) fn medium_mut(&mut self) -> &mut MediumKeys {
        &mut self.medium
    }

    /// Computes the key of messages to a recipient with this medium-term key; `None` if its static
    /// key is none. Cost: three Diffie-Hellman operations.
    #[cfg(feature = "medium-keys")]
    pub(super) fn derive_medium(
        &self,
        identity: &Identity,
        recipient: (&PublicKey, &PublicKey),
        correspondence: Correspondence<'_>,
    ) -> Option<MessageKey> {
        let public = self.public.marked();
        MessageKey::to_medium(identity, recipient, &self.secret, &public, correspondence)
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
    #[cfg(feature = "medium-keys")]
    medium: PeerMediumKey,
    /// The process of the peer that the key `from` belongs to; 0 for none.
    from_process: u64,
    /// The own medium-term key that the key `from` belongs to.
    from_medium: MediumId,
    to: MessageKey,
    from: MessageKey,
}

impl PeerMessageKeys {
    /// No keys; all zero bits.
    pub(super) const NONE: Self = Self {
        is_current: false,
        #[cfg(feature = "medium-keys")]
        medium: PeerMediumKey::UNKNOWN,
        from_process: 0,
        from_medium: NO_MEDIUM_KEY,
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

    /// Returns the key of messages from this process of the peer, for this medium-term key.
    pub(super) fn from(&self, process: u64, medium: MediumId) -> Option<&MessageKey> {
        let is_it = (self.from_process, self.from_medium) == (process, medium);
        (self.from_process != 0 && is_it).then_some(&self.from)
    }

    pub(super) fn set_from(&mut self, process: u64, medium: MediumId, key: MessageKey) {
        (self.from_process, self.from_medium, self.from) = (process, medium, key);
    }

    /// Returns the medium-term key of the peer.
    #[cfg(feature = "medium-keys")]
    pub(super) fn medium(&self) -> &PeerMediumKey {
        &self.medium
    }

    /// Returns the medium-term key of the peer, to change it.
    #[cfg(feature = "medium-keys")]
    pub(super) fn medium_mut(&mut self) -> &mut PeerMediumKey {
        &mut self.medium
    }

    /// Wipes the key of messages from the peer, if it belongs to an own medium-term key.
    #[cfg(feature = "medium-keys")]
    pub(super) fn wipe_from_medium(&mut self) {
        if self.from_medium != NO_MEDIUM_KEY {
            self.from.wipe();
            self.from_process = 0;
        }
    }

    /// Wipes the secrets.
    pub(super) fn wipe(&mut self) {
        self.to.wipe();
        self.from.wipe();
        (self.is_current, self.from_process) = (false, 0);
        #[cfg(feature = "medium-keys")]
        {
            self.medium = PeerMediumKey::UNKNOWN;
        }
    }
}

/// The medium-term key of a peer, as the server gave it.
#[cfg(feature = "medium-keys")]
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct PeerMediumKey {
    /// The server was asked for it, or gave it.
    is_known: bool,
    /// None if the peer has none.
    key: PublicKey,
}

#[cfg(feature = "medium-keys")]
impl PeerMediumKey {
    /// The server was not asked yet; all zero bits.
    const UNKNOWN: Self = Self {
        is_known: false,
        key: PublicKey::NONE,
    };

    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Records that the server was asked: a peer without a key has none.
    pub(super) fn note_asked(&mut self) {
        self.is_known = true;
    }

    /// Sets the key that the server gave.
    pub(super) fn set(&mut self, key: &PublicKey) {
        (self.is_known, self.key) = (true, *key);
    }

    /// Returns the key, if there is one that a message can name.
    pub(super) fn get(&self) -> Option<&PublicKey> {
        Some(&self.key).filter(|key| !MediumKeyId::of(key).is_none())
    }

    /// Returns whether the server gave this key before.
    pub(super) fn is(&self, key: &PublicKey) -> bool {
        self.is_known && self.key == *key
    }

    /// Returns the id of the key; zeros for none.
    pub(super) fn id(&self) -> MediumId {
        let id = self.get().map(|key| MediumKeyId::of(key).bytes());
        id.unwrap_or(NO_MEDIUM_KEY)
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

    #[cfg(feature = "medium-keys")]
    #[test]
    fn has_no_key_that_a_message_cannot_name() {
        let mut medium = PeerMediumKey::UNKNOWN;
        let mut key = PublicKey([7; KEY_LEN]);
        key.0[..MEDIUM_ID_LEN].fill(0);
        medium.set(&key);
        assert_eq!((medium.get(), medium.id()), (None, NO_MEDIUM_KEY));
        assert!(medium.is(&key), "it is taken again and again");
        medium.set(&PublicKey([7; KEY_LEN]));
        assert_eq!(medium.id(), [7; MEDIUM_ID_LEN]);
        assert!(!medium.is(&key));
    }

    #[test]
    fn returns_key_of_one_process_only() {
        let mut keys = PeerMessageKeys::NONE;
        let none = NO_MEDIUM_KEY;
        assert!(keys.from(0, none).is_none(), "process 0 has a key");
        keys.set_from(5, none, MessageKey::of([7; KEY_LEN]));
        assert!(keys.from(5, none).is_some() && keys.from(6, none).is_none());
        keys.wipe();
        assert!(keys.from(5, none).is_none());
    }
}
