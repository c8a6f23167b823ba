//! Runs with an output that is slow, hangs, is closed, fills up, or whose client is killed, while
//! 200 messages come in. Afterwards, each message is on the output, is shown at the next start, or
//! its sender was told that it was not delivered; and no message has two final lines.
//!
//! A seed decides everything but the times of processes. `CHATAPP_RUNS=500` makes that many runs,
//! and `CHATAPP_FIRST_RUN` chooses the first.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use chatapp_e2e::{Home, PATIENCE, Process, Room, SmallDisk};
use fastrand::Rng;
use rustix::process::Signal;
use serde_json::Value;

use super::UNLIMITED;
use super::ear::{Ear, next_start};

/// Messages of each of the two senders.
const MESSAGES: usize = 100;

/// Runs without `CHATAPP_RUNS`.
const RUNS: u64 = 16;

/// Time for a client to notice that its output is closed, as long as messages come in.
const NOTICE_TIME: Duration = Duration::from_secs(3);

/// Runs at the same time. They mostly wait.
const PARALLEL: u64 = 8;

/// The kind of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pipe,
    Json,
    Terminal,
    /// A file on a disk that fills up; a pipe if no disk can be mounted.
    File,
}

/// Something that happens to the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The reader reads few bytes at a time.
    Slow,
    /// The reader reads nothing for this many ms.
    Hang(u64),
    Close,
    Kill,
    Terminate,
    Interrupt,
}

/// The script of a run.
#[derive(Debug)]
struct Script {
    kind: Kind,
    faults: Vec<Fault>,
    /// Most bytes of a text.
    text_len: usize,
    /// KiB of the disk.
    disk_kib: u64,
    /// Time between two messages, in ms, at most.
    pace_ms: u64,
}

impl Script {
    fn draw(seed: u64) -> (Self, Rng) {
        let mut random = Rng::with_seed(seed);
        let kind = match random.u8(0..8) {
            0..=2 => Kind::Pipe,
            3 => Kind::Json,
            4..=5 => Kind::Terminal,
            _ => Kind::File,
        };
        let mut faults = Vec::new();
        for _ in 0..random.u8(0..4) {
            faults.push(match random.u8(0..3) {
                0 => Fault::Slow,
                _ => Fault::Hang(random.u64(0..4_000)),
            });
        }
        faults.push(match random.u8(0..6) {
            0..=1 => Fault::Close,
            2..=3 => Fault::Kill,
            4 => Fault::Terminate,
            _ => Fault::Interrupt,
        });
        let script = Self {
            kind,
            faults,
            text_len: random.choice([1, 60, 900]).expect("there are some"),
            disk_kib: 4 * random.u64(2..20),
            pace_ms: random.choice([0, 1, 20]).expect("there are some"),
        };
        (script, random)
    }

    fn disk(&self) -> Option<SmallDisk> {
        let is_file = self.kind == Kind::File;
        is_file.then(|| SmallDisk::of(&format!("{}k", self.disk_kib)))?
    }

    fn start(&self, home: &Home, room: &Room, disk: Option<&SmallDisk>) -> Ear {
        match (self.kind, disk) {
            (Kind::Json, _) => Ear::at_pipe(home, room, &["--json"]),
            (Kind::Terminal, _) => Ear::at_terminal(home, room, &[]),
            (_, Some(disk)) => Ear::at_file(home, room, &disk.path().join("log")),
            (_, None) => Ear::at_pipe(home, room, &[]),
        }
    }
}

/// A sender, whose lines are JSON.
struct Sender {
    process: Process,
    /// The end of each text.
    mark: char,
}

impl Sender {
    fn join(room: &Room, name: &str, mark: char) -> Self {
        let port = room.port.to_string();
        let arguments = ["-c", name, "127.0.0.1", &port, "0", "--json"];
        let mut process = Process::start_at(&Home::of(name), &arguments);
        process.shows_where("the table", |line| line.contains("\"table_updated\""));
        Self { process, mark }
    }

    fn sends(&mut self, number: usize, len: usize, is_direct: bool) {
        let command = if is_direct { "send ear" } else { "send_all" };
        let text = "x".repeat(len);
        self.process
            .types(&format!("{command} {text}<{}{number}>", self.mark));
    }

