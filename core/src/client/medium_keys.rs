//! The client's own medium-term keys: when one is made, stored, published and deleted.
//!
//! A secret is deleted once the server gives no more messages for it: the server has the next key,
//! and the mailbox was empty since. So no message is lost, and those that were fetched cannot be
//! decrypted any more, not even with the static key.

use crate::crypto::{KEY_LEN, MEDIUM_ID_LEN, MediumKeyId, MediumSecrets, PublicKey, Suite};
use crate::time::UnixSeconds;
use crate::wire::Outcome;

/// The number of places for secrets: the current one and the one before.
const PLACES: usize = 2;

/// The medium-term keys of a client: whether it has a store for their secrets.
#[derive(Clone, Copy, Debug)]
pub enum OwnMediumKeys<'a> {
    /// There is no store. The client publishes no key, and withdraws that of an earlier process.
    NotStored,
    /// The caller stores the secrets. These are those of an earlier process, or none.
    Stored(&'a MediumSecrets),
    /// Another process of the same name stores the secrets. This one reads messages with them.
    Shared(&'a MediumSecrets),
}

/// The use of medium-term keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The client does not know of them.
    Off,
    /// The client encrypts messages for the keys of others, and has none.
    NotStored,
    Stored,
    Shared,
}

/// The state of the latest key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its record is due.
    Unstored,
    /// The caller has its record.
    Storing,
    Unpublished,
    /// The server has not answered yet.
    Publishing,
    /// The server has it. The mailbox may have messages for the one before.
    Uncleared,
    /// The server was asked for the end of these messages.
    Clearing,
    /// They are here, and not all of them are written yet.
    Cleared,
    /// Nothing is due.
    Settled,
}

/// The client's own medium-term keys.
pub(super) struct MediumKeys {
    /// Seconds from one key to the next.
    lifetime_s: u32,
    mode: Mode,
    stage: Stage,
    secrets: MediumSecrets,
    public: [PublicKey; PLACES],
    /// A secret was deleted, and the record without it is due.
    has_deleted: bool,
    /// Number of records that the caller has not stored yet.
    unstored: u32,
    /// The command number of the latest publication, or of the question behind it.
    asked: u32,
    /// The server answers that it does not know medium-term keys.
    is_unknown_to_server: bool,
}

impl MediumKeys {
    /// Creates the state of a client that does not use medium-term keys.
    pub(super) const fn new(lifetime_s: u32) -> Self {
        Self {
            lifetime_s,
            mode: Mode::Off,
            stage: Stage::Settled,
            secrets: MediumSecrets::NONE,
            public: [PublicKey::NONE; PLACES],
            has_deleted: false,
            unstored: 0,
            asked: 0,
            is_unknown_to_server: false,
        }
    }

    /// Uses medium-term keys from now on. The same secrets again have no effect.
    pub(super) fn start(&mut self, own: OwnMediumKeys<'_>, suite: Suite) {
        let (mode, secrets) = match own {
            OwnMediumKeys::NotStored => (Mode::NotStored, &MediumSecrets::NONE),
            OwnMediumKeys::Stored(secrets) => (Mode::Stored, secrets),
            OwnMediumKeys::Shared(secrets) => (Mode::Shared, secrets),
        };
        if (self.mode, &self.secrets) == (mode, secrets) {
            return;
        }
        self.mode = mode;
        self.stage = Stage::Unpublished;
        self.secrets = secrets.clone();
        for place in 0..PLACES {
            self.update_public(place, suite);
        }
    }

    fn update_public(&mut self, place: usize, suite: Suite) {
        let private = self.secrets.private(place);
        let public = private.map_or(PublicKey::NONE, |key| PublicKey(suite.public(key)));
        if let Some(to) = self.public.get_mut(place) {
            *to = public;
        }
    }

    /// Returns whether the client uses medium-term keys, and the server may know them.
    pub(super) fn are_used(&self) -> bool {
        self.mode != Mode::Off && !self.is_unknown_to_server
    }

    fn is_vacant(&self, place: usize) -> bool {
        self.secrets.number(place) == 0
    }

    /// Returns the place of the latest secret.
    fn latest(&self) -> usize {
        usize::from(self.secrets.number(1) > self.secrets.number(0))
    }

    fn has_previous(&self) -> bool {
        (0..PLACES).all(|place| !self.is_vacant(place))
    }

    /// Returns the key to publish; none without a secret.
    pub(super) fn public(&self) -> PublicKey {
        let latest = self.public.get(self.latest());
        latest.copied().unwrap_or(PublicKey::NONE)
    }

