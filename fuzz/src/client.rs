//! Runs a client on any input.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::OnceLock;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::{
    Client, ClientConfig, ClientEvent, ClientMemory, Command, CommandId, Endpoint, Instant, Name,
    Receipt, Seed, UnixSeconds,
};

use crate::constants::{SEED, WALL_CLOCK};
use crate::disk::Disk;
use crate::frame_step::{EntryStep, FrameStep};
use crate::network::Network;
use crate::people::{BOB, CAROL, CLIENT, SERVER, address, participant};
use crate::scenario::{Scenario, Start};
use crate::step::{CommandStep, Step};
use crate::values::{Jump, NameStep, Rarely, Words};

const PEERS: usize = 5;
/// A limit on the datagrams at once, many times above the largest real number: a machine that sends
/// more is in a loop.
const TRANSMITS_MAX: usize = 1_000;

/// Drives a client, alice, through the scenario in `bytes`. Then no input arrives until the client
/// must be idle.
///
/// # Panics
/// If a command has two final events or none, if the client does not become idle, or if it sends an
/// invalid datagram.
pub fn client(bytes: &[u8]) {
    let scenario = Scenario::from_bytes(bytes);
    let is_restart = |step: &Step| matches!(step, Step::Restart { .. });
    let mut processes = scenario.steps.split_inclusive(is_restart).peekable();
    let first = processes.next().unwrap_or_default();
    let mut surroundings = with_client(0, |client| {
        let mut world = World::new(client);
        if scenario.start == Start::Registered {
            world.replays(registered());
        }
        world.takes_steps(first, processes.peek().is_none())
    });
    while let Some(steps) = processes.next() {
        let is_last = processes.peek().is_none();
        surroundings = with_client(surroundings.process + 1, |client| {
            World::follows(client, surroundings).takes_steps(steps, is_last)
        });
    }
}

/// Runs the process of the client with this number.
fn with_client<T>(process: u32, run: impl FnOnce(Client<'_>) -> T) -> T {
    let mut seed = SEED;
    for (byte, bits) in seed.iter_mut().zip(process.to_le_bytes()) {
        *byte ^= bits;
    }
    let mut memory = ClientMemory::<PEERS, 4, 2, 4>::new();
    let config = ClientConfig::new(Name::new("alice").expect("a valid name"), address(SERVER));
    let identity = participant(CLIENT).clone();
    let client = Client::new(config, memory.storage(), identity, Seed::new(&mut seed));
    run(client.expect("enough storage"))
}

/// Returns the recording of a client in a room, made once.
fn registered() -> &'static Recording {
    static RECORDING: OnceLock<Recording> = OnceLock::new();
    RECORDING.get_or_init(|| with_client(0, |client| World::new(client).records(&recorded_steps())))
}

/// The recorded start of a run: the inputs of the client, and the state of all other participants
/// at its end.
struct Recording {
    inputs: Vec<Recorded>,
    network: Network,
}

enum Recorded {
    Step(Step),
    Datagram(SocketAddr, Vec<u8>),
}

/// Returns the steps after which alice is in a room with bob and carol and has a session with bob.
/// A message of alice to carol is stored on the server.
fn recorded_steps() -> Vec<Step> {
    let hi = || Words::Short("hi".into());
    let send = |to| Step::Command(CommandStep::Send(NameStep::Of(to), hi()));
    let answer = |from| Step::Answer {
        from,
        back: 0,
        refusal: Rarely(0),
        epoch: 1,
        window: Rarely(0),
    };
    let entries = [(CLIENT, 1), (BOB, 1), (CAROL, 0)];
    let page = FrameStep::Page {
        version: Jump::default(),
        restart: true,
        complete: true,
        entries: entries
            .map(|(name, status)| EntryStep::of(name, status))
            .to_vec(),
    };
    let saved = FrameStep::Result {
        back: Rarely(0),
        outcome: 0,
    };
    vec![
        Step::Command(CommandStep::Register(NameStep::Of(CLIENT))),
        Step::GiveCookie {
            back: 0,
            key: Some(SERVER),
        },
        answer(SERVER),
        Step::says(0, vec![page]),
        send(BOB),
        answer(BOB),
        Step::says(0, Vec::new()),
        send(CAROL),
        Step::says(1, vec![saved]),
    ]
}

/// The surroundings of a process, for the next one.
struct Surroundings {
    /// Number of the process.
    process: u32,
    now: Instant,
    network: Network,
    disk: Disk,
}

