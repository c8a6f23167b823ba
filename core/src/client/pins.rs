//! Keys that were used: each is pinned to its name, and told once to be remembered.

use super::peer_slot::{PeerList, PeerSlot};
use crate::containers::{List, Slots};

/// The pinned keys that were not told yet.
pub(super) struct Pins {
    untold: List<PeerList>,
}

impl Pins {
    /// Nothing is to be told.
    pub(super) const NONE: Self = Self {
        untold: List::new(PeerList::UntoldKey),
    };

    /// Pins the key of a peer, because messages were exchanged under it.
    pub(super) fn pin(&mut self, peers: &mut Slots<'_, PeerSlot>, peer: u32) {
        if peers.at_mut(peer).key_mut().pin() {
            self.untold.push(peers, peer);
        }
    }

    /// Returns whether messages may go to a peer, and pins its key if so: not if it has no key, or
    /// another one than it had. The key counts from then on even if no session opens with it,
    /// because a roster that lists it could have listed any.
    //= PROTOCOL.md#11.3
    pub(super) fn trusts(&mut self, peers: &mut Slots<'_, PeerSlot>, peer: u32) -> bool {
        let key = peers.at_mut(peer).key_mut();
        let is_usable = key.is_usable();
        if is_usable && key.pin() {
            self.untold.push(peers, peer);
        }
        is_usable
    }

    /// Takes the next peer whose key is to be remembered.
    pub(super) fn take(&mut self, peers: &mut Slots<'_, PeerSlot>) -> Option<u32> {
        self.untold.pop(peers)
    }

    /// Forgets a peer.
    pub(super) fn remove(&mut self, peers: &mut Slots<'_, PeerSlot>, peer: u32) {
        self.untold.remove(peers, peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KEY_LEN, PublicKey};

    #[test]
    fn tells_each_pinned_key_once_in_order() {
        let mut slots = [PeerSlot::VACANT; 4];
        let mut peers = Slots::new(&mut slots).unwrap();
        let mut pins = Pins::NONE;
        assert!(!pins.trusts(&mut peers, 1), "it has no key");
        for peer in [3, 1, 2, 3] {
            peers.at_mut(peer).key_mut().list(&PublicKey([7; KEY_LEN]));
            assert!(pins.trusts(&mut peers, peer));
        }
        pins.remove(&mut peers, 1);
        let taken = [(); 3].map(|()| pins.take(&mut peers));
        assert_eq!(taken, [Some(3), Some(2), None]);
        peers.at_mut(3).key_mut().list(&PublicKey([8; KEY_LEN]));
        assert!(!pins.trusts(&mut peers, 3), "another key is listed");
        assert_eq!(pins.take(&mut peers), None);
    }
}
