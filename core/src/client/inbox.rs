//! The datagram whose frames are being taken over: one frame at a time, as the display takes what it shows.

use core::ops::Range;

use super::event::{ClientEvent, MessageId};
use super::letters::{self, Envelope, Sealed};
use super::link::Standing;
use super::roster::Sender;
use super::{Client, SERVER};
use crate::drop_reason::DropReason;
use crate::limits::BODY_LEN_MAX;
use crate::name::Name;
use crate::session::connection::Connection;
use crate::time::UnixSeconds;
use crate::wire::{Frame, Frames, Place};

/// The frames of one datagram that were not taken over yet.
pub(super) struct Inbox {
    bytes: heapless::Vec<u8, BODY_LEN_MAX>,
    place: Place,
    /// Where the frame is that was looked at last.
    latest: Place,
    peer: u32,
    /// Sequence number of the next frame.
    number: u32,
    /// None of its frames was taken over yet, and its sender was owed no acknowledgement before it came.
    unowed: bool,
}

impl Inbox {
    pub(super) const EMPTY: Self = Self {
        bytes: heapless::Vec::new(),
        place: Place::START,
        latest: Place::START,
        peer: 0,
        number: 0,
        unowed: false,
    };

    pub(super) fn is_empty(&self) -> bool {
        self.place.at() >= self.bytes.len()
    }

    /// Takes the frames of a datagram that were not parsed yet; false if those of another one are still here. `unowed`:
    /// its sender was owed no acknowledgement before it came.
    pub(super) fn fill(
        &mut self,
        peer: u32,
        number: u32,
        frames: &Frames<'_>,
        unowed: bool,
    ) -> bool {
        if !self.is_empty() {
            return false;
        }
        let (bytes, place) = frames.parts();
        self.bytes.clear();
        self.place = place;
        self.peer = peer;
        self.number = number;
        self.unowed = unowed;
        self.bytes.extend_from_slice(bytes).is_ok()
    }

    /// This peer waits for an answer, or sends more: what is here of it is acknowledged as soon as it was taken over.
    pub(super) fn owes_at_once(&mut self, peer: u32) {
        self.unowed &= self.peer != peer;
    }

    pub(super) fn forget_session_of(&mut self, peer: u32) {
        if self.peer == peer {
            self.bytes.clear();
            self.place = Place::START;
        }
    }

    /// A letter, to be opened where it lies.
    pub(super) fn letter(&mut self, bytes: Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(bytes).unwrap_or_default()
    }

    fn text_bytes(&self, bytes: &Range<usize>) -> &[u8] {
        self.bytes.get(bytes.clone()).unwrap_or_default()
    }

