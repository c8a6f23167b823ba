//! Checks of all datagrams: the retransmissions to a silent peer, the bytes to an unvalidated
//! address, and the use of keys. It decrypts datagrams with the keys that the machines log.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::net::SocketAddr;

use chatapp_core::crypto::{
    HandshakeKey, KEY_LEN, MEDIUM_ID_LEN, MediumKeyId, SessionKeys, TAG_LEN,
};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Datagram, Frame, Frames, Header, data};
use chatapp_core::{Disposition, DropReason, Identity, LoggedKey, Name, PublicKey};

use crate::event::Node;
use crate::keys::{Holder, Keys};
use crate::sniffer::is_stranger;
use crate::trace::digest;
use crate::violation::{Check, Violation};

/// Transmissions of one frame to a silent peer: the first and five retries.
const SENDINGS_MAX: u32 = 6;

/// Checks each datagram on the network.
pub struct Wiretap {
    identity: Identity,
    learns_handshakes: bool,
    /// Sessions by the session id of their recipient. A responder may have answered an id more than
    /// once.
    sessions: BTreeMap<u64, Vec<Tapped>>,
    /// All keys, with their owners.
    keys: HashMap<[u8; KEY_LEN], Owner>,
    /// By session id, the keys of the parts of its handshake.
    parts: BTreeMap<u64, Vec<HandshakeKey>>,
    /// By form, author and counter of a message, the digest of its content.
    messages: HashMap<(Form, Author, u32), u64>,
    /// By ephemeral key, the digest of the handshake message. No other message may have the key.
    handshakes: HashMap<[u8; KEY_LEN], u64>,
    /// Datagrams of sessions that were decrypted, with their recipients.
    opened: HashSet<(Node, u64)>,
    /// By session id of the recipient, the transmissions since its owner was last heard.
    silence: BTreeMap<u64, BTreeMap<Sendable, u32>>,
    /// By unvalidated address, the bytes that it sent and got.
    strangers: BTreeMap<SocketAddr, (usize, usize)>,
    /// By digest, the content of each datagram as text, if wanted.
    words: Option<HashMap<u64, String>>,
    /// The session whose key changed with the latest datagram.
    rekeyed: Option<u64>,
    violation: Option<Violation>,
}

/// One direction of a session.
struct Tapped {
    /// The session id of the other direction.
    other: u64,
    session: SessionKeys,
    /// By counter, the digest of the plaintext.
    sealed: BTreeMap<u64, u64>,
}

/// The owner of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    SessionKeys(u64),
    MessageKey(u64, String),
    /// One part of a handshake.
    Handshake(u64),
}

/// The path of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Text,
    /// With the id of the medium-term key that it is encrypted for.
    Stored(Option<[u8; MEDIUM_ID_LEN]>),
}

/// The author of a message, from the datagram that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Author {
    /// The process that sends the datagram.
    Sender(Node),
    /// The process that the server names.
    Incarnation(u64),
}

/// A frame that is repeated without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sendable {
    Hello,
    /// A probe in the session with this other id. A process may have several sessions in turn under
    /// one id.
    Probe(u64),
    /// In the session with this other id, the frame with this number.
    Frame(u64, u32),
}

impl Wiretap {
    /// Creates a wiretap; with `readable` it keeps the content of datagrams as text.
    pub fn new(keys: Keys, readable: bool) -> Self {
        Self {
            identity: keys.identity(Holder::Nobody),
            learns_handshakes: keys.tells_handshakes,
            sessions: BTreeMap::new(),
            keys: HashMap::new(),
            parts: BTreeMap::new(),
            messages: HashMap::new(),
            handshakes: HashMap::new(),
            opened: HashSet::new(),
            silence: BTreeMap::new(),
            strangers: BTreeMap::new(),
            words: readable.then(HashMap::new),
            rekeyed: None,
            violation: None,
        }
    }

    /// Takes the first property that a datagram violated.
    pub fn take_violation(&mut self) -> Option<Violation> {
        self.violation.take()
    }

    /// Takes the session id whose key changed since the last call.
    pub fn take_rekeyed(&mut self) -> Option<u64> {
        self.rekeyed.take()
    }

    /// Records a violated property.
    pub fn breaks(&mut self, check: Check, detail: String) {
        self.violation
            .get_or_insert_with(|| Violation::new(check, detail));
    }

