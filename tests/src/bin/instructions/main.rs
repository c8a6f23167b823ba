//! Instructions for what concerns one client, in a small room and in a large one, counted by Callgrind. Fails if the
//! large room needs more than 1.2 times as many, or the small one more than the ceilings that are kept in
//! `instructions.txt`. Use a release build; it needs `valgrind`.

use std::collections::{HashMap, VecDeque};
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command as Program, ExitCode};

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::seal::{Handshake, KEY_LEN, Responder, TAG_LEN};
use chatapp_core::{
    Client, ClientConfig, Command, Endpoint, Identity, Instant, Name, Persist, RateLimits, Seed,
    Server, ServerConfig, StaticKey,
};
use chatapp_mio::{ClientLimits, ClientMemory, ServerLimits, ServerMemory};
use clap::Parser;

/// How many times the instructions of the small room the large one may need.
const RATIO_MAX: f64 = 1.2;

/// What the small room may need.
const CEILINGS: &str = include_str!("../../instructions.txt");

/// The functions that seal and open.
const SEALING: [&str; 2] = ["seal::suite::Suite::seal", "seal::suite::Suite::open"];

/// How often each case is repeated.
const ROUNDS: usize = 16;

/// 64 bytes.
const TEXT: &str = "a message of sixty-four bytes, as people write them to friends..";

/// Messages of a burst.
const BURST: usize = 32;

/// Entries that the table of most clients can hold: fewer than either room has.
const SMALL: usize = 4;

#[derive(Parser)]
struct Arguments {
    /// Clients in the small room
    #[arg(long, default_value_t = 10)]
    few: usize,
    /// Clients in the large room
    #[arg(long, default_value_t = 10_000)]
    many: usize,
    /// Go through all cases in a room of this size, under Callgrind
    #[arg(long, hide = true)]
    inside: Option<usize>,
}

fn main() -> ExitCode {
    let Arguments { few, many, inside } = Arguments::parse();
    if let Some(clients) = inside {
        go_through_all(clients);
        return ExitCode::SUCCESS;
    }
    if let Err(error) = Program::new("valgrind").arg("--version").output() {
        println!("skipped: no valgrind: {error}");
        return ExitCode::from(u8::from(std::env::var_os("CHATAPP_NO_SKIP").is_some()));
    }
    let (of_few, of_many) = (count(few, None), count(many, None));
    println!(
        "{:<55} {few:>10} {many:>10} {:>7} {:>10}",
        "instructions", "ratio", "ceiling"
    );
    let mut too_many = false;
    for case in Case::ALL {
        let [small, large] = [(&of_few, few), (&of_many, many)].map(|(counts, clients)| {
            let measured = counts.get(case.function()).expect("each case was run");
            measured.cost / measured.calls / case.units(clients)
        });
        let (ratio, ceiling) = (large / small, ceiling(case.function()));
        too_many |= ratio > RATIO_MAX || small > ceiling;
        println!(
            "{:<55} {small:>10.0} {large:>10.0} {ratio:>7.2} {ceiling:>10.0}",
            case.title()
        );
    }
    for case in [Case::Exchange, Case::Burst] {
        let (before, ceiling) = (
            before_sealing(case, few),
            ceiling(&format!("{} before sealing", case.function())),
        );
        too_many |= before > ceiling;
        println!(
            "{:<55} {before:>10.0} {:>10} {:>7} {ceiling:>10.0}",
            format!("{}, before sealing", case.title()),
            "",
            ""
        );
    }
    if too_many {
        println!("more than {RATIO_MAX} times as many, or more than its ceiling");
    }
    ExitCode::from(u8::from(too_many))
}

/// What a line of the ceilings says that begins like this.
fn ceiling(what: &str) -> f64 {
    let mut lines = CEILINGS.lines().filter_map(|line| line.rsplit_once(' '));
    lines
        .find(|(name, _)| name.trim_end() == what)
        .and_then(|(_, number)| number.parse().ok())
        .unwrap_or_else(|| panic!("there is a ceiling for {what}"))
}

