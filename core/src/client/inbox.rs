//! The datagram whose frames are being taken over: one frame at a time, as the display takes what it shows.

use core::ops::Range;

use super::event::{ClientEvent, MessageId};
use super::letters::{self, Envelope, Sealed};
use super::link::Standing;
use super::roster::Sender;
use super::{Client, SERVER};
use crate::limits::BODY_LEN_MAX;
use crate::name::Name;
use crate::stats::Drop;
use crate::time::UnixSeconds;
use crate::wire::{Frame, Frames};

/// The frames of one datagram that were not taken over yet.
pub(super) struct Inbox {
    bytes: heapless::Vec<u8, BODY_LEN_MAX>,
    at: usize,
    peer: u32,
    /// Sequence number of the next frame.
    number: u32,
}

impl Inbox {
    pub(super) const EMPTY: Self = Self {
        bytes: heapless::Vec::new(),
        at: 0,
        peer: 0,
        number: 0,
    };

    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Takes the frames of a datagram; false if those of another one are still here.
    pub(super) fn fill(&mut self, peer: u32, number: u32, frames: &[u8]) -> bool {
        if !self.is_empty() {
            return false;
        }
        self.bytes.clear();
        self.at = 0;
        self.peer = peer;
        self.number = number;
        self.bytes.extend_from_slice(frames).is_ok()
    }

    pub(super) fn forget_session_of(&mut self, peer: u32) {
        if self.peer == peer {
            self.bytes.clear();
            self.at = 0;
        }
    }

