//! Writes the first seeds of the corpus: a short real session, as each machine in it sees it.
//!
//! `cargo run --no-default-features --example record` in this folder.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::path::Path;

use chatapp_core::crypto::{Responder, SessionKeys};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Accept, Answer, Datagram, data};
use chatapp_core::{
    ChangeSlot, Client, ClientConfig, ClientMemory, Command, ConnectionSlot, CountSlot, Endpoint,
    InFlightSlot, Instant, JournalSlot, KeySlot, LogSlot, LoggedKey, MailSlot, Name, NameSlot,
    Seed, Server, ServerConfig, ServerStorage, SourceSlot,
};
use chatapp_fuzz::{
    CommandStep, KEY_MARK, NameStep, SEED, Scenario, Start, Step, Words, address,
    client_with_medium_keys, identity, server_with_medium_keys,
};

/// Numbers of the addresses of those who take part.
const SERVER: u8 = 0;
const ALICE: u8 = 1;
const BOB: u8 = 2;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let (client, server) = (client_with_medium_keys(), server_with_medium_keys());
    write(&corpus, "client", "medium-keys", &client.to_bytes())?;
    write(&corpus, "server", "medium-keys", &server.to_bytes())?;
    let room = Room::new().acts();
    for (number, datagram) in room.datagrams.iter().enumerate() {
        write(
            &corpus,
            "datagram",
            &format!("session-{number:02}"),
            datagram,
        )?;
    }
    for (number, place) in [0, 40, 81, 120].into_iter().enumerate() {
        let name = format!("changed-{number}");
        write(&corpus, "handshake", &name, &handshake(place, number as u8))?;
    }
    write(&corpus, "encrypted", "in-any-order", &deliveries())?;
    write(&corpus, "client", "session", &room.alice_view.bytes())?;
    write(&corpus, "server", "session", &room.server_view.bytes())
}

fn with_len(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u16).to_le_bytes()[..], text].concat()
}

/// Returns ephemeral keys, the byte to change and its bits, the prologue, both payloads, and other
/// bytes.
fn handshake(place: u16, bits: u8) -> Vec<u8> {
    [
        &[1, 2][..],
        &place.to_le_bytes(),
        &[bits],
        &with_len(b"front"),
        &with_len(b"hello"),
        &with_len(b"welcome"),
        &[7; 120],
    ]
    .concat()
}

/// Three datagrams are encrypted; they arrive out of order, twice, and changed.
fn deliveries() -> Vec<u8> {
    let mut steps = Vec::new();
    for text in [&b"one"[..], b"two", b""] {
        steps.push(0);
        steps.extend(with_len(text));
    }
    steps.extend([
        1, 2, 1, 2, 3, 0, 1, 4, 3, 1, 40, 1, 3, 1, 41, 1, 1, 1, 1, 0, 1, 0,
    ]);
    steps
}

fn write(corpus: &Path, target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = corpus.join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

struct Room {
    server: Server<'static>,
    alice: Client<'static>,
    bob: Client<'static>,
    network: VecDeque<(u8, u8, Vec<u8>)>,
    datagrams: Vec<Vec<u8>>,
    /// By session id that is written to.
    keys: HashMap<u64, SessionKeys>,
    server_view: View,
    alice_view: View,
}

fn leak<T: Clone>(vacant: T, count: usize) -> &'static mut [T] {
    vec![vacant; count].leak()
}

fn client(number: u8, name: &str, mut seed: [u8; 32]) -> Client<'static> {
    let name = Name::new(name).expect("a valid name");
    let memory = Box::leak(Box::new(ClientMemory::<5, 4, 2, 4>::new()));
    let config = ClientConfig::new(name, address(SERVER));
    let mut client = Client::new(
        config,
        memory.storage(),
        identity(number),
        Seed::new(&mut seed),
    )
    .expect("enough storage");
    client.log_keys(leak(KeySlot::VACANT, 16));
    client
}

