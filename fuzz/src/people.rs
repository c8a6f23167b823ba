//! Numbers, addresses and keys of the participants.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;

use chatapp_core::{Identity, StaticKey};

/// Number of participants that have an address of their own.
pub(crate) const PARTICIPANTS: usize = 6;

/// Numbers of participants: the tested client is alice.
pub(crate) const SERVER: u8 = 0;
pub(crate) const ALICE: u8 = 1;
pub(crate) const CLIENT: u8 = ALICE;
pub(crate) const BOB: u8 = 2;
pub(crate) const CAROL: u8 = 3;

/// Returns one of a few addresses; 0 is that of the server.
pub fn address(number: u8) -> SocketAddr {
    match number % PARTICIPANTS as u8 {
        5 => (Ipv6Addr::LOCALHOST, 5_005).into(),
        number => (Ipv4Addr::LOCALHOST, 5_000 + u16::from(number)).into(),
    }
}

/// Returns the identity with real ciphers that belongs to the [address] with
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
