//! A client, alice, and helpers that write the datagrams of its server and its peers.

use std::net::SocketAddr;

use chatapp_core::crypto::{Correspondence, KEY_LEN, MessageKey, Responder};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{ClientHello, Cookie, Datagram, Entry, Frame, Header, Status};
use chatapp_core::{
    Client, ClientConfig, ClientEvent, ClientStorage, Command, CommandError, CommandId,
    ConnectionSlot, DedupSlot, Disposition, Endpoint, Identity, Instant, Name, OutboxSlot,
    PeerSlot, PinSlot, PublicKey, Receipt, RoomKey, Seed, UnixSeconds,
};

use crate::lines::{Line, answer, bob_accepts, plain, server_accepts};
use crate::people::{BOB, StoredMessage, identity, identity_in, key, message_key};

/// The default of [`ClientConfig::new`].
const DEFAULT_WINDOW: u16 = 128;

/// Names whose keys alice can pin.
pub(crate) const PINS: usize = 3;

/// The cookie that the server gives to alice.
pub(crate) const COOKIE: Cookie = Cookie {
    issued_at_ms: 5,
    mac: 6,
};

/// Returns the address of the server.
pub(crate) fn server() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 5_000))
}

/// Returns an address of another process.
pub(crate) fn address(number: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 6_000 + number))
}

/// Returns bob's address.
pub(crate) fn bob() -> SocketAddr {
    address(1)
}

fn leak<T: Clone>(vacant: T, count: usize) -> &'static mut [T] {
    vec![vacant; count].leak()
}

pub(crate) struct Rig {
    pub(crate) client: Client<'static>,
    pub(crate) now: Instant,
    room: Option<RoomKey>,
    /// Session id of the client towards the server.
    pub(crate) id: u64,
    /// The incarnation of the client.
    pub(crate) incarnation: u64,
    /// The server's end of the session.
    pub(crate) server: Option<Line>,
    /// Sequence number of the next frame from the server.
    pub(crate) next: u32,
    /// The records of written messages.
    written: Vec<String>,
}

impl Rig {
    /// Creates a client in an open room that has sent nothing yet.
    pub(crate) fn new() -> Self {
        Self::in_room(None)
    }

    /// Creates a client in an open or a closed room.
    pub(crate) fn in_room(room: Option<RoomKey>) -> Self {
        Self::with_outbox(room, 4)
    }

    /// Creates a client with memory for `outbox` commands.
    pub(crate) fn with_outbox(room: Option<RoomKey>, outbox: usize) -> Self {
        Self::with(room, outbox, DEFAULT_WINDOW, 5)
    }

    /// Creates a client in an open room that accepts `window` frames at once.
    pub(crate) fn with_window(window: u16) -> Self {
        Self::with(None, 4, window, 5)
    }

    /// Creates a client in an open room, with other entropy.
    pub(crate) fn with_seed(seed: u8) -> Self {
        Self::with(None, 4, DEFAULT_WINDOW, seed)
    }

    fn with(room: Option<RoomKey>, outbox: usize, window: u16, seed: u8) -> Self {
        let storage = ClientStorage {
            peers: Box::leak(Box::new([const { PeerSlot::VACANT }; 4])),
            connections: Box::leak(Box::new([const { ConnectionSlot::VACANT }; 4])),
            names: leak(0, 8),
            addresses: leak(0, 8),
            sessions: leak(0, 16),
            outbox: leak(OutboxSlot::VACANT, outbox),
            dedup: leak(DedupSlot::VACANT, 2),
            pins: leak(PinSlot::VACANT, PINS),
            pin_names: leak(0, 2 * PINS),
        };
        let config = ClientConfig {
            window,
            ..ClientConfig::new(Name::new("alice").unwrap(), server())
        };
        let identity = identity_in("alice", room.clone());
        Self {
            client: Client::new(config, storage, identity, Seed::new(&mut [seed; 32])).unwrap(),
            now: Instant::ZERO,
            room,
            id: 0,
            incarnation: 0,
            server: None,
            next: 0,
            written: Vec::new(),
        }
    }

    /// Creates a client that is registered in a room with bob and has nothing to send.
    pub(crate) fn online() -> Self {
        let mut rig = Self::new();
        rig.comes_online();
        rig
    }

    pub(crate) fn comes_online(&mut self) {
        self.command(Command::Register { name: "alice" }).unwrap();
        self.accepts();
        // The confirmation of the session.
        self.sent();
        let page = [
            entry("alice", Status::Online, 0xa, address(0)),
            entry("bob", Status::Online, BOB, bob()),
        ]
        .concat();
        self.deliver(&[whole_table(1, &page)]);
        assert_eq!(self.events(), ["Registered", "TableUpdated"]);
        self.sent();
    }

    pub(crate) fn identity(&self, person: &str) -> Identity {
        identity_in(person, self.room.clone())
    }

    /// Accepts the session that the client is about to request.
    pub(crate) fn accepts(&mut self) {
        let hello = self.hello(key("server"));
        let (accept, line) = answer(&self.identity("server"), &hello, &server_accepts());
        (self.id, self.next, self.server) = (line.to, 0, Some(line));
        assert_eq!(self.handle(server(), &accept), Disposition::Accepted);
    }

