//! A room that a test directs: nothing happens by chance. A violated property is a panic with the
//! trace.

use std::net::SocketAddr;

use chatapp_core::PublicKey;
use chatapp_core::crypto::KEY_LEN;

use crate::choices::Seeded;
use crate::client_process::Ask;
use crate::medium::Captured;
use crate::memory::Memory;
use crate::model::Target;
use crate::numbers::{NameId, ProcessId};
use crate::plan::Plan;
use crate::queue::Millis;
use crate::record::Stored;
use crate::trace::Kind;
use crate::violation::Violation;
use crate::world::World;

/// The room, and the events that its clients have shown.
pub struct Scene {
    /// The room itself.
    pub world: World,
}

/// Time in ms in which all work ends that waits for no other process.
const MOMENT: Millis = 100;

impl Scene {
    /// Creates a room with this many names and a server, on a network without delay.
    pub fn new(clients: usize) -> Self {
        Self::of(&Plan::quiet(clients))
    }

    /// Creates a room with this plan and a server.
    pub fn of(plan: &Plan) -> Self {
        let mut scene = Self {
            world: World::new(plan, Box::new(Seeded::new(0)), true),
        };
        scene.world.medium.faults.delay = 0;
        scene.world.medium.capture = Some(Vec::new());
        let started = scene.world.start_server();
        scene.check(started);
        scene
    }

    /// Starts a client under a name and registers it; drops the events of that.
    pub fn join(&mut self, name: NameId) -> ProcessId {
        let process = self.start(name);
        self.moment();
        self.shows(process);
        process
    }

    /// Starts a client under a name, and asks it to register.
    pub fn start(&mut self, name: NameId) -> ProcessId {
        let process = self.world.start_client(name, None);
        self.ask(process, Ask::Register);
        process
    }

    /// Gives a request of a person to a client.
    pub fn ask(&mut self, process: ProcessId, ask: Ask) {
        let asked = self.world.ask(process, ask);
        self.check(asked);
    }

    /// Gives the command `send` to a client.
    pub fn send(&mut self, process: ProcessId, to: NameId, text: &str) {
        self.ask(process, Ask::Say(Target::Name(to), format!(" {text}")));
    }

    /// Gives the command `send_all` to a client.
    pub fn post(&mut self, process: ProcessId, text: &str) {
        self.ask(process, Ask::Say(Target::Channel, format!(" {text}")));
    }

    /// Lets time pass, in ms.
    pub fn pass(&mut self, span: Millis) {
        let passed = self.world.run_for(span);
        self.check(passed);
    }

    /// Lets time pass until all work is done that waits for no other process.
    pub fn moment(&mut self) {
        self.pass(MOMENT);
    }

    /// Stops all datagrams between two addresses.
    pub fn cut(&mut self, one: SocketAddr, other: SocketAddr) {
        self.world.medium.cuts.extend([(one, other), (other, one)]);
    }

    /// Lets all datagrams pass again.
    pub fn mend(&mut self) {
        self.world.medium.cuts.clear();
    }

    /// Returns the address of a client.
    pub fn address(&self, process: ProcessId) -> SocketAddr {
        self.world.clients[&process].body.address
    }

    /// Returns the events of a client since the last call; messages without their numbers.
    pub fn shows(&mut self, process: ProcessId) -> Vec<String> {
        let Some(client) = self.world.clients.get_mut(&process) else {
            return Vec::new();
        };
        let shown = std::mem::take(&mut client.shown);
        shown.iter().map(|line| without_number(line)).collect()
    }

    /// Returns the names in the table of a client, in alphabetical order.
    pub fn table(&self, process: ProcessId) -> Vec<String> {
        let names = |entry: chatapp_core::TableEntry<'_>| entry.name.to_owned();
        let machine = &self.world.clients[&process].machine;
        let mut names: Vec<_> = machine.look(|client| client.table().map(names).collect());
        names.sort();
        names
    }

    /// Returns whether a client still runs.
    pub fn runs(&self, process: ProcessId) -> bool {
        self.world.clients.contains_key(&process)
    }

    /// Returns the times of the datagrams from one address to another, relative to `since`.
    pub fn sent(&self, from: SocketAddr, to: SocketAddr, since: Millis) -> Vec<Millis> {
        let captured = self.world.medium.capture.iter().flatten();
        captured
            .filter(|datagram| datagram.from == from && datagram.to == to && datagram.at >= since)
            .map(|datagram| datagram.at - since)
            .collect()
    }

    /// Returns all datagrams that processes have sent so far.
    pub fn overheard(&self) -> Vec<Captured> {
        let captured = self.world.medium.capture.iter().flatten();
        captured
            .filter(|datagram| !datagram.forged)
            .cloned()
            .collect()
    }

    /// Sends a forged datagram, as if it came from this address.
    pub fn forge(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let kind = Kind::Recorded;
        self.world.medium.inject(kind, from, to, bytes.to_vec());
    }

    /// Lets the server hand out this medium-term key for a name from now on, as a malicious
    /// operator does; [`PublicKey::NONE`] withholds it. The client of the name must be offline, or
    /// it publishes its own again.
    pub fn swap_medium_key(&mut self, name: &str, key: PublicKey) {
        self.world.crash_server();
        self.world.falsify(|record| match record {
            Stored::Name(record) if record.name == name => record.medium_key = key,
            _ => {}
        });
        let started = self.world.start_server();
        self.check(started);
    }

    /// Returns the secrets of medium-term keys that a client has, as a thief of its disk does.
    pub fn medium_secrets(&self, process: ProcessId) -> Vec<[u8; KEY_LEN]> {
        let memory = &self.world.clients[&process].memory;
        memory
            .as_ref()
            .map_or_else(Vec::new, Memory::medium_secrets)
    }

    /// Crashes the server, and starts it again with its store.
    pub fn restart_server(&mut self) {
        self.world.crash_server();
        let started = self.world.start_server();
        self.check(started);
    }

    /// Checks that a step has violated no property.
    ///
    /// # Panics
    /// With the trace, if it has.
    pub fn check<T>(&self, result: Result<T, Violation>) {
        if let Err(violation) = result {
            let trace = self.world.medium.trace.lines().join("\n");
            panic!("{trace}\n{violation}");
        }
    }
}

/// Removes the number of a message: `bob: #7 hello` becomes `bob: hello`.
fn without_number(line: &str) -> String {
    match line.split_once(": #") {
        Some((before, message)) => {
            let text = message.trim_start_matches(|digit: char| digit.is_ascii_digit());
            format!("{before}:{text}")
        }
        None => line.to_owned(),
    }
}
