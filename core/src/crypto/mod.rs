//! All cryptography, behind one seam: keys, handshakes, sealed datagrams, stored messages.
//!
//! `SECURITY.md` beside this crate says what is promised and why it holds; `PROTOCOL.md` gives
//! every step as bytes, with test vectors. In short:
//!
//! * Every program has a static X25519 key pair ([`StaticKey`], [`PublicKey`]; RFC 7748).
//! * A [session](SessionKeys) between two programs begins with a [handshake](Handshake) of one
//!   round trip, `Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s` (Noise Protocol Framework, revision 34);
//!   from then on each datagram is sealed with ChaCha20-Poly1305 (RFC 8439) under a 64-bit counter.
//! * What goes directly is sealed by the session with its recipient. A private message that the
//!   server keeps is a [stored message](MessageKey): sealed by its sender for its recipient alone.
//!
//! This module is public for those who write tools: dissectors, fuzzers, other implementations.
//! Programs need only the keys.

pub(crate) mod byte_array;
mod entropy;
mod handshake;
mod handshake_key;
mod identity;
mod keyed_hash;
mod keys;
mod message_key;
#[cfg(feature = "noise")]
mod noise;
#[cfg(feature = "noise")]
mod nonce;
#[cfg(feature = "ring")]
mod ring;
// The tests compare both.
#[cfg(feature = "null-cipher")]
mod null_cipher;
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
pub use message_key::{Correspondence, MESSAGE_OVERHEAD, MessageKey};
pub(crate) use same::is_same;
pub use session_keys::SessionKeys;
pub use sizes::{KEY_LEN, TAG_LEN};
pub(crate) use suite::Suite;
