//! A room in one program and in virtual time: plays a script, and prints every datagram and every
//! shown line. The same script has the same result on every machine.

use core::fmt::{self, Write};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use chatapp_console::{Input, LogLine, Wording, parse};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::{
    Client, ClientConfig, Endpoint, Identity, Instant, Name, Persist, Seed, Server, ServerConfig,
    UnixSeconds,
};
use siphasher::sip::SipHasher24;

use crate::memory::{ClientMemory, ServerMemory, WINDOW};
use crate::settings::static_key;

/// The scripts, each with its title.
///
/// A line is `alice` or `bob` and the text typed there, or `wait` and a time in milliseconds.
/// `lose` drops a number of the next datagrams.
pub const SCRIPTS: [(&str, &str); 2] = [
    ("chat", include_str!("../scripts/chat.txt")),
    ("loss", include_str!("../scripts/loss.txt")),
];

/// The names in the room.
const CLIENTS: [&str; 2] = ["alice", "bob"];
const SERVER: usize = CLIENTS.len();
const PORT: u16 = 4_119;

/// The memory of a room.
#[derive(Debug)]
pub struct RoomMemory {
    clients: [ClientMemory; CLIENTS.len()],
    server: ServerMemory,
}

impl RoomMemory {
    /// Memory that no room uses yet.
    pub const VACANT: Self = Self {
        clients: [const { ClientMemory::new() }; CLIENTS.len()],
        server: ServerMemory::new(),
    };
}

/// Plays a script, and writes all events.
///
/// # Errors
/// Returns the error of `out`, or an error if the script is invalid.
pub fn play(script: &str, memory: &mut RoomMemory, out: &mut impl Write) -> fmt::Result {
    *memory = RoomMemory::VACANT;
    let (mut server, mut alice, mut bob) = (None, None, None);
    let [memory_of_alice, memory_of_bob] = &mut memory.clients;
    make_server(&mut server, &mut memory.server);
    make_client(&mut alice, 0, memory_of_alice);
    make_client(&mut bob, 1, memory_of_bob);
    let clients = alice.as_mut().zip(bob.as_mut());
    let ((alice, bob), server) = clients.zip(server.as_mut()).ok_or(fmt::Error)?;
    let mut room = Room {
        now: Instant::ZERO,
        clients: [alice, bob],
        server,
        to_lose: 0,
    };
    for line in script.lines().filter(|line| !line.starts_with('#')) {
        let (word, what) = line.split_once(' ').ok_or(fmt::Error)?;
        let number = what.parse::<u32>();
        match (word, CLIENTS.iter().position(|name| *name == word)) {
            (_, Some(client)) => room.types(client, what, out)?,
            ("wait", None) => room.waits(number.map_err(|_| fmt::Error)?, out)?,
            ("lose", None) => room.to_lose = number.map_err(|_| fmt::Error)?,
            _ => return Err(fmt::Error),
        }
        room.settle(out)?;
    }
    Ok(())
}

/// Creates the server in its place. A separate function, so that its stack is free again
/// afterwards.
#[inline(never)]
fn make_server<'a>(place: &mut Option<Server<'a>>, memory: &'a mut ServerMemory) {
    let config = ServerConfig {
        window: WINDOW,
        ..ServerConfig::default()
    };
    let (identity, mut seed) = (identity_of(SERVER), seed_of(SERVER));
    *place = Server::new(config, memory.storage(), identity, Seed::new(&mut seed)).ok();
    if let Some(server) = place {
        server.handle_wall_clock(UnixSeconds(1_648_150_292));
    }
}

/// Creates a client in its place, as [`make_server`].
#[inline(never)]
fn make_client<'a>(place: &mut Option<Client<'a>>, number: usize, memory: &'a mut ClientMemory) {
    let Ok(name) = Name::new(title_of(number)) else {
        return;
    };
    let config = ClientConfig {
        window: WINDOW,
        ..ClientConfig::new(name, address_of(SERVER))
    };
    let (identity, mut seed) = (identity_of(number), seed_of(number));
    *place = Client::new(config, memory.storage(), identity, Seed::new(&mut seed)).ok();
}

/// A server and its clients on a network without delay.
struct Room<'a, 'm> {
    now: Instant,
    clients: [&'m mut Client<'a>; CLIENTS.len()],
    server: &'m mut Server<'a>,
    /// Number of next datagrams to drop.
    to_lose: u32,
}

impl Room<'_, '_> {
    fn endpoint(&mut self, number: usize) -> &mut dyn Endpoint {
        match self.clients.get_mut(number) {
            Some(client) => *client,
            None => self.server,
        }
    }