    /// The frame that was looked at last.
    fn latest(&self) -> Option<Result<Frame<'_>, DropReason>> {
        Frames::resume(&self.bytes, self.latest).next()
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

/// What is to be shown of the frame that was looked at last; its content lies in the inbox.
pub(super) enum Shown {
    KeptMessages,
    Text,
    /// A direct message, whose text lies in these bytes.
    Direct {
        counter: u32,
        text: Range<usize>,
    },
    Withheld {
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
        let peer = self.inbox.peer;
        self.inbox.latest = self.inbox.place;
        let mut frames = Frames::resume(&self.inbox.bytes, self.inbox.place);
        let frame = frames.next();
        let (_, behind) = frames.parts();
        let end = behind.at();
        let (kind, announce) = match &frame {
            Some(Ok(frame)) => (Some(frame.kind()), self.announces(frame)),
            _ => (None, false),
        };
        let mut may_wait = false;
        let step = match frame {
            _ if announce => {
                self.server_log.announce();
                Step::Show(Shown::KeptMessages)
            }
            Some(Ok(Frame::Mail {
                serial,
                incarnation,
                counter,
                key,
                from,
                letter_key,
                letter,
                ..
            })) if peer == SERVER => {
                let newer = self.server_log.take_mail(serial);
                let is_there = !(letter_key.is_none() && letter.is_empty());
                let parcel = match Name::new(from) {
                    Ok(from) if newer && is_there => {
                        let keys = (key, letter_key);
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
                match parcel {
                    Some((envelope, len)) => {
                        let sender = self.sender(envelope.from.as_str(), incarnation);
                        if self.has_seen(sender, counter, false) {
                            self.quietly(DropReason::Duplicate)
                        } else {
                            let letter = end.saturating_sub(len)..end;
                            match self.open_letter(sender, &envelope, letter) {
                                Ok(()) => {
                                    self.accept_message(sender, counter, false);
                                    Step::Show(Shown::Text)
                                }
                                Err(reason) => self.withhold(reason),
                            }
                        }
                    }
                    None if newer => self.quietly(DropReason::Malformed),
                    None => self.quietly(DropReason::Duplicate),
                }
            }
            Some(Ok(Frame::Channel {
                number,
                from,
                incarnation,
                counter,
                kept,
                ..
            })) if peer == SERVER => {
                may_wait = !kept;
                let newer = self.server_log.take_entry(number);
                let sender = self.current_sender(from, incarnation);
                let sender = sender.unwrap_or_else(|| {
                    let (hash, suite) =
                        (self.hash_key.hash(from.as_bytes()), self.identity.suite());
                    Sender::Other(self.dedup.writer(suite, hash, from, incarnation))
                });
                if newer && self.accept_message(sender, counter, true) {
                    Step::Show(Shown::Text)
                } else {
                    self.quietly(DropReason::Duplicate)
                }
            }
            Some(Ok(_)) if peer == SERVER => self.take_server_frame(),
            Some(Ok(Frame::Text { counter, text })) => {
                let is_text = letters::is_text(text);
                let text = end.saturating_sub(text.len())..end;
                if !is_text {
                    self.quietly(DropReason::Malformed)
                } else if self.accept_message(Sender::Current(peer), counter, false) {
                    self.pin(peer);
                    Step::Show(Shown::Direct { counter, text })
                } else {
                    self.quietly(DropReason::Duplicate)
                }
            }
            Some(Ok(_)) => self.quietly(DropReason::Unexpected),
            Some(Err(reason)) => self.quietly(reason),
            None => Step::Quiet,
        };
        if !announce {
            self.inbox.place = behind;
            if let Some(kind) = kind {
                self.stats.received.count_frame(kind);
            }
            let has_more = !self.inbox.is_empty();
            let is_alone = core::mem::take(&mut self.inbox.unowed) && !has_more;
            let number = self.inbox.number;
            self.inbox.number = number.wrapping_add(1);
            let owed_anew = self.sessions.at_mut(peer).took(has_more);
            let waits = may_wait && is_alone && !owed_anew && self.holds_entry(number);
            if waits {
                self.sessions.at_mut(SERVER).delay_ack();
                self.held_until = Connection::delayed_until(self.now, self.retry);
            }
            if waits || owed_anew {
                self.attend(peer);
            }
            if !has_more && let Some(starved) = self.starved.take() {
                self.sessions.at_mut(starved).ack_now();
                self.attend(starved);
            }
        }
        step
    }

    /// Whether the acknowledgement of an entry of the channel's log that came alone, in the frame of this number, waits:
    /// nobody waits to hear that it was shown, while the server may send the next one, so every second one waits a little
    /// for that, and both go as one (RFC 9000, section 13.2.2). Half of the clients begin with the first, by their session,
    /// half with the second: the server never hears of all at once.
    fn holds_entry(&self, number: u32) -> bool {
        let session = self.sessions.at(SERVER).local_id();
        let is_second = (session ^ u64::from(number)) & 1 != 0;
        self.window > 1 && !is_second
    }

    fn quietly(&mut self, reason: DropReason) -> Step {
        self.stats.drop(reason);
        Step::Quiet
    }

    /// The letter in the frame that was looked at last cannot be shown.
    fn withhold(&mut self, reason: Sealed) -> Step {
        let foreign_key = reason == Sealed::ForeignKey;
        self.stats.drop(if foreign_key {
            DropReason::ForeignKey
        } else {
            DropReason::Unreadable
        });
        Step::Show(Shown::Withheld { foreign_key })
    }

    /// A kept message is the first since the registration: people are told before they see it.
    fn announces(&self, frame: &Frame<'_>) -> bool {
        if self.server_log.has_announced() {
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
                self.server_log.is_new_mail(serial)
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
                self.server_log.is_new_entry(number)
                    && !self.has_seen(self.sender(from, incarnation), counter, true)
            }
            _ => false,
        }
    }

    /// The frame of the server that was looked at last takes effect.
    fn take_server_frame(&mut self) -> Step {
        // The buffer is lent to the frame meanwhile, and comes back.
        let inbox = core::mem::replace(&mut self.inbox, Inbox::EMPTY);
        let step = match inbox.latest() {
            Some(Ok(frame)) => self.obey(&frame),
            _ => Step::Quiet,
        };
        self.inbox = inbox;
        step
    }

    fn obey(&mut self, frame: &Frame<'_>) -> Step {
        match *frame {
            Frame::Skipped { count } => return Step::Show(Shown::Dropped { count }),
            Frame::Result { request, outcome } => self.take_result(request, outcome),
            Frame::Receipt { to, counter } => {
                if let Some(peer) = self.find_peer(to.as_bytes()) {
                    let peer = self.peers.at_mut(peer);
                    peer.receipt = peer.receipt.max(counter);
                }
            }
            page if page == Frame::EMPTIED_PAGE => self.table.await_whole(),
            Frame::Page {
                version,
                restart,
                complete,
                entries,
            } => {
                let changed = self.take_page(version, restart, complete, entries);
                // A session that was renewed quietly begins with a page, or the whole table, that may say nothing new.
                let news = changed || !self.standing.is_active();
                if self.table.completes_news(news, complete) && self.standing.is_in_room() {
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
                self.table.note_partial();
                if let Standing::Arriving(_) = self.standing {
                    self.arrived();
                    return Step::Show(Shown::TableUpdated);
                }
            }
            _ => {
                self.stats.drop(DropReason::Unexpected);
            }
        }
        Step::Quiet
    }

    /// Who sent the letter in the frame that was looked at last.
    fn sender_of_latest(&self) -> &str {
        match self.inbox.latest() {
            Some(Ok(Frame::Mail { from, .. })) => from,
            _ => self.peers.at(self.inbox.peer).name.as_str(),
        }
    }

    pub(super) fn shown_event(&self, shown: Shown) -> ClientEvent<'_> {
        match shown {
            Shown::Withheld { foreign_key } => {
                let from = self.sender_of_latest();
                return ClientEvent::NotShown { from, foreign_key };
            }
            Shown::KeptMessages => return ClientEvent::KeptMessages,
            Shown::Dropped { count } => return ClientEvent::ChannelDropped { count },
            Shown::TableUpdated => return ClientEvent::TableUpdated,
            Shown::Direct { counter, text } => {
                let peer = self.peers.at(self.inbox.peer);
                return ClientEvent::Message {
                    from: peer.name.as_str(),
                    id: MessageId {
                        incarnation: peer.incarnation,
                        counter,
                    },
                    text: core::str::from_utf8(self.inbox.text_bytes(&text)).unwrap_or_default(),
                    channel: false,
                    kept_at: None,
                };
            }
            Shown::Text => {}
        }
        let kept_at = |kept: bool, stamp: UnixSeconds| kept.then_some(stamp);
        match self.inbox.latest() {
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
                text: letters::text_of(letter),
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
            _ => {
                debug_assert!(false, "only these frames are shown");
                ClientEvent::TableUpdated
            }
        }
    }
}
