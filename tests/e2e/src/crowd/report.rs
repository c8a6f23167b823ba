//! Runs a crowd at a server, and measures the cost.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use chatapp_core::Command;

use super::Crowd;
use crate::measure::Usage;
use crate::{PATIENCE, Room};

/// Number of pairs that chat after all have arrived.
const PAIRS: usize = 200;

/// Size of the crowd, and time of its arrival.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of clients.
    pub clients: usize,
    /// Capacity of each table; with `clients` or more, it holds the whole crowd.
    pub table: usize,
    /// Time over which the registrations are spread evenly.
    pub within: Duration,
}

impl Plan {
    fn is_whole(&self) -> bool {
        self.table >= self.clients
    }
}

/// Measured figures of a crowd.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Plan of the run.
    pub plan: Plan,
    /// Time from the first to the last start of a registration.
    pub last_began: Duration,
    /// Time from then until all clients are registered and have the same table as the server, if it
    /// fits.
    pub converged_after: Duration,
    /// Datagrams and bytes that the server received until then.
    pub received: (u64, u64),
    /// Datagrams and bytes that the server sent until then.
    pub sent: (u64, u64),
    /// Resource usage of the server before the first arrival, and after convergence.
    pub server: (Usage, Usage),
    /// Number of messages in the chat, and the time until all were delivered.
    pub chats: (usize, Duration),
    /// Time until a channel message reached all clients.
    pub channel: Duration,
}

impl Report {
    /// Returns the processor time of the server for each arrival.
    pub fn cpu_each(&self) -> Duration {
        (self.server.1.cpu - self.server.0.cpu)
            / u32::try_from(self.plan.clients).unwrap_or(u32::MAX)
    }

    /// Returns the bytes that the server received and sent for each arrival.
    pub fn bytes_each(&self) -> (u64, u64) {
        let clients = self.plan.clients as u64;
        (self.received.1 / clients, self.sent.1 / clients)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { clients, table, .. } = self.plan;
        let tables = if self.plan.is_whole() {
            "whole tables".to_owned()
        } else {
            format!("tables of {table}")
        };
        let (received, sent) = self.bytes_each();
        writeln!(f, "{clients} clients with {tables}")?;
        writeln!(
            f,
            "  the last began after           {:.2?}",
            self.last_began
        )?;
        writeln!(
            f,
            "  all had converged after it     {:.2?}",
            self.converged_after
        )?;
        writeln!(
            f,
            "  server: received in all        {} datagrams, {} bytes",
            self.received.0, self.received.1
        )?;
        writeln!(
            f,
            "  server: sent in all            {} datagrams, {} bytes",
            self.sent.0, self.sent.1
        )?;
        writeln!(
            f,
            "  server: bytes for each arrival {received} received, {sent} sent"
        )?;
        writeln!(
            f,
            "  server: CPU for each arrival   {:.2?}",
            self.cpu_each()
        )?;
        writeln!(
            f,
            "  server: resident memory        {:.1} MiB before, {:.1} MiB after",
            self.server.0.rss_mib(),
            self.server.1.rss_mib()
        )?;
        writeln!(
            f,
            "  then {} messages in all took    {:.2?}",
            self.chats.0, self.chats.1
        )?;
        write!(f, "  a channel message to everybody {:.2?}", self.channel)
    }
}

