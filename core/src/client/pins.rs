//! Pinned keys: each key in use is pinned to its name, and stored once.

use super::peer_slot::{PeerList, PeerSlot};
use crate::containers::{List, Slots};

/// The pinned keys that were not stored yet.
pub(super) struct Pins {
    unsaved: List<PeerList>,
}

impl Pins {
    /// No keys.
    pub(super) const NONE: Self = Self {
        unsaved: List::new(PeerList::UnsavedKey),
    };

    /// Pins the key of a peer that the client has exchanged messages with.
    pub(super) fn pin(&mut self, peers: &mut Slots<'_, PeerSlot>, peer: u32) {
        if peers.at_mut(peer).key_mut().pin() {
            self.unsaved.push(peers, peer);
        }
    }

    /// Returns whether messages may go to a peer, and pins its key if so. They may not if it has no
    /// key, or another one than the pinned key. The key is pinned even if no session opens with it:
    /// a roster that lists it could have listed any.
    //= PROTOCOL.md#11.3
    pub(super) fn trusts(&mut self, peers: &mut Slots<'_, PeerSlot>, peer: u32) -> bool {
        let key = peers.at_mut(peer).key_mut();
        let is_usable = key.is_usable();
        if is_usable && key.pin() {
            self.unsaved.push(peers, peer);
        }
        is_usable
    }

    /// Takes the next peer whose key has to be stored.
    pub(super) fn take(&mut self, peers: &mut Slots<'_, PeerSlot>) -> Option<u32> {
        self.unsaved.pop(peers)
    }

    /// Removes a peer.
    pub(super) fn remove(&mut self, peers: &mut Slots<'_, PeerSlot>, peer: u32) {
        self.unsaved.remove(peers, peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KEY_LEN, PublicKey};

    #[test]
    fn returns_each_pinned_key_once_in_order() {
        let mut slots = [PeerSlot::VACANT; 4];
        let mut peers = Slots::new(&mut slots).unwrap();
        let mut pins = Pins::NONE;
        assert!(
            !pins.trusts(&mut peers, 1),
            "a peer without a key is trusted"
        );
        for peer in [3, 1, 2, 3] {
            peers.at_mut(peer).key_mut().list(&PublicKey([7; KEY_LEN]));
            assert!(pins.trusts(&mut peers, peer));
        }
        pins.remove(&mut peers, 1);
        let taken = [(); 3].map(|()| pins.take(&mut peers));
        assert_eq!(taken, [Some(3), Some(2), None]);
        peers.at_mut(3).key_mut().list(&PublicKey([8; KEY_LEN]));
        assert!(
            !pins.trusts(&mut peers, 3),
            "a peer with another key is trusted"
        );
        assert_eq!(pins.take(&mut peers), None);
    }
}
