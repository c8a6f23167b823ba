//! Messages from one client process to another.

use std::net::SocketAddr;
use std::time::Duration;

use chatapp_e2e::{Machine, Namespaces, Room};

use crate::child::Child;
use crate::client::RECIPIENT;
use crate::report::{Goal, Line, Row, Score};
use crate::stream::{Stream, Times};
use crate::work::Size;

/// The sender, the recipient, and the number of in-flight messages.
struct Pair {
    sender: Child,
    recipient: Child,
    in_flight: usize,
}

/// Rate of a stream, and processor time of both clients for each message.
struct Measured {
    per_second: f64,
    cpu_us: f64,
    times: Times,
}

impl Pair {
    /// Creates two registered clients that each drop this percentage of arriving datagrams.
    fn of_clients(room: &Room, in_flight: usize, loss_percent: u32) -> Self {
        let server = room.address().to_string();
        let window = in_flight.max(32).to_string();
        let loss = loss_percent.to_string();
        let [recipient, sender] = [RECIPIENT, "sender"].map(|name| {
            let mut client = Child::start(&["client", &server, name, &window, &loss]);
            assert_eq!(client.next_line(), "registered");
            client
        });
        Self {
            sender,
            recipient,
            in_flight,
        }
    }

    /// Creates two registered clients on machines of a network, which also has their server.
    fn across(network: &Namespaces, machine: Machine, in_flight: usize) -> Self {
        let server = SocketAddr::new(network.address_of(0).into(), 4_119).to_string();
        let window = in_flight.max(32).to_string();
        let start = |number, name| {
            let own = format!("{}/24", network.address_of(number));
            let gateway = network.gateway_of(number).to_string();
            let role: &[&str] = match machine {
                Machine::Kernel => &["client", &server, name, &window, "0"],
                Machine::Tap => &["client-on-tap", &server, name, &window, &own, &gateway],
            };
            let mut client = Child::start_on(network, number, role);
            assert_eq!(client.next_line(), "registered");
            client
        };
        Self {
            recipient: start(1, RECIPIENT),
            sender: start(2, "sender"),
            in_flight,
        }
    }

    fn of_bare(in_flight: usize, per_datagram: usize) -> Self {
        let mut recipient = Child::start(&["bare-answers"]);
        let to = format!("127.0.0.1:{}", recipient.next_line());
        let sender = Child::start(&["bare-sender", &to, &per_datagram.to_string()]);
        Self {
            sender,
            recipient,
            in_flight,
        }
    }