impl Room {
    fn new() -> Self {
        let storage = ServerStorage {
            names: leak(NameSlot::VACANT, 4),
            connections: Box::leak(Box::new([const { ConnectionSlot::VACANT }; 4])),
            name_index: leak(0, 8),
            name_counts: leak(CountSlot::VACANT, 8),
            session_index: leak(0, 16),
            sources: leak(SourceSlot::VACANT, 1),
            in_flight: leak(InFlightSlot::VACANT, 16),
            changes: leak(ChangeSlot::VACANT, 8),
            mail: leak(MailSlot::VACANT, 6),
            mail_texts: leak(0, 192),
            mail_counts: leak(CountSlot::VACANT, 6),
            log: leak(LogSlot::VACANT, 6),
            log_texts: leak(0, 192),
            journal: leak(JournalSlot::VACANT, 8),
        };
        let config = ServerConfig {
            window: 4,
            mail_per_name: 3,
            ..ServerConfig::default()
        };
        let mut server = Server::new(
            config,
            storage,
            identity(SERVER),
            Seed::new(&mut SEED.clone()),
        )
        .expect("enough storage");
        server.log_keys(leak(KeySlot::VACANT, 16));
        Self {
            server,
            alice: client(ALICE, "alice", SEED),
            bob: client(BOB, "bob", [2; 32]),
            network: VecDeque::new(),
            datagrams: Vec::new(),
            keys: HashMap::new(),
            server_view: View::default(),
            alice_view: View::default(),
        }
    }

    /// Everything that the two do.
    fn acts(mut self) -> Self {
        for (who, command) in [
            (ALICE, Command::Register { name: "alice" }),
            (BOB, Command::Register { name: "bob" }),
            (
                ALICE,
                Command::Send {
                    to: "bob",
                    text: "hi",
                },
            ),
            (
                BOB,
                Command::Send {
                    to: "alice",
                    text: "hello",
                },
            ),
            (BOB, Command::SendAll { text: "all" }),
            (BOB, Command::Deregister { name: "bob" }),
            (
                ALICE,
                Command::Send {
                    to: "bob",
                    text: "late",
                },
            ),
            (
                ALICE,
                Command::Send {
                    to: "nobody",
                    text: "lost",
                },
            ),
            (BOB, Command::Register { name: "bob" }),
            (ALICE, Command::Deregister { name: "alice" }),
            (
                BOB,
                Command::Send {
                    to: "alice",
                    text: "kept",
                },
            ),
            (ALICE, Command::Register { name: "alice" }),
        ] {
            self.gives(who, command);
            self.settles();
        }
        self
    }

    fn gives(&mut self, who: u8, command: Command<'_>) {
        if who == ALICE {
            self.alice_view.command(command);
        }
        let client = if who == ALICE {
            &mut self.alice
        } else {
            &mut self.bob
        };
        client
            .command(Instant::ZERO, command)
            .expect("the command is taken");
        self.collects();
    }

    /// Delivers until nothing is on its way.
    fn settles(&mut self) {
        while let Some((from, to, mut bytes)) = self.network.pop_front() {
            let said = self.said(from, to, &bytes);
            let (now, source) = (Instant::ZERO, address(from));
            match to {
                SERVER => {
                    self.server_view.datagram(from, &bytes, &said);
                    self.server.handle_datagram(now, source, &mut bytes);
                }
                ALICE => {
                    self.alice_view.datagram(from, &bytes, &said);
                    self.alice.handle_datagram(now, source, &mut bytes);
                }
                _ => {
                    self.bob.handle_datagram(now, source, &mut bytes);
                }
            }
            self.collects();
        }
    }

    /// Returns the plaintext behind the session id of a datagram to this machine, which its fuzz
    /// target is given.
    fn said(&mut self, from: u8, to: u8, bytes: &[u8]) -> Vec<u8> {
        let own = identity(to);
        let read = |prologue, message| {
            let mut payload = [0; 112];
            let (_, len) = Responder::read(&own, prologue, message, &mut payload)?;
            Some(payload[..len].to_vec())
        };
        match Datagram::parse(&own, bytes).expect("a machine sends what can be parsed") {
            Datagram::ClientHello(hello) => read(hello.prologue, hello.message),
            Datagram::PeerHello(call) => read(call.prologue, call.message)
                .map(|said| [&call.to_incarnation.to_le_bytes()[..], &said].concat()),
            // A participant that answers the tested machine chooses a session of its own.
            Datagram::Accept { .. } => Some(accepts(from)),
            Datagram::Data { to, .. } => self.keys.get_mut(&to).and_then(|session| {
                let mut copy = bytes.to_vec();
                data::open(&own, session, &mut copy).ok()?;
                Some(copy[18..bytes.len() - 16].to_vec())
            }),
            _ => Some(bytes[10..bytes.len() - 8].to_vec()),
        }
        .expect("everything can be read")
    }