    /// Returns the ClientHello that the client is about to send. If the client needs a cookie, it
    /// gets one from a server with this key.
    pub(crate) fn hello(&mut self, key: PublicKey) -> Vec<u8> {
        let mut request = self.request(server());
        let identity = self.identity("");
        if let Ok(Datagram::CookieRequest { id }) = Datagram::parse(&identity, &request) {
            let cookie = Datagram::Cookie {
                to: id,
                cookie: COOKIE,
                key: Some(key),
            };
            assert_eq!(self.give(server(), &cookie), Disposition::Accepted);
            request = self.request(server());
        }
        if let Ok(Datagram::ClientHello(hello)) = Datagram::parse(&identity, &request)
            && key == crate::people::key("server")
        {
            let mut payload = [0; DATAGRAM_LEN_MAX];
            let server = self.identity("server");
            Responder::read(&server, hello.prologue, hello.message, &mut payload).unwrap();
            let client_hello: ClientHello<'_> = postcard::from_bytes(&payload).unwrap();
            assert_eq!((client_hello.name, hello.cookie), ("alice", COOKIE));
            self.incarnation = client_hello.incarnation;
        }
        request
    }

    /// Returns the client's next datagram, and checks that it is the only one.
    pub(crate) fn request(&mut self, expected: SocketAddr) -> Vec<u8> {
        let mut sent = self.sent();
        let (Some((to, datagram)), true) = (sent.pop(), sent.is_empty()) else {
            panic!("not one request: {sent:?}")
        };
        assert_eq!(to, expected);
        datagram
    }

    pub(crate) fn command(&mut self, command: Command<'_>) -> Result<CommandId, CommandError> {
        self.client.command(self.now, command)
    }

    pub(crate) fn send_to_bob(&mut self, text: &str) -> CommandId {
        self.command(Command::Send { to: "bob", text }).unwrap()
    }

    /// Returns the PeerHello that the client is about to send to bob, and its session id.
    pub(crate) fn call_to_bob(&mut self) -> (u64, Vec<u8>) {
        let call = self.request(bob());
        match Datagram::parse(&self.identity("bob"), &call) {
            Ok(Datagram::PeerHello(message)) => {
                assert_eq!(message.to_incarnation, BOB);
                (message.id, call)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Accepts, as bob, the session that the client is about to request.
    pub(crate) fn meets_bob(&mut self) -> Line {
        let (_, call) = self.call_to_bob();
        let (accept, line) = answer(&self.identity("bob"), &call, &bob_accepts());
        assert_eq!(self.handle(bob(), &accept), Disposition::Accepted);
        line
    }

    /// Shows the client's events, and returns them, formatted with `Debug` but without receipts.
    pub(crate) fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.shows_next()).collect()
    }

    /// Shows the next event, and returns its receipt.
    fn shows_next(&mut self) -> Option<String> {
        let event = self.client.poll_event()?;
        let receipt = event.receipt();
        let words = format!("{event:?}").replace(&format!(", receipt: {receipt:?}"), "");
        if let Some(receipt) = receipt {
            self.written
                .extend(receipt.record().map(|record| format!("{record:?}")));
            self.client.handle_shown(self.now, receipt);
        }
        Some(words)
    }

    /// Takes the client's events without writing them; returns the receipts of its messages.
    pub(crate) fn takes(&mut self) -> Vec<Receipt> {
        let next = || self.client.poll_event().map(|event| event.receipt());
        std::iter::from_fn(next).flatten().collect()
    }

    /// Returns a receipt: its message is written.
    pub(crate) fn writes(&mut self, receipt: Receipt) {
        self.client.handle_shown(self.now, receipt);
    }

    /// Returns the records of the client and of its messages, formatted with `Debug`.
    pub(crate) fn records(&mut self) -> Vec<String> {
        let next = || {
            let record = self.client.poll_persist();
            record.map(|record| format!("{record:?}"))
        };
        let mut records = std::mem::take(&mut self.written);
        records.extend(std::iter::from_fn(next));
        records
    }

    /// Takes the next event only.
    pub(crate) fn event(&mut self) -> Option<ClientEvent<'_>> {
        self.client.poll_event()
    }

    pub(crate) fn sent(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut sent = Vec::new();
        while let Some(transmit) = self.client.poll_transmit(self.now, &mut out) {
            sent.push((transmit.to, out[..transmit.len].to_vec()));
            assert!(sent.len() < 100, "the client does not stop sending");
        }
        sent
    }

    /// Returns the datagrams that the client sent to the server in their session.
    pub(crate) fn sent_data(&mut self) -> Vec<(Header, Vec<String>)> {
        let sent = self.sent();
        let data = sent
            .into_iter()
            .filter(|(to, _)| *to == server())
            .filter_map(|(_, datagram)| {
                let line = self.server.as_ref()?;
                line.decrypt(datagram, |frame| self.words(frame))
            });
        data.collect()
    }

