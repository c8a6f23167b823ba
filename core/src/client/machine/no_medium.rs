//! No medium-term keys, for a board: they take no memory and no flash.

use crate::client::machine::Client;
use crate::client::message_keys::{MediumId, NO_MEDIUM_KEY};
use crate::crypto::PublicKey;

impl Client<'_> {
    pub(super) fn uses_medium_keys(&self) -> bool {
        false
    }

    pub(super) fn awaits_medium_key(&self, _: u32) -> bool {
        false
    }

    pub(super) fn look_up_key(&mut self, _: u32) {}

    pub(super) fn is_told_of_server(&self, _: u32) -> bool {
        false
    }

    pub(super) fn note_direct_after_all(&mut self, _: u32) {}

    pub(super) fn note_medium_key_asked(&mut self, _: u32) {}

    pub(super) fn take_medium_key(&mut self, _: &str, _: &PublicKey) {}

    pub(super) fn label_to(&self, _: u32) -> (PublicKey, MediumId) {
        (*self.message_keys.public(), NO_MEDIUM_KEY)
    }

    pub(super) fn awaits_receipts_for_medium_keys(&self) -> bool {
        false
    }

    pub(super) fn publish_medium_key_again(&mut self) {}

    pub(super) fn advance_medium_keys(&mut self) {}
}
