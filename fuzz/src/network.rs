//! All participants that the tested machine talks to. They build datagrams from steps, with working
//! handshakes and sessions, so that the code behind the decryption is tested as well.

use std::net::SocketAddr;

use chatapp_core::PublicKey;
use chatapp_core::crypto::{KEY_LEN, Responder, SessionKeys, TAG_LEN};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{
    Accept, Answer, ClientHello, Cookie, Datagram, Hello, PeerHello, VERSION,
};

use crate::conversation::{Conversation, Heard, Knowledge, Numbers};
use crate::machine::Machine;
use crate::people::{PARTICIPANTS, address, participant};
use crate::short_tag::append_tag;
use crate::step::{Fate, Open, Say, Step};
use crate::values::refusal;

/// Kinds of datagrams, the second byte.
const KIND_CLIENT_HELLO: u8 = 3;
const KIND_PEER_HELLO: u8 = 4;
const KIND_ACCEPT: u8 = 5;
const KIND_DATA: u8 = 8;
/// The longest payloads of handshake messages.
const FIRST_LEN_MAX: usize = 112;
const SECOND_LEN_MAX: usize = 44;
/// The first of the marks: in a content, 32 equal bytes from this value on stand for the key of
/// participant 0, 1, and so on. Keys depend on the ciphers, inputs do not.
pub const KEY_MARK: u8 = 0xa0;

/// A handshake that a participant has begun: the parts of its first message.
#[derive(Clone, Debug)]
struct Begun {
    who: u8,
    id: u64,
    hello: Hello,
    ephemeral: [u8; KEY_LEN],
    payload: Vec<u8>,
}

/// The state of each participant.
#[derive(Clone, Copy, Debug, Default)]
struct Participant {
    /// The latest cookie for its address.
    cookie: Option<Cookie>,
    /// Number of sessions that it asked for.
    session_sequence: u32,
    numbers: Numbers,
}

/// The other ends of all sessions of the tested machine.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    machine: Machine,
    participants: [Participant; PARTICIPANTS],
    sessions: Vec<Conversation>,
    begun: Vec<Begun>,
    /// First handshake messages of the machine.
    asked: Vec<Vec<u8>>,
    /// Well-formed datagrams to the machine.
    history: Vec<(SocketAddr, Vec<u8>)>,
    /// All cookies of the machine, with their addresses.
    cookies: Vec<(SocketAddr, Cookie)>,
    /// Datagrams of sessions that return a cookie.
    returned: Vec<(Vec<u8>, Cookie)>,
    /// The answer of the machine when it accepted a session.
    accepted: Option<Accept>,
    heard: Heard,
    /// Number of ephemeral keys so far.
    ephemerals: u64,
}

impl Network {
    /// Creates the network around the machine with this number.
    pub(crate) fn new(number: u8) -> Self {
        Self {
            machine: Machine {
                key: participant(number).public(),
                number,
                incarnation: None,
            },
            participants: [Participant::default(); PARTICIPANTS],
            sessions: Vec::new(),
            begun: Vec::new(),
            asked: Vec::new(),
            history: Vec::new(),
            cookies: Vec::new(),
            returned: Vec::new(),
            accepted: None,
            heard: Heard::default(),
            ephemerals: 0,
        }
    }

    /// Reads a datagram that the machine sent to this address. Returns whether it accepts a
    /// session.
    ///
    /// # Panics
    /// If the datagram does not parse.
    pub(crate) fn takes(&mut self, to: SocketAddr, bytes: &[u8]) -> bool {
        let datagram = Datagram::parse(participant(0), bytes);
        match datagram.expect("a machine sends datagrams that can be parsed") {
            Datagram::ClientHello(_) | Datagram::PeerHello(_) | Datagram::CookieRequest { .. } => {
                self.asked.push(bytes.to_vec());
            }
            Datagram::Cookie { cookie, .. } => {
                self.cookies.push((to, cookie));
                let mut all = (0..).zip(&mut self.participants);
                if let Some((_, participant)) = all.find(|(number, _)| address(*number) == to) {
                    participant.cookie = Some(cookie);
                }
            }
            Datagram::Accept { to: id, message } => {
                self.completes(id, message);
                return true;
            }
            Datagram::Data { to: id, .. } => {
                let heard = &mut self.heard;
                let mut newest_first = self.sessions.iter_mut().rev();
                newest_first.any(|session| session.own_id == id && session.hears(bytes, heard));
            }
            _ => {}
        }
        false
    }

    /// Returns the medium-term key that the machine has sent last.
    pub(crate) fn latest_medium_key(&self) -> PublicKey {
        self.heard.medium_keys.latest()
    }

