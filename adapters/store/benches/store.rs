//! Measures the cost of storing records, and of starting with a large store. Prints figures and
//! ratios. Run it on the disk in question: `TMPDIR=/some/folder cargo bench -p chatapp-store`.

use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use chatapp_core::crypto::{Correspondence, KEY_LEN, MESSAGE_OVERHEAD, MessageKey, SENT_AT_LEN};
use chatapp_core::{
    Client, ClientConfig, ClientEvent, Command, Identity, Journal, Name, NameRecord, PublicKey,
    Record, Server, ServerConfig, StaticKey, Ticket, UnixSeconds,
};
use chatapp_mio::{ClientLimits, ClientMemory, Driver, ServerLimits, ServerMemory, Socket, seed};
use chatapp_store::{Options, Store, StoreJournal};
use tempfile::TempDir;

/// Records that share a sync.
const GROUP: usize = 32;
/// Groups of one measurement.
const GROUPS: usize = 150;
/// Measurements of each kind. The kinds alternate, so that a change in the speed of the disk
/// affects all of them.
const ROUNDS: usize = 5;

const NAMES: usize = 10_000;
const WAITING: u64 = 100_000;
/// Messages that wait for the one client that fetches.
const FETCHED: u64 = 1_000;
/// A stored message of the same length that no client decrypts.
const STORED_MESSAGE: [u8; KEY_LEN + TEXT.len() + MESSAGE_OVERHEAD] = [0xa5; _];
const TEXT: &str = "A line of a hundred bytes, as people write them to each other when they have \
something to tell. Bye.";

fn main() {
    rates();
    large_store();
}

fn scratch() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

// ---- rates ----

/// A journal, and the flag that wakes its user.
struct Desk {
    journal: StoreJournal,
    woken: Receiver<()>,
    next: u64,
    open: usize,
}

impl Desk {
    fn open(folder: &TempDir) -> Self {
        let (wake, woken) = channel();
        let wake = move || {
            let _ = wake.send(());
        };
        let store = Store::open(folder.path(), &Options::default()).expect("an empty store");
        Self {
            journal: store.into_journal(wake).expect("a thread"),
            woken,
            next: 0,
            open: 0,
        }
    }

    fn hand(&mut self, record: Record<'_>) {
        self.next += 1;
        self.open += 1;
        self.journal.store(Ticket::new(self.next), record);
    }

    /// Waits until all records are stored.
    fn settle(&mut self) {
        self.journal.submit();
        while self.open != 0 {
            match self.journal.poll_stored() {
                Some((_, result)) => {
                    result.expect("the journal stores the record");
                    self.open -= 1;
                }
                None => self.woken.recv().expect("the journal works"),
            }
        }
    }
}

/// Returns one identity for all names: the store does not check keys.
fn identity() -> Identity {
    Identity::new(StaticKey::new([1; KEY_LEN]), None)
}

/// Returns the stored message with this number from `from` to `to`: the ephemeral key, and the
/// ciphertext that it decrypts.
fn ciphertext(key: &MessageKey, ephemeral: &PublicKey, number: u64) -> Vec<u8> {
    let mut text = [TEXT.as_bytes(), &[0; SENT_AT_LEN]].concat();
    let counter = u32::try_from(number).expect("not so many");
    let tag = key.seal(&identity(), counter, UnixSeconds(1), &mut text);
    [&ephemeral.0[..], &text, &tag].concat()
}

fn message_key(from: &str, to: &str) -> (MessageKey, PublicKey) {
    let secret = [2; KEY_LEN];
    let ephemeral = StaticKey::new(secret).public();
    let own = identity();
    let incarnation = 1;
    let room = own.public();
    let names = Correspondence {
        room: &room,
        from,
        incarnation,
        to,
    };
    let key = MessageKey::to(&own, &own.public(), &secret, &ephemeral, names);
    (key.expect("a key"), ephemeral)
}

fn name(name: &str) -> Record<'_> {
    Record::Name(NameRecord {
        name,
        registered: false,
        address: (Ipv4Addr::LOCALHOST, 9).into(),
        incarnation: 1,
        key: identity().public(),
        session_sequence: 1,
        session: 0,
        previous: [0; 4],
        last_request: 0,
        outcomes: 0,
        log_next: 1,
        away_s: 0,
        medium_key: PublicKey::NONE,
    })
}

fn mail<'a>(serial: u64, to: &'a str, from: &'a str, ciphertext: &'a [u8]) -> Record<'a> {
    Record::Mail {
        serial,
        to,
        from,
        incarnation: 1,
        counter: u32::try_from(serial).expect("not so many"),
        request: u32::try_from(serial).expect("not so many"),
        stamp: UnixSeconds(1),
        ciphertext,
    }
}

