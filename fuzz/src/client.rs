//! A client under any input.

use std::collections::BTreeSet;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::{
    Client, ClientConfig, ClientEvent, ClientMemory, Command, CommandId, Endpoint, Instant, Name,
};

use crate::SEED;
use crate::input::Input;
use crate::network::{Network, address};
use crate::people::identity;

const PEERS: usize = 5;
/// What one input can cause, many times over: a machine that sends more than this is in a loop.
const TRANSMITS_MAX: usize = 1_000;

/// Drives a client, alice, with the steps that `bytes` stand for, then leaves it alone until it must be idle.
///
/// # Panics
/// If a command is settled twice or never, if the client never comes to rest, or if it sends what cannot be parsed.
pub fn client(bytes: &[u8]) {
    let mut memory = ClientMemory::<PEERS, 4, 2>::new();
    let name = Name::new("alice").expect("a valid name");
    let client = Client::new(
        ClientConfig::new(name, address(0)),
        memory.storage(),
        identity(1),
        SEED,
    )
    .expect("enough storage");
    let mut world = World {
        client,
        now: Instant::ZERO,
        network: Network::new(identity(1).public()),
        display_is_full: false,
        ended: false,
        unsettled: BTreeSet::new(),
        settled: BTreeSet::new(),
    };
    let mut input = Input(bytes);
    while world.takes_step(&mut input).is_some() {
        world.drains();
    }
    world.comes_to_rest();
}

struct World<'a> {
    client: Client<'a>,
    now: Instant,
    network: Network,
    display_is_full: bool,
    /// The server refused the client: this settles everything.
    ended: bool,
    unsettled: BTreeSet<u32>,
    settled: BTreeSet<u32>,
}

impl World<'_> {
    fn takes_step(&mut self, input: &mut Input<'_>) -> Option<()> {
        match input.byte()? % 8 {
            0 | 1 => {
                let (from, mut bytes) = self.network.gives(input)?;
                self.client.handle_datagram(self.now, from, &mut bytes);
            }
            2 => self.gives(Command::Register { name: name(input)? }),
            3 => self.gives(Command::Deregister { name: name(input)? }),
            4 => self.gives(Command::Send {
                to: name(input)?,
                text: input.text()?,
            }),
            5 => self.gives(Command::SendAll {
                text: input.text()?,
            }),
            6 => {
                self.now = self.now.plus_millis(input.number()?.into());
                self.client.handle_timeout(self.now);
            }
            _ => self.display_is_full = input.flag()?,
        }
        Some(())
    }

    fn gives(&mut self, command: Command<'_>) {
        // A registration is settled by the next table, which is no event of its own.
        let is_followed = !matches!(command, Command::Register { .. });
        if let Ok(id) = self.client.command(self.now, command)
            && is_followed
        {
            assert!(self.unsettled.insert(id.number()), "command {id} is new");
        }
    }

    fn drains(&mut self) {
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
            if let Some(id) = event.settles() {
                self.settles(id);
            }
        }
        let mut out = [0; DATAGRAM_LEN_MAX];
        for _ in 0..TRANSMITS_MAX {
            let Some(transmit) = self.client.poll_transmit(self.now, &mut out) else {
                return;
            };
            self.network.takes(transmit.to, &out[..transmit.len]);
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

    /// Nobody answers any more: all retries run out, and everything must be settled.
    fn comes_to_rest(&mut self) {
        self.display_is_full = false;
        let end = self.now.plus_millis(60_000);
        while self.now < end {
            self.drains();
            let due = self.client.poll_timeout().unwrap_or(end);
            assert!(due > self.now, "everything was polled, so nothing is due");
            self.now = due.min(end);
            self.client.handle_timeout(self.now);
        }
        self.drains();
        if !self.ended {
            assert!(self.unsettled.is_empty(), "{:?}", self.unsettled);
            assert!(self.client.is_idle(), "nothing is unsettled");
        }
    }
}

/// A name: one of those that matter, or any.
fn name<'a>(input: &mut Input<'a>) -> Option<&'a str> {
    match input.byte()? {
        0 => Some("alice"),
        1 => Some("bob"),
        2 => Some("carol"),
        _ => input.text(),
    }
}
