//! A session with the tested machine, at its other end.

use chatapp_core::crypto::{KEY_LEN, SessionKeys};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::data::{self, DataWriter};
use chatapp_core::wire::{Cookie, Entry, Frame, Header, Status};
use chatapp_core::{PublicKey, UnixSeconds};

use crate::constants::WALL_CLOCK;
use crate::frame_step::{EntryStep, FrameStep};
use crate::machine::Machine;
use crate::medium::{MediumKeyStep, SentKeys};
use crate::people::{address, participant};
use crate::step::Head;
use crate::stored_message::{Mail, unreadable};
use crate::values::{NameStep, outcome_of, refusal};

/// The next numbers of a participant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    request: u32,
    counter: u32,
    query: u32,
    serial: u32,
    channel: u32,
    version: u32,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            request: 1,
            counter: 1,
            query: 1,
            serial: 1,
            channel: 1,
            version: 1,
        }
    }
}

/// The latest numbers that the machine has sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    request: u32,
    counter: u32,
    query: u32,
    pub(crate) serial: u64,
    pub(crate) channel: u32,
    pub(crate) version: u32,
    pub(crate) medium_keys: SentKeys,
}

/// The knowledge of a participant when it speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Knowledge<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) heard: &'a Heard,
    pub(crate) cookie: Option<Cookie>,
}

/// An open session.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    /// Number of the participant.
    pub(crate) who: u8,
    /// Id that the machine receives under.
    pub(crate) machine_id: u64,
    /// Id that the machine writes to.
    pub(crate) own_id: u64,
    keys: SessionKeys,
    next_counter: u64,
    first: u32,
    received: u32,
    phase: bool,
    peer_phase: bool,
    /// The latest frames, and the numbers before them.
    said: (u32, Numbers, Vec<FrameStep>),
}

impl Conversation {
    /// Creates a session that has just been opened.
    pub(crate) fn new(who: u8, machine_id: u64, own_id: u64, keys: SessionKeys) -> Self {
        Self {
            who,
            machine_id,
            own_id,
            keys,
            next_counter: 0,
            first: 0,
            received: 0,
            phase: false,
            peer_phase: false,
            said: (0, Numbers::default(), Vec::new()),
        }
    }

    /// Encrypts any content, and returns the datagram.
    pub(crate) fn encrypts(&mut self, content: &[u8], front: &[u8]) -> Vec<u8> {
        let mut bytes = [front, &self.next_counter.to_le_bytes()].concat();
        self.next_counter += 1;
        let front = bytes.len();
        bytes.extend(&content[..content.len().min(DATAGRAM_LEN_MAX - front - 16)]);
        let (associated, text) = bytes.split_at_mut(front);
        let tag = participant(self.who).seal(&mut self.keys, associated, text);
        bytes.extend(tag);
        bytes
    }

    /// Reads a datagram of the machine; returns `false` if it is of another session.
    pub(crate) fn hears(&mut self, bytes: &[u8], heard: &mut Heard) -> bool {
        let mut copy = [0; DATAGRAM_LEN_MAX];
        let copy = &mut copy[..bytes.len()];
        copy.copy_from_slice(bytes);
        let Ok((header, frames)) = data::open(participant(self.who), &mut self.keys, copy) else {
            return false;
        };
        self.peer_phase = header.phase;
        let mut number = header.first;
        for frame in frames {
            let frame = frame.expect("a machine sends frames that can be parsed");
            if number == self.received {
                self.received += 1;
            }
            number = number.wrapping_add(1);
            heard.note(&frame);
        }
        true
    }

    /// Builds a datagram with frames that have the next numbers.
    pub(crate) fn says(
        &mut self,
        head: &Head,
        frames: &[FrameStep],
        numbers: &mut Numbers,
        known: Knowledge<'_>,
    ) -> Vec<u8> {
        let Knowledge {
            machine,
            heard,
            cookie,
        } = known;
        self.said = (self.first, *numbers, frames.to_vec());
        self.phase ^= head.phase;
        let version = heard.version.max(numbers.version.wrapping_sub(1));
        let header = Header {
            nack: head.nack,
            probe: head.probe,
            phase: self.phase,
            peer_phase: self.peer_phase != head.peer_phase,
            acknowledged: head.acknowledged.from(self.received),
            window: head.window.0.checked_sub(1).map_or(32, u16::from),
            first: head.first.from(self.first),
            table_version: head.table.map(|jump| jump.from(version)),
            closed: head.closed.0.checked_sub(1).map(refusal),
            cookie: cookie.filter(|_| head.cookie),
        };
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = DataWriter::new(&mut out, self.machine_id, &header);
        for step in frames {
            let speaker = Speaker {
                machine,
                heard,
                numbers,
            };
            if !speaker.pushes(step, &mut writer) {
                break;
            }
            self.first = self.first.wrapping_add(1);
        }
        let len = writer.finish(participant(self.who), &mut self.keys);
        self.next_counter += 1;
        out[..len].to_owned()
    }

