//! Memory that was used before: a room behaves on it as on new memory.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::{
    Client, ClientConfig, ClientMemory, Command, EventLoop, Identity, Instant, Journal, Name,
    Network, NullJournal, Seed, Sent, Server, ServerConfig, ServerMemory, StaticKey,
};

type Wire = RefCell<VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>>;
type OneServer = ServerMemory<4, 4, 8, 512, 4>;
type OneClient = ClientMemory<5, 4, 2, 4>;

/// One end of the wire, which records the datagrams that it sends.
struct Port<'a> {
    own: SocketAddr,
    wire: &'a Wire,
    trace: &'a RefCell<Vec<String>>,
}

impl Network for Port<'_> {
    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        let mut wire = self.wire.borrow_mut();
        let next = wire.iter().position(|(_, to, _)| *to == self.own)?;
        let (from, _, datagram) = wire.remove(next)?;
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Some((from, datagram.len()))
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        let mut trace = self.trace.borrow_mut();
        trace.push(format!("{} to {to}: {datagram:02x?}", self.own));
        // Each fifth datagram is lost, so that deadlines matter.
        if !trace.len().is_multiple_of(5) {
            let mut wire = self.wire.borrow_mut();
            wire.push_back((self.own, to, datagram.to_vec()));
        }
        Sent::Done
    }
}

fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number], 5_000))
}

fn identity(number: u8) -> Identity {
    Identity::new(StaticKey::new([number; 32]), None)
}

struct Person<'a> {
    client: Client<'a>,
    event_loop: EventLoop,
    port: Port<'a>,
}

/// Runs a room in which these clients chat for two minutes, and returns all datagrams and events.
///
/// Each client sends a message to all and to the next client. The first client leaves and gets a
/// message while it is offline.
fn run(
    seed: u8,
    names: &[&str],
    server_memory: &mut OneServer,
    client_memory: &mut [OneClient],
) -> Vec<String> {
    let (wire, trace) = (Wire::default(), RefCell::default());
    let port = |number| Port {
        own: address(number),
        wire: &wire,
        trace: &trace,
    };
    let storage = server_memory.storage();
    let config = ServerConfig::default();
    let mut server =
        Server::new(config, storage, identity(seed), Seed::new(&mut [seed; 32])).unwrap();
    let (mut server_port, mut server_loop) = (port(0), EventLoop::new());
    let mut journal = NullJournal::new();
    let mut people: Vec<Person<'_>> = Vec::new();
    for ((memory, name), number) in client_memory.iter_mut().zip(names).zip(1..) {
        let config = ClientConfig::new(Name::new(name).unwrap(), address(0));
        let own = seed.wrapping_add(number);
        let client = Client::new(
            config,
            memory.storage(),
            identity(own),
            Seed::new(&mut [own; 32]),
        );
        people.push(Person {
            client: client.unwrap(),
            event_loop: EventLoop::new(),
            port: port(number),
        });
    }
    for tick in 0..1_200_u64 {
        let now = Instant::from_millis(tick * 100);
        for (at, person) in people.iter_mut().enumerate() {
            let (own, next) = (names[at], names[(at + 1) % names.len()]);
            let command = match tick {
                0 => Command::Register { name: own },
                // The room ends while the last one is on its way.
                50 | 1_198 => Command::SendAll { text: own },
                100 => Command::Send {
                    to: next,
                    text: own,
                },
                200 if at == 0 => Command::Deregister { name: own },
                300 if at != 0 => Command::Send {
                    to: names[0],
                    text: own,
                },
                400 if at == 0 => Command::Register { name: own },
                _ => continue,
            };
            let _ = person.client.command(now, command);
        }
        server_loop.poll(&mut server, &mut server_port, now, |server, now| {
            journal.exchange(server, now);
            while let Some(event) = server.poll_event() {
                trace.borrow_mut().push(format!("{event:?}"));
            }
        });
        for person in &mut people {
            let Person {
                client,
                event_loop,
                port,
            } = person;
            event_loop.poll(client, port, now, |client, now| {
                while let Some(event) = client.poll_event() {
                    trace.borrow_mut().push(format!("{event:?}"));
                    let receipt = event.receipt();
                    receipt
                        .into_iter()
                        .for_each(|it| client.handle_shown(now, it));
                }
            });
        }
        if tick % 100 == 99 {
            let rows: Vec<_> = server.table().map(|row| format!("{row:?}")).collect();
            trace.borrow_mut().extend(rows);
            for person in &people {
                let rows = person.client.table().map(|row| format!("{row:?}"));
                trace.borrow_mut().extend(rows);
            }
        }
    }
    drop((server, people, server_port));
    trace.into_inner()
}

fn memory() -> (Box<OneServer>, Vec<OneClient>) {
    let clients = (0..4).map(|_| OneClient::new()).collect();
    (Box::new(OneServer::new()), clients)
}

#[test]
fn behaves_on_used_memory_as_on_new_memory() {
    let people: [&[&str]; 4] = [
        &["alice", "bob", "carol", "dave"],
        &["bob", "alice"],
        &["erin", "frank", "grace"],
        &["alice", "bob", "carol", "dave"],
    ];
    let (mut used_server, mut used_clients) = memory();
    for (seed, names) in (1..).step_by(20).zip(people) {
        let (mut new_server, mut new_clients) = memory();
        let expected = run(seed, names, &mut new_server, &mut new_clients);
        let found = run(seed, names, &mut used_server, &mut used_clients);
        assert!(expected.len() > 100, "{}", expected.len());
        assert!(expected.iter().any(|line| line.starts_with("Message")));
        let first = expected.iter().zip(&found).position(|(a, b)| a != b);
        assert!(found == expected, "differs from line {first:?} on");
    }
}