    /// Returns the secret and the key with this id.
    pub(super) fn find(&self, id: [u8; MEDIUM_ID_LEN]) -> Option<(&[u8; KEY_LEN], &PublicKey)> {
        (0..PLACES).find_map(|place| {
            let private = self.secrets.private(place)?;
            let public = self.public.get(place)?;
            (MediumKeyId::of(public).bytes() == id).then_some((private, public))
        })
    }

    // ---- a new key ----

    /// Returns whether a new key is due: there is none, or the latest one is a day old and the one
    /// before is deleted.
    //= PROTOCOL.md#11.5
    pub(super) fn is_rotation_due(&self, now: UnixSeconds) -> bool {
        if self.mode != Mode::Stored || self.is_unknown_to_server {
            return false;
        }
        if (0..PLACES).all(|place| self.is_vacant(place)) {
            return true;
        }
        let age = now.0.abs_diff(self.secrets.made_at(self.latest()).0);
        self.stage == Stage::Settled && !self.has_previous() && now.0 != 0 && age >= self.lifetime_s
    }

    /// Takes a new secret. One whose key has the id of the other, or none, is not taken.
    pub(super) fn rotate(&mut self, private: &[u8; KEY_LEN], now: UnixSeconds, suite: Suite) {
        let Some(place) = (0..PLACES).find(|place| self.is_vacant(*place)) else {
            return;
        };
        let id = MediumKeyId::of(&PublicKey(suite.public(private))).bytes();
        if id == [0; MEDIUM_ID_LEN] || self.find(id).is_some() {
            return;
        }
        let number = self.secrets.number(self.latest()).saturating_add(1);
        self.secrets.put(place, number, now, private);
        self.update_public(place, suite);
        self.stage = Stage::Unstored;
    }

    /// Returns whether a record is due.
    pub(super) fn has_record(&self) -> bool {
        self.stage == Stage::Unstored || self.has_deleted
    }

    /// Returns the record that is due: all secrets.
    pub(super) fn take_record(&mut self) -> Option<&MediumSecrets> {
        if !self.has_record() {
            return None;
        }
        self.has_deleted = false;
        self.unstored = self.unstored.saturating_add(1);
        if self.stage == Stage::Unstored {
            self.stage = Stage::Storing;
        }
        Some(&self.secrets)
    }

    /// Records that the oldest record without an answer is stored. The key of the latest secret may
    /// be published after its record.
    //= PROTOCOL.md#11.5
    pub(super) fn on_stored(&mut self) {
        self.unstored = self.unstored.saturating_sub(1);
        if self.stage == Stage::Storing && self.unstored == 0 {
            self.stage = Stage::Unpublished;
        }
    }

    // ---- the server ----

    /// Publishes the key again: the server has started again, and may know less.
    pub(super) fn publish_again(&mut self) {
        self.is_unknown_to_server = false;
        if self.mode != Mode::Off && !matches!(self.stage, Stage::Unstored | Stage::Storing) {
            self.stage = Stage::Unpublished;
        }
    }

    /// Returns whether the key has to be published.
    pub(super) fn is_publication_due(&self) -> bool {
        self.mode != Mode::Off && self.stage == Stage::Unpublished
    }

    /// Records that the key goes to the server, by the command with this number.
    pub(super) fn on_published(&mut self, number: u32) {
        (self.stage, self.asked) = (Stage::Publishing, number);
    }

    /// Handles the server's answer to a publication; `None` if there is none. That to an earlier
    /// one tells nothing of the latest key.
    pub(super) fn on_publication(&mut self, number: u32, outcome: Option<Outcome>) {
        if (self.stage, self.asked) != (Stage::Publishing, number) {
            return;
        }
        let is_deletion_due = self.mode == Mode::Stored && self.has_previous();
        self.stage = match outcome {
            Some(Outcome::Exists) if is_deletion_due => Stage::Uncleared,
            Some(Outcome::Exists) => Stage::Settled,
            Some(Outcome::NoSuchClient) => {
                self.is_unknown_to_server = true;
                Stage::Settled
            }
            _ => Stage::Unpublished,
        };
    }

    /// Returns whether to ask the server for the end of the messages for the previous key.
    pub(super) fn is_clearing_due(&self) -> bool {
        self.stage == Stage::Uncleared
    }

    /// Records that the server is asked, by the command with this number.
    pub(super) fn on_clearing(&mut self, number: u32) {
        (self.stage, self.asked) = (Stage::Clearing, number);
    }

    /// Handles the answer: all messages for the previous key are here. Without an answer, the
    /// server has to be asked again.
    pub(super) fn on_cleared(&mut self, number: u32, is_answered: bool) {
        if (self.stage, self.asked) == (Stage::Clearing, number) {
            self.stage = if is_answered {
                Stage::Cleared
            } else {
                Stage::Uncleared
            };
        }
    }

