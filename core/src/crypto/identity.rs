//! All long-lived secrets of one process.

use super::keyed_hash::Key;
use super::keys::{PublicKey, RoomKey, StaticKey};
use super::sizes::{KEY_LEN, TAG_LEN};
use super::suite::Suite;

/// All long-lived secrets of one process: its static key and the key of its room.
#[derive(Clone, Debug)]
pub struct Identity {
    key: StaticKey,
    public: PublicKey,
    room: Option<RoomKey>,
    tag: Key,
    /// The key of the reset tokens in one room.
    reset: Key,
    /// The server of that room has proved its key.
    is_in_room: bool,
}

impl Identity {
    /// Creates the identity with this static key, in the room with this room key, or in an open
    /// room.
    pub fn new(key: StaticKey, room: Option<RoomKey>) -> Self {
        let suite = key.suite();
        let tag = room.as_ref().map_or(Key::PUBLIC, |room| {
            Key::from_bytes(&suite.hash(&[b"ChatApp room", room.bytes()]))
        });
        let public = key.public();
        let mut identity = Self {
            public,
            key,
            room,
            tag,
            reset: tag,
            is_in_room: true,
        };
        identity.join(&public, true);
        identity
    }

    /// Binds the reset tokens to the room of the server with this key; a new identity is that of a
    /// server, in its own room. So no process can be asked for a token of another room.
    ///
    /// A process in the room of a server that has not proved its key gives no token away.
    //= PROTOCOL.md#5.6
    pub fn join(&mut self, server: &PublicKey, is_proved: bool) {
        let parts: [&[u8]; 3] = [b"ChatApp reset", self.key.private(), &server.0];
        self.reset = Key::from_bytes(&self.suite().hash(&parts));
        self.is_in_room = is_proved;
    }

    /// Returns whether the key of the room's server is proved.
    pub(crate) fn is_in_room(&self) -> bool {
        self.is_in_room
    }

    /// Returns the public half of the static key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Returns whether the room is closed: only a process with the room key gets an answer.
    pub fn is_closed(&self) -> bool {
        self.room.is_some()
    }

    /// Returns the cipher suite of the static key.
    pub(crate) fn suite(&self) -> Suite {
        self.key.suite()
    }

    /// Returns the key of the short tag of datagrams that are not encrypted. In a closed room only
    /// its members have this key.
    pub(crate) fn tag_key(&self) -> Key {
        self.tag
    }

    /// Returns the token that proves that the session with this local id does not exist any more
    /// (stateless reset, RFC 9000, section 10.3). It depends on the id, the private key and the
    /// [room](Self::join) only, so that the process knows it after a restart.
    pub fn reset_token(&self, local_id: u64) -> [u8; TAG_LEN] {
        let id = u128::from(local_id);
        let half = |number: u128| u128::from(self.reset.hash(&(number << 64 | id).to_le_bytes()));
        (half(1) << 64 | half(0)).to_le_bytes()
    }

    /// Returns the private half of the static key.
    pub(super) fn private(&self) -> &[u8; KEY_LEN] {
        self.key.private()
    }

    /// Returns the pre-shared key of the handshake: the room key, or zeros in an open room.
    pub(super) fn pre_shared(&self) -> [u8; KEY_LEN] {
        self.room
            .as_ref()
            .map_or([0; KEY_LEN], |room| *room.bytes())
    }
}
