//! Runs a server on any input.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::OnceLock;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::{
    ChangeSlot, ConnectionSlot, CountSlot, Endpoint, InFlightSlot, Instant, JournalSlot, LogSlot,
    MailSlot, NameSlot, Seed, Server, ServerConfig, ServerStorage, SourceSlot, StoreFailed, Ticket,
    UnixSeconds,
};

use crate::constants::{SEED, WALL_CLOCK};
use crate::frame_step::{FrameStep, StoreStep};
use crate::network::Network;
use crate::people::{ALICE, BOB, CAROL, PARTICIPANTS, SERVER, address, participant};
use crate::scenario::{Scenario, Start};
use crate::step::{Open, Step};
use crate::values::Jump;

const NAMES: usize = 4;
/// A limit on the outputs at once, many times above the largest real number: a machine with more is
/// in a loop.
const OUTPUTS_MAX: usize = 1_000;

/// Drives a server through the scenario in `bytes`. Then no input arrives until the server must be
/// idle.
///
/// # Panics
/// If the server sends an unvalidated address more bytes than it got from there. Also if it does
/// not become idle, or sends an invalid datagram.
pub fn server(bytes: &[u8]) {
    let scenario = Scenario::from_bytes(bytes);
    with_server(|server| {
        let mut world = World::new(server);
        if scenario.start == Start::Registered {
            world.replays(registered());
        }
        let steps = &scenario.steps;
        steps.iter().for_each(|step| world.takes_step(step));
        world.comes_to_rest();
    });
}

fn with_server(run: impl FnOnce(Server<'_>)) {
    let storage = ServerStorage {
        names: &mut [NameSlot::VACANT; NAMES],
        connections: &mut [ConnectionSlot::VACANT; NAMES],
        name_index: &mut [0; 2 * NAMES],
        name_counts: &mut [CountSlot::VACANT; 2 * NAMES],
        session_index: &mut [0; 4 * NAMES],
        sources: &mut [SourceSlot::VACANT; 2],
        in_flight: &mut [InFlightSlot::VACANT; 4 * NAMES],
        changes: &mut [ChangeSlot::VACANT; 2 * NAMES],
        mail: &mut [MailSlot::VACANT; 6],
        mail_texts: &mut [0; 192],
        mail_counts: &mut [CountSlot::VACANT; 6],
        log: &mut [LogSlot::VACANT; 6],
        log_texts: &mut [0; 192],
        journal: &mut [JournalSlot::VACANT; 8],
    };
    let config = ServerConfig {
        window: 4,
        mail_per_name: 3,
        ..ServerConfig::default()
    };
    let identity = participant(SERVER).clone();
    run(
        Server::new(config, storage, identity, Seed::new(&mut SEED.clone()))
            .expect("enough storage"),
    );
}

/// Returns the recording of a server with a full room, made once.
fn registered() -> &'static Recording {
    static RECORDING: OnceLock<Recording> = OnceLock::new();
    RECORDING.get_or_init(|| {
        let mut recording = None;
        with_server(|server| recording = Some(World::new(server).records(&recorded_steps())));
        recording.expect("the server was made")
    })
}

/// The recorded start of a run: the datagrams to the server, and the state of all other
/// participants at its end.
struct Recording {
    datagrams: Vec<(SocketAddr, Vec<u8>)>,
    network: Network,
    strangers: [Stranger; PARTICIPANTS],
}

/// Returns the steps after which alice and bob are in the room, carol has left it, and the server
/// stores a message for carol.
fn recorded_steps() -> Vec<Step> {
    let mut steps = Vec::new();
    for from in [ALICE, BOB, CAROL] {
        steps.extend([Step::AskCookie { from }, Step::Open(Open::by(from))]);
        steps.push(Step::says(0, Vec::new()));
    }
    steps.push(Step::says(
        0,
        vec![FrameStep::Leave {
            request: Jump::default(),
        }],
    ));
    let store = FrameStep::Store(StoreStep::to(CAROL));
    steps.extend([Step::says(2, vec![store]), Step::says(1, Vec::new())]);
    steps
}

/// The bytes from and to an address until a cookie or a session validates it.
#[derive(Clone, Copy, Default)]
struct Stranger {
    sent: usize,
    got: usize,
    is_validated: bool,
}

struct World<'a> {
    server: Server<'a>,
    now: Instant,
    network: Network,
    strangers: [Stranger; PARTICIPANTS],
    store_at_once: bool,
    with_store: VecDeque<Ticket>,
    /// Whether the network and the addresses have the state of the recording afterwards.
    is_replaying: bool,
}

impl<'a> World<'a> {
    fn new(server: Server<'a>) -> Self {
        Self {
            server,
            now: Instant::ZERO,
            network: Network::new(SERVER),
            strangers: [Stranger::default(); PARTICIPANTS],
            store_at_once: true,
            with_store: VecDeque::new(),
            is_replaying: false,
        }
    }

    fn records(mut self, steps: &[Step]) -> Recording {
        let mut datagrams = Vec::new();
        for step in steps {
            let (from, bytes) = self.network.gives(step).expect("each step is a datagram");
            datagrams.push((from, bytes.clone()));
            self.arrives(from, bytes);
        }
        Recording {
            datagrams,
            network: self.network,
            strangers: self.strangers,
        }
    }