    /// Formats a frame with `Debug`. A stored message to bob has its text in place of the
    /// ciphertext.
    fn words(&self, frame: &Frame<'_>) -> String {
        let Frame::Store {
            counter,
            ciphertext,
            ..
        } = *frame
        else {
            return format!("{frame:?}");
        };
        let whole = format!("{frame:?}");
        let (front, _) = whole.split_once("ciphertext:").unwrap();
        let (ephemeral, ciphertext) = ciphertext.split_first_chunk::<KEY_LEN>().unwrap();
        let room = key("server");
        let who = Correspondence {
            room: &room,
            from: "alice",
            incarnation: self.incarnation,
            to: "bob",
        };
        let bob = identity("bob");
        let key = MessageKey::from(&bob, &key("alice"), &PublicKey(*ephemeral), who).unwrap();
        let mut ciphertext = ciphertext.to_vec();
        let (text, _) = key.open(&bob, counter, &mut ciphertext).unwrap();
        format!("{front}text: {:?} }}", str::from_utf8(text).unwrap())
    }

    /// Lets time pass, and calls the client at each of its deadlines; returns its events.
    pub(crate) fn pass(&mut self, millis: u64) -> Vec<String> {
        let end = self.now.plus_millis(millis);
        let mut shown = self.events();
        self.sent();
        while let Some(due) = self.client.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.client.handle_timeout(due);
            shown.extend(self.events());
            self.sent();
        }
        self.now = end;
        shown
    }

    /// Gives the client a datagram that is not encrypted.
    pub(crate) fn give(&mut self, from: SocketAddr, datagram: &Datagram<'_>) -> Disposition {
        let datagram = plain(&self.identity(""), datagram);
        self.handle(from, &datagram)
    }

    pub(crate) fn handle(&mut self, from: SocketAddr, datagram: &[u8]) -> Disposition {
        let mut datagram = datagram.to_vec();
        self.client.handle_datagram(self.now, from, &mut datagram)
    }

    /// Sends these frames from the server, after all that it sent before.
    pub(crate) fn deliver(&mut self, frames: &[Frame<'_>]) {
        let header = self.header();
        self.next += u32::try_from(frames.len()).unwrap();
        assert_eq!(self.deliver_under(&header, frames), Disposition::Accepted);
    }

    pub(crate) fn header(&self) -> Header {
        Header {
            window: 32,
            first: self.next,
            ..Header::default()
        }
    }

    pub(crate) fn deliver_under(&mut self, header: &Header, frames: &[Frame<'_>]) -> Disposition {
        let line = self.server.as_mut().expect("there is a session");
        let datagram = line.encrypt(header, frames);
        self.handle(server(), &datagram)
    }
}

pub(crate) fn entry(name: &str, status: Status, incarnation: u64, address: SocketAddr) -> Vec<u8> {
    entry_of(name, name, status, incarnation, address)
}

/// Returns a roster entry of a name, with the key of this person.
pub(crate) fn entry_of(
    person: &str,
    name: &str,
    status: Status,
    incarnation: u64,
    address: SocketAddr,
) -> Vec<u8> {
    let mut out = [0; 200];
    let len = Entry::new(name, status, incarnation, key(person), address).emit(&mut out);
    out[..len].to_vec()
}

/// Returns a page that is the whole roster.
pub(crate) fn whole_table(version: u32, entries: &[u8]) -> Frame<'_> {
    Frame::Page {
        version,
        restart: true,
        complete: true,
        entries,
    }
}

/// Returns a page with changes of the roster.
pub(crate) fn news(version: u32, entries: &[u8]) -> Frame<'_> {
    Frame::Page {
        version,
        restart: false,
        complete: true,
        entries,
    }
}

/// Returns a stored message from bob to alice.
pub(crate) fn from_bob(counter: u32, text: &str) -> StoredMessage<'_> {
    StoredMessage {
        person: "bob",
        recipient: "alice",
        from: "bob",
        to: "alice",
        incarnation: BOB,
        counter,
        text,
        room: "server",
        sent_at: 9,
    }
}

/// Returns the frame in which the server sends a stored message from bob.
pub(crate) fn mail(serial: u64, counter: u32, kept: bool) -> Frame<'static> {
    Frame::Mail {
        serial,
        incarnation: BOB,
        counter,
        stamp: UnixSeconds(9),
        kept,
        key: key("bob"),
        from: "bob",
        message_key: message_key("bob"),
        ciphertext: from_bob(counter, "hi").ciphertext().leak(),
    }
}

/// Returns a channel message of a sender that is not in the roster.
pub(crate) fn entry_of_carol(number: u32, kept: bool) -> Frame<'static> {
    Frame::Channel {
        number,
        from: "carol",
        incarnation: 0xca01,
        counter: number,
        kept,
        stamp: UnixSeconds(9),
        text: "hi",
    }
}

/// Returns a message that bob sends directly.
pub(crate) fn text(counter: u32, text: &str) -> Frame<'_> {
    Frame::Text {
        counter,
        text: text.as_bytes(),
    }
}
