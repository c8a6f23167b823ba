//! Client that sends to itself over a network with loss, duplicates, corruption and delay, and
//! captures the remaining traffic:
//! `cargo run -p chatapp-network-tools --example lossy_room lossy.pcap`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::error::Error;
use std::fs::File;
use std::net::SocketAddr;

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::*;
use chatapp_network_tools::{FaultInjector, Faults, PcapWriter};

/// Datagrams in flight: source, destination, bytes.
type Wire = RefCell<VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>>;

/// One end of the wire.
struct Port<'a>(SocketAddr, &'a Wire);

impl Network for Port<'_> {
    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        let mut wire = self.1.borrow_mut();
        let next = wire.iter().position(|(_, to, _)| *to == self.0)?;
        let (from, _, datagram) = wire.remove(next)?;
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Some((from, datagram.len()))
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        let mut wire = self.1.borrow_mut();
        wire.push_back((self.0, to, datagram.to_vec()));
        Sent::Done
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = File::create(std::env::args().nth(1).ok_or("which file?")?)?;
    let (server_addr, alice_addr) = ("127.0.0.1:5000".parse()?, "127.0.0.1:6000".parse()?);
    let mut server_memory = Box::new(ServerMemory::<8, 8, 16, 1_024, 16>::new());
    let server_identity = Identity::new(StaticKey::new([1; 32]), None);
    let mut server = Server::new(
        ServerConfig::default(),
        server_memory.storage(),
        server_identity,
        Seed::new(&mut [1; 32]),
    )?;
    let mut alice_memory = ClientMemory::<9, 8, 8, 8>::new();
    let alice_identity = Identity::new(StaticKey::new([2; 32]), None);
    let config = ClientConfig::new(Name::new("alice")?, server_addr);
    let mut alice = Client::new(
        config,
        alice_memory.storage(),
        alice_identity,
        Seed::new(&mut [2; 32]),
    )?;

    let wire = Wire::default();
    let faults = Faults {
        drop_percent: 10,
        duplicate_percent: 10,
        corrupt_percent: 5,
        delay_ms: 200,
    };
    let capture = PcapWriter::new(Port(alice_addr, &wire), file, |port, _| port.0)?;
    let mut alice_network = FaultInjector::new(capture, faults, 7);
    let mut server_network = FaultInjector::new(Port(server_addr, &wire), faults, 8);
    let (mut server_loop, mut alice_loop) = (EventLoop::new(), EventLoop::new());
    let (mut journal, mut now) = (NullJournal::new(), Instant::ZERO);

    alice.command(now, Command::Register { name: "alice" })?;
    for text in ["one", "two", "three"] {
        alice.command(now, Command::SendAll { text })?;
    }
    while !alice.is_idle() {
        server_loop.poll(&mut server, &mut server_network, now, |server, now| {
            journal.exchange(server, now);
            while server.poll_event().is_some() {}
        });
        alice_loop.poll(&mut alice, &mut alice_network, now, |alice, now| {
            while let Some(event) = alice.poll_event() {
                println!("{:>5} ms: {event:?}", now.as_millis());
                if let Some(receipt) = event.receipt() {
                    alice.handle_shown(now, receipt);
                }
            }
        });
        let deadlines = [
            server_loop.next_deadline(&server, &server_network),
            alice_loop.next_deadline(&alice, &alice_network),
        ];
        if wire.borrow().is_empty() {
            now = deadlines
                .into_iter()
                .flatten()
                .min()
                .map_or(now, |next| now.max(next));
        }
    }
    Ok(())
}
