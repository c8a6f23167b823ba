//! Keys of the participants.

use std::sync::OnceLock;

use chatapp_core::{Identity, StaticKey};

/// Participants with an address of their own.
pub(crate) const PARTICIPANTS: usize = 6;

/// Returns the identity with real ciphers that belongs to the [address](crate::address) with
/// this number.
pub fn identity(number: u8) -> Identity {
    Identity::new(StaticKey::new(private(number)), None)
}

/// Returns the identity of the same participant for the state machines: with the null cipher, if
/// this package is built with it. Computed once.
pub(crate) fn participant(number: u8) -> &'static Identity {
    static IDENTITIES: OnceLock<[Identity; PARTICIPANTS]> = OnceLock::new();
    let identities = IDENTITIES.get_or_init(|| std::array::from_fn(|number| cheap(number as u8)));
    &identities[usize::from(number) % PARTICIPANTS]
}

fn private(number: u8) -> [u8; 32] {
    [number.wrapping_add(1); 32]
}

#[cfg(feature = "null-cipher")]
fn cheap(number: u8) -> Identity {
    Identity::new(StaticKey::transparent(private(number)), None)
}

#[cfg(not(feature = "null-cipher"))]
fn cheap(number: u8) -> Identity {
    identity(number)
}

/// Returns the public half of an ephemeral key.
pub(crate) fn ephemeral_public(private: [u8; 32]) -> chatapp_core::PublicKey {
    #[cfg(feature = "null-cipher")]
    return StaticKey::transparent(private).public();
    #[cfg(not(feature = "null-cipher"))]
    return StaticKey::new(private).public();
}
