//! A server, and helpers that write datagrams to it.

use std::net::SocketAddr;

use chatapp_core::crypto::{KEY_LEN, MESSAGE_OVERHEAD, SessionKeys, TAG_LEN};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{
    Accept, Answer, ClientHello, Cookie, DataWriter, Datagram, Frame, Header, Hello, Refusal, data,
};
use chatapp_core::{
    ChangeSlot, ConnectionSlot, CountSlot, Disposition, Endpoint, Identity, InFlightSlot, Instant,
    JournalSlot, LogSlot, MailSlot, NameSlot, RoomKey, Seed, Server, ServerConfig, ServerStorage,
    SourceSlot, StoreFailed,
};

use crate::people::{bytes, identity_in};

/// Number of names that the server has memory for.
pub(crate) const NAMES: usize = 32;

fn leak<T: Clone>(vacant: T, count: usize) -> &'static mut [T] {
    vec![vacant; count].leak()
}

/// A server with its clock and its store.
pub(crate) struct Rig {
    pub(crate) server: Server<'static>,
    pub(crate) now: Instant,
    /// Events of the server, formatted with `Debug`.
    pub(crate) events: Vec<String>,
    /// Number of records that the server offered to the store, and whether the store takes them.
    pub(crate) records: usize,
    pub(crate) store_works: bool,
    room: Option<RoomKey>,
}

/// Datagrams that the server sent, with their destinations.
pub(crate) type Sent = Vec<(SocketAddr, Vec<u8>)>;

/// A request for a session: its sender and its content.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Session id that the client chose.
    pub(crate) id: u64,
    /// The person whose key it uses.
    pub(crate) person: &'a str,
    pub(crate) hello: ClientHello<'a>,
}