    fn types(&mut self, number: usize, line: &str, out: &mut impl Write) -> fmt::Result {
        let (now, Some(client)) = (self.now, self.clients.get_mut(number)) else {
            return Err(fmt::Error);
        };
        writeln!(out, "{} {}: {line}", now.as_millis(), title_of(number))?;
        match parse(line) {
            Ok(Some(Input::Table)) => client.table().try_for_each(|entry| {
                let (name, address, online) = (entry.name, entry.address, entry.online);
                writeln!(out, "  {name} {address} {online}")
            }),
            Ok(Some(Input::Command(command))) => match client.command(now, command) {
                Ok(_) => Ok(()),
                Err(error) => writeln!(out, "  {error}"),
            },
            _ => Err(fmt::Error),
        }
    }

    /// Advances the time.
    fn waits(&mut self, millis: u32, out: &mut impl Write) -> fmt::Result {
        let end = self.now.plus_millis(millis.into());
        loop {
            let due = (0..=SERVER)
                .filter_map(|number| self.endpoint(number).poll_timeout())
                .min()
                .filter(|due| *due <= end);
            self.now = due.unwrap_or(end).max(self.now);
            let now = self.now;
            for number in 0..=SERVER {
                self.endpoint(number).handle_timeout(now);
            }
            self.settle(out)?;
            if due.is_none() {
                return Ok(());
            }
        }
    }

    /// Delivers datagrams until there are no more.
    fn settle(&mut self, out: &mut impl Write) -> fmt::Result {
        let mut buffer = [0; DATAGRAM_LEN_MAX];
        loop {
            let mut is_quiet = true;
            for from in 0..=SERVER {
                self.shows(from, out)?;
                let now = self.now;
                while let Some(transmit) = self.endpoint(from).poll_transmit(now, &mut buffer) {
                    is_quiet = false;
                    let datagram = buffer.get_mut(..transmit.len).unwrap_or_default();
                    let to = (0..=SERVER)
                        .find(|number| address_of(*number) == transmit.to)
                        .ok_or(fmt::Error)?;
                    let is_lost = self.to_lose != 0;
                    self.to_lose = self.to_lose.saturating_sub(1);
                    writeln!(
                        out,
                        "{} {} > {}: {} bytes, {:016x}{}",
                        now.as_millis(),
                        title_of(from),
                        title_of(to),
                        datagram.len(),
                        SipHasher24::new().hash(datagram),
                        if is_lost { ", lost" } else { "" }
                    )?;
                    if !is_lost {
                        self.endpoint(to)
                            .handle_datagram(now, address_of(from), datagram);
                        self.shows(to, out)?;
                    }
                }
            }
            if is_quiet {
                return Ok(());
            }
        }
    }

    /// Takes all outputs except datagrams.
    fn shows(&mut self, number: usize, out: &mut impl Write) -> fmt::Result {
        let Self {
            now,
            clients,
            server,
            ..
        } = self;
        let at = now.as_millis();
        let title = title_of(number);
        let Some(client) = clients.get_mut(number) else {
            while let Some(Persist { ticket, .. }) = server.poll_persist() {
                server.handle_stored(*now, ticket, Ok(()));
            }
            while let Some(event) = server.poll_event() {
                writeln!(out, "{at} {title} logs {}", LogLine(event))?;
            }
            return Ok(());
        };
        let wording = Wording {
            name: title,
            utc_offset: |_| 0,
        };
        while let Some(event) = client.poll_event() {
            for line in wording.event(&event) {
                writeln!(out, "{at} {title} shows {line}")?;
            }
            if let Some(receipt) = event.receipt() {
                client.handle_shown(*now, receipt);
            }
        }
        Ok(())
    }
}

fn title_of(number: usize) -> &'static str {
    CLIENTS.get(number).copied().unwrap_or("server")
}

fn address_of(number: usize) -> SocketAddr {
    let host = u8::try_from(number + 1).unwrap_or_default();
    (IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)), PORT).into()
}

fn identity_of(number: usize) -> Identity {
    Identity::new(static_key(seed_of(number + 1)), None)
}

fn seed_of(number: usize) -> [u8; 32] {
    [u8::try_from(number).unwrap_or_default(); 32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replays_scripts_as_recorded() {
        let mut memory = Box::new(RoomMemory::VACANT);
        for (title, script) in SCRIPTS {
            let mut transcript = String::new();
            play(script, &mut memory, &mut transcript).unwrap();
            let file = format!("{}/scripts/{title}.expected", env!("CARGO_MANIFEST_DIR"));
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                std::fs::write(&file, &transcript).unwrap();
            }
            assert_eq!(
                transcript,
                std::fs::read_to_string(file).unwrap(),
                "{title}; after a change of the protocol, UPDATE_EXPECT=1 writes it anew"
            );
        }
    }
}
