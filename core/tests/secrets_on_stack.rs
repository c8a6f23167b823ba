//! The stack of a client's thread: no key of a session that has ended is on it.
#![cfg(all(target_os = "linux", feature = "wipe-stack"))]

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::{
    Client, ClientConfig, ClientMemory, Command, Endpoint, Identity, Instant, KeySlot, LoggedKey,
    Name, Seed, Server, ServerConfig, ServerMemory, StaticKey, limits,
};

/// How far below its entry function the thread is searched: more than it ever uses.
const SEARCHED_LEN: usize = 256 << 10;

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 5_000))
}

fn identity(number: u8) -> Identity {
    Identity::new(StaticKey::new([number; KEY_LEN]), None)
}

enum Input {
    Datagram(Vec<u8>),
    Register,
    Deregister,
    Time,
}

/// Runs a client on this thread, which has no other work that touches a key. Sends the address of
/// its stack, then the datagrams after each input.
fn run_client(
    inputs: &Receiver<(Instant, Input)>,
    sent: &Sender<Vec<Vec<u8>>>,
    at: &Sender<usize>,
) {
    let memory = Box::leak(Box::new(ClientMemory::<4, 4, 4, 4>::new()));
    let config = ClientConfig::new(Name::new("ann").unwrap(), address(2));
    let mut seed = [9; 32];
    let client = Client::new(config, memory.storage(), identity(1), Seed::new(&mut seed));
    let mut client = Box::new(client.unwrap());
    at.send(std::ptr::from_ref(&seed).addr()).unwrap();
    for (now, input) in inputs {
        match input {
            Input::Datagram(mut bytes) => {
                client.handle_datagram(now, address(2), &mut bytes);
            }
            Input::Register => {
                client
                    .command(now, Command::Register { name: "ann" })
                    .unwrap();
            }
            Input::Deregister => {
                client
                    .command(now, Command::Deregister { name: "ann" })
                    .unwrap();
            }
            Input::Time => client.handle_timeout(now),
        }
        while client.poll_event().is_some() {}
        let mut out = [0; limits::DATAGRAM_LEN_MAX];
        let mut all = Vec::new();
        while let Some(transmit) = client.poll_transmit(now, &mut out) {
            all.push(out[..transmit.len].to_vec());
        }
        sent.send(all).unwrap();
    }
}

struct Room {
    server: Box<Server<'static>>,
    now: Instant,
    to_client: Sender<(Instant, Input)>,
    from_client: Receiver<Vec<Vec<u8>>>,
    /// The keys of both directions of all sessions, in order.
    keys: Vec<[u8; KEY_LEN]>,
}

impl Room {
    fn give(&mut self, input: Input) {
        self.to_client.send((self.now, input)).unwrap();
        for mut datagram in self.from_client.recv().unwrap() {
            self.server
                .handle_datagram(self.now, address(1), &mut datagram);
        }
    }

    /// Runs the room for five seconds.
    fn run(&mut self) {
        let end = self.now.plus_millis(5_000);
        while self.now < end {
            while let Some(persist) = self.server.poll_persist() {
                let ticket = persist.ticket;
                self.server.handle_stored(self.now, ticket, Ok(()));
            }
            while self.server.poll_event().is_some() {}
            let mut out = [0; limits::DATAGRAM_LEN_MAX];
            let mut is_quiet = true;
            while let Some(transmit) = self.server.poll_transmit(self.now, &mut out) {
                self.give(Input::Datagram(out[..transmit.len].to_vec()));
                is_quiet = false;
            }
            while let Some(key) = self.server.poll_key_log() {
                if let LoggedKey::Session { key, .. } = key {
                    self.keys.push(key);
                }
            }
            if is_quiet {
                self.now = self.now.plus_millis(50);
                self.server.handle_timeout(self.now);
                self.give(Input::Time);
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "reads a file of the system")]
fn wipes_keys_of_ended_sessions_from_the_stack() {
    let memory = Box::leak(Box::new(ServerMemory::<4, 8, 4, 1_024, 16>::new()));
    let config = ServerConfig::default();
    let mut seed = [8; 32];
    let server = Server::new(config, memory.storage(), identity(2), Seed::new(&mut seed));
    let mut server = Box::new(server.unwrap());
    server.log_keys(vec![KeySlot::VACANT; 32].leak());
    let ((to_client, inputs), (sent, from_client), (at, stack)) = (channel(), channel(), channel());
    thread::spawn(move || run_client(&inputs, &sent, &at));
    let stack = stack.recv().unwrap();
    let mut room = Room {
        server,
        now: Instant::ZERO,
        to_client,
        from_client,
        keys: Vec::new(),
    };
    for input in [Input::Register, Input::Deregister] {
        room.give(input);
        room.run();
    }
    // This ends the session. The next one has no keys yet that could overwrite those on the stack.
    room.give(Input::Register);
    assert_eq!(room.keys.len(), 2, "one session, two directions");
    let mut bytes = vec![0; SEARCHED_LEN];
    let own_memory = File::open("/proc/self/mem").unwrap();
    let from = stack - SEARCHED_LEN;
    own_memory.read_exact_at(&mut bytes, from as u64).unwrap();
    for key in &room.keys {
        assert!(
            !bytes
                .windows(KEY_LEN / 2)
                .any(|window| window == &key[..KEY_LEN / 2])
        );
    }
}