    /// A letter, to be opened where it lies.
    pub(super) fn letter(&mut self, bytes: Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(bytes).unwrap_or_default()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

/// What taking over one frame led to.
pub(super) enum Step {
    /// There was none.
    Empty,
    /// Nothing to show for this frame by itself.
    Quiet,
    Show(Shown),
}

/// A frame that is to be shown; its content lies in the inbox.
pub(super) enum Shown {
    KeptMessages,
    /// The frame begins at this byte.
    Text {
        at: usize,
    },
    Withheld {
        at: usize,
        foreign_key: bool,
    },
    Dropped {
        count: u32,
    },
    TableUpdated,
}

impl Client<'_> {
    /// Takes over the next frame.
    pub(super) fn advance_inbox(&mut self) -> Step {
        if self.inbox.is_empty() {
            return Step::Empty;
        }
        let (at, peer) = (self.inbox.at, self.inbox.peer);
        let mut frames = Frames::new(self.inbox.rest());
        let frame = frames.next();
        let left = frames.rest().len();
        let end = self.inbox.bytes.len().saturating_sub(left);
        let kind = frame.and_then(Result::ok).map(|frame| frame.kind());
        let announce = matches!(frame, Some(Ok(frame)) if self.announces(&frame));
        let step = match frame {
            _ if announce => {
                self.kept_announced = true;
                Step::Show(Shown::KeptMessages)
            }
            Some(Ok(Frame::Mail {
                serial,
                incarnation,
                counter,
                key,
                from,
                letter,
                ..
            })) if peer == SERVER => {
                let newer = serial > self.mail_shown;
                let parcel = match (Name::new(from), letters::kept(letter)) {
                    (Ok(from), Some((ephemeral, letter))) if newer => {
                        let keys = Some((key, ephemeral));
                        let envelope = Envelope {
                            from,
                            incarnation,
                            counter,
                            keys,
                        };
                        Some((envelope, letter.len()))
                    }
                    _ => None,
                };
                self.mail_shown = self.mail_shown.max(serial);
                match parcel {
                    Some((envelope, len)) => {
                        let sender = self.sender(envelope.from.as_str(), incarnation);
                        self.take_letter(sender, &envelope, end.saturating_sub(len)..end, at)
                    }
                    None if newer => self.quietly(Drop::Malformed),
                    None => self.quietly(Drop::Duplicate),
                }
            }
            Some(Ok(_)) if peer == SERVER => self.take_server_frame(at),
            Some(Ok(Frame::Text { counter, letter })) => {
                let slot = self.peers.at(peer);
                let envelope = Envelope {
                    from: slot.name.clone(),
                    incarnation: slot.incarnation,
                    counter,
                    keys: None,
                };
                let letter = end.saturating_sub(letter.len())..end;
                self.take_letter(Sender::Current(peer), &envelope, letter, at)
            }
            Some(Ok(_)) => self.quietly(Drop::Unexpected),
            Some(Err(reason)) => self.quietly(reason),
            None => Step::Quiet,
        };
        if !announce {
            self.inbox.at = end;
            self.inbox.number = self.inbox.number.wrapping_add(1);
            if let Some(kind) = kind {
                self.stats.received.count_frame(kind);
            }
            let has_more = !self.inbox.is_empty();
            self.peers.at_mut(peer).hop.took(has_more);
            self.attend(peer);
            if self.inbox.is_empty()
                && let Some(starved) = self.starved.take()
            {
                self.peers.at_mut(starved).hop.owe_acknowledgement();
                self.attend(starved);
            }
        }
        step
    }

    fn quietly(&mut self, reason: Drop) -> Step {
        self.stats.drop(reason);
        Step::Quiet
    }

    /// Takes the letter that lies in these bytes of the datagram, and is opened there.
    fn take_letter(
        &mut self,
        sender: Sender,
        envelope: &Envelope,
        letter: Range<usize>,
        at: usize,
    ) -> Step {
        let counter = envelope.counter;
        if self.has_seen(sender, counter, false) {
            return self.quietly(Drop::Duplicate);
        }
        match self.open_letter(sender, envelope, letter) {
            Ok(()) => {
                self.accept_message(sender, counter, false);
                Step::Show(Shown::Text { at })
            }
            Err(reason) => {
                let foreign_key = reason == Sealed::ForeignKey;
                self.stats.drop(if foreign_key {
                    Drop::ForeignKey
                } else {
                    Drop::Unreadable
                });
                Step::Show(Shown::Withheld { at, foreign_key })
            }
        }
    }

    /// A kept message is the first since the registration: people are told before they see it.
    fn announces(&self, frame: &Frame<'_>) -> bool {
        if self.kept_announced {
            return false;
        }
        match *frame {
            Frame::Mail {
                kept: true,
                serial,
                incarnation,
                counter,
                from,
                ..
            } => {
                serial > self.mail_shown
                    && !self.has_seen(self.sender(from, incarnation), counter, false)
            }
            Frame::Channel {
                kept: true,
                number,
                incarnation,
                counter,
                from,
                ..
            } => {
                number > self.channel_shown
                    && !self.has_seen(self.sender(from, incarnation), counter, true)
            }
            _ => false,
        }
    }

    /// The frame of the server that begins at this byte takes effect.
    fn take_server_frame(&mut self, at: usize) -> Step {
        // The buffer is lent to the frame meanwhile, and comes back.
        let inbox = core::mem::replace(&mut self.inbox, Inbox::EMPTY);
        let step = match Frames::new(inbox.rest()).next() {
            Some(Ok(frame)) => self.obey(&frame, at),
            _ => Step::Quiet,
        };
        self.inbox = inbox;
        step
    }

    fn obey(&mut self, frame: &Frame<'_>, at: usize) -> Step {
        match *frame {
            Frame::Channel {
                number,
                from,
                incarnation,
                counter,
                ..
            } => {
                let newer = number > self.channel_shown;
                self.channel_shown = self.channel_shown.max(number);
                if newer && self.accept_message(self.sender(from, incarnation), counter, true) {
                    return Step::Show(Shown::Text { at });
                }
                self.stats.drop(Drop::Duplicate);
            }
            Frame::Skipped { count } => return Step::Show(Shown::Dropped { count }),
            Frame::Result { request, outcome } => self.take_result(request, outcome),
            Frame::Receipt { to, counter } => {
                if let Some(peer) = self.find_peer(to.as_bytes()) {
                    let peer = self.peers.at_mut(peer);
                    peer.receipt = peer.receipt.max(counter);
                }
            }
            page if page == Frame::EMPTIED_PAGE => self.await_whole_table(),
            Frame::Page {
                version,
                restart,
                complete,
                entries,
            } => {
                let changed = self.take_page(version, restart, complete, entries);
                // A session that was renewed quietly begins with a page, or the whole table, that may say nothing new.
                let news = changed || self.page_news || !self.standing.is_active();
                self.page_news = news && !complete;
                if complete && news && self.standing.is_in_room() {
                    self.arrived();
                    return Step::Show(Shown::TableUpdated);
                }
            }
            Frame::Found { query, entry } => {
                let changed = self.take_entry(&entry);
                self.looked_up(query, false);
                if changed {
                    return Step::Show(Shown::TableUpdated);
                }
            }
            Frame::Missing { query } => self.looked_up(query, true),
            Frame::Partial => {
                self.partial = true;
                if let Standing::Arriving(_) = self.standing {
                    self.arrived();
                    return Step::Show(Shown::TableUpdated);
                }
            }
            _ => {
                self.stats.drop(Drop::Unexpected);
            }
        }
        Step::Quiet
    }

    /// Who sent the letter in the frame that begins at this byte.
    fn sender_at(&self, at: usize) -> &str {
        match Frames::new(self.inbox.bytes.get(at..).unwrap_or_default()).next() {
            Some(Ok(Frame::Mail { from, .. })) => from,
            _ => self.peers.at(self.inbox.peer).name.as_str(),
        }
    }

    pub(super) fn shown_event(&self, shown: Shown) -> ClientEvent<'_> {
        let at = match shown {
            Shown::Withheld { at, foreign_key } => {
                let from = self.sender_at(at);
                return ClientEvent::NotShown { from, foreign_key };
            }
            Shown::KeptMessages => return ClientEvent::KeptMessages,
            Shown::Dropped { count } => return ClientEvent::ChannelDropped { count },
            Shown::TableUpdated => return ClientEvent::TableUpdated,
            Shown::Text { at } => at,
        };
        let kept_at = |kept: bool, stamp: UnixSeconds| kept.then_some(stamp);
        match Frames::new(self.inbox.bytes.get(at..).unwrap_or_default()).next() {
            Some(Ok(Frame::Mail {
                from,
                incarnation,
                counter,
                letter,
                kept,
                stamp,
                ..
            })) => ClientEvent::Message {
                from,
                id: MessageId {
                    incarnation,
                    counter,
                },
                text: letters::kept(letter).map_or("", |(_, letter)| letters::text_of(letter)),
                channel: false,
                kept_at: kept_at(kept, stamp),
            },
            Some(Ok(Frame::Channel {
                from,
                incarnation,
                counter,
                text,
                kept,
                stamp,
                ..
            })) => ClientEvent::Message {
                from,
                id: MessageId {
                    incarnation,
                    counter,
                },
                text,
                channel: true,
                kept_at: kept_at(kept, stamp),
            },
            Some(Ok(Frame::Text { counter, letter })) => ClientEvent::Message {
                from: self.peers.at(self.inbox.peer).name.as_str(),
                id: MessageId {
                    incarnation: self.peers.at(self.inbox.peer).incarnation,
                    counter,
                },
                text: letters::text_of(letter),
                channel: false,
                kept_at: None,
            },
            _ => {
                debug_assert!(false, "only these frames are shown");
                ClientEvent::TableUpdated
            }
        }
    }
}