/// A client in its session with the server.
pub(crate) struct Member {
    pub(crate) address: SocketAddr,
    pub(crate) identity: Identity,
    pub(crate) session: SessionKeys,
    /// Session ids: the client's and the server's.
    pub(crate) id: u64,
    pub(crate) server_id: u64,
    /// The store epoch that the server announced.
    pub(crate) epoch: u64,
    /// The roster epoch that the server announced.
    pub(crate) table_epoch: u64,
    /// Sequence numbers: of the next frame to the server, and of the next one from it.
    pub(crate) next: u32,
    pub(crate) taken: u32,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(Self::config())
    }

    /// Returns the usual settings. The server has so little memory that one sender may use all of
    /// it.
    pub(crate) fn config() -> ServerConfig {
        ServerConfig {
            mail_share: 100,
            log_share: 100,
            ..ServerConfig::default()
        }
    }

    pub(crate) fn with(config: ServerConfig) -> Self {
        Self::in_room(config, None, 3)
    }

    /// Creates a server of an open or a closed room, with entropy from `seed`. Another seed gives
    /// the server after a restart.
    pub(crate) fn in_room(config: ServerConfig, room: Option<RoomKey>, seed: u8) -> Self {
        Self::with_messages(config, room, seed, 8)
    }

    /// Creates a server with memory for so many stored messages, and entries of the channel log, of
    /// 200 bytes on average.
    pub(crate) fn with_messages(
        config: ServerConfig,
        room: Option<RoomKey>,
        seed: u8,
        messages: usize,
    ) -> Self {
        let storage = ServerStorage {
            names: leak(NameSlot::VACANT, NAMES),
            connections: Box::leak(Box::new([const { ConnectionSlot::VACANT }; NAMES])),
            name_index: leak(0, NAMES * 2),
            name_counts: leak(CountSlot::VACANT, NAMES * 2),
            session_index: leak(0, NAMES * 4),
            sources: leak(SourceSlot::VACANT, 64),
            in_flight: leak(InFlightSlot::VACANT, NAMES * 4),
            changes: leak(ChangeSlot::VACANT, NAMES * 2),
            mail: leak(MailSlot::VACANT, messages),
            mail_texts: leak(0, 64 * messages),
            mail_counts: leak(CountSlot::VACANT, messages),
            log: leak(LogSlot::VACANT, messages),
            log_texts: leak(0, 64 * messages),
            journal: leak(JournalSlot::VACANT, 8),
        };
        let identity = identity_in("server", room.clone());
        let server = Server::new(config, storage, identity, Seed::new(&mut [seed; 32])).unwrap();
        Self {
            server,
            now: Instant::ZERO,
            events: Vec::new(),
            records: 0,
            store_works: true,
            room,
        }
    }

    fn identity(&self, person: &str) -> Identity {
        identity_in(person, self.room.clone())
    }

    /// Stores all pending records.
    pub(crate) fn store(&mut self) {
        while let Some(record) = self.server.poll_persist() {
            let ticket = record.ticket;
            let result = self.store_works.then_some(()).ok_or(StoreFailed);
            self.records += 1;
            self.server.handle_stored(self.now, ticket, result);
        }
    }

    /// Takes all outputs, and returns the datagrams, at most a thousand.
    pub(crate) fn drain(&mut self) -> Sent {
        self.store();
        while let Some(event) = self.server.poll_event() {
            self.events.push(format!("{event:?}"));
        }
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut sent = Vec::new();
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut out) {
            sent.push((transmit.to, out[..transmit.len].to_vec()));
            assert!(sent.len() < 1_000, "the server does not stop sending");
        }
        sent
    }

    /// Gives the server a datagram, and returns its disposition. All outputs stay pending.
    pub(crate) fn handle(&mut self, from: SocketAddr, datagram: &[u8]) -> Disposition {
        let mut datagram = datagram.to_vec();
        self.server.handle_datagram(self.now, from, &mut datagram)
    }

    pub(crate) fn give(&mut self, from: SocketAddr, datagram: &[u8]) -> Sent {
        let _ = self.handle(from, datagram);
        self.drain()
    }

    /// Encodes a datagram that is not encrypted, in the room of the server.
    pub(crate) fn plain(&self, datagram: &Datagram<'_>) -> Vec<u8> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = datagram.emit(&self.identity(""), &mut out);
        out[..len].to_vec()
    }

    /// Returns the cookie that the server gives to this address.
    pub(crate) fn cookie(&mut self, from: SocketAddr) -> Cookie {
        let request = self.plain(&Datagram::CookieRequest { id: 1 });
        let sent = self.give(from, &request);
        let identity = self.identity("");
        let cookies = sent.iter().filter(|(to, _)| *to == from);
        let mut cookies =
            cookies.filter_map(|(_, datagram)| match Datagram::parse(&identity, datagram) {
                Ok(Datagram::Cookie { cookie, key, .. }) => Some((cookie, key)),
                _ => None,
            });
        let (cookie, key) = cookies.next().unwrap();
        assert_eq!(key, Some(self.server.key()));
        cookie
    }

    /// Builds a ClientHello with this cookie.
    pub(crate) fn hello(&self, request: &Request<'_>, cookie: Cookie) -> Vec<u8> {
        let identity = self.identity(request.person);
        let (ephemeral, payload) = request.offer(&identity);
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = Hello::Client(cookie).emit(
            request.id,
            &identity,
            &self.server.key(),
            &ephemeral,
            &payload,
            &mut out,
        );
        out[..len].to_vec()
    }

    /// Builds a ClientHello with a cookie for its address.
    pub(crate) fn proven(&mut self, from: SocketAddr, request: Request<'_>) -> Vec<u8> {
        let cookie = self.cookie(from);
        self.hello(&request, cookie)
    }

    /// Sends a ClientHello, and returns the answer.
    pub(crate) fn answer_to(
        &mut self,
        from: SocketAddr,
        request: Request<'_>,
    ) -> Result<Accept, Refusal> {
        self.session(from, request).map(|(accept, _)| accept)
    }

    pub(crate) fn session(
        &mut self,
        from: SocketAddr,
        request: Request<'_>,
    ) -> Result<(Accept, SessionKeys), Refusal> {
        let cookie = self.cookie(from);
        let hello = self.hello(&request, cookie);
        let sent = self.give(from, &hello);
        self.answer_in(&sent, from, &request, cookie)
            .expect("the server answers a ClientHello")
    }

    /// Returns the answer to a ClientHello among these datagrams.
    pub(crate) fn answer_in(
        &self,
        sent: &Sent,
        from: SocketAddr,
        request: &Request<'_>,
        cookie: Cookie,
    ) -> Option<Result<(Accept, SessionKeys), Refusal>> {
        let identity = self.identity(request.person);
        let mine = sent.iter().filter(|(to, _)| *to == from);
        mine.filter_map(|(_, datagram)| match Datagram::parse(&identity, datagram) {
            Ok(Datagram::Accept { to, message }) if to == request.id => {
                let (ephemeral, payload) = request.offer(&identity);
                let key = &self.server.key();
                let (session, answer) = Hello::Client(cookie)
                    .complete(to, &identity, key, &ephemeral, &payload, message)
                    .expect("the answer fits the ClientHello");
                Some(match answer {
                    Answer::Accepted(accept) => Ok((accept, session)),
                    Answer::Refused(reason) => Err(reason),
                })
            }
            Ok(Datagram::Refuse { to, reason }) if to == request.id => Some(Err(reason)),
            _ => None,
        })
        .next()
    }

    pub(crate) fn online(&self) -> usize {
        self.server.table().filter(|entry| entry.online).count()
    }

    /// Lets time pass, and calls the server at each of its deadlines.
    pub(crate) fn pass(&mut self, millis: u64) -> Sent {
        let end = self.now.plus_millis(millis);
        let mut sent = Vec::new();
        while let Some(due) = self.server.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.server.handle_timeout(due);
            sent.extend(self.drain());
        }
        self.now = end;
        sent
    }

    /// Registers a client, which takes all datagrams of the server.
    pub(crate) fn join(&mut self, number: u16, name: &str) -> Member {
        let mut member = self.enters(number, hello(number.into(), name));
        // The datagrams after the answer count as lost, and the server sends them again.
        let sent = self.pass(500);
        self.receive_all(&mut member, sent);
        member
    }

    /// Registers a client. The datagrams after the answer are lost.
    pub(crate) fn enters(&mut self, number: u16, request: Request<'_>) -> Member {
        self.enters_from(address(number), request)
    }

    /// Registers a client at any address. The datagrams after the answer are lost.
    pub(crate) fn enters_from(&mut self, address: SocketAddr, request: Request<'_>) -> Member {
        let mut member = self.asks_from(address, request);
        self.say(&mut member, &[]);
        member
    }

    /// Gets an answer for a client that is silent in its session: it may be gone already.
    pub(crate) fn asks_from(&mut self, address: SocketAddr, request: Request<'_>) -> Member {
        let (accept, session) = self.session(address, request).unwrap();
        Member {
            address,
            identity: self.identity(request.person),
            session,
            id: request.id,
            server_id: accept.id,
            epoch: accept.epoch,
            table_epoch: accept.table_epoch,
            next: 0,
            taken: 0,
        }
    }

    /// Gives these datagrams to a member, and acknowledges until nothing new comes. Returns the
    /// frames, formatted with `Debug`.
    pub(crate) fn receive_all(&mut self, member: &mut Member, mut sent: Sent) -> Vec<String> {
        let mut received = Vec::new();
        while member.receive(&sent) {
            received.extend(
                member
                    .decrypt(&sent)
                    .into_iter()
                    .flat_map(|(_, frames)| frames),
            );
            sent = self.say(member, &[]);
        }
        received
    }

    /// Sends one datagram with these frames from a member, after all that it sent before.
    pub(crate) fn say(&mut self, member: &mut Member, frames: &[Frame<'_>]) -> Sent {
        let datagram = member.encrypt(&member.header(), frames);
        member.next += u32::try_from(frames.len()).unwrap();
        self.give(member.address, &datagram)
    }
}