    /// Builds a datagram with the frames of the one before, and their numbers.
    pub(crate) fn says_again(&mut self, numbers: &mut Numbers, known: Knowledge<'_>) -> Vec<u8> {
        let (first, before, frames) = std::mem::take(&mut self.said);
        (self.first, *numbers) = (first, before);
        let head = Head {
            phase: true,
            ..Head::default()
        };
        self.says(&head, &frames, numbers, known)
    }
}

impl Heard {
    fn note(&mut self, frame: &Frame<'_>) {
        match *frame {
            Frame::Text { counter, .. } => self.counter = counter,
            Frame::Store {
                request,
                to: "",
                ciphertext,
                ..
            } => {
                self.request = request;
                self.medium_keys.note(PublicKey::in_front_of(ciphertext).0);
            }
            Frame::Found { query: 0, entry } => self.medium_keys.note(entry.key),
            Frame::Store {
                request, counter, ..
            }
            | Frame::Post {
                request, counter, ..
            } => (self.request, self.counter) = (request, counter),
            Frame::Leave { request } => self.request = request,
            Frame::Lookup { query, .. } => self.query = query,
            Frame::Mail { serial, .. } => self.serial = serial,
            Frame::Channel { number, .. } => self.channel = number,
            Frame::Page { version, .. } => self.version = version,
            _ => {}
        }
    }
}

/// The state from which the frames of one datagram are made.
struct Speaker<'a> {
    machine: &'a Machine,
    heard: &'a Heard,
    numbers: &'a mut Numbers,
}

fn next(number: &mut u32, jump: crate::values::Jump) -> u32 {
    let value = jump.from(*number);
    *number = value.wrapping_add(1);
    value
}