/// Instructions of a case without those of sealing and opening.
fn before_sealing(case: Case, clients: usize) -> f64 {
    let counts = count(clients, Some(case));
    let measured = &counts[case.function()];
    let sealing: f64 = SEALING.iter().map(|name| counts[*name].cost).sum();
    (measured.cost - sealing) / measured.calls / case.units(clients)
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
enum Case {
    Store,
    Acknowledgement,
    KeepAlive,
    Post,
    Lookup,
    Return,
    Text,
    TextAcknowledgement,
    Exchange,
    Burst,
    Seal,
    Open,
    First,
    Second,
    Complete,
}

impl Case {
    const ALL: [Self; 15] = [
        Self::Store,
        Self::Acknowledgement,
        Self::KeepAlive,
        Self::Post,
        Self::Lookup,
        Self::Return,
        Self::Text,
        Self::TextAcknowledgement,
        Self::Exchange,
        Self::Burst,
        Self::Seal,
        Self::Open,
        Self::First,
        Self::Second,
        Self::Complete,
    ];

    const fn title(self) -> &'static str {
        match self {
            Self::Store => "server: a message for somebody who is away",
            Self::Acknowledgement => "server: an acknowledgement",
            Self::KeepAlive => "server: a keep-alive",
            Self::Post => "server: a channel message, for each recipient",
            Self::Lookup => "server: a lookup",
            Self::Return => "server: a datagram of a client that returns",
            Self::Text => "client: a direct message received",
            Self::TextAcknowledgement => "client: a direct message acknowledged",
            Self::Exchange => "both clients: a direct message and its acknowledgement",
            Self::Burst => "both clients: the same in bursts of 32, for each",
            Self::Seal => "sealing of 128 bytes",
            Self::Open => "opening of 128 bytes",
            Self::First => "handshake: the first message",
            Self::Second => "handshake: the first read, the second message",
            Self::Complete => "handshake: the second read",
        }
    }

    /// The function in whose calls the case happens.
    const fn function(self) -> &'static str {
        match self {
            Self::Store => "measured_store",
            Self::Acknowledgement => "measured_acknowledgement",
            Self::KeepAlive => "measured_keep_alive",
            Self::Post => "measured_post",
            Self::Lookup => "measured_lookup",
            Self::Return => "measured_return",
            Self::Text => "measured_text",
            Self::TextAcknowledgement => "measured_direct_acknowledgement",
            Self::Exchange => "measured_exchange",
            Self::Burst => "measured_burst",
            Self::Seal => "measured_seal",
            Self::Open => "measured_open",
            Self::First => "measured_first",
            Self::Second => "measured_second",
            Self::Complete => "measured_complete",
        }
    }

    /// Parts of equal kind that one call has.
    fn units(self, clients: usize) -> f64 {
        match self {
            Self::Post => (clients - 1) as f64,
            Self::Burst => BURST as f64,
            _ => 1.0,
        }
    }

    fn run(self, work: &mut dyn FnMut()) {
        match self {
            Self::Store => measured_store(work),
            Self::Acknowledgement => measured_acknowledgement(work),
            Self::KeepAlive => measured_keep_alive(work),
            Self::Post => measured_post(work),
            Self::Lookup => measured_lookup(work),
            Self::Return => measured_return(work),
            Self::Text => measured_text(work),
            Self::TextAcknowledgement => measured_direct_acknowledgement(work),
            Self::Exchange => measured_exchange(work),
            Self::Burst => measured_burst(work),
            Self::Seal => measured_seal(work),
            Self::Open => measured_open(work),
            Self::First => measured_first(work),
            Self::Second => measured_second(work),
            Self::Complete => measured_complete(work),
        }
    }
}

/// Functions that the compiler neither inlines nor merges: Callgrind tells them apart by name.
macro_rules! measured {
    ($($name:ident)*) => {
        $(#[inline(never)]
        fn $name(work: &mut dyn FnMut()) {
            work();
            black_box(stringify!($name));
        })*
    };
}

measured! {
    measured_store measured_acknowledgement measured_keep_alive measured_post measured_lookup measured_return
    measured_text measured_direct_acknowledgement measured_exchange measured_burst measured_seal measured_open
    measured_first measured_second measured_complete
}

/// Calls of a function, and the instructions in all of them.
#[derive(Default)]
struct Measured {
    calls: f64,
    cost: f64,
}

