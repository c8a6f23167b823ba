//! One run. It draws a plan, and people act and faults happen for a while. Then everything is
//! healed, and everything must come right.

mod names;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chatapp_core::LoggedKey;

use crate::attacker;
use crate::choices::{Choices, Seeded};
use crate::event::{Cue, Ending, Event, FaultKind, Node};
use crate::keys::Crypto;
use crate::medium::Captured;
use crate::numbers::NameId;
use crate::people::SQUATS_MAX;
use crate::person;
use crate::plan::Plan;
use crate::queue::Millis;
use crate::trace::Kind;
use crate::violation::{Check, Violation};
use crate::world::World;

/// The options of a run.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Whether the trace is kept as text.
    pub readable: bool,
    /// Whether all datagrams and keys are kept.
    pub capture: bool,
    /// Kinds of faults to leave out.
    pub without: Vec<String>,
    /// Number of names, instead of the drawn one.
    pub clients: Option<usize>,
    /// Time of the faults in ms, instead of the drawn one.
    pub span: Option<Millis>,
    /// Seconds after which the server forgets an offline name, instead of longer than a run.
    pub keep_s: Option<u32>,
    /// Mean time in ms between two orders of the operator, instead of never.
    pub orders: Option<Millis>,
    /// Mean time in ms between two decisions to ignore a name, instead of never.
    pub ignores: Option<Millis>,
    /// The ciphers of all machines.
    pub crypto: Crypto,
}

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    /// The first violated property.
    pub violation: Option<Violation>,
    /// A hash of the trace; runs that differ have different hashes.
    pub hash: u64,
    /// The virtual time of the run, in ms.
    pub simulated: Millis,
    /// Time in ms from the end of the faults until everything had come right.
    pub healed_after: Millis,
    /// Number of events of each kind.
    pub counts: Vec<u64>,
    /// The trace as text, if wanted.
    pub lines: Vec<String>,
    /// All datagrams, if wanted.
    pub capture: Vec<Captured>,
    /// The keys that decrypt them, if wanted.
    pub keys: Vec<LoggedKey>,
}

/// Runs a seed.
pub fn run_seed(seed: u64, look: &Look) -> Report {
    run(Box::new(Seeded::new(seed)), look)
}

/// Runs a seed twice, and checks that both runs are the same.
pub fn run_seed_twice(seed: u64, look: &Look) -> Report {
    let mut first = run_seed(seed, look);
    let second = run_seed(seed, look);
    if first.hash != second.hash && first.violation.is_none() {
        let detail = format!(
            "the trace hashes are {:016x} and {:016x}",
            first.hash, second.hash
        );
        first.violation = Some(Violation::new(Check::Deterministic, detail));
    }
    first
}

/// Returns the command that runs a seed again and prints its trace.
pub fn replay_command(seed: u64, look: &Look) -> String {
    let (features, crypto) = look.crypto.options();
    let mut command = format!(
        "cargo run --release -p chatapp-simulator{features} --bin simulate -- \
         --from {seed} --verbose{crypto}"
    );
    if !look.without.is_empty() {
        command += &format!(" --without {}", look.without.join(","));
    }
    if let Some(clients) = look.clients {
        command += &format!(" --clients {clients}");
    }
    if let Some(span) = look.span {
        command += &format!(" --span {span}");
    }
    if let Some(keep_s) = look.keep_s {
        command += &format!(" --keep {keep_s}");
    }
    if let Some(orders) = look.orders {
        command += &format!(" --orders {orders}");
    }
    if let Some(ignores) = look.ignores {
        command += &format!(" --ignores {ignores}");
    }
    command
}

/// Runs a plan that is drawn from these choices.
pub fn run(mut choices: Box<dyn Choices>, look: &Look) -> Report {
    let plan = drawn(&mut *choices, look);
    run_plan(plan, choices, look)
}