struct World<'a> {
    client: Client<'a>,
    process: u32,
    now: Instant,
    network: Network,
    disk: Disk,
    /// Whether the network has the state of the recording afterwards.
    is_replaying: bool,
    display_is_full: bool,
    /// The receipts of messages that the display has taken.
    unwritten: Vec<Receipt>,
    /// Whether the server refused the client, which settles all commands.
    ended: bool,
    unsettled: BTreeSet<u32>,
    settled: BTreeSet<u32>,
}

impl<'a> World<'a> {
    fn new(client: Client<'a>) -> Self {
        Self {
            client,
            process: 0,
            now: Instant::ZERO,
            network: Network::new(CLIENT),
            disk: Disk::default(),
            is_replaying: false,
            display_is_full: false,
            unwritten: Vec::new(),
            ended: false,
            unsettled: BTreeSet::new(),
            settled: BTreeSet::new(),
        }
    }

    /// Creates the world of the next process, which gets the records of the one before.
    fn follows(mut client: Client<'a>, surroundings: Surroundings) -> Self {
        surroundings.disk.restores(&mut client);
        Self {
            process: surroundings.process + 1,
            now: surroundings.now,
            network: surroundings.network,
            disk: surroundings.disk,
            ..Self::new(client)
        }
    }

    /// Takes all steps of a process. If it is the last one, no input arrives then until the client
    /// must be idle.
    fn takes_steps(mut self, steps: &[Step], is_last: bool) -> Surroundings {
        steps.iter().for_each(|step| self.takes_step(step));
        if is_last {
            self.comes_to_rest();
        }
        Surroundings {
            process: self.process,
            now: self.now,
            network: self.network,
            disk: self.disk,
        }
    }

    fn records(mut self, steps: &[Step]) -> Recording {
        let mut inputs = Vec::new();
        for step in steps {
            if let Some((from, bytes)) = self.network.gives(step) {
                inputs.push(Recorded::Datagram(from, bytes.clone()));
                self.arrives(from, bytes);
            } else {
                inputs.push(Recorded::Step(step.clone()));
                self.takes_step(step);
            }
        }
        Recording {
            inputs,
            network: self.network,
        }
    }

    /// Repeats a recording; only the client runs.
    fn replays(&mut self, recording: &Recording) {
        self.is_replaying = true;
        for input in &recording.inputs {
            match input {
                Recorded::Step(step) => self.takes_step(step),
                Recorded::Datagram(from, bytes) => self.arrives(*from, bytes.clone()),
            }
        }
        self.is_replaying = false;
        self.network = recording.network.clone();
    }

    fn arrives(&mut self, from: SocketAddr, mut bytes: Vec<u8>) {
        self.client.handle_datagram(self.now, from, &mut bytes);
        self.drains();
    }

    fn takes_step(&mut self, step: &Step) {
        match step {
            Step::Command(command) => self.commands(command),
            Step::Wait { ms } => self.waits_until(self.now.plus_millis((*ms).into())),
            Step::Deadline => {
                let due = self.client.poll_timeout().unwrap_or(self.now);
                self.waits_until(due);
            }
            Step::Display { full } => self.display_is_full = *full,
            Step::MediumKeys(habit) => self.disk.gives_secrets(*habit, &mut self.client),
            Step::Clock { hours } => {
                let seconds = self.now.as_millis() / 1_000 + u64::from(*hours) * 3_600;
                let wall = WALL_CLOCK + seconds as u32;
                self.client.handle_wall_clock(UnixSeconds(wall));
            }
            Step::Store { at_once } => self.disk.at_once = *at_once,
            Step::Stored { failed: true } => self.disk.fails(),
            Step::Stored { failed: false } => self.syncs(),
            Step::Restart { written } => self.disk.crashes(*written),
            _ => {
                if let Some((from, bytes)) = self.network.gives(step) {
                    self.arrives(from, bytes);
                }
                return;
            }
        }
        self.drains();
    }

    fn waits_until(&mut self, time: Instant) {
        self.now = time;
        self.client.handle_timeout(time);
    }

    /// Syncs the oldest secrets, if there are any.
    fn syncs(&mut self) {
        if self.disk.syncs() {
            self.client.handle_medium_keys_stored(self.now);
        }
    }

    /// Stores all records.
    fn persists(&mut self) {
        while let Some(record) = self.client.poll_persist() {
            self.disk.takes(record);
            if self.disk.at_once {
                self.syncs();
            }
        }
    }

    fn commands(&mut self, command: &CommandStep) {
        match command {
            CommandStep::Register(name) => self.gives(Command::Register { name: name.text() }),
            CommandStep::Deregister(name) => self.gives(Command::Deregister { name: name.text() }),
            CommandStep::Send(to, text) => self.gives(Command::Send {
                to: to.text(),
                text: &text.text(),
            }),
            CommandStep::SendAll(text) => self.gives(Command::SendAll { text: &text.text() }),
        }
    }

