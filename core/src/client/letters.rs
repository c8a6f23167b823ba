//! Sealing what is sent to one person, and opening what one person sent.

use core::ops::Range;

use super::roster::Sender;
use super::{Client, PeerSlot};
use crate::crypto::{Correspondence, Identity, Letters, PublicKey, TAG_LEN};
use crate::name::Name;
use crate::session::connection::Phase;
use crate::session::key_log::Noted;

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
    /// Whether anything may be sent to a name: not if it has no key, or another one than it had. The key counts from then
    /// on, also one with which nobody can open a session: whoever lists it could have listed any.
    #[inline]
    pub(super) fn trusts(&mut self, peer: u32) -> bool {
        let slot = self.peers.at(peer);
        if slot.foreign || slot.key.is_none() {
            return false;
        }
        if !slot.pinned {
            self.pin(peer);
        }
        true
    }

    /// Seals a message for its recipient, to be kept; false if nothing can be sealed for the key of that name, or it has
    /// another key than it had.
    pub(super) fn seal_letter(&mut self, slot: u32) -> bool {
        let entry = self.outbox.at(slot);
        let (to, counter) = (entry.to, entry.counter);
        // What was sealed for the key that the name had before is of no use to whoever has it now.
        if !self.trusts(to) {
            return false;
        }
        let entry = self.outbox.at(slot);
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
        }
        Some(self.peers.at(peer).letters_to)
    }

    /// A message that was sealed to be kept goes directly after all: its text is there again. False if it is not.
    pub(super) fn unseal_letter(&mut self, slot: u32) -> bool {
        let entry = self.outbox.at_mut(slot);
        if !entry.sealed {
            return true;
        }
        let (counter, letters) = (entry.counter, self.peers.at(entry.to).letters_to);
        entry.unseal(|letter| letters.open(&self.identity, counter, letter).is_some())
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
            let rekeyed = slot.key != key;
            slot.writes &= !rekeyed;
            slot.key = key;
            (slot.reads, slot.letters_from) = (envelope.incarnation, letters);
            self.pin(peer);
            if rekeyed && self.sessions.at(peer).phase() != Phase::Closed {
                // It is a session with somebody else, whom the table took for this one.
                self.fall_back(peer);
            }
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
        .filter(|text| is_text(text))
        .map(|_| ())
        .ok_or(Sealed::Unreadable)
}

/// Whether these bytes are what somebody may write.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    // Most texts have nothing but ASCII, which is seen at a glance.
    !bytes.is_empty() && (bytes.is_ascii() || core::str::from_utf8(bytes).is_ok())
}

/// The text of a letter that was opened in place.
pub(super) fn text_of(letter: &[u8]) -> &str {
    let text = letter.len().checked_sub(TAG_LEN);
    text.and_then(|len| core::str::from_utf8(letter.get(..len)?).ok())
        .unwrap_or_default()
}