    fn collects(&mut self) {
        while let Some(persist) = self.server.poll_persist() {
            let ticket = persist.ticket;
            self.server.handle_stored(Instant::ZERO, ticket, Ok(()));
        }
        while self.server.poll_event().is_some() {}
        for client in [&mut self.alice, &mut self.bob] {
            while let Some(event) = client.poll_event() {
                if let Some(receipt) = event.receipt() {
                    client.handle_shown(Instant::ZERO, receipt);
                }
            }
        }
        let mut out = [0; DATAGRAM_LEN_MAX];
        let all: [&mut dyn Endpoint; 3] = [&mut self.server, &mut self.alice, &mut self.bob];
        for machine in all {
            while let Some(logged) = machine.poll_key_log() {
                if let LoggedKey::Session { id, key } = logged {
                    let session = SessionKeys::new(&[0; 32], &key);
                    self.keys.entry(id).or_insert(session);
                }
            }
        }
        let machines: [(u8, &mut dyn Endpoint); 3] = [
            (SERVER, &mut self.server),
            (ALICE, &mut self.alice),
            (BOB, &mut self.bob),
        ];
        for (from, machine) in machines {
            while let Some(transmit) = machine.poll_transmit(Instant::ZERO, &mut out) {
                let bytes = out[..transmit.len].to_vec();
                let to = [SERVER, ALICE, BOB]
                    .into_iter()
                    .find(|to| address(*to) == transmit.to);
                self.datagrams.push(bytes.clone());
                self.network
                    .push_back((from, to.expect("one of them"), bytes));
            }
        }
    }
}

/// An answer that opens a session.
fn accepts(number: u8) -> Vec<u8> {
    let accept = Accept {
        id: 0x1000 + u64::from(number),
        epoch: 1,
        table_epoch: 1,
        window: 32,
        reset: [7; 16],
    };
    postcard::to_stdvec(&Answer::Accepted(accept)).expect("there is room")
}

/// A session as one machine sees it, as steps of its fuzz target.
#[derive(Default)]
struct View {
    steps: Vec<Step>,
    /// Session ids that this machine receives under, in the order in which they were opened.
    sessions: Vec<u64>,
    /// Session ids under which others asked for sessions: they are numbered anew.
    questions: Vec<u64>,
}

impl View {
    fn bytes(&self) -> Vec<u8> {
        Scenario {
            start: Start::New,
            steps: self.steps.clone(),
        }
        .to_bytes()
    }

    /// A step that repeats this datagram: its origin, its kind, its session, and its content.
    fn datagram(&mut self, from: u8, bytes: &[u8], said: &[u8]) {
        let parsed = Datagram::parse(&identity(from), bytes);
        let back = match parsed.expect("a machine sends what can be parsed") {
            Datagram::Data { to, .. } => {
                if !self.sessions.contains(&to) {
                    self.sessions.push(to);
                }
                let newer = self.sessions.iter().rev().position(|id| *id == to);
                newer.expect("it is there") as u8
            }
            Datagram::ClientHello(hello) => self.question(hello.id),
            Datagram::PeerHello(call) => self.question(call.id),
            _ => 0,
        };
        self.steps.push(Step::Content {
            from,
            kind: bytes[1],
            back,
            content: marked(said),
        });
    }

    fn question(&mut self, id: u64) -> u8 {
        let known = self.questions.iter().position(|known| *known == id);
        known.unwrap_or_else(|| {
            self.questions.push(id);
            self.questions.len() - 1
        }) as u8
    }

    fn command(&mut self, command: Command<'_>) {
        let name = |name: &str| NameStep::Any(name.to_owned());
        let words = |text: &str| Words::Short(text.to_owned());
        self.steps.push(Step::Command(match command {
            Command::Register { name: own } => CommandStep::Register(name(own)),
            Command::Deregister { name: own } => CommandStep::Deregister(name(own)),
            Command::Send { to, text } => CommandStep::Send(name(to), words(text)),
            Command::SendAll { text } => CommandStep::SendAll(words(text)),
        }));
    }
}

/// The content with marks in place of keys.
fn marked(content: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    for number in [SERVER, ALICE, BOB] {
        let key = identity(number).public().0;
        let place = |content: &[u8]| content.windows(key.len()).position(|found| *found == key);
        while let Some(at) = place(&content) {
            content[at..at + key.len()].fill(KEY_MARK + number);
        }
    }
    content
}
