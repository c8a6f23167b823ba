//! The identities in the vectors, and their secrets.

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::{Identity, PublicKey, RoomKey, StaticKey};

pub(crate) const INITIATOR_EPHEMERAL: u8 = 0x60;
pub(crate) const RESPONDER_EPHEMERAL: u8 = 0x80;
pub(crate) const MESSAGES_EPHEMERAL: u8 = 0xa0;
#[cfg(feature = "medium-keys")]
pub(crate) const MEDIUM_TERM: u8 = 0xe0;

/// Returns 32 bytes that count up from `first`: a secret of the vectors.
pub(crate) fn counting(first: u8) -> [u8; KEY_LEN] {
    core::array::from_fn(|at| first + at as u8)
}

/// Returns the public key of such a secret.
pub(crate) fn public(first: u8) -> PublicKey {
    StaticKey::new(counting(first)).public()
}

/// Returns the private key of the server.
pub fn server() -> StaticKey {
    StaticKey::new(counting(0x00))
}

/// Returns the private key of alice.
pub fn alice() -> StaticKey {
    StaticKey::new(counting(0x20))
}

pub(crate) fn bob() -> StaticKey {
    StaticKey::new(counting(0x40))
}

/// Returns the identity of this key in an open room.
pub fn identity(key: StaticKey) -> Identity {
    Identity::new(key, None)
}

/// Returns the identity of this key in the closed room of the vectors.
pub fn member(key: StaticKey) -> Identity {
    Identity::new(key, Some(RoomKey::new(counting(0xc0))))
}