    /// Waits until each command has a final line; returns the outcomes of the messages, in order.
    fn outcomes(&mut self, count: usize) -> Vec<Vec<String>> {
        let deadline = Instant::now() + 2 * PATIENCE;
        loop {
            let outcomes = self.finals(count);
            if outcomes.iter().all(|outcomes| !outcomes.is_empty()) {
                return outcomes;
            }
            assert!(Instant::now() < deadline, "no final line: {outcomes:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn finals(&self, count: usize) -> Vec<Vec<String>> {
        let mut by_id = BTreeMap::<u64, Vec<String>>::new();
        for line in self.process.lines() {
            let object: Value = serde_json::from_str(&line).expect("JSON");
            let is_message = matches!(object["command"].as_str(), Some("send" | "send_all"));
            let Some(id) = object["id"].as_u64().filter(|_| is_message) else {
                continue;
            };
            let finals = by_id.entry(id).or_default();
            if object["event"] == "status" && object["final"] == true {
                finals.push(object["status"].as_str().expect("a word").to_owned());
            }
        }
        let mut outcomes: Vec<_> = by_id.into_values().collect();
        outcomes.resize(count, Vec::new());
        outcomes
    }
}

/// Reads, and does to the output and its client what the script says, until the client has ended.
fn torment(ear: &mut Ear, script: &Script, random: &mut Rng) {
    let mut piece = 1 << 16;
    for fault in &script.faults {
        let until = Instant::now() + Duration::from_millis(random.u64(0..600));
        while Instant::now() < until {
            ear.reads(piece);
            thread::sleep(Duration::from_millis(2));
        }
        match *fault {
            Fault::Slow => piece = random.usize(1..400),
            Fault::Hang(time_ms) => thread::sleep(Duration::from_millis(time_ms)),
            Fault::Close => ear.is_closed(),
            Fault::Kill => ear.is_sent(Signal::KILL),
            Fault::Terminate => ear.is_sent(Signal::TERM),
            Fault::Interrupt => ear.is_sent(Signal::INT),
        }
    }
    let closed_at = Instant::now();
    while !ear.has_ended() {
        // If nothing more comes in, it does not notice that its output is closed.
        if closed_at.elapsed() > NOTICE_TIME {
            ear.is_sent(Signal::TERM);
        }
        assert!(
            closed_at.elapsed() < PATIENCE,
            "it does not end: {script:?}"
        );
        ear.reads(piece);
        thread::sleep(Duration::from_millis(2));
    }
    ear.ends();
}

/// The fate of the messages of one run.
#[derive(Debug, Default)]
struct Counts {
    written: usize,
    later: usize,
    twice: usize,
    refused: usize,
}

fn run(seed: u64) -> Counts {
    let (script, mut random) = Script::draw(seed);
    let room = Room::open_with(&UNLIMITED);
    let mut senders = [
        Sender::join(&room, "al", 'a'),
        Sender::join(&room, "bo", 'b'),
    ];
    let (home, disk) = (Home::of("ear"), script.disk());
    let mut ear = script.start(&home, &room, disk.as_ref());
    // Its name is known, so that the server stores messages for it.
    senders[1]
        .process
        .shows_where("the ear's entry", |line| line.contains("\"table_updated\""));
    let texts: Vec<(usize, u64)> = (0..2 * MESSAGES)
        .map(|_| {
            (
                random.usize(0..script.text_len),
                random.u64(0..=script.pace_ms),
            )
        })
        .collect();
    let pump = thread::spawn(move || {
        for (number, (len, pause_ms)) in texts.into_iter().enumerate() {
            let is_direct = number % 2 == 0;
            let sender = &mut senders[usize::from(!is_direct)];
            sender.sends(number / 2, len, is_direct);
            thread::sleep(Duration::from_millis(pause_ms));
        }
        senders
    });
    torment(&mut ear, &script, &mut random);
    let mut senders = pump.join().expect("the senders take everything");
    let outcomes = senders.each_mut().map(|sender| sender.outcomes(MESSAGES));

    let mut next = next_start(&home, &room);
    for (sender, is_direct) in senders.iter_mut().zip([true, false]) {
        sender.sends(MESSAGES, 1, is_direct);
        let end = format!("<{}{MESSAGES}>", sender.mark);
        next.shows_where(&end, |line| line.ends_with(&end));
    }
    let lines = next.lines();
    let mut counts = Counts::default();
    for (sender, outcomes) in senders.iter().zip(&outcomes) {
        for (number, finals) in outcomes.iter().enumerate() {
            let text = format!("<{}{number}>", sender.mark);
            let what = || format!("{text} {finals:?} of run {seed}: {script:?}");
            assert_eq!(finals.len(), 1, "final lines: {}", what());
            let is_promised = matches!(&*finals[0], "delivered" | "saved" | "posted");
            let first = ear.count(&text);
            let later = lines.iter().filter(|line| line.ends_with(&text)).count();
            assert!(first + later > 0 || !is_promised, "lost: {}", what());
            assert!(first <= 1 && later <= 1, "repeated: {}", what());
            counts.written += first;
            counts.later += later;
            counts.twice += usize::from(first + later > 1);
            counts.refused += usize::from(!is_promised);
        }
    }
    // A client that is killed may have had no time to remember its last lines. A terminal may take
    // a part of the last piece.
    let is_excused = script.faults.contains(&Fault::Kill) || script.kind == Kind::Terminal;
    assert!(
        counts.twice == 0 || is_excused,
        "{counts:?} in run {seed}: {script:?}"
    );
    counts
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn loses_no_message_whatever_the_output_does() {
    let runs = number_of("CHATAPP_RUNS").unwrap_or(RUNS);
    let first = number_of("CHATAPP_FIRST_RUN").unwrap_or(0);
    let all: Vec<Counts> = thread::scope(|scope| {
        let threads: Vec<_> = (0..PARALLEL.min(runs))
            .map(|thread| {
                let seeds = (first + thread..first + runs).step_by(PARALLEL as usize);
                scope.spawn(|| seeds.map(run).collect::<Vec<_>>())
            })
            .collect();
        let joined = threads
            .into_iter()
            .map(|it| it.join().expect("no run fails"));
        joined.flatten().collect()
    });
    let sum = |of: fn(&Counts) -> usize| all.iter().map(of).sum::<usize>();
    println!(
        "{runs} runs: {} written, {} shown at the next start, {} of them twice, {} refused",
        sum(|it| it.written),
        sum(|it| it.later),
        sum(|it| it.twice),
        sum(|it| it.refused)
    );
    assert!(sum(|it| it.later) > 0 && sum(|it| it.written) > 0);
}