    fn measure(&mut self, messages: usize) -> Measured {
        let cpu = |pair: &Self| pair.sender.cpu() + pair.recipient.cpu();
        let before = cpu(self);
        let order = Stream::order(messages, self.in_flight);
        let times = self.sender.streams(&order);
        Measured {
            per_second: messages as f64 / times.all.as_secs_f64(),
            cpu_us: micros(cpu(self).saturating_sub(before)) / messages as f64,
            times,
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Runs both kinds alternately, after one warm-up of each.
fn alternate(
    size: Size,
    messages: usize,
    ours: &mut Pair,
    baseline: &mut Pair,
) -> Vec<(Measured, Measured)> {
    // Rounded up to whole datagrams of 16 messages.
    let messages = (messages / size.divisor).next_multiple_of(16);
    let mut run = || (ours.measure(messages), baseline.measure(messages));
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

pub(crate) fn few_in_flight(title: &str, size: Size) -> Row {
    let room = Room::open_with(&["--ephemeral"]);
    let mut ours = Pair::of_clients(&room, 32, 0);
    let mut baseline = Pair::of_bare(32, 1);
    let runs = alternate(size, 100_000, &mut ours, &mut baseline);
    Row {
        title: title.into(),
        baseline: "a datagram for each message and each acknowledgement",
        lines: vec![
            line("messages a second", Goal::AtLeast(1.6), &runs, |run| {
                run.per_second
            }),
            line(
                "CPU of both for each, µs",
                Goal::AtMost(0.7),
                &runs,
                |run| run.cpu_us,
            ),
        ],
    }
}

pub(crate) fn many_in_flight(title: &str, size: Size) -> Row {
    let room = Room::open_with(&["--ephemeral"]);
    let mut ours = Pair::of_clients(&room, 1_024, 0);
    let mut baseline = Pair::of_bare(1_024, 16);
    let runs = alternate(size, 500_000, &mut ours, &mut baseline);
    Row {
        title: title.into(),
        baseline: "16 messages packed in each datagram, which is acknowledged",
        lines: vec![line(
            "messages a second",
            Goal::AtLeast(0.5),
            &runs,
            |run| run.per_second,
        )],
    }
}

pub(crate) fn round_trip(title: &str, size: Size) -> Row {
    let room = Room::open_with(&["--ephemeral"]);
    let mut ours = Pair::of_clients(&room, 1, 0);
    let mut baseline = Pair::of_bare(1, 1);
    let runs = alternate(size, 8_000, &mut ours, &mut baseline);
    Row {
        title: title.into(),
        baseline: "a bare datagram, and its answer",
        lines: vec![line("median, µs", Goal::AtMost(1.2), &runs, |run| {
            micros(run.times.median)
        })],
    }
}

pub(crate) fn with_loss(title: &str, size: Size) -> Row {
    let room = Room::open_with(&["--ephemeral"]);
    let mut without = Pair::of_clients(&room, 32, 0);
    let round_trip_us = {
        without.in_flight = 1;
        micros(without.measure(2_000).times.median)
    };
    without.in_flight = 32;
    let other_room = Room::open_with(&["--ephemeral"]);
    let mut with = Pair::of_clients(&other_room, 32, 5);
    let runs = alternate(size, 20_000, &mut with, &mut without);
    let excess = Line {
        score: Score::Excess {
            unit: round_trip_us,
            name: "round trips more",
        },
        ..line("99th percentile, µs", Goal::AtMost(10.0), &runs, |run| {
            micros(run.times.p99)
        })
    };
    Row {
        title: title.into(),
        baseline: "the same stream without loss",
        lines: vec![excess],
    }
}

/// Measures two clients and their server behind one router, each on its own network: with TAP
/// devices, and with sockets.
fn on_tap_devices(
    title: &str,
    size: Size,
    in_flight: usize,
    messages: usize,
    lines: impl FnOnce(&[(Measured, Measured)]) -> Vec<Line>,
) -> Row {
    let room = |machine| {
        let network = Namespaces::with_machines(&[machine; 3])?;
        let (server, []) = network.room([], &["--ephemeral"]);
        let pair = Pair::across(&network, machine, in_flight);
        Some((pair, server, network))
    };
    let runs = match (room(Machine::Tap), room(Machine::Kernel)) {
        (Some((mut ours, ..)), Some((mut baseline, ..))) => {
            alternate(size, messages, &mut ours, &mut baseline)
        }
        // The reason is on standard error.
        _ => Vec::new(),
    };
    Row {
        title: title.into(),
        baseline: "the same network with sockets",
        lines: lines(&runs),
    }
}

pub(crate) fn few_on_tap_devices(title: &str, size: Size) -> Row {
    on_tap_devices(title, size, 32, 100_000, |runs| {
        vec![
            line("messages a second", Goal::AtLeast(0.8), runs, |run| {
                run.per_second
            }),
            line(
                "CPU of both for each, µs",
                Goal::AtMost(1.25),
                runs,
                |run| run.cpu_us,
            ),
        ]
    })
}

pub(crate) fn one_on_tap_devices(title: &str, size: Size) -> Row {
    on_tap_devices(title, size, 1, 8_000, |runs| {
        vec![
            line("median, µs", Goal::AtMost(1.25), runs, |run| {
                micros(run.times.median)
            }),
            line(
                "CPU of both for each, µs",
                Goal::AtMost(1.25),
                runs,
                |run| run.cpu_us,
            ),
        ]
    })
}