    /// Repeats a recording; only the server runs.
    fn replays(&mut self, recording: &Recording) {
        self.is_replaying = true;
        for (from, bytes) in &recording.datagrams {
            self.arrives(*from, bytes.clone());
        }
        self.is_replaying = false;
        self.network = recording.network.clone();
        self.strangers = recording.strangers;
    }

    fn arrives(&mut self, from: SocketAddr, mut bytes: Vec<u8>) {
        let validates = self.network.validates(from, &bytes);
        let stranger = self.stranger(from);
        stranger.sent += bytes.len();
        stranger.is_validated |= validates;
        self.server.handle_datagram(self.now, from, &mut bytes);
        self.drains();
    }

    fn stranger(&mut self, at: SocketAddr) -> &mut Stranger {
        let mut all = (0..).zip(&mut self.strangers);
        let found = all.find(|(number, _)| address(*number) == at);
        found.expect("all addresses are those of participants").1
    }

    fn takes_step(&mut self, step: &Step) {
        match step {
            Step::Wait { ms } => self.waits_until(self.now.plus_millis((*ms).into())),
            Step::Deadline => {
                let due = self.server.poll_timeout().unwrap_or(self.now);
                self.waits_until(due);
            }
            Step::Store { at_once } => self.store_at_once = *at_once,
            Step::Stored { failed } => {
                let result = if *failed { Err(StoreFailed) } else { Ok(()) };
                if let Some(ticket) = self.with_store.pop_front() {
                    self.server.handle_stored(self.now, ticket, result);
                }
            }
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
        self.server.handle_wall_clock(UnixSeconds(WALL_CLOCK));
        self.server.handle_timeout(time);
    }

    fn drains(&mut self) {
        for _ in 0..OUTPUTS_MAX {
            while let Some(persist) = self.server.poll_persist() {
                self.with_store.push_back(persist.ticket);
            }
            if !self.store_at_once {
                break;
            }
            let Some(ticket) = self.with_store.pop_front() else {
                break;
            };
            self.server.handle_stored(self.now, ticket, Ok(()));
        }
        while self.server.poll_event().is_some() {}
        let mut out = [0; DATAGRAM_LEN_MAX];
        for _ in 0..OUTPUTS_MAX {
            let Some(transmit) = self.server.poll_transmit(self.now, &mut out) else {
                return;
            };
            if !self.is_replaying {
                self.sends(transmit.to, &out[..transmit.len]);
            }
        }
        panic!("more than {OUTPUTS_MAX} datagrams at once");
    }

    fn sends(&mut self, to: SocketAddr, bytes: &[u8]) {
        let accepts = self.network.takes(to, bytes);
        let stranger = self.stranger(to);
        stranger.got += bytes.len();
        stranger.is_validated |= accepts;
        assert!(
            stranger.is_validated || stranger.got <= stranger.sent,
            "{to} is not validated, sent {} bytes and got {}",
            stranger.sent,
            stranger.got
        );
    }

    /// Ends all input, with a working store: all retries run out, and no work is left.
    fn comes_to_rest(&mut self) {
        self.store_at_once = true;
        let end = self.now.plus_millis(600_000);
        while self.now < end {
            self.drains();
            let due = self.server.poll_timeout().unwrap_or(end);
            assert!(due > self.now, "the server is due again after a poll");
            self.now = due.min(end);
            self.server.handle_timeout(self.now);
        }
        self.drains();
        assert!(
            self.server.table().all(|entry| !entry.online),
            "a silent client is still online"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::medium::{MediumKeyStep, SentKeys};
    use crate::medium_scenarios::server_with_medium_keys;

    #[test]
    fn fills_the_room_before_the_first_step() {
        with_server(|server| {
            let mut world = World::new(server);
            world.replays(registered());
            let online: Vec<_> = world.server.table().map(|entry| entry.online).collect();
            assert_eq!(online, [true, true, false]);
            assert_eq!(world.server.usage().kept_messages.used, 1);
        });
    }
    #[test]
    fn replays_what_it_recorded() {
        let mut sent = Vec::new();
        for replays in [false, true] {
            with_server(|server| {
                let mut world = World::new(server);
                if replays {
                    world.replays(registered());
                } else {
                    recorded_steps()
                        .iter()
                        .for_each(|step| world.takes_step(step));
                }
                let due = world.server.poll_timeout().expect("clients are there");
                world.now = due;
                world.server.handle_timeout(due);
                let mut out = [0; DATAGRAM_LEN_MAX];
                let transmit = world.server.poll_transmit(due, &mut out);
                sent.push((due, out, transmit));
            });
        }
        assert_eq!(sent[0], sent[1]);
    }

    #[test]
    fn hands_out_a_medium_key_within_a_scenario() {
        with_server(|server| {
            let mut world = World::new(server);
            world.replays(registered());
            let kept = |world: &World<'_>| world.server.usage().kept_messages.used;
            let of_bob = MediumKeyStep::Of(1).key(&SentKeys::default());
            for step in &server_with_medium_keys().steps {
                if matches!(step, Step::AskCookie { from: BOB }) {
                    // The message for the static key alone waits.
                    assert_eq!(
                        (kept(&world), world.network.latest_medium_key()),
                        (1, of_bob)
                    );
                }
                world.takes_step(step);
            }
            assert_eq!(
                kept(&world),
                0,
                "bob gets the message for the published key"
            );
        });
    }
}