impl Speaker<'_> {
    fn pushes(self, step: &FrameStep, writer: &mut DataWriter<'_>) -> bool {
        match step {
            FrameStep::Text { .. }
            | FrameStep::Publish { .. }
            | FrameStep::Post { .. }
            | FrameStep::Leave { .. }
            | FrameStep::Lookup { .. } => self.pushes_of_client(step, writer),
            FrameStep::Store(_) | FrameStep::StoreFor { .. } => self.pushes_store(step, writer),
            FrameStep::Mail(_) | FrameStep::MailFor { .. } => self.pushes_mail(step, writer),
            FrameStep::Channel { .. } => self.pushes_channel(step, writer),
            FrameStep::Page {
                version,
                restart,
                complete,
                entries,
            } => {
                let version = next(&mut self.numbers.version, *version);
                let mut page = [0; DATAGRAM_LEN_MAX];
                let mut len = 0;
                for step in entries {
                    len += entry(self.machine, step).emit(&mut page[len..]);
                }
                writer.push(&Frame::Page {
                    version,
                    restart: *restart,
                    complete: *complete,
                    entries: &page[..len],
                })
            }
            _ => writer.push(&self.answer(step)),
        }
    }

    fn pushes_of_client(self, step: &FrameStep, writer: &mut DataWriter<'_>) -> bool {
        let numbers = self.numbers;
        match step {
            FrameStep::Text { counter, text } => writer.push(&Frame::Text {
                counter: next(&mut numbers.counter, *counter),
                text: text.text().as_bytes(),
            }),
            FrameStep::Publish { request, key, rest } => {
                let rest = rest.0.checked_sub(1).map_or(KEY_LEN, usize::from);
                let key = key.key(&self.heard.medium_keys);
                writer.push(&Frame::Store {
                    request: next(&mut numbers.request, *request),
                    counter: 0,
                    tried: 0,
                    bounce: false,
                    to: "",
                    ciphertext: &[&key.0[..], &vec![0; rest]].concat(),
                })
            }
            FrameStep::Post {
                request,
                counter,
                text,
            } => writer.push(&Frame::Post {
                request: next(&mut numbers.request, *request),
                counter: next(&mut numbers.counter, *counter),
                text: &text.text(),
            }),
            FrameStep::Lookup { query, name } => writer.push(&Frame::Lookup {
                query: next(&mut numbers.query, *query),
                name: name.text(),
            }),
            FrameStep::Leave { request } => writer.push(&Frame::Leave {
                request: next(&mut numbers.request, *request),
            }),
            _ => false,
        }
    }

    fn pushes_store(self, step: &FrameStep, writer: &mut DataWriter<'_>) -> bool {
        let (key, store) = match step {
            FrameStep::Store(store) => (&MediumKeyStep::None, store),
            FrameStep::StoreFor { key, store } => (key, store),
            _ => return false,
        };
        let key = key.key(&self.heard.medium_keys);
        let to = &store.to;
        writer.push(&Frame::Store {
            request: next(&mut self.numbers.request, store.request),
            counter: next(&mut self.numbers.counter, store.counter),
            tried: match store.tried.0 {
                0 => 0,
                process => self.machine.incarnation_of(to.number(), process - 1),
            },
            bounce: store.bounce,
            to: to.text(),
            ciphertext: &unreadable(&key, &store.text.text()),
        })
    }

    fn pushes_mail(self, step: &FrameStep, writer: &mut DataWriter<'_>) -> bool {
        let (key, step) = match step {
            FrameStep::Mail(mail) => (&MediumKeyStep::None, mail),
            FrameStep::MailFor { key, mail } => (key, mail),
            _ => return false,
        };
        let from = &step.from;
        let serial = next(&mut self.numbers.serial, step.serial);
        let counter = next(&mut self.numbers.counter, from.counter);
        let key = key.key(&self.heard.medium_keys);
        let mut mail = Mail::encrypt(self.machine, from, counter, &key, &step.text.text());
        if !step.is_genuine {
            mail.damage(&key);
        }
        writer.push(&Frame::Mail {
            serial: serial.into(),
            incarnation: mail.incarnation,
            counter,
            stamp: UnixSeconds(WALL_CLOCK),
            kept: from.kept,
            key: key_of(&from.name, from.key_of.0),
            from: from.name.text(),
            message_key: mail.ephemeral,
            ciphertext: &mail.ciphertext,
        })
    }

    fn pushes_channel(self, step: &FrameStep, writer: &mut DataWriter<'_>) -> bool {
        let FrameStep::Channel { number, from, text } = step else {
            return false;
        };
        let numbers = self.numbers;
        writer.push(&Frame::Channel {
            number: next(&mut numbers.channel, *number),
            incarnation: self
                .machine
                .incarnation_of(from.name.number(), from.process.0),
            counter: next(&mut numbers.counter, from.counter),
            stamp: UnixSeconds(WALL_CLOCK),
            kept: from.kept,
            from: from.name.text(),
            text: &text.text(),
        })
    }

    fn answer<'s>(&self, step: &'s FrameStep) -> Frame<'s> {
        let heard = self.heard;
        match step {
            FrameStep::Result { back, outcome } => Frame::Result {
                request: heard.request.wrapping_sub(back.0.into()),
                outcome: outcome_of(*outcome),
            },
            FrameStep::Receipt { to, back } => Frame::Receipt {
                to: to.text(),
                counter: heard.counter.wrapping_sub(back.0.into()),
            },
            FrameStep::Skipped { count } => Frame::Skipped {
                count: (*count).into(),
            },
            FrameStep::Found { back, entry: step } => Frame::Found {
                query: heard.query.wrapping_sub(back.0.into()),
                entry: entry(self.machine, step),
            },
            FrameStep::Missing { back } => Frame::Missing {
                query: heard.query.wrapping_sub(back.0.into()),
            },
            FrameStep::MediumKey { name, key } => Frame::Found {
                query: 0,
                entry: Entry::new(
                    name.text(),
                    Status::Offline,
                    self.machine.incarnation_of(name.number(), 0),
                    key.key(&heard.medium_keys),
                    address(name.number()),
                ),
            },
            _ => Frame::Partial,
        }
    }
}

fn key_of(name: &NameStep, distance: u8) -> PublicKey {
    participant(name.number().wrapping_add(distance)).public()
}

fn entry<'s>(machine: &Machine, step: &'s EntryStep) -> Entry<'s> {
    let number = step.name.number();
    let status = match step.status % 4 {
        0 => Status::Offline,
        2 => Status::Gone,
        _ => Status::Online,
    };
    Entry::new(
        step.name.text(),
        status,
        machine.incarnation_of(number, step.process.0),
        key_of(&step.name, step.key_of.0),
        address(number.wrapping_add(step.address_of.0)),
    )
}
