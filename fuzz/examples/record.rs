//! Writes the first seeds of the corpus: a short real session, as each machine in it sees it.
//!
//! `cargo run --no-default-features --example record` in this folder.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Call, Datagram, Hello};
use chatapp_core::{
    ChangeSlot, Client, ClientConfig, ClientStorage, Command, Endpoint, FlightSlot, Instant,
    JournalSlot, LogSlot, MailSlot, Name, NameSlot, OutboxSlot, PeerSlot, Seed, Server,
    ServerConfig, ServerStorage, SourceSlot, WindowSlot,
};
use chatapp_fuzz::{SEED, address};

/// Numbers of the addresses of those who take part.
const SERVER: u8 = 0;
const ALICE: u8 = 1;
const BOB: u8 = 2;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut room = Room::new();
    for step in [
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
        room.gives(step.0, step.1);
        room.settles();
    }
    for (number, datagram) in room.datagrams.iter().enumerate() {
        write(
            &corpus,
            "datagram",
            &format!("session-{number:02}"),
            datagram,
        )?;
    }
    write(&corpus, "client", "session", &room.alice_view.steps)?;
    write(&corpus, "server", "session", &room.server_view.steps)
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
    server_view: View,
    alice_view: View,
}

fn leak<T: Clone>(vacant: T, count: usize) -> &'static mut [T] {
    vec![vacant; count].leak()
}

fn client(name: &str, seed: Seed) -> Client<'static> {
    let name = Name::new(name).expect("a valid name");
    let storage = ClientStorage {
        peers: leak(PeerSlot::VACANT, 5),
        names: leak(0, 10),
        sessions: leak(0, 20),
        outbox: leak(OutboxSlot::VACANT, 4),
        windows: leak(WindowSlot::VACANT, 2),
    };
    Client::new(ClientConfig::new(name, address(SERVER)), storage, seed).expect("enough storage")
}

impl Room {
    fn new() -> Self {
        let storage = ServerStorage {
            names: leak(NameSlot::VACANT, 4),
            name_index: leak(0, 8),
            session_index: leak(0, 16),
            sources: leak(SourceSlot::VACANT, 1),
            flights: leak(FlightSlot::VACANT, 16),
            changes: leak(ChangeSlot::VACANT, 8),
            mail: leak(MailSlot::VACANT, 6),
            mail_texts: leak(0, 192),
            log: leak(LogSlot::VACANT, 6),
            log_texts: leak(0, 192),
            journal: leak(JournalSlot::VACANT, 8),
        };
        let config = ServerConfig {
            window: 4,
            mail_per_name: 3,
            ..ServerConfig::default()
        };
        Self {
            server: Server::new(config, storage, SEED).expect("enough storage"),
            alice: client("alice", SEED),
            bob: client("bob", Seed([2; 32])),
            network: VecDeque::new(),
            datagrams: Vec::new(),
            server_view: View::default(),
            alice_view: View::default(),
        }
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
        while let Some((from, to, bytes)) = self.network.pop_front() {
            match to {
                SERVER => {
                    self.server_view.datagram(from, &bytes);
                    self.server
                        .handle_datagram(Instant::ZERO, address(from), &bytes);
                }
                ALICE => {
                    self.alice_view.datagram(from, &bytes);
                    self.alice
                        .handle_datagram(Instant::ZERO, address(from), &bytes);
                }
                _ => {
                    self.bob
                        .handle_datagram(Instant::ZERO, address(from), &bytes);
                }
            }
            self.collects();
        }
    }

    fn collects(&mut self) {
        while let Some(persist) = self.server.poll_persist() {
            let ticket = persist.ticket;
            self.server.handle_stored(Instant::ZERO, ticket, Ok(()));
        }
        while self.server.poll_event().is_some() {}
        while self.alice.poll_event().is_some() {}
        while self.bob.poll_event().is_some() {}
        let mut out = [0; DATAGRAM_LEN_MAX];
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
                match from {
                    SERVER => self.server_view.sent(&bytes),
                    ALICE => self.alice_view.sent(&bytes),
                    _ => {}
                }
                self.datagrams.push(bytes.clone());
                self.network
                    .push_back((from, to.expect("one of them"), bytes));
            }
        }
    }
}

/// A session as one machine sees it, as steps of its fuzz target.
#[derive(Default)]
struct View {
    steps: Vec<u8>,
    /// Session ids of this machine, in the order in which their sessions were opened.
    sessions: Vec<u64>,
    /// Session ids under which others asked for sessions: they are numbered anew.
    questions: Vec<u64>,
}

impl View {
    fn sent(&mut self, bytes: &[u8]) {
        if let Ok(Datagram::Accept { accept, .. }) = Datagram::parse(bytes) {
            self.sessions.push(accept.id);
        }
    }

    /// A step that repeats this datagram: where it came from, its kind, which session, and what stands between session
    /// id and tag.
    fn datagram(&mut self, from: u8, bytes: &[u8]) {
        let back = match Datagram::parse(bytes).expect("a machine sends what can be parsed") {
            Datagram::Data(data) => {
                let newer = self.sessions.iter().rev().position(|id| *id == data.to);
                newer.expect("an open session") as u8
            }
            Datagram::Accept { to, .. } => {
                self.sessions.push(to);
                0
            }
            Datagram::Hello(Hello { id, .. }) | Datagram::Call(Call { id, .. }) => {
                self.questions
                    .iter()
                    .position(|known| *known == id)
                    .unwrap_or_else(|| {
                        self.questions.push(id);
                        self.questions.len() - 1
                    }) as u8
            }
            _ => 0,
        };
        let content = &bytes[10..bytes.len() - 8];
        self.steps.extend([0, from, bytes[1], back]);
        self.text(content);
    }

    fn command(&mut self, command: Command<'_>) {
        match command {
            Command::Register { name } => self.name(2, name),
            Command::Deregister { name } => self.name(3, name),
            Command::Send { to, text } => {
                self.name(4, to);
                self.text(text.as_bytes());
            }
            Command::SendAll { text } => {
                self.steps.push(5);
                self.text(text.as_bytes());
            }
        }
    }

    fn name(&mut self, step: u8, name: &str) {
        self.steps.extend([step, 3]);
        self.text(name.as_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.steps.extend((text.len() as u16).to_le_bytes());
        self.steps.extend(text);
    }
}