/// Draws a plan, and applies the options.
pub(crate) fn drawn(choices: &mut dyn Choices, look: &Look) -> Plan {
    let mut plan = Plan::draw(choices);
    plan.clients = look.clients.unwrap_or(plan.clients);
    plan.span = look.span.unwrap_or(plan.span);
    plan.nodes.orders = look.orders.unwrap_or(plan.nodes.orders);
    plan.nodes.ignores = look.ignores.unwrap_or(plan.nodes.ignores);
    plan.keys.crypto = look.crypto;
    plan.keys.tells_handshakes |= look.capture;
    let mut plan = plan
        .without(look.without.iter().map(String::as_str))
        .expect("faults are named as in `FAULTS`");
    if let Some(keep_s) = look.keep_s {
        plan = plan.keeping(keep_s);
    }
    plan
}

/// Runs a plan.
pub(crate) fn run_plan(plan: Plan, choices: Box<dyn Choices>, look: &Look) -> Report {
    let mut run = Run {
        world: World::new(&plan, choices, look.readable),
        plan,
    };
    if look.capture {
        run.world.medium.capture = Some(Vec::new());
    }
    let mut healed_after = 0;
    // After a panic, only the trace is of use.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        run.act()?;
        healed_after = run.world.settle(&run.plan)?;
        Ok(())
    }));
    let violation = outcome.unwrap_or_else(|panic| Err(panicked(&*panic)));
    let World { medium, .. } = run.world;
    Report {
        violation: violation.err(),
        hash: medium.trace.hash(),
        simulated: medium.now,
        healed_after,
        counts: medium.trace.counts().to_vec(),
        lines: medium.trace.lines().to_vec(),
        keys: if look.capture {
            medium.wiretap.keys().collect()
        } else {
            Vec::new()
        },
        capture: medium.capture.unwrap_or_default(),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Violation {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    Violation::new(Check::NoPanic, text.unwrap_or("without words"))
}

struct Run {
    world: World,
    plan: Plan,
}

/// Returns all kinds of faults, with the mean time between two of each.
fn schedule(plan: &Plan) -> [(FaultKind, Millis); 11] {
    [
        (FaultKind::Crash, plan.nodes.crash),
        (FaultKind::ServerCrash, plan.nodes.server_crash),
        (FaultKind::Pause, plan.nodes.pause),
        (FaultKind::Roam, plan.nodes.roam),
        (FaultKind::Rival, plan.nodes.rival),
        (FaultKind::Clog, plan.nodes.clog),
        (FaultKind::Partition, plan.network.partition),
        (FaultKind::Attack, plan.network.attack),
        (FaultKind::LostKey, plan.nodes.lost_key),
        (FaultKind::Order, plan.nodes.orders),
        (FaultKind::Ignore, plan.nodes.ignores),
    ]
}

impl Run {
    /// Runs the time of people and faults.
    fn act(&mut self) -> Result<(), Violation> {
        self.world.start_server()?;
        for name in 0..self.plan.clients {
            self.cue_within(self.plan.span.min(3_000), Cue::End(Ending::Return(name)));
        }
        for (fault, every) in schedule(&self.plan) {
            self.cue_again(every, Cue::Fault(fault));
        }
        while self
            .world
            .medium
            .queue
            .next_at()
            .is_some_and(|at| at <= self.plan.span)
        {
            match self.world.step()? {
                Some(Cue::Act(name)) => self.person(name)?,
                Some(Cue::Fault(fault)) => self.fault(fault)?,
                Some(Cue::End(ending)) => self.end(ending)?,
                None => {}
            }
        }
        Ok(())
    }

    fn choices(&mut self) -> &mut dyn Choices {
        &mut *self.world.medium.choices
    }

    fn cue_within(&mut self, longest: Millis, cue: Cue) {
        let delay = self.choices().between(0, longest);
        self.world.medium.after(delay, Event::Cue(cue));
    }

    /// Schedules a cue that repeats, `every` ms on average; 0: never.
    fn cue_again(&mut self, every: Millis, cue: Cue) {
        if every != 0 {
            self.cue_within(2 * every, cue);
        }
    }

    /// Lets a person act in front of any process of a name.
    fn person(&mut self, name: NameId) -> Result<(), Violation> {
        let processes = self.world.processes_of(name);
        if processes.is_empty() {
            self.cue_within(10_000, Cue::End(Ending::Return(name)));
            return Ok(());
        }
        self.cue_again(self.plan.pace, Cue::Act(name));
        let process = processes[self.choices().index(processes.len())];
        let Some(client) = self.world.clients.get(&process) else {
            return Ok(());
        };
        let registered = client.machine.look(|client| client.is_registered());
        // People in a hurry wait for an answer now and then, too.
        if client.waiting.len() > 60 {
            return Ok(());
        }
        let names = self.plan.clients;
        for ask in person::act(self.choices(), name, names, registered) {
            self.world.ask(process, ask)?;
        }
        Ok(())
    }

    fn some_client(&mut self) -> Option<usize> {
        let count = self.world.clients.len();
        let place = self.choices().index(count);
        self.world.clients.keys().nth(place).copied()
    }

    fn some_node(&mut self) -> Option<Node> {
        if self.world.server.is_some() && self.choices().chance(300) {
            return Some(Node::Server);
        }
        self.some_client().map(Node::Client)
    }

    fn fault(&mut self, fault: FaultKind) -> Result<(), Violation> {
        let every = schedule(&self.plan)
            .into_iter()
            .find(|(kind, _)| *kind == fault)
            .map_or(0, |(_, every)| every);
        self.cue_again(every, Cue::Fault(fault));
        match fault {
            FaultKind::Crash => self.crash(),
            FaultKind::ServerCrash => self.crash_server(),
            FaultKind::Pause => {
                let Some(node) = self.some_node() else {
                    return Ok(());
                };
                let suspended = self.choices().chance(500);
                self.world.pause(node, suspended);
                self.cue_within(20_000, Cue::End(Ending::Resume(node)));
            }
            FaultKind::Roam => {
                if let Some(process) = self.some_client() {
                    self.world.roam(process);
                }
            }
            FaultKind::Rival => {
                let names = self.plan.clients;
                let name = self.choices().index(names);
                if self.choices().chance(300) {
                    self.thief(name)?;
                } else if !self.world.processes_of(name).is_empty() {
                    self.world
                        .medium
                        .note(Kind::Rival, &[name as u64], || name.to_string());
                    let process = self.world.start_client(name, None);
                    self.world
                        .ask(process, crate::client_process::Ask::Register)?;
                }
            }
            FaultKind::Clog => self.clog()?,
            FaultKind::Partition => self.partition(),
            FaultKind::Attack => self.attack()?,
            FaultKind::LostKey => self.lose_key()?,
            FaultKind::Order => self.order()?,
            FaultKind::Ignore => self.ignore()?,
        }
        Ok(())
    }

    /// Crashes a client, at once or within one of its next polls. A person notices and starts it
    /// again.
    fn crash(&mut self) {
        let Some(process) = self.some_client() else {
            return;
        };
        let name = self.world.clients[&process].name;
        if self.choices().chance(500) {
            self.world.crash_client(process);
        } else {
            let outputs = self.choices().below(6) as u32;
            if let Some(body) = self.world.body(Node::Client(process)) {
                body.outputs_left = Some(outputs);
            }
        }
        self.cue_within(15_000, Cue::End(Ending::Return(name)));
    }

    fn crash_server(&mut self) {
        if self.choices().chance(500) {
            self.world.crash_server();
        } else {
            let outputs = self.choices().below(12) as u32;
            if let Some(body) = self.world.body(Node::Server) {
                body.outputs_left = Some(outputs);
            }
        }
        self.cue_within(10_000, Cue::End(Ending::ServerReturn));
    }

    fn clog(&mut self) -> Result<(), Violation> {
        let Some(node) = self.some_node() else {
            return Ok(());
        };
        self.cue_within(5_000, Cue::End(Ending::Unclog(node)));
        match node {
            Node::Client(process) if self.choices().chance(500) => self.world.clog_display(process),
            _ => self.world.set_socket(node, true),
        }
    }

    fn addresses(&self) -> Vec<std::net::SocketAddr> {
        let clients = self
            .world
            .clients
            .values()
            .map(|client| client.body.address);
        std::iter::once(self.world.server_address())
            .chain(clients)
            .collect()
    }

    /// Cuts the network between two processes, or between one and all others, in one or both
    /// directions.
    fn partition(&mut self) {
        let addresses = self.addresses();
        let one = addresses[self.choices().index(addresses.len())];
        let other = addresses[self.choices().index(addresses.len())];
        let (alone, full) = (self.choices().chance(300), self.choices().chance(500));
        let longest = if self.choices().chance(200) {
            120_000
        } else {
            10_000
        };
        let span = self.choices().between(0, longest);
        self.world.medium.note(
            if full { Kind::FullCut } else { Kind::OneWayCut },
            &[],
            || {
                format!(
                    "{one} from {}",
                    if alone {
                        "all".to_owned()
                    } else {
                        other.to_string()
                    }
                )
            },
        );
        for &other in addresses
            .iter()
            .filter(|address| alone || **address == other)
        {
            for (from, to) in
                [(one, other), (other, one)]
                    .into_iter()
                    .take(if full { 2 } else { 1 })
            {
                self.world.medium.cuts.insert((from, to));
                self.world
                    .medium
                    .after(span, Event::Cue(Cue::End(Ending::Reconnect(from, to))));
            }
        }
    }

    fn attack(&mut self) -> Result<(), Violation> {
        let squatted = self.world.squatted();
        if squatted > SQUATS_MAX {
            let detail = format!("one key has {squatted} names");
            return Err(Violation::new(Check::NamesBelongToKeys, detail));
        }
        let clients = self.world.clients.values();
        let people = clients.clone().map(|client| {
            let key = self.world.key_of(client.name);
            (client.body.address, client.name, key)
        });
        let pinned = clients.clone().filter(|client| {
            let memory = client.memory.as_ref();
            memory.is_some_and(|memory| memory.server.is_some())
        });
        let claimed = self.world.claimed();
        let room = attacker::Room {
            keys: self.plan.keys,
            addresses: self.addresses(),
            people: people.collect(),
            claimed: claimed.into_iter().map(crate::people::name).collect(),
            pinned: pinned.map(|client| client.body.address).collect(),
        };
        attacker::attack(&mut self.world.medium, &room);
        Ok(())
    }

    fn end(&mut self, ending: Ending) -> Result<(), Violation> {
        match ending {
            Ending::Return(name) => {
                if self.world.processes_of(name).is_empty() {
                    let process = self.world.start_client(name, None);
                    self.world
                        .ask(process, crate::client_process::Ask::Register)?;
                    self.cue_again(self.plan.pace, Cue::Act(name));
                }
            }
            Ending::ServerReturn => {
                if self.world.server.is_none() {
                    if self.plan.nodes.forgetful && self.choices().chance(500) {
                        self.world.forget();
                    }
                    self.world.start_server()?;
                }
            }
            Ending::Resume(node) => self.world.resume(node)?,
            Ending::Reconnect(from, to) => {
                self.world.medium.cuts.remove(&(from, to));
                self.world
                    .medium
                    .note(Kind::CutEnded, &[], || format!("{from} to {to}"));
            }
            Ending::Unclog(Node::Client(process)) => {
                if let Some(name) = self.world.unclog_display(process)? {
                    self.cue_within(10_000, Cue::End(Ending::Return(name)));
                }
                self.world.set_socket(Node::Client(process), false)?;
            }
            Ending::Unclog(Node::Server) => self.world.set_socket(Node::Server, false)?,
            Ending::LoseKey(name) => {
                self.world.lose_key(name);
                self.cue_within(10_000, Cue::End(Ending::Return(name)));
            }
        }
        Ok(())
    }
}