    /// Learns the keys that a machine has logged.
    pub fn learns(&mut self, keys: impl Iterator<Item = LoggedKey>) {
        let mut first = None;
        for logged in keys {
            match logged {
                LoggedKey::Session { id, key } => {
                    self.owns(key, Owner::SessionKeys(id));
                    let Some((before, its)) = first.take() else {
                        first = Some((id, key));
                        continue;
                    };
                    self.tap(before, its, id);
                    self.tap(id, key, before);
                }
                LoggedKey::StoredMessages {
                    incarnation,
                    to,
                    key,
                } => self.owns(key, Owner::MessageKey(incarnation, to.as_str().to_owned())),
                LoggedKey::Handshake { id, part } => {
                    self.owns(part.key, Owner::Handshake(id));
                    let parts = self.parts.entry(id).or_default();
                    if !parts.contains(&part) {
                        parts.push(part);
                    }
                }
                other => self.breaks(Check::Contract, format!("the key log says {other:?}")),
            }
        }
    }

    /// Returns all keys that were logged.
    pub fn keys(&self) -> impl Iterator<Item = LoggedKey> {
        let others = self.keys.iter().filter_map(|(key, owner)| match owner {
            Owner::SessionKeys(id) => Some(LoggedKey::Session { id: *id, key: *key }),
            Owner::MessageKey(incarnation, to) => Some(LoggedKey::StoredMessages {
                incarnation: *incarnation,
                to: Name::new(to).expect("a logged name is valid"),
                key: *key,
            }),
            Owner::Handshake(_) => None,
        });
        let parts = self.parts.iter().flat_map(|(id, parts)| {
            let logged = |part: &HandshakeKey| LoggedKey::Handshake {
                id: *id,
                part: part.clone(),
            };
            parts.iter().map(logged)
        });
        others.chain(parts)
    }

    fn owns(&mut self, key: [u8; KEY_LEN], owner: Owner) {
        match self.keys.get(&key) {
            None => drop(self.keys.insert(key, owner)),
            Some(before) if *before == owner => {}
            Some(before) => {
                let detail = format!("{before:?} and {owner:?} have the same key");
                self.breaks(Check::KeyUsedOnce, detail);
            }
        }
    }

    /// Records a session. Both ends log the same; only the first time counts.
    fn tap(&mut self, id: u64, key: [u8; KEY_LEN], other: u64) {
        let tapped = self.sessions.entry(id).or_default();
        if tapped.iter().all(|known| known.other != other) {
            tapped.push(Tapped {
                other,
                session: SessionKeys::new(&[0; KEY_LEN], &key),
                sealed: BTreeMap::new(),
            });
        }
    }

    /// Checks a datagram that a process sends.
    pub fn sent(&mut self, sender: Node, to: SocketAddr, bytes: &[u8]) {
        if is_stranger(to) {
            let (sent, got) = self.strangers.entry(to).or_default();
            *got += bytes.len();
            if got > sent {
                let detail = format!("{to} sent {sent} bytes, proved nothing, and got {got}");
                self.breaks(Check::NoAmplification, detail);
            }
        }
        match Datagram::parse(&self.identity, bytes) {
            Ok(Datagram::CookieRequest { id }) => self.count(id, Sendable::Hello),
            Ok(Datagram::ClientHello(hello)) => {
                self.count(hello.id, Sendable::Hello);
                self.first_message(hello.id, hello.message, bytes);
            }
            Ok(Datagram::PeerHello(call)) => {
                self.count(call.id, Sendable::Hello);
                self.first_message(call.id, call.message, bytes);
            }
            Ok(Datagram::Accept { to, message }) => self.handshake(to, message, &[], bytes),
            Ok(Datagram::Data { to, counter }) => self.data(sender, to, counter, bytes),
            Ok(_) => {}
            Err(reason) => {
                let detail = format!("a machine sends what is {}", reason.name());
                self.breaks(Check::Contract, detail);
            }
        }
    }

    /// Checks a first message. The encrypted static key of its sender comes before the payload.
    fn first_message(&mut self, id: u64, message: &[u8], bytes: &[u8]) {
        let sealed_key_len = KEY_LEN + TAG_LEN;
        self.handshake(id, message, &[sealed_key_len], bytes);
    }