/// What is spent in each measured function, and on sealing, in a room of so many: in all cases, or only while one of them
/// happens.
fn count(clients: usize, only: Option<Case>) -> HashMap<String, Measured> {
    let program = std::env::current_exe().expect("this program has a path");
    let file = std::env::temp_dir().join(format!("callgrind.{}.{clients}", std::process::id()));
    let toggle = only.map(|case| format!("--toggle-collect=*::{}", case.function()));
    let status = Program::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .args(toggle)
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args(["--inside", &clients.to_string()])
        .status()
        .expect("valgrind can be started");
    assert!(status.success(), "{status}");
    let counts = read_counts(&file);
    // It lies among temporary files.
    let _ = std::fs::remove_file(file);
    counts
}

/// Reads the profile: `cfn=(7) name`, later only `cfn=(7)`, then `calls=<count> ...`, then `<line> <inclusive cost>`.
fn read_counts(file: &Path) -> HashMap<String, Measured> {
    let profile = std::fs::read_to_string(file).expect("Callgrind wrote its profile");
    let mut names = HashMap::new();
    let mut counts = HashMap::<String, Measured>::new();
    let mut lines = profile.lines();
    let mut called = None;
    while let Some(line) = lines.next() {
        if let Some((kind, function)) = line.split_once("fn=") {
            let (id, name) = function.split_once(' ').unwrap_or((function, ""));
            if !name.is_empty() {
                names.insert(id, name);
            }
            if kind == "c" {
                called = names.get(id).and_then(|name| known(name));
            }
        } else if let Some(calls) = line.strip_prefix("calls=") {
            let number = |text: &str, place| -> f64 {
                let word = text.split_whitespace().nth(place);
                word.and_then(|word| word.parse().ok()).expect("a number")
            };
            let cost = lines.next().expect("calls are followed by their cost");
            if let Some(name) = called.take() {
                let sum = counts.entry(name.to_owned()).or_default();
                sum.calls += number(calls, 0);
                sum.cost += number(cost, 1);
            }
        }
    }
    counts
}

/// The short name of a function that is counted.
fn known(name: &str) -> Option<&str> {
    if let Some(sealing) = SEALING.into_iter().find(|sealing| name.contains(sealing)) {
        return Some(sealing);
    }
    let name = &name[name.find("measured_")?..];
    let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '_');
    Some(&name[..end.unwrap_or(name.len())])
}

/// All cases, several times, in a room of so many clients.
fn go_through_all(clients: usize) {
    let mut room = Room::with_clients(clients);
    for round in 0..ROUNDS {
        cryptography(u8::try_from(round).unwrap_or(0));
        let away = format!("client{GONE}");
        room.command(
            ALICE,
            Command::Send {
                to: &away,
                text: "for later",
            },
        );
        room.measure(Case::Store, SERVER);
        room.measure_nothing(ALICE);
        room.measure(Case::Acknowledgement, SERVER);
        room.settle();

        // One that is not in its table, as far as the room has more than fit.
        let other = format!(
            "client{}",
            SMALL + 1 + (clients - SMALL - 2) * round / ROUNDS
        );
        room.command(
            ERIN,
            Command::Send {
                to: &other,
                text: "hello",
            },
        );
        room.measure(Case::Lookup, SERVER);
        room.settle();

        room.command(
            ALICE,
            Command::Send {
                to: "client1",
                text: "hello",
            },
        );
        room.settle();
        room.command(
            ALICE,
            Command::Send {
                to: "client1",
                text: "hello again",
            },
        );
        room.measure(Case::Text, BOB);
        room.measure(Case::TextAcknowledgement, ALICE);
        room.settle();
        Case::Exchange.run(&mut || room.exchange(1));
        Case::Burst.run(&mut || room.exchange(BURST));

        room.command(ERIN, Command::Deregister { name: "client2" });
        room.settle();
        room.command(ERIN, Command::Register { name: "client2" });
        while room.is_busy() {
            room.measure(Case::Return, SERVER);
            room.measure_nothing(ERIN);
            if room.clients[ERIN].is_registered() {
                break;
            }
        }
        room.settle();

        room.now = room.now.plus_millis(20_000);
        room.clients[ALICE].handle_timeout(room.now);
        room.attend(ALICE);
        room.measure(Case::KeepAlive, SERVER);
        room.settle();
    }
    room.command(
        ALICE,
        Command::SendAll {
            text: "hello, everybody",
        },
    );
    room.measure(Case::Post, SERVER);
    room.settle();
}