    /// Returns whether the next step waits until all messages are written.
    pub(super) fn awaits_receipts(&self) -> bool {
        matches!(self.stage, Stage::Uncleared | Stage::Cleared)
    }

    /// Returns whether the previous secret can be deleted once all messages are written.
    pub(super) fn is_deletion_due(&self) -> bool {
        self.stage == Stage::Cleared
    }

    /// Deletes the previous secret; the record without it is due.
    //= PROTOCOL.md#11.5
    pub(super) fn delete_previous(&mut self, suite: Suite) {
        let previous = PLACES - 1 - self.latest();
        self.secrets.wipe(previous);
        self.update_public(previous, suite);
        self.has_deleted = true;
        self.stage = Stage::Settled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_000);
    const LATER: UnixSeconds = UnixSeconds(1_100);

    fn keys() -> MediumKeys {
        let mut keys = MediumKeys::new(100);
        keys.start(OwnMediumKeys::Stored(&MediumSecrets::NONE), Suite::DEFAULT);
        keys
    }

    fn publish(keys: &mut MediumKeys, number: u32) {
        assert!(keys.is_publication_due());
        keys.on_published(number);
        keys.on_publication(number, Some(Outcome::Exists));
    }

    /// Returns the keys of a client that has published its first one.
    fn published() -> MediumKeys {
        let mut keys = keys();
        assert!(keys.is_rotation_due(NOW));
        keys.rotate(&[1; KEY_LEN], NOW, Suite::DEFAULT);
        assert!(keys.take_record().is_some() && keys.take_record().is_none());
        assert!(!keys.is_publication_due(), "it is not stored");
        keys.on_stored();
        publish(&mut keys, 1);
        keys
    }

    #[test]
    fn does_nothing_before_it_is_used() {
        let keys = MediumKeys::new(100);
        assert!(!keys.are_used() && !keys.is_rotation_due(NOW) && !keys.is_publication_due());
    }

    #[test]
    //= PROTOCOL.md#11.5
    fn deletes_previous_secret_after_all_steps() {
        let mut keys = published();
        let first = MediumKeyId::of(&keys.public()).bytes();
        assert!(!keys.is_rotation_due(NOW) && !keys.is_rotation_due(UnixSeconds(0)));
        assert!(keys.is_rotation_due(LATER));
        keys.rotate(&[2; KEY_LEN], LATER, Suite::DEFAULT);
        assert!(
            !keys.is_rotation_due(UnixSeconds(1_300)),
            "there is one before"
        );
        keys.take_record();
        keys.on_stored();
        publish(&mut keys, 2);
        assert!(keys.is_clearing_due() && !keys.is_deletion_due());
        keys.on_clearing(3);
        keys.on_cleared(3, false);
        assert!(keys.is_clearing_due());
        keys.on_clearing(4);
        keys.on_cleared(3, true);
        assert!(!keys.is_deletion_due(), "that was an earlier question");
        keys.on_cleared(4, true);
        assert!(keys.is_deletion_due() && keys.find(first).is_some());
        keys.delete_previous(Suite::DEFAULT);
        assert!(keys.find(first).is_none() && keys.has_record());
        let second = MediumKeyId::of(&keys.public()).bytes();
        assert!(keys.find(second).is_some());
    }

    #[test]
    fn publishes_again_after_a_restart_of_the_server() {
        let mut keys = published();
        keys.publish_again();
        keys.on_published(2);
        keys.on_publication(1, Some(Outcome::NoSuchClient));
        assert!(keys.are_used(), "that was an earlier publication");
        keys.on_publication(2, Some(Outcome::Full));
        assert!(keys.is_publication_due());
        keys.on_published(3);
        keys.on_publication(3, Some(Outcome::NoSuchClient));
        assert!(!keys.are_used() && !keys.is_rotation_due(LATER));
        keys.publish_again();
        assert!(keys.are_used() && keys.is_publication_due());
    }

    #[test]
    fn takes_no_secret_with_id_of_the_other() {
        let mut keys = published();
        keys.rotate(&[1; KEY_LEN], LATER, Suite::DEFAULT);
        assert!(!keys.has_record() && !keys.has_previous());
    }

    #[test]
    fn publishes_stored_secret_after_stored_deletion() {
        let mut keys = published();
        keys.has_deleted = true;
        keys.take_record();
        keys.rotate(&[2; KEY_LEN], LATER, Suite::DEFAULT);
        keys.take_record();
        keys.on_stored();
        assert!(!keys.is_publication_due(), "only the deletion is stored");
        keys.on_stored();
        assert!(keys.is_publication_due());
    }
}