    /// Returns whether a datagram validates the address that it comes from: with a cookie for it,
    /// in a request for a session or inside of one.
    pub(crate) fn validates(&self, from: SocketAddr, bytes: &[u8]) -> bool {
        let cookie = match bytes.get(1) {
            Some(&KIND_CLIENT_HELLO) => match Datagram::parse(participant(0), bytes) {
                Ok(Datagram::ClientHello(hello)) => Some(hello.cookie),
                _ => None,
            },
            Some(&KIND_DATA) => {
                let mut newest_first = self.returned.iter().rev();
                let found = newest_first.find(|(datagram, _)| datagram == bytes);
                found.map(|(_, cookie)| *cookie)
            }
            _ => None,
        };
        cookie.is_some_and(|cookie| self.cookies.contains(&(from, cookie)))
    }

    /// Completes a handshake that the machine has answered.
    fn completes(&mut self, id: u64, message: &[u8]) {
        let Some(begun) = self.begun.iter().rev().find(|begun| begun.id == id) else {
            return;
        };
        let read = begun.hello.complete(
            id,
            participant(begun.who),
            &self.machine.key,
            &begun.ephemeral,
            &begun.payload,
            message,
        );
        if let Some((keys, Answer::Accepted(accept))) = read {
            let session = Conversation::new(begun.who, accept.id, id, keys);
            self.sessions.push(session);
            self.accepted = Some(accept);
        }
    }

    /// Returns the datagram that a step delivers, and its source; `None` if it delivers none.
    pub(crate) fn gives(&mut self, step: &Step) -> Option<(SocketAddr, Vec<u8>)> {
        let (from, bytes) = match step {
            Step::Bytes { from, bytes } => (address(*from), bytes.clone()),
            Step::Content {
                from,
                kind,
                back,
                content,
            } => (
                address(*from),
                self.content(*from, *kind, (*back).into(), content)?,
            ),
            Step::AskCookie { from } => {
                let id = self.begun.len() as u64 + 1;
                (address(*from), emitted(&Datagram::CookieRequest { id }))
            }
            Step::GiveCookie { back, key } => (address(0), self.cookie(*back, *key)),
            Step::Open(open) => (address(open.from), self.opens(open)),
            Step::Answer {
                from,
                back,
                refusal,
                epoch,
                window,
            } => {
                let said = self.answer(refusal.0, *epoch, window.0);
                (address(*from), self.answers(*from, (*back).into(), &said)?)
            }
            Step::Say(say) => return self.says(say),
            Step::Resend { session } => {
                let place = self.place(*session)?;
                let (session, numbers, known) = self.speaker(place);
                (address(session.who), session.says_again(numbers, known))
            }
            Step::Repeat { back, fate } => {
                let (from, bytes) = latest(&self.history, (*back).into())?;
                return fate.happens(*from, bytes.clone());
            }
            Step::Reset { session, wrong } => {
                let session = &self.sessions[self.place(*session)?];
                let mut token = reset_token(session.who);
                token[0] ^= wrong.0;
                let echo = session.own_id;
                (
                    address(session.who),
                    emitted(&Datagram::Reset { echo, token }),
                )
            }
            Step::Refuse { back, reason } => {
                let (to, reason) = (self.asked_id((*back).into()), refusal(*reason));
                (address(0), emitted(&Datagram::Refuse { to, reason }))
            }
            _ => return None,
        };
        self.history.push((from, bytes.clone()));
        Some((from, bytes))
    }

    fn place(&self, back: u8) -> Option<usize> {
        let count = self.sessions.len();
        count.checked_sub(1 + usize::from(back) % count.max(1))
    }

    /// Returns the session at this place, and the state that its datagrams need.
    fn speaker(&mut self, place: usize) -> (&mut Conversation, &mut Numbers, Knowledge<'_>) {
        let session = &mut self.sessions[place];
        let speaker = &mut self.participants[usize::from(session.who)];
        let known = Knowledge {
            machine: &self.machine,
            heard: &self.heard,
            cookie: speaker.cookie,
        };
        (session, &mut speaker.numbers, known)
    }

    fn says(&mut self, say: &Say) -> Option<(SocketAddr, Vec<u8>)> {
        let place = self.place(say.session)?;
        let (session, numbers, known) = self.speaker(place);
        let cookie = known.cookie.filter(|_| say.head.0.cookie);
        let bytes = session.says(&say.head.0, &say.frames, numbers, known);
        let from = address(session.who);
        let returned = cookie.map(|cookie| (bytes.clone(), cookie));
        self.returned.extend(returned);
        self.history.push((from, bytes.clone()));
        say.fate.happens(from, bytes)
    }