impl Request<'_> {
    /// Returns the parts of a ClientHello: an ephemeral key that no other request has, and the
    /// payload.
    fn offer(&self, identity: &Identity) -> ([u8; KEY_LEN], Vec<u8>) {
        let hello = ClientHello {
            reset: identity.reset_token(self.id),
            ..self.hello
        };
        let mut payload = [0; DATAGRAM_LEN_MAX];
        let payload = postcard::to_slice(&hello, &mut payload).unwrap().to_vec();
        (bytes(self.person, self.id), payload)
    }
}

impl Member {
    /// Returns the header of the next datagram to the server.
    pub(crate) fn header(&self) -> Header {
        Header {
            acknowledged: self.taken,
            window: 32,
            first: self.next,
            ..Header::default()
        }
    }

    pub(crate) fn encrypt(&mut self, header: &Header, frames: &[Frame<'_>]) -> Vec<u8> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = DataWriter::new(&mut out, self.server_id, header);
        assert!(
            frames.iter().all(|frame| writer.push(frame)),
            "the frames fit"
        );
        let len = writer.finish(&self.identity, &mut self.session);
        out[..len].to_vec()
    }

    /// Returns a Reset for this session.
    pub(crate) fn reset(&self) -> Datagram<'static> {
        Datagram::Reset {
            echo: self.id,
            token: self.identity.reset_token(self.id),
        }
    }