fn rates() {
    let (mut group, mut single, mut log) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let singles = GROUPS * ROUNDS;
    let records = GROUP * GROUPS * ROUNDS;
    let folder = scratch();
    let mut desk = Desk::open(&folder);
    desk.hand(name("alice"));
    desk.hand(name("bob"));
    desk.settle();
    let log_folder = scratch();
    let mut file = File::create(log_folder.path().join("log")).expect("a file");
    let mut serial = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..GROUPS {
            for _ in 0..GROUP {
                serial += 1;
                desk.hand(mail(serial, "bob", "alice", &STORED_MESSAGE));
            }
            desk.settle();
        }
        group += start.elapsed();

        let start = Instant::now();
        for _ in 0..GROUPS {
            serial += 1;
            desk.hand(mail(serial, "bob", "alice", &STORED_MESSAGE));
            desk.settle();
        }
        single += start.elapsed();

        let start = Instant::now();
        for _ in 0..GROUPS {
            let mut bytes = Vec::new();
            for _ in 0..GROUP {
                bytes.extend_from_slice(
                    format!("{:?}\n", mail(serial, "bob", "alice", &STORED_MESSAGE)).as_bytes(),
                );
            }
            file.write_all(&bytes)
                .expect("the journal stores the record");
            file.sync_data().expect("the journal stores the record");
        }
        log += start.elapsed();
    }
    let rate = |records: usize, time: Duration| records as f64 / time.as_secs_f64();
    let (group, single, log) = (
        rate(records, group),
        rate(singles, single),
        rate(records, log),
    );
    println!("saved records per second");
    println!("  groups of {GROUP}, one sync each   {group:>9.0}");
    println!(
        "  one sync per record         {single:>9.0}   groups are {:.1} times as fast",
        group / single
    );
    println!(
        "  bare log, groups of {GROUP}        {log:>9.0}   groups are {:.2} times as fast",
        group / log
    );
}

// ---- a large store ----

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1_024.0
}

fn large_store() {
    let folder = scratch();
    fill(&folder);
    let file = folder.path().join("room.db");
    let size = file.metadata().map_or(0, |file| file.len()) >> 20;
    println!(
        "{NAMES} names and {WAITING} waiting messages of {} bytes, {size} MiB on disk",
        TEXT.len()
    );

    let before = resident_mib();
    let start = Instant::now();
    let mut memory = ServerMemory::new(ServerLimits::default()).expect("memory");
    let config = ServerConfig::default();
    let mut server = Server::new(
        config,
        memory.storage(),
        identity(),
        seed(&mut [0; 32]).expect("entropy"),
    )
    .expect("room");
    let empty = resident_mib() - before;
    let mut store = Store::open(folder.path(), &Options::default()).expect("the store opens");
    let opened = start.elapsed();
    store
        .restore(UnixSeconds(1), |record| server.restore(record))
        .expect("everything fits");
    let started = start.elapsed();
    println!(
        "  start       {:>6.3} s, of which {:.3} s to open and check the file",
        started.as_secs_f64(),
        opened.as_secs_f64()
    );
    println!(
        "  memory      {:>6.0} MiB, of which {empty:.0} MiB for an empty room",
        resident_mib() - before
    );

    let mut driver =
        Driver::new(Socket::bind(Some(Ipv4Addr::LOCALHOST.into()), 0).expect("a port"))
            .expect("events");
    let address = driver.local_addr();
    let waker = driver.waker();
    let to_stop = waker.clone();
    let mut journal = store.into_journal(move || waker.wake()).expect("a thread");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| {
            let took = fetch(address);
            stop.store(true, Ordering::SeqCst);
            to_stop.wake();
            took
        });
        while !stop.load(Ordering::SeqCst) {
            driver
                .poll(&mut server, |server, now| {
                    journal.exchange(server, now);
                    while server.poll_event().is_some() {}
                })
                .expect("events");
            journal.submit();
            driver.park(&server).expect("events");
        }
        let took = fetching.join().expect("the client does not panic");
        println!(
            "  fetch       {:>6.3} s for {FETCHED} messages",
            took.as_secs_f64()
        );
    });
}

fn fill(folder: &TempDir) {
    let mut desk = Desk::open(folder);
    desk.hand(Record::Epoch {
        epoch: 1,
        serial: 0,
        log_next: 1,
    });
    let names: Vec<String> = (0..NAMES)
        .map(|number| format!("person-{number}"))
        .collect();
    names.iter().for_each(|one| desk.hand(name(one)));
    desk.settle();
    let (key, ephemeral) = message_key(&names[1], &names[0]);
    for serial in 1..=WAITING {
        let to = if serial <= FETCHED {
            0
        } else {
            1 + serial as usize % (NAMES - 1)
        };
        // The client decrypts only the messages of the first name.
        let encrypted = (to == 0).then(|| ciphertext(&key, &ephemeral, serial));
        let ciphertext = encrypted.as_deref().unwrap_or(&STORED_MESSAGE);
        desk.hand(mail(
            serial,
            &names[to],
            &names[(to + 1) % NAMES],
            ciphertext,
        ));
        if serial.is_multiple_of(1_000) {
            desk.settle();
        }
    }
    desk.settle();
}

/// Registers the name with the most stored messages, and fetches all of them.
fn fetch(server: SocketAddr) -> Duration {
    let socket = Socket::bind(Some(Ipv4Addr::LOCALHOST.into()), 0).expect("a port");
    let mut driver = Driver::new(socket).expect("events");
    let mut memory = ClientMemory::new(ClientLimits::default()).expect("memory");
    let name = Name::new("person-0").expect("a name");
    let config = ClientConfig::new(name.clone(), server);
    let mut client = Client::new(
        config,
        memory.storage(),
        identity(),
        seed(&mut [0; 32]).expect("entropy"),
    )
    .expect("room");
    let start = Instant::now();
    let register = Command::Register {
        name: name.as_str(),
    };
    client.command(driver.now(), register).expect("it is new");
    let mut fetched = 0;
    while fetched < FETCHED {
        driver
            .poll(&mut client, |client, now| {
                while let Some(event) = client.poll_event() {
                    fetched += u64::from(matches!(event, ClientEvent::Message { .. }));
                    if let Some(receipt) = event.receipt() {
                        client.handle_shown(now, receipt);
                    }
                }
            })
            .expect("events");
        driver.park(&client).expect("events");
    }
    start.elapsed()
}