    fn cookie(&self, back: u8, key: Option<u8>) -> Vec<u8> {
        let cookie = Cookie {
            issued_at_ms: 1,
            mac: 2,
        };
        emitted(&Datagram::Cookie {
            to: self.asked_id(back.into()),
            cookie,
            key: key.map(|key| participant(key).public()),
        })
    }

    fn opens(&mut self, open: &Open) -> Vec<u8> {
        let place = usize::from(open.from) % PARTICIPANTS;
        let who = place as u8;
        let participant = &mut self.participants[place];
        participant.session_sequence += 1;
        let number = open.session_sequence.from(participant.session_sequence);
        let id = match open.id.0 {
            0 => 0x100 + self.begun.len() as u64,
            id => id.into(),
        };
        let incarnation = self.machine.incarnation_of(who, open.process.0);
        let window = open.window.0.checked_sub(1).map_or(32, u16::from);
        let mut payload = [0; FIRST_LEN_MAX];
        if self.machine.number != 0 {
            let call = PeerHello {
                from_incarnation: incarnation,
                session_sequence: number,
                window,
                reset: reset_token(who),
                from: open.name.text(),
                to: "alice",
            };
            let payload = postcard::to_slice(&call, &mut payload).map_or(&[][..], |said| said);
            let to_incarnation = self.machine.incarnation_of(self.machine.number, 0);
            return self.begins(who, id, Hello::Peer { to_incarnation }, payload);
        }
        let known = self.accepted.as_ref().filter(|_| open.knows_table);
        let hello = ClientHello {
            incarnation,
            table_epoch: known.map_or(0, |accept| accept.table_epoch),
            table_version: known.map_or(0, |_| self.heard.version),
            epoch: known.map_or(0, |accept| accept.epoch),
            mail_shown: known.map_or(0, |_| self.heard.serial),
            channel_shown: known.map_or(0, |_| self.heard.channel),
            table_capacity: open.capacity.into(),
            session_sequence: number,
            window,
            reset: reset_token(who),
            name: open.name.text(),
        };
        let payload = postcard::to_slice(&hello, &mut payload).map_or(&[][..], |said| said);
        let hello = Hello::Client(self.cookie_of(who.wrapping_add(open.cookie_of.0)));
        self.begins(who, id, hello, payload)
    }

    fn cookie_of(&self, who: u8) -> Cookie {
        let none = Cookie {
            issued_at_ms: 0,
            mac: 0,
        };
        let participant = &self.participants[usize::from(who) % PARTICIPANTS];
        participant.cookie.unwrap_or(none)
    }

    fn answer(&self, refused: u8, epoch: u8, window: u8) -> Vec<u8> {
        let answer = match refused.checked_sub(1) {
            Some(reason) => Answer::Refused(refusal(reason)),
            None => Answer::Accepted(Accept {
                id: 0x1000 + self.sessions.len() as u64,
                epoch: epoch.into(),
                table_epoch: epoch.into(),
                window: window.checked_sub(1).map_or(32, u16::from),
                reset: reset_token(7),
            }),
        };
        postcard::to_stdvec(&answer).unwrap_or_default()
    }

    /// Builds a datagram of this kind around any content.
    fn content(&mut self, from: u8, kind: u8, back: usize, content: &[u8]) -> Option<Vec<u8>> {
        let who = from % PARTICIPANTS as u8;
        let content = &content[..content.len().min(DATAGRAM_LEN_MAX)];
        let content = &with_keys(content);
        let id = back as u64 + 1;
        Some(match kind {
            KIND_CLIENT_HELLO => self.begins(who, id, Hello::Client(self.cookie_of(who)), content),
            KIND_PEER_HELLO => {
                let (to, said) = match content.split_first_chunk() {
                    Some((to, said)) => (u64::from_le_bytes(*to), said),
                    None => (0, &[][..]),
                };
                self.begins(who, id, Hello::Peer { to_incarnation: to }, said)
            }
            KIND_ACCEPT => self.answers(who, back, content)?,
            KIND_DATA => {
                let place = self.place(back as u8)?;
                let session = &mut self.sessions[place];
                session.encrypts(content, &prefix(KIND_DATA, session.machine_id, &[]))
            }
            _ => plain(kind, self.asked_id(back), content),
        })
    }

    fn ephemeral(&mut self) -> [u8; KEY_LEN] {
        self.ephemerals += 1;
        let mut ephemeral = [0x5e; KEY_LEN];
        ephemeral[..8].copy_from_slice(&self.ephemerals.to_le_bytes());
        ephemeral
    }

