//! What the next process of the same person must know: what was shown already, and whose keys are whose.

use super::storage::Presence;
use super::{Client, SERVER};
use crate::crypto::PublicKey;
use crate::name::Name;

/// One fact to remember, for [`Client::restore`] in the next process of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientRecord<'a> {
    /// A message was shown: nothing of that process up to it is shown again.
    Shown(Shown),
    /// The key of the server, which has proved that it has it. Another one is refused from now on.
    ServerKey(PublicKey),
    /// The key of somebody one has talked to. Another one is refused from now on.
    PeerKey {
        /// The name it belongs to.
        name: &'a str,
        /// The key.
        key: PublicKey,
    },
}

/// A message that was shown. Given back to [`Client::restore`], it keeps the next process from showing it, or anything
/// that its sender had sent before it, again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The sender's process: a number that follows from its incarnation and the sender's name.
    pub process: u64,
    /// It was sent to the channel.
    pub channel: bool,
    /// The sender's number of the message.
    pub counter: u32,
}

impl Client<'_> {
    /// What to remember: first of the message in the event that was taken last, if it was one, then keys. Of what was
    /// shown, the latest of each process and kind stands for those before it.
    ///
    /// Whoever keeps it should do so when the message has been shown: before that, a crash would lose the message, after
    /// it, show it again.
    pub fn poll_persist(&mut self) -> Option<ClientRecord<'_>> {
        if let Some(shown) = self.dedup.take_shown() {
            return Some(ClientRecord::Shown(shown));
        }
        if core::mem::take(&mut self.server_key_untold) {
            return Some(ClientRecord::ServerKey(self.server_key));
        }
        let peer = self.untold_keys.pop(&mut self.peers)?;
        let slot = self.peers.at(peer);
        Some(ClientRecord::PeerKey {
            name: slot.name.as_str(),
            key: slot.key,
        })
    }

    /// Takes back what an earlier process of the same name has told, before anything else happens; what was shown
    /// last comes last. A key for which the table has no room is not remembered: `false`.
    pub fn restore(&mut self, record: ClientRecord<'_>) -> bool {
        match record {
            ClientRecord::Shown(shown) => {
                self.dedup.restore(shown);
                true
            }
            ClientRecord::ServerKey(key) => {
                self.server_key = key;
                self.server_key_proved = true;
                true
            }
            ClientRecord::PeerKey { name, key } => {
                // No key that was given back before makes room for this one.
                let known = self.find_peer(name.as_bytes()).is_some();
                let Ok(name) = Name::new(name) else {
                    return false;
                };
                let room = known || self.has_free_peer();
                let Some(peer) = room.then(|| self.peer_for_command(&name)).flatten() else {
                    return false;
                };
                let slot = self.peers.at_mut(peer);
                slot.key = key;
                slot.pinned = true;
                true
            }
        }
    }

    /// Somebody is talked to: from now on the name is believed to have this key only.
    pub(super) fn pin(&mut self, peer: u32) {
        let slot = self.peers.at_mut(peer);
        debug_assert!(peer != SERVER && slot.presence != Presence::Vacant);
        if !core::mem::replace(&mut slot.pinned, true) {
            self.untold_keys.push(&mut self.peers, peer);
        }
    }
}