    /// Checks a handshake message: messages under one ephemeral key are equal, and all of their
    /// parts can be decrypted. The last part has the remaining length.
    fn handshake(&mut self, id: u64, message: &[u8], part_lens: &[usize], bytes: &[u8]) {
        let Some((ephemeral, mut rest)) = message.split_first_chunk() else {
            return self.breaks(Check::Contract, "a handshake without a key".to_owned());
        };
        let said = digest(bytes);
        match self.handshakes.insert(*ephemeral, said) {
            Some(before) if before == said => return,
            Some(_) => {
                let detail = "one ephemeral key in two messages".to_owned();
                return self.breaks(Check::KeyUsedOnce, detail);
            }
            None if !self.learns_handshakes => return,
            None => {}
        }
        for len in part_lens.iter().copied().chain([usize::MAX]) {
            let (part, behind) = rest.split_at(len.min(rest.len()));
            rest = behind;
            let mut keys = self.parts.get(&id).into_iter().flatten();
            if !keys.any(|key| key.open(&self.identity, &mut part.to_vec()).is_some()) {
                let detail = format!("a handshake for session {id:016x} cannot be read");
                return self.breaks(Check::Contract, detail);
            }
        }
    }

    fn data(&mut self, sender: Node, to: u64, counter: u64, bytes: &[u8]) {
        let mut copy = [0; DATAGRAM_LEN_MAX];
        let copy = &mut copy[..bytes.len()];
        let Self {
            identity, sessions, ..
        } = self;
        let tapped = sessions.get_mut(&to).into_iter().flatten().rev();
        let mut opened = tapped.filter_map(|tapped| {
            copy.copy_from_slice(bytes);
            let key = *tapped.session.keys().1;
            data::open(identity, &mut tapped.session, copy).ok()?;
            let rekeyed = *tapped.session.keys().1 != key;
            Some((tapped.other, rekeyed, tapped.sealed.entry(counter)))
        });
        let said = digest(bytes);
        let other = match opened.next() {
            Some((other, rekeyed, Entry::Vacant(place))) => {
                place.insert(said);
                self.rekeyed = rekeyed.then_some(to);
                other
            }
            // A number that was used counts as a replay, which is not decrypted.
            _ => {
                let detail = format!("datagram {counter} to session {to:016x} cannot be decrypted");
                return self.breaks(Check::KeyUsedOnce, detail);
            }
        };
        // The header follows version, kind, id and counter, and the tag comes last.
        let body = &copy[18..bytes.len() - 16];
        let Ok((header, frames)) = Header::parse(body) else {
            return self.breaks(Check::Contract, "a header that does not parse".to_owned());
        };
        if let Some(words) = &mut self.words {
            words.insert(said, describe(to, &header, frames));
        }
        if header.probe {
            self.count(to, Sendable::Probe(other));
        }
        for (number, frame) in (header.first..).zip(frames) {
            self.count(to, Sendable::Frame(other, number));
            match frame {
                Ok(frame) => self.frame(sender, &frame),
                Err(_) => self.breaks(Check::Contract, "a frame that does not parse".to_owned()),
            }
        }
    }

    /// Checks that a message stays the same: one text directly, and one ciphertext through the
    /// server for each medium-term key of its recipient.
    fn frame(&mut self, sender: Node, frame: &Frame<'_>) {
        let (form, author, counter, said) = match *frame {
            Frame::Text { counter, text } => (Form::Text, Author::Sender(sender), counter, text),
            Frame::Store {
                counter,
                ciphertext,
                ..
            } => {
                let id = MediumKeyId::of_message(ciphertext).map(MediumKeyId::bytes);
                let (_, ciphertext) = PublicKey::in_front_of(ciphertext);
                (
                    Form::Stored(id),
                    Author::Sender(sender),
                    counter,
                    ciphertext,
                )
            }
            Frame::Mail {
                incarnation,
                counter,
                message_key,
                ciphertext,
                ..
            } => {
                let id = MediumKeyId::in_front_of(&message_key, ciphertext);
                let form = Form::Stored(id.map(MediumKeyId::bytes));
                (form, Author::Incarnation(incarnation), counter, ciphertext)
            }
            _ => return,
        };
        let said = digest(said);
        if *self.messages.entry((form, author, counter)).or_insert(said) != said {
            let detail = format!("message {counter} of {author:?} is two, as {form:?}");
            self.breaks(Check::KeyUsedOnce, detail);
        }
    }

