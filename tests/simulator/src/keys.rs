//! The owners of keys in a world, and its ciphers: the real ones, or the null cipher.

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::{Identity, RoomKey, StaticKey};

use crate::numbers::NameId;

/// The ciphers of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "null-cipher", derive(clap::ValueEnum))]
pub enum Crypto {
    /// The ciphers of the program.
    #[default]
    Real,
    /// The null cipher, which hides nothing and costs little.
    #[cfg(feature = "null-cipher")]
    NullCipher,
}

impl Crypto {
    /// Returns whether sessions of a run live long enough for a key update.
    pub fn rekeys(self) -> bool {
        self != Self::Real
    }

    /// Returns the arguments for Cargo, and for the simulator, that select this cipher.
    pub fn options(self) -> (&'static str, &'static str) {
        match self {
            Self::Real => ("", ""),
            #[cfg(feature = "null-cipher")]
            Self::NullCipher => (" --features null-cipher", " --crypto null-cipher"),
        }
    }
}

/// The owner of a private key, which survives processes and the memory of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The server.
    Server,
    /// The owner of a name.
    Name(NameId),
    /// The owner of a name, after this many lost keys.
    Successor(NameId, u32),
    /// A client that tries to take the name of another one.
    Thief(NameId),
    /// The attacker.
    Attacker,
    /// A listener: its key does not matter.
    Nobody,
}

/// The keys of a world.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// The ciphers of all machines.
    pub crypto: Crypto,
    /// Whether the room is closed: only holders of the room key get an answer.
    pub closed: bool,
    /// Whether the machines log the keys of their handshakes, too. That costs time for each
    /// handshake.
    pub tells_handshakes: bool,
}

impl Keys {
    /// Returns the private key of a holder. The fixed keys make runs repeatable; no other machine
    /// in the world knows them.
    fn private(self, holder: Holder) -> StaticKey {
        let (kind, number, losses) = match holder {
            Holder::Server => (1, 0, 0),
            Holder::Name(name) => (2, name, 0),
            Holder::Thief(name) => (3, name, 0),
            Holder::Attacker => (4, 0, 0),
            Holder::Nobody => (5, 0, 0),
            Holder::Successor(name, losses) => (6, name, losses),
        };
        let mut bytes = [kind; KEY_LEN];
        let (first, rest) = bytes.split_at_mut(8);
        // X25519 ignores the three lowest bits.
        first.copy_from_slice(&((number as u64) << 3).to_le_bytes());
        if losses != 0 {
            rest[..4].copy_from_slice(&losses.to_le_bytes());
        }
        match self.crypto {
            Crypto::Real => StaticKey::new(bytes),
            #[cfg(feature = "null-cipher")]
            Crypto::NullCipher => StaticKey::transparent(bytes),
        }
    }

    /// Returns the identity of a holder, with the key of the room if it is closed.
    pub fn identity(self, holder: Holder) -> Identity {
        let room = self.closed.then(|| RoomKey::new([9; KEY_LEN]));
        Identity::new(self.private(holder), room)
    }
}