    fn gives(&mut self, command: Command<'_>) {
        // The next roster settles a registration, without an event of its own.
        let is_followed = !matches!(command, Command::Register { .. });
        if let Ok(id) = self.client.command(self.now, command)
            && is_followed
        {
            assert!(self.unsettled.insert(id.number()), "command {id} is new");
        }
    }

    /// Takes all outputs. The display writes a message one drain after it has taken it.
    fn drains(&mut self) {
        if !self.display_is_full {
            for receipt in self.unwritten.drain(..) {
                self.client.handle_shown(self.now, receipt);
            }
        }
        while let Some(event) = (!self.display_is_full)
            .then(|| self.client.poll_event())
            .flatten()
        {
            if let ClientEvent::Refused { .. }
            | ClientEvent::ForeignVersion { .. }
            | ClientEvent::ServerKeyChanged { .. } = event
            {
                self.ended = true;
            }
            let receipt = event.receipt();
            if let Some(id) = event.settles() {
                self.settles(id);
            }
            let record = receipt.as_ref().and_then(Receipt::record);
            record
                .into_iter()
                .for_each(|record| self.disk.takes(record));
            self.unwritten.extend(receipt);
        }
        let mut out = [0; DATAGRAM_LEN_MAX];
        for _ in 0..TRANSMITS_MAX {
            self.persists();
            let Some(transmit) = self.client.poll_transmit(self.now, &mut out) else {
                return;
            };
            if !self.is_replaying {
                self.network.takes(transmit.to, &out[..transmit.len]);
                let key = self.network.latest_medium_key();
                assert!(self.disk.may_publish(&key), "{key} is not on the disk");
            }
        }
        panic!("more than {TRANSMITS_MAX} datagrams at once");
    }

    fn settles(&mut self, id: CommandId) {
        assert!(
            self.settled.insert(id.number()),
            "command {id} is settled once"
        );
        self.unsettled.remove(&id.number());
    }

    /// Ends all answers: all retries run out, and each command must be settled.
    fn comes_to_rest(&mut self) {
        self.display_is_full = false;
        let end = self.now.plus_millis(60_000);
        while self.now < end {
            self.drains();
            while !self.unwritten.is_empty() {
                self.drains();
            }
            // The end of a registration waits until the last acknowledgement is sent.
            self.drains();
            let due = self.client.poll_timeout().unwrap_or(end);
            assert!(due > self.now, "the client is due again after a poll");
            self.waits_until(due.min(end));
        }
        self.drains();
        if !self.ended {
            assert!(self.unsettled.is_empty(), "{:?}", self.unsettled);
            assert!(self.client.is_idle(), "a command is not settled");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::medium_scenarios::client_with_medium_keys;

    #[test]
    fn registers_before_the_first_step() {
        with_client(0, |client| {
            let mut world = World::new(client);
            world.replays(registered());
            assert!(world.client.is_registered());
            assert!(world.client.is_idle(), "a message is not settled");
            assert_eq!(world.settled.len(), 2);
        });
    }

    #[test]
    fn replays_what_it_recorded() {
        let mut sent = Vec::new();
        for replays in [false, true] {
            with_client(0, |client| {
                let mut world = World::new(client);
                if replays {
                    world.replays(registered());
                } else {
                    recorded_steps()
                        .iter()
                        .for_each(|step| world.takes_step(step));
                }
                world.gives(Command::SendAll { text: "hi" });
                let mut out = [0; DATAGRAM_LEN_MAX];
                let transmit = world.client.poll_transmit(world.now, &mut out);
                sent.push((out, transmit));
            });
        }
        assert_eq!(sent[0], sent[1]);
        assert!(sent[0].1.is_some());
    }

    #[test]
    fn replaces_a_medium_key_within_a_scenario() {
        let scenario = client_with_medium_keys();
        let steps = &scenario.steps;
        let restart = steps
            .iter()
            .position(|step| matches!(step, Step::Restart { .. }));
        let (before, after) = steps.split_at(restart.expect("there are two processes") + 1);
        let surroundings = with_client(0, |client| {
            let mut world = World::new(client);
            world.replays(registered());
            world.takes_steps(before, false)
        });
        // One for the first key, and one more for it while the second one was published.
        assert_eq!(
            surroundings.disk.counts(),
            (2, 1),
            "the first secret is deleted"
        );
        let surroundings = with_client(1, |client| {
            World::follows(client, surroundings).takes_steps(after, true)
        });
        assert_eq!(surroundings.disk.counts(), (3, 1));
    }
}