/// Starts a server, runs the crowd, and lets pairs of clients chat.
///
/// # Errors
/// Returns an error if the machine has too few sockets or too little memory.
///
/// # Panics
/// Panics if a member does not converge, or a message does not arrive.
pub fn run(plan: Plan) -> io::Result<Report> {
    let mut room = Room::open();
    let process = room.server.id();
    let before = Usage::of(process);
    let mut crowd = Crowd::new(room.address())?;
    let start = Instant::now();
    let mut last_began = Duration::ZERO;
    for number in 0..plan.clients {
        let due = plan.within.mul_f64(number as f64 / plan.clients as f64);
        let wait = due.saturating_sub(start.elapsed());
        // On a busy machine several registrations are due at once.
        if !wait.is_zero() {
            crowd.works_until(wait, |_| false)?;
        }
        last_began = start.elapsed();
        crowd.joins(plan.table)?;
    }

    let mut waiting: Vec<usize> = (0..plan.clients).collect();
    let all_came = crowd.works_until(PATIENCE, |crowd| {
        // Complete members mostly stay complete, so this checks only the last one until it is
        // complete.
        while let Some(&number) = waiting.last() {
            let client = &crowd.members[number].client;
            let has_all = client.is_registered()
                && (!plan.is_whole()
                    || client.table().filter(|entry| entry.online).count() == plan.clients);
            if !has_all {
                return false;
            }
            waiting.pop();
        }
        true
    })?;
    let converged_after = start.elapsed().saturating_sub(last_began);
    let after = Usage::of(process);
    assert!(
        all_came,
        "{} of {} have not converged",
        waiting.len(),
        plan.clients
    );
    if plan.is_whole() {
        assert_eq!(crowd.without_the_whole_table(), Vec::<usize>::new());
    }
    let (received, sent) = traffic(&mut room, plan.clients);

    let chats = chat(&mut crowd)?;
    let channel = post(&mut crowd)?;
    let failed: usize = crowd.members.iter().map(|member| member.failed).sum();
    assert_eq!(failed, 0, "commands that failed");
    Ok(Report {
        plan,
        last_began,
        converged_after,
        received,
        sent,
        server: (before, after),
        chats,
        channel,
    })
}

/// Returns the datagrams and bytes that the server received and sent, from its own counters. All
/// clients are in its table.
fn traffic(room: &mut Room, clients: usize) -> ((u64, u64), (u64, u64)) {
    room.server.types("stats");
    room.server.logs(&format!("clients: {clients} online"));
    let mut next = |title: &str| {
        let line = room.server.logs(title);
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
        let mut number = || numbers.next().expect("the line has two numbers");
        (number(), number())
    };
    (next("received: "), next("sent: "))
}

/// Lets one member of each pair send a message to the other.
fn chat(crowd: &mut Crowd) -> io::Result<(usize, Duration)> {
    let clients = crowd.members.len();
    let pairs = PAIRS.min(clients / 2);
    let mut random = fastrand::Rng::with_seed(4);
    let mut order: Vec<usize> = (0..clients).collect();
    random.shuffle(&mut order);
    let start = Instant::now();
    for pair in order.chunks_exact(2).take(pairs) {
        let to = Crowd::name_of(pair[1]);
        crowd.commands(
            pair[0],
            Command::Send {
                to: &to,
                text: "hello",
            },
        );
    }
    let count = |crowd: &mut Crowd| -> (usize, usize) {
        let members = crowd.members.iter();
        members.fold((0, 0), |(shown, succeeded), member| {
            (shown + member.shown, succeeded + member.succeeded)
        })
    };
    let arrived = crowd.works_until(PATIENCE, |crowd| count(crowd) == (pairs, pairs))?;
    assert!(
        arrived,
        "of {pairs} messages, (shown, acknowledged) are {:?}",
        count(crowd)
    );
    Ok((pairs, start.elapsed()))
}

/// Sends one channel message to all members.
fn post(crowd: &mut Crowd) -> io::Result<Duration> {
    let before: Vec<usize> = crowd.members.iter().map(|member| member.shown).collect();
    let start = Instant::now();
    crowd.commands(
        0,
        Command::SendAll {
            text: "hello, everybody",
        },
    );
    let missing = |crowd: &mut Crowd| {
        let others = crowd.members.iter().zip(&before).skip(1);
        others
            .filter(|(member, before)| member.shown != **before + 1)
            .count()
    };
    let arrived = crowd.works_until(PATIENCE, |crowd| missing(crowd) == 0)?;
    assert!(
        arrived,
        "{} did not get the channel message",
        missing(crowd)
    );
    Ok(start.elapsed())
}
