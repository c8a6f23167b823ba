//! All long-lived secrets of one program.

use super::keyed_hash::Key;
use super::keys::{PublicKey, RoomKey, StaticKey};
use super::sizes::{KEY_LEN, TAG_LEN};
use super::suite::Suite;

/// Who we are and which room we are in: all long-lived secrets of one program.
#[derive(Clone, Debug)]
pub struct Identity {
    key: StaticKey,
    public: PublicKey,
    room: Option<RoomKey>,
    tag: Key,
    reset: Key,
}

impl Identity {
    /// The identity of this key, in the room with this key, or in an open one.
    pub fn new(key: StaticKey, room: Option<RoomKey>) -> Self {
        let suite = key.suite();
        let tag = room.as_ref().map_or(Key::PUBLIC, |room| {
            Key::from_bytes(&suite.hash(&[b"ChatApp room", room.bytes()]))
        });
        let reset = Key::from_bytes(&suite.hash(&[b"ChatApp reset", key.private()]));
        Self {
            public: key.public(),
            key,
            room,
            tag,
            reset,
        }
    }

    /// Our public key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Whether only those who have the key of the room get any answer.
    pub fn is_closed(&self) -> bool {
        self.room.is_some()
    }

    pub(crate) fn suite(&self) -> Suite {
        self.key.suite()
    }

    /// The key of the tag of datagrams that are not sealed: it keeps strangers out of a closed
    /// room.
    pub(crate) fn tag_key(&self) -> Key {
        self.tag
    }

    /// What proves that a session of ours, which the other side writes to under this id, is gone
    /// (as the stateless reset of RFC 9000, section 10.3): only we can make it, also after a
    /// restart.
    pub fn reset_token(&self, local_id: u64) -> [u8; TAG_LEN] {
        let id = u128::from(local_id);
        let half = |number: u128| u128::from(self.reset.hash(&(number << 64 | id).to_le_bytes()));
        (half(1) << 64 | half(0)).to_le_bytes()
    }

    /// The private half of our key.
    pub(super) fn private(&self) -> &[u8; KEY_LEN] {
        self.key.private()
    }

    pub(super) fn pre_shared(&self) -> [u8; KEY_LEN] {
        self.room
            .as_ref()
            .map_or([0; KEY_LEN], |room| *room.bytes())
    }
}
