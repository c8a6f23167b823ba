//! A channel message to a thousand clients.

use std::time::{Duration, Instant};

use chatapp_core::Command;
use chatapp_e2e::crowd::Crowd;
use chatapp_e2e::measure::Usage;
use chatapp_e2e::{PATIENCE, Room};

use crate::child::Child;
use crate::report::{Goal, Line, Row, Score};
use crate::work::{Size, TEXT};

const RECIPIENTS: usize = 1_000;
/// Capacity of each table: clients receive the channel without knowing all others.
const TABLE: usize = 4;
/// Number of clients that register at a time. A thousand handshakes in a row would occupy their
/// only thread beyond the server's timeout. Its retransmissions would then mark a path as lossy for
/// its next 255 datagrams.
const GROUP: usize = 13;
const _: () = assert!((RECIPIENTS + 1).is_multiple_of(GROUP));
/// Index of the client that sends to all others.
const AUTHOR: usize = 0;

/// Result of some rounds: deliveries per second, and processor time of the sender for each.
struct Measured {
    per_second: f64,
    cpu_us: f64,
}

impl Measured {
    fn new(deliveries: usize, took: Duration, cpu: Duration) -> Self {
        Self {
            per_second: deliveries as f64 / took.as_secs_f64(),
            cpu_us: cpu.as_secs_f64() * 1e6 / deliveries as f64,
        }
    }
}

/// A server, the author and the recipients.
struct Ours {
    room: Room,
    crowd: Crowd,
}

impl Ours {
    fn gather() -> Self {
        let room = Room::open_with(&UNLIMITED);
        let mut crowd = Crowd::new(room.address()).expect("an event queue");
        while crowd.members.len() <= RECIPIENTS {
            for _ in 0..GROUP {
                crowd.joins(TABLE).expect("a socket");
            }
            let all_came = crowd.works_until(PATIENCE, |crowd| {
                let mut latest = crowd.members.iter().rev().take(GROUP);
                latest.all(|member| member.client.is_registered())
            });
            assert!(all_came.expect("events"), "some clients did not register");
        }
        Self { room, crowd }
    }

    fn measure(&mut self, rounds: usize, at_once: usize) -> Measured {
        let server = self.room.server.id();
        let before = Usage::of(server).cpu;
        let start = Instant::now();
        for _ in 0..rounds {
            let wanted = self.crowd.shown + RECIPIENTS * at_once;
            let posts = std::iter::repeat_n(Command::SendAll { text: TEXT }, at_once);
            self.crowd.commands_all(AUTHOR, posts);
            let deadline = Instant::now() + PATIENCE;
            while self.crowd.shown < wanted {
                self.crowd.turn(PATIENCE).expect("events");
                assert!(
                    Instant::now() < deadline,
                    "some clients did not get the message"
                );
            }
        }
        let took = start.elapsed();
        let deliveries = rounds * at_once * RECIPIENTS;
        Measured::new(deliveries, took, Usage::of(server).cpu - before)
    }
}

/// Options of a server without rate limits: all clients have one address.
pub(crate) const UNLIMITED: [&str; 7] = [
    "--ephemeral",
    "--registrations",
    "0",
    "--requests",
    "0",
    "--text-kib",
    "0",
];

/// The bare sender and its recipients.
struct Baseline {
    sender: Child,
    _crowd: Child,
}

impl Baseline {
    fn gather() -> Self {
        let recipients = RECIPIENTS.to_string();
        let mut sender = Child::start(&["bare-fan-out", &recipients]);
        let address = format!("127.0.0.1:{}", sender.next_line());
        let crowd = Child::start(&["bare-crowd", &address, &recipients]);
        assert_eq!(sender.next_line(), "complete");
        Self {
            sender,
            _crowd: crowd,
        }
    }

    fn measure(&mut self, rounds: usize, at_once: usize) -> Measured {
        let before = self.sender.cpu();
        let times = self.sender.streams(&format!("{rounds} {at_once}"));
        let deliveries = rounds * at_once * RECIPIENTS;
        Measured::new(deliveries, times.all, self.sender.cpu() - before)
    }
}

fn measure(size: Size, rounds: usize, at_once: usize) -> Vec<(Measured, Measured)> {
    let (mut ours, mut baseline) = (Ours::gather(), Baseline::gather());
    let rounds = rounds / size.divisor;
    let mut run = || {
        (
            ours.measure(rounds, at_once),
            baseline.measure(rounds, at_once),
        )
    };
    run();
    (0..size.rounds).map(|_| run()).collect()
}

fn line(
    what: &'static str,
    goal: Goal,
    runs: &[(Measured, Measured)],
    figure: fn(&Measured) -> f64,
) -> Line {
    Line {
        what,
        ours: runs.iter().map(|(ours, _)| figure(ours)).collect(),
        baseline: runs.iter().map(|(_, baseline)| figure(baseline)).collect(),
        score: Score::Ratio,
        goal,
    }
}

pub(crate) fn one_in_flight(title: &str, size: Size) -> Row {
    let runs = measure(size, 50, 1);
    Row {
        title: title.into(),
        baseline: "a datagram to each, and an acknowledgement",
        lines: vec![
            line("deliveries a second", Goal::AtLeast(0.8), &runs, |run| {
                run.per_second
            }),
            line(
                "CPU of the sender for each, µs",
                Goal::AtMost(1.4),
                &runs,
                |run| run.cpu_us,
            ),
        ],
    }
}

pub(crate) fn many_in_flight(title: &str, size: Size) -> Row {
    let runs = measure(size, 50, 16);
    Row {
        title: title.into(),
        baseline: "16 messages packed in a datagram to each, and an acknowledgement",
        lines: vec![line(
            "deliveries a second",
            Goal::AtLeast(0.35),
            &runs,
            |run| run.per_second,
        )],
    }
}