    /// Notes a datagram that arrives at a process: its sender is not silent, whatever it says.
    pub fn arrived(&mut self, from: SocketAddr, bytes: &[u8]) {
        if is_stranger(from) {
            self.strangers.entry(from).or_default().0 += bytes.len();
        }
        let heard = match Datagram::parse(&self.identity, bytes) {
            Ok(
                Datagram::Data { to, .. }
                | Datagram::Cookie { to, .. }
                | Datagram::Accept { to, .. }
                | Datagram::Refuse { to, .. },
            ) => to,
            _ => return,
        };
        self.silence.remove(&heard);
        for tapped in self.sessions.get(&heard).into_iter().flatten() {
            self.silence.remove(&tapped.other);
        }
    }

    /// Checks the result of a datagram that arrived.
    pub fn handled(&mut self, node: Node, bytes: &[u8], handled: Disposition) {
        // Only a decrypted datagram is checked by its content.
        let opened = matches!(
            handled,
            Disposition::Accepted
                | Disposition::Busy
                | Disposition::Ignored(
                    DropReason::Duplicate | DropReason::OutOfOrder | DropReason::BadAcknowledgement
                )
        );
        let sealed = matches!(
            Datagram::parse(&self.identity, bytes),
            Ok(Datagram::Data { .. })
        );
        if opened && sealed && !self.opened.insert((node, digest(bytes))) {
            let what = self.describe(bytes);
            self.breaks(Check::OpenedOnce, format!("{node:?} opens again: {what}"));
        }
    }

    fn count(&mut self, id: u64, what: Sendable) {
        let sendings = self.silence.entry(id).or_default().entry(what).or_default();
        *sendings += 1;
        let sendings = *sendings;
        if sendings > SENDINGS_MAX {
            let detail =
                format!("{what:?} of session {id:016x} was sent {sendings} times into silence");
            self.breaks(Check::SixSendings, detail);
        }
    }

    /// Returns whether a datagram is not authenticated, and needs no trust: a request to wait, or a
    /// Cookie.
    pub fn is_unauthenticated(&self, bytes: &[u8]) -> bool {
        matches!(
            Datagram::parse(&self.identity, bytes),
            Ok(Datagram::Cookie { .. } | Datagram::Refuse { .. })
        )
    }

    /// Describes a datagram, with shortened session ids.
    pub fn describe(&self, bytes: &[u8]) -> String {
        match Datagram::parse(&self.identity, bytes) {
            Err(reason) => format!("{} bytes: {}", bytes.len(), reason.name()),
            Ok(Datagram::Data { to, .. }) => {
                let read = self.words.as_ref().and_then(|all| all.get(&digest(bytes)));
                read.cloned()
                    .unwrap_or_else(|| format!("Data to {:04x}, never sent like this", to >> 48))
            }
            Ok(Datagram::ClientHello(hello)) => format!("ClientHello {:04x}", hello.id >> 48),
            Ok(Datagram::PeerHello(call)) => format!("PeerHello {:04x}", call.id >> 48),
            Ok(Datagram::Accept { to, .. }) => format!("Accept to {:04x}", to >> 48),
            Ok(datagram) => format!("{datagram:?}"),
        }
    }
}

fn describe(to: u64, header: &Header, frames: Frames<'_>) -> String {
    let mut words = format!("Data to {:04x}", to >> 48);
    let Header {
        nack,
        probe,
        phase,
        peer_phase,
        acknowledged,
        window,
        first,
        table_version,
        closed,
        cookie,
    } = header;
    let _ = write!(words, ", acknowledged {acknowledged}, window {window}");
    if let Some(version) = table_version {
        let _ = write!(words, ", table {version}");
    }
    if let Some(reason) = closed {
        let _ = write!(words, ", closed: {reason}");
    }
    words.push_str(if cookie.is_some() { ", cookie" } else { "" });
    let (phase, peer_phase) = (u8::from(*phase), u8::from(*peer_phase));
    let _ = write!(words, ", phase {phase} of {peer_phase}");
    words.push_str(if *nack { ", nack" } else { "" });
    words.push_str(if *probe { ", probe" } else { "" });
    for (number, frame) in (*first..).zip(frames) {
        match frame {
            Ok(frame) => {
                let frame: String = format!("{frame:?}").chars().take(160).collect();
                let _ = write!(words, "; {number}: {frame}");
            }
            Err(reason) => {
                let _ = write!(words, "; {number}: {reason:?}");
            }
        }
    }
    words
}
