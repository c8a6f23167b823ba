//! Stored messages as their senders encrypt them.

use chatapp_core::UnixSeconds;
use chatapp_core::crypto::{Correspondence, KEY_LEN, MessageKey, PublicKey, SENT_AT_LEN, TAG_LEN};

use crate::constants::WALL_CLOCK;
use crate::frame_step::Author;
use crate::machine::Machine;
use crate::medium::id_of;
use crate::people::{SERVER, ephemeral_public, participant};
use crate::values::NameStep;

/// Returns content of the right length for a Store: the server cannot decrypt any.
pub(crate) fn unreadable(medium: &PublicKey, text: &str) -> Vec<u8> {
    let ephemeral = marked_if(PublicKey([7; KEY_LEN]), !medium.is_none());
    let parts: [&[u8]; 4] = [
        &ephemeral.0,
        id_of(medium),
        text.as_bytes(),
        &[8; SENT_AT_LEN + TAG_LEN],
    ];
    parts.concat()
}

fn marked_if(key: PublicKey, is_marked: bool) -> PublicKey {
    if is_marked { key.marked() } else { key }
}

/// A stored message as its sender has encrypted it for the machine.
pub(crate) struct Mail {
    pub(crate) incarnation: u64,
    pub(crate) ephemeral: PublicKey,
    pub(crate) ciphertext: Vec<u8>,
}

impl Mail {
    /// Encrypts a text, also for this medium-term key if it is one.
    pub(crate) fn encrypt(
        machine: &Machine,
        from: &Author,
        counter: u32,
        medium: &PublicKey,
        text: &str,
    ) -> Self {
        let number = from.name.number();
        let incarnation = machine.incarnation_of(number, from.process.0);
        let private = [0x40 + number; KEY_LEN];
        let ephemeral = marked_if(ephemeral_public(private), !medium.is_none());
        let machine_name = NameStep::Of(machine.number);
        let room = participant(SERVER).public();
        let who = Correspondence {
            room: &room,
            from: from.name.text(),
            incarnation,
            to: machine_name.text(),
        };
        let sender = participant(number.wrapping_add(from.key_of.0));
        let key = if medium.is_none() {
            MessageKey::to(sender, &machine.key, &private, &ephemeral, who)
        } else {
            let recipient = (&machine.key, medium);
            MessageKey::to_medium(sender, recipient, &private, &ephemeral, who)
        };
        let mut content = [text.as_bytes(), &[0; SENT_AT_LEN]].concat();
        if let Some(key) = key {
            let tag = key.seal(sender, counter, UnixSeconds(WALL_CLOCK), &mut content);
            content.extend(tag);
        }
        Self {
            incarnation,
            ephemeral,
            ciphertext: [id_of(medium), &content].concat(),
        }
    }

    /// Removes a byte behind the id of the medium-term key: nobody can decrypt the rest.
    pub(crate) fn damage(&mut self, medium: &PublicKey) {
        self.ciphertext.remove(id_of(medium).len());
    }
}
