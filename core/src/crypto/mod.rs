//! All cryptography: keys, handshakes, encrypted datagrams, stored messages.
//!
//! `SECURITY.md` beside this crate states the threat model and the security properties.
//! `PROTOCOL.md` gives every step as bytes, with test vectors. In short:
//!
//! * Every process has a static X25519 key pair ([`StaticKey`], [`PublicKey`]; RFC 7748).
//! * A session between two processes begins with a [handshake](Handshake) of one round trip:
//!   `Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s` (Noise Protocol Framework, revision 34).
//! * From then on, [`SessionKeys`] encrypt each datagram with ChaCha20-Poly1305 (RFC 8439) under a
//!   64-bit counter.
//! * The session with its recipient encrypts a direct message. A private message that the server
//!   stores has a [`MessageKey`]: its sender encrypts it for its recipient (end to end).
//!
//! This module is public for tools: dissectors, fuzzers, other implementations. Programs need only
//! the keys.

pub(crate) mod byte_array;
mod entropy;
mod handshake;
mod handshake_key;
mod identity;
mod keyed_hash;
mod keys;
#[cfg(feature = "medium-keys")]
mod medium_secrets;
mod message_key;
#[cfg(feature = "noise")]
mod noise;
#[cfg(feature = "noise")]
mod nonce;
#[cfg(feature = "null-cipher")]
mod null_cipher;
#[cfg(feature = "ring")]
mod ring;
// The tests compare this cipher with the one of `ring`.
#[cfg(all(feature = "noise", any(test, not(feature = "ring"))))]
mod rust_crypto;
mod same;
mod session_keys;
mod sizes;
mod suite;
mod symmetric;
#[cfg(all(test, feature = "noise"))]
mod tests;

pub(crate) use entropy::Entropy;
pub use entropy::Seed;
pub(crate) use handshake::{FIRST_OVERHEAD, FIRST_PAYLOAD_MAX, SECOND_OVERHEAD};
pub use handshake::{Handshake, Responder};
pub use handshake_key::HandshakeKey;
pub use identity::Identity;
pub(crate) use keyed_hash::Key;
pub use keys::{PublicKey, RoomKey, StaticKey};
#[cfg(feature = "medium-keys")]
pub use medium_secrets::{MEDIUM_SECRET_LEN, MediumKeyId, MediumSecrets};
pub use message_key::{Correspondence, MESSAGE_OVERHEAD, MessageKey, SENT_AT_LEN};
pub(crate) use same::is_same;
pub use session_keys::SessionKeys;
pub use sizes::{KEY_LEN, MEDIUM_ID_LEN, TAG_LEN};
pub(crate) use suite::Suite;
