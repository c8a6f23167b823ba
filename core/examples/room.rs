//! A room in one thread, without sockets: the network is a queue, and the clock is a number.
//!
//! ```sh
//! cargo run -p chatapp-core --example room
//! ```

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::*;

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
        self.1
            .borrow_mut()
            .push_back((self.0, to, datagram.to_vec()));
        Sent::Done
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // 8 names, 8 frames in flight to each, 16 messages, 1,024 words of 4 bytes for texts, and 16
    // records that wait for the store. A microcontroller has the memory in statics.
    let mut server_memory = Box::new(ServerMemory::<8, 8, 16, 1_024, 16>::new());
    let mut server = Server::new(
        ServerConfig::default(),
        server_memory.storage(),
        Identity::new(StaticKey::new([1; 32]), None),
        Seed::new(&mut [1; 32]), // 32 random bytes, others at every start
    )?;
    let (server_addr, alice_addr) = ("127.0.0.1:5000".parse()?, "127.0.0.1:6000".parse()?);
    // The server and 8 names, 4 commands, 8 former processes, and 8 pinned keys.
    let mut alice_memory = ClientMemory::<9, 4, 8, 8>::new();
    let mut alice = Client::new(
        ClientConfig::new(Name::new("alice")?, server_addr),
        alice_memory.storage(),
        Identity::new(StaticKey::new([2; 32]), None), // 32 random bytes, kept for the next start
        Seed::new(&mut [2; 32]),
    )?;

    let wire = Wire::default();
    let (mut server_port, mut alice_port) = (Port(server_addr, &wire), Port(alice_addr, &wire));
    let (mut server_loop, mut alice_loop) = (EventLoop::new(), EventLoop::new());
    let mut journal = NullJournal::new(); // stores nothing: the room lives as long as the process
    let mut now = Instant::ZERO;

    alice.command(now, Command::Register { name: "alice" })?;
    alice.command(
        now,
        Command::Send {
            to: "alice",
            text: "hello, me",
        },
    )?;
    while !alice.is_idle() {
        server_loop.poll(&mut server, &mut server_port, now, |server, now| {
            journal.exchange(server, now); // records come first
            while server.poll_event().is_some() {}
        });
        journal.submit();
        alice_loop.poll(&mut alice, &mut alice_port, now, |alice, now| {
            while let Some(event) = alice.poll_event() {
                println!("{event:?}");
                if let Some(receipt) = event.receipt() {
                    alice.handle_shown(now, receipt);
                }
            }
        });
        // Park: here, time passes at once.
        let deadlines = [
            server_loop.next_deadline(&server, &server_port),
            alice_loop.next_deadline(&alice, &alice_port),
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