/// A handshake, and one datagram in the session that it opens.
fn cryptography(round: u8) {
    let (client, server) = (identity([1; KEY_LEN]), identity([2; KEY_LEN]));
    let (mut first, mut second, mut payload) = ([0; 512], [0; 512], [0; 112]);
    let (mut first_len, mut second_len) = (0, 0);
    let (mut near, mut far) = (None, None);
    let asked = Handshake {
        identity: &client,
        remote: &server.public(),
        prologue: b"what stands in front",
        ephemeral: &[round + 1; KEY_LEN],
        payload: &[7; 96],
    };
    Case::First.run(&mut || first_len = asked.first(&mut first).expect("there is room"));
    Case::Second.run(&mut || {
        let message = &first[..first_len];
        let read = Responder::read(&server, asked.prologue, message, &mut payload);
        let (responder, _) = read.expect("it is for this server");
        let ephemeral = [round + 100; KEY_LEN];
        let answered = responder.answer(&server, &ephemeral, &[8; 80], &mut second);
        let (session, len) = answered.expect("there is room");
        (far, second_len) = (Some(session), len);
    });
    Case::Complete.run(&mut || {
        let read = asked.complete(&second[..second_len], &mut payload);
        near = read.map(|(session, _)| session);
    });
    let (mut near, mut far) = near.zip(far).expect("both have the session");
    let mut body = [round; 128];
    let mut tag = [0; TAG_LEN];
    Case::Seal.run(&mut || tag = client.seal(&mut near, b"front", &mut body));
    Case::Open.run(&mut || assert!(server.open(&mut far, 0, b"front", &mut body, &tag)));
    assert_eq!(body, [round; 128]);
}

/// These two have room for everybody.
const ALICE: usize = 0;
const BOB: usize = 1;
/// These two, and all others, have small tables.
const ERIN: usize = 2;
const GONE: usize = 3;
/// Stands for the server among the clients.
const SERVER: usize = usize::MAX;

type Letter = (SocketAddr, SocketAddr, Vec<u8>);

/// A server, clients, and a network that is a queue.
struct Room {
    server: Server<'static>,
    clients: Vec<Client<'static>>,
    network: VecDeque<Letter>,
    now: Instant,
}

fn address(number: usize) -> SocketAddr {
    let host = if number == SERVER {
        0
    } else {
        u32::try_from(number).unwrap_or(0) + 1
    };
    SocketAddr::from((Ipv4Addr::from((10 << 24) + host), 4_119))
}

fn number(address: SocketAddr) -> usize {
    match address {
        SocketAddr::V4(address) => match address.ip().to_bits() & 0xff_ffff {
            0 => SERVER,
            host => host as usize - 1,
        },
        SocketAddr::V6(_) => unreachable!("nobody here has such an address"),
    }
}

fn identity(key: [u8; 32]) -> Identity {
    Identity::new(StaticKey::new(key), None)
}

impl Room {
    /// All have come; one has left.
    fn with_clients(count: usize) -> Self {
        let limits = ServerLimits {
            names: count,
            kept_messages: 1_000,
            log_entries: 1_000,
            ..ServerLimits::default()
        };
        let memory = Box::leak(Box::new(
            ServerMemory::new(limits).expect("memory suffices"),
        ));
        let config = ServerConfig {
            rates: RateLimits::NONE,
            ..ServerConfig::default()
        };
        let server = Server::new(config, memory.storage(), identity([7; 32]), Seed([7; 32]))
            .expect("storage suffices");
        let mut room = Self {
            server,
            clients: Vec::new(),
            network: VecDeque::new(),
            now: Instant::ZERO,
        };
        for number in 0..count {
            let peers = if number <= BOB { count } else { SMALL };
            let limits = ClientLimits {
                peers,
                commands: if number <= BOB { BURST } else { 2 },
                former_peers: 2,
            };
            let memory = Box::leak(Box::new(
                ClientMemory::new(limits).expect("memory suffices"),
            ));
            let name = format!("client{number}");
            let config = ClientConfig::new(Name::new(&name).expect("a name"), address(SERVER));
            let mut seed = [9; 32];
            seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
            let client = Client::new(config, memory.storage(), identity(seed), Seed(seed))
                .expect("storage suffices");
            room.clients.push(client);
            room.command(number, Command::Register { name: &name });
            room.settle();
            assert!(room.clients[number].is_registered());
        }
        room.command(
            GONE,
            Command::Deregister {
                name: &format!("client{GONE}"),
            },
        );
        room.settle();
        room
    }

