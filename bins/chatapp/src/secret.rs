//! The secret of a closed room.

use std::fmt;

use chatapp_core::RoomKey;
use zeroize::Zeroizing;

/// The bytes of a room key. They are overwritten when they are not used any more.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the key of the room.
    pub(crate) fn key(&self) -> RoomKey {
        RoomKey::new(*self.0)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