    /// Decrypts the datagrams of this session; returns the headers, and the frames formatted with
    /// `Debug`. The session does not change, so it can read the datagrams again.
    pub(crate) fn decrypt(&self, sent: &Sent) -> Vec<(Header, Vec<String>)> {
        let mine = sent.iter().filter(|(to, _)| *to == self.address);
        mine.filter_map(|(_, datagram)| {
            match Datagram::parse(&self.identity, datagram) {
                Ok(Datagram::Data { to, .. }) if to == self.id => {}
                _ => return None,
            }
            let (mut datagram, mut session) = (datagram.clone(), self.session.clone());
            let opened = data::open(&self.identity, &mut session, &mut datagram);
            let (header, frames) = opened.ok()?;
            let frames = frames.map(|frame| words(&frame.unwrap()));
            Some((header, frames.collect()))
        })
        .collect()
    }

    /// Takes the next frame that is missing, and nothing behind it.
    pub(crate) fn receive_one(&mut self, sent: &Sent) -> Option<String> {
        let (_, mut frames) = self
            .decrypt(sent)
            .into_iter()
            .find(|(header, frames)| header.first == self.taken && !frames.is_empty())?;
        self.taken += 1;
        Some(frames.swap_remove(0))
    }

    /// Takes these datagrams, and returns whether there was a new frame.
    pub(crate) fn receive(&mut self, sent: &Sent) -> bool {
        let before = self.taken;
        for (header, frames) in self.decrypt(sent) {
            if header.first == self.taken {
                self.taken += u32::try_from(frames.len()).unwrap();
            }
        }
        self.taken != before
    }
}

/// Formats a frame with `Debug`. A stored message has its text in place of the ciphertext.
fn words(frame: &Frame<'_>) -> String {
    match frame {
        Frame::Mail { ciphertext, .. } => {
            let text = &ciphertext[..ciphertext.len() - MESSAGE_OVERHEAD];
            format!("{frame:?} {:?}", core::str::from_utf8(text).unwrap())
        }
        _ => format!("{frame:?}"),
    }
}

/// Returns as many bytes as a stored message with this text has. No server can tell that they are
/// not encrypted.
pub(crate) fn stored_message(text: &str) -> &'static [u8] {
    let behind = [0x7a; MESSAGE_OVERHEAD];
    [&[0x1e; KEY_LEN], text.as_bytes(), &behind].concat().leak()
}

pub(crate) fn address(number: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 10_000 + number))
}

/// Returns the request of process `id` of the person that the name belongs to.
pub(crate) fn hello(id: u64, name: &str) -> Request<'_> {
    let hello = ClientHello {
        incarnation: id,
        table_epoch: 0,
        table_version: 0,
        epoch: 0,
        mail_shown: 0,
        channel_shown: 0,
        table_capacity: 64,
        session_sequence: 1,
        window: 32,
        reset: [0; TAG_LEN],
        name,
    };
    Request {
        id,
        person: name,
        hello,
    }
}