    fn command(&mut self, number: usize, command: Command<'_>) {
        self.now = self.now.plus_millis(1);
        self.clients[number]
            .command(self.now, command)
            .expect("the client takes it");
        self.attend(number);
    }

    fn is_busy(&self) -> bool {
        !self.network.is_empty()
    }

    /// Delivers everything, until those who are measured have nothing under way. Who is called by somebody that is
    /// not in its small table looks the caller up, and answers when the call is repeated.
    fn settle(&mut self) {
        for _ in 0..10 {
            while let Some(mut letter) = self.network.pop_front() {
                self.deliver(&mut letter);
            }
            if self.clients.iter().take(SMALL).all(Client::is_idle) {
                return;
            }
            self.now = self.now.plus_millis(500);
            for number in 0..SMALL.min(self.clients.len()) {
                self.clients[number].handle_timeout(self.now);
                self.attend(number);
            }
        }
        panic!("somebody has something under way for ever");
    }

    /// Alice writes to Bob, until all is acknowledged: nothing but the two clients, and buffers that are there already.
    fn exchange(&mut self, messages: usize) {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let [alice, bob, ..] = &mut self.clients[..] else {
            unreachable!("there are two")
        };
        let send = Command::Send {
            to: "client1",
            text: TEXT,
        };
        for _ in 0..messages {
            alice.command(self.now, send).expect("the client takes it");
        }
        while !alice.is_idle() {
            while let Some(transmit) = alice.poll_transmit(self.now, &mut out) {
                let _ = bob.handle_datagram(self.now, address(ALICE), &mut out[..transmit.len]);
                while bob.poll_event().is_some() {}
            }
            while let Some(transmit) = bob.poll_transmit(self.now, &mut out) {
                let _ = alice.handle_datagram(self.now, address(BOB), &mut out[..transmit.len]);
                while alice.poll_event().is_some() {}
            }
        }
    }

    /// Delivers all that is on the way to one of them now, in measured calls.
    fn measure(&mut self, case: Case, to: usize) {
        for mut letter in self.take_letters(to) {
            case.run(&mut || self.deliver(&mut letter));
        }
    }

    /// The same without measuring.
    fn measure_nothing(&mut self, to: usize) {
        for mut letter in self.take_letters(to) {
            self.deliver(&mut letter);
        }
    }

    fn take_letters(&mut self, to: usize) -> VecDeque<Letter> {
        let (taken, left) = self
            .network
            .drain(..)
            .partition(|letter| letter.1 == address(to));
        self.network = left;
        // Not in the middle of what is measured.
        self.network.reserve(2 * self.clients.len());
        taken
    }

    fn deliver(&mut self, (from, to, bytes): &mut Letter) {
        let number = number(*to);
        if number == SERVER {
            let _ = self.server.handle_datagram(self.now, *from, bytes);
        } else {
            let _ = self.clients[number].handle_datagram(self.now, *from, bytes);
        }
        self.attend(number);
    }

    /// Takes all outputs of one of them.
    fn attend(&mut self, number: usize) {
        if number == SERVER {
            while let Some(Persist { ticket, record: _ }) = self.server.poll_persist() {
                self.server.handle_stored(self.now, ticket, Ok(()));
            }
            while self.server.poll_event().is_some() {}
            transmit(&mut self.server, SERVER, self.now, &mut self.network);
        } else {
            let client = &mut self.clients[number];
            while client.poll_event().is_some() {}
            transmit(client, number, self.now, &mut self.network);
        }
    }
}

fn transmit(
    endpoint: &mut dyn Endpoint,
    number: usize,
    now: Instant,
    network: &mut VecDeque<Letter>,
) {
    let mut out = [0; DATAGRAM_LEN_MAX];
    while let Some(transmit) = endpoint.poll_transmit(now, &mut out) {
        network.push_back((address(number), transmit.to, out[..transmit.len].to_vec()));
    }
}
