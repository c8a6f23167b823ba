//! Sealing what is sent to one person, and opening what one person sent.

use core::ops::Range;

use super::roster::Sender;
use super::{Client, PeerSlot, Shown};
use crate::key_log::Noted;
use crate::name::Name;
use crate::seal::{Correspondence, Identity, Letters, PublicKey, TAG_LEN};

/// What has to be known of a letter that was kept, to open it.
pub(super) struct Envelope {
    pub(super) from: Name,
    pub(super) incarnation: u64,
    pub(super) counter: u32,
    /// The sender's key, and that of the letter.
    pub(super) keys: (PublicKey, PublicKey),
}

/// Why a letter is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sealed {
    /// It claims to be from somebody who has another key.
    ForeignKey,
    /// It was not sealed for us, or was changed.
    Unreadable,
}

impl Client<'_> {
    /// Seals a message for its recipient, once; false if nothing can be sealed for the key of that name, or it has
    /// another key than it had.
    pub(super) fn seal_letter(&mut self, slot: u32) -> bool {
        let entry = self.outbox.at(slot);
        let (to, counter) = (entry.to, entry.counter);
        // What was sealed for the key that the name had before is of no use to whoever has it now.
        if self.peers.at(to).foreign {
            return false;
        }
        if entry.sealed {
            return true;
        }
        let Some(letters) = self.letters_to(to) else {
            return false;
        };
        self.outbox
            .at_mut(slot)
            .seal(&self.letters_public, |text| {
                letters.seal(&self.identity, counter, text)
            })
            .is_some()
    }

    fn letters_to(&mut self, peer: u32) -> Option<Letters> {
        let slot = self.peers.at(peer);
        if !slot.writes {
            let who = Correspondence {
                from: self.name.as_str(),
                incarnation: self.incarnation,
                to: slot.name.as_str(),
            };
            let letters = Letters::to(
                &self.identity,
                &slot.key,
                &self.letters_secret,
                &self.letters_public,
                who,
            )?;
            let slot = self.peers.at_mut(peer);
            self.key_log.note(&Noted::Letters {
                incarnation: self.incarnation,
                to: &slot.name,
                letters: &letters,
            });
            (slot.writes, slot.letters_to) = (true, letters);
            self.pin(peer);
        }
        Some(self.peers.at(peer).letters_to)
    }

    /// A peer has told what its letters are opened with.
    pub(super) fn expect_letters(&mut self, peer: u32, ephemeral: &PublicKey) {
        let slot = self.peers.at(peer);
        let (incarnation, key, name) = (slot.incarnation, slot.key, slot.name.clone());
        let letters = self.letters_from(name.as_str(), incarnation, &key, ephemeral);
        let slot = self.peers.at_mut(peer);
        if let Some(letters) = letters {
            (slot.reads, slot.letters_from) = (incarnation, letters);
        }
    }

    fn letters_from(
        &mut self,
        from: &str,
        incarnation: u64,
        key: &PublicKey,
        ephemeral: &PublicKey,
    ) -> Option<Letters> {
        let who = Correspondence {
            from,
            incarnation,
            to: self.name.as_str(),
        };
        let letters = Letters::from(&self.identity, key, ephemeral, who)?;
        self.key_log.note(&Noted::Letters {
            incarnation,
            to: &self.name,
            letters: &letters,
        });
        Some(letters)
    }

    /// Opens the letter of a direct message that was not shown yet, in these bytes of the inbox, in place: the session has
    /// brought all that has to be known of it. Its text lies in front of the tag then, and is to be shown.
    pub(super) fn take_direct(
        &mut self,
        peer: u32,
        counter: u32,
        letter: Range<usize>,
    ) -> Result<(), Sealed> {
        let slot = self.peers.at_mut(peer);
        if slot.key.is_none() || !slot.agreed_with(slot.incarnation) {
            return Err(Sealed::Unreadable);
        }
        let letter = self.inbox.letter(letter);
        open(&self.identity, &slot.letters_from, counter, letter)?;
        slot.direct.accept(counter);
        self.shown = Some(Shown {
            process: slot.process,
            channel: false,
            counter,
        });
        self.pin(peer);
        self.touch(peer);
        Ok(())
    }

    /// Opens a letter that was kept, in these bytes of the inbox, in place. Its text lies in front of the tag then.
    pub(super) fn open_letter(
        &mut self,
        sender: Sender,
        envelope: &Envelope,
        letter: Range<usize>,
    ) -> Result<(), Sealed> {
        let peer = match sender {
            Sender::Current(peer) => Some(peer),
            // Whoever writes from the mailbox has a slot from then on, if there is room for one.
            Sender::Other(_) => self.peer_for_command(&envelope.from),
        };
        let slot = peer.map(|peer| self.peers.at(peer));
        let (key, ephemeral) = envelope.keys;
        let foreign = |slot: &PeerSlot| slot.pinned && !slot.key.is_none() && slot.key != key;
        if slot.is_some_and(foreign) {
            return Err(Sealed::ForeignKey);
        }
        let known = |slot: &&PeerSlot| slot.agreed_with(envelope.incarnation) && slot.key == key;
        let letters = match slot.filter(known) {
            Some(slot) => slot.letters_from,
            None => self
                .letters_from(
                    envelope.from.as_str(),
                    envelope.incarnation,
                    &key,
                    &ephemeral,
                )
                .ok_or(Sealed::Unreadable)?,
        };
        open(
            &self.identity,
            &letters,
            envelope.counter,
            self.inbox.letter(letter),
        )?;
        if let Some(peer) = peer {
            let slot = self.peers.at_mut(peer);
            slot.writes &= slot.key == key;
            slot.key = key;
            // A letter in a session does not bring what opens it: that stays, whatever another process has left behind.
            let talks = slot.hop.is_open() && slot.reads == slot.incarnation;
            if !talks || envelope.incarnation == slot.incarnation {
                (slot.reads, slot.letters_from) = (envelope.incarnation, letters);
            }
            self.pin(peer);
        }
        Ok(())
    }
}

impl PeerSlot {
    /// Whether the key of the letters that this process sends to us is there. No process has the number 0, which stands
    /// for no key at all.
    fn agreed_with(&self, incarnation: u64) -> bool {
        self.reads != 0 && self.reads == incarnation
    }
}

fn open(
    identity: &Identity,
    letters: &Letters,
    counter: u32,
    letter: &mut [u8],
) -> Result<(), Sealed> {
    letters
        .open(identity, counter, letter)
        .filter(|text| !text.is_empty())
        // Most texts have nothing but ASCII, which is seen at a glance.
        .filter(|text| text.is_ascii() || core::str::from_utf8(text).is_ok())
        .map(|_| ())
        .ok_or(Sealed::Unreadable)
}

/// The text of a letter that was opened in place.
pub(super) fn text_of(letter: &[u8]) -> &str {
    let text = letter.len().checked_sub(TAG_LEN);
    text.and_then(|len| core::str::from_utf8(letter.get(..len)?).ok())
        .unwrap_or_default()
}