    /// Builds the first message of a handshake.
    fn begins(&mut self, who: u8, id: u64, hello: Hello, payload: &[u8]) -> Vec<u8> {
        let payload = payload[..payload.len().min(FIRST_LEN_MAX)].to_vec();
        let ephemeral = self.ephemeral();
        let mut out = [0; DATAGRAM_LEN_MAX];
        let key = self.machine.key;
        let len = hello.emit(id, participant(who), &key, &ephemeral, &payload, &mut out);
        self.begun.push(Begun {
            who,
            id,
            hello,
            ephemeral,
            payload,
        });
        out[..len].to_owned()
    }

    /// Builds the second message of a handshake that the machine began; the content is its payload.
    fn answers(&mut self, who: u8, back: usize, content: &[u8]) -> Option<Vec<u8>> {
        let ephemeral = self.ephemeral();
        let who = who % PARTICIPANTS as u8;
        let identity = participant(who);
        let asked = latest(&self.asked, back)?;
        let (id, prologue, message) = match Datagram::parse(identity, asked) {
            Ok(Datagram::ClientHello(hello)) => (hello.id, hello.prologue, hello.message),
            Ok(Datagram::PeerHello(call)) => (call.id, call.prologue, call.message),
            _ => return Some(plain(KIND_ACCEPT, 1, content)),
        };
        let mut first = [0; 200];
        let Some((responder, len)) = Responder::read(identity, prologue, message, &mut first)
        else {
            return Some(plain(KIND_ACCEPT, id, content));
        };
        if let Ok(hello) = postcard::from_bytes::<ClientHello<'_>>(&first[..len]) {
            self.machine.incarnation = Some(hello.incarnation);
        }
        let said = &content[..content.len().min(SECOND_LEN_MAX)];
        let mut message = [0; 200];
        let (keys, len) = responder.answer(identity, &ephemeral, said, &mut message)?;
        // The participant accepts: it sends to the session id of the request.
        if said.first() == Some(&0) {
            self.adds_session(who, id, said, keys);
        }
        let message = &message[..len];
        Some(emitted(&Datagram::Accept { to: id, message }))
    }

    fn adds_session(&mut self, who: u8, machine_id: u64, said: &[u8], keys: SessionKeys) {
        let own_id = match postcard::from_bytes(said) {
            Ok(Answer::Accepted(accept)) => accept.id,
            _ => 0,
        };
        let session = Conversation::new(who, machine_id, own_id, keys);
        self.sessions.push(session);
    }

    /// Returns the session id of a request of the machine.
    fn asked_id(&self, back: usize) -> u64 {
        let asked = latest(&self.asked, back);
        let id = asked.and_then(|asked| asked.get(2..)?.first_chunk());
        id.map_or(back as u64 + 1, |id| u64::from_le_bytes(*id))
    }
}

impl Fate {
    fn happens(&self, from: SocketAddr, mut bytes: Vec<u8>) -> Option<(SocketAddr, Vec<u8>)> {
        match *self {
            Self::Arrives => {}
            Self::Waits => return None,
            Self::From(other) => return Some((address(other), bytes)),
            Self::Changed(place, bits) => {
                let place = usize::from(place) % bytes.len().max(1);
                bytes
                    .get_mut(place)
                    .into_iter()
                    .for_each(|byte| *byte ^= bits);
            }
            Self::Cut(len) => bytes.truncate(len.into()),
        }
        Some((from, bytes))
    }
}

/// Returns the reset token that a participant announces with a session.
fn reset_token(who: u8) -> [u8; TAG_LEN] {
    [who; TAG_LEN]
}

/// Replaces marks by keys.
fn with_keys(content: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    let mut at = 0;
    while let Some(rest) = content.get_mut(at..)
        && let Some((mark, _)) = rest.split_first_chunk_mut::<KEY_LEN>()
    {
        let number = mark[0].wrapping_sub(KEY_MARK);
        let is_mark = usize::from(number) < PARTICIPANTS && mark.iter().all(|it| *it == mark[0]);
        if is_mark {
            let PublicKey(key) = participant(number).public();
            *mark = key;
        }
        at += if is_mark { KEY_LEN } else { 1 };
    }
    content
}

fn latest<T>(all: &[T], back: usize) -> Option<&T> {
    all.iter().rev().nth(back % all.len().max(1))
}

fn emitted(datagram: &Datagram<'_>) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(participant(0), &mut out);
    out[..len].to_owned()
}

fn plain(kind: u8, id: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = prefix(kind, id, content);
    append_tag(&mut bytes);
    bytes
}

fn prefix(kind: u8, id: u64, content: &[u8]) -> Vec<u8> {
    [&[VERSION, kind], &id.to_le_bytes()[..], content].concat()
}
