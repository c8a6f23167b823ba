//! A client over a plain UDP socket, without any adapter crate, that chats with `ChatApp`:
//! `cargo run -p chatapp-core --example udp bob 127.0.0.1:4119`. Type `<name> <text>` to send a
//! message; the end of the input leaves the room.

use std::error::Error;
use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{self, TryRecvError};
use std::time::{Duration, Instant as Clock};

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::*;

/// The longest time between two checks for typed lines, in ms.
const PARK_MAX_MS: u64 = 20;
struct Udp(UdpSocket);

impl Network for Udp {
    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        let (len, from) = self.0.recv_from(buffer).ok()?;
        Some((from, len))
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        match self.0.send_to(datagram, to) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Sent::WouldBlock,
            _ => Sent::Done,
        }
    }
}

impl Udp {
    /// Waits for a datagram, at most for this time in ms.
    fn park(&self, millis: u64) -> io::Result<()> {
        self.0.set_nonblocking(false)?;
        self.0
            .set_read_timeout(Some(Duration::from_millis(millis)))?;
        let _ = self.0.peek_from(&mut [0]);
        self.0.set_nonblocking(true)
    }
}

fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let mut source = std::fs::File::open("/dev/urandom")?;
    source.read_exact(&mut bytes).map(|()| bytes)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = Name::new(&arguments.next().ok_or("whose client?")?)?;
    let server = arguments.next().ok_or("which server?")?.parse()?;
    let config = ClientConfig::new(name.clone(), server);
    let mut memory = ClientMemory::<65, 8, 8, 64>::new();
    // A real program stores its key for the next process.
    let identity = Identity::new(StaticKey::new(random()?), None);
    let mut client = Client::new(
        config,
        memory.storage(),
        identity,
        Seed::new(&mut random()?),
    )?;

    let (typed, lines) = mpsc::channel();
    std::thread::spawn(move || {
        io::stdin()
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| typed.send(line))
    });
    let (mut network, mut event_loop) = (Udp(UdpSocket::bind("0.0.0.0:0")?), EventLoop::new());
    let start = Clock::now();
    let now = || Instant::from_millis(start.elapsed().as_millis() as u64);
    let (mut is_leaving, mut is_over, name) = (false, false, name.as_str());
    client.command(now(), Command::Register { name })?;
    network.park(1)?;
    while !is_over {
        match lines.try_recv() {
            Ok(line) => {
                let (to, text) = line.split_once(' ').ok_or("no text")?;
                client.command(now(), Command::Send { to, text })?;
            }
            Err(TryRecvError::Disconnected) if !is_leaving => {
                is_leaving = client.command(now(), Command::Deregister { name }).is_ok();
            }
            Err(_) => {}
        }
        event_loop.poll(&mut client, &mut network, now(), |client, now| {
            while let Some(event) = client.poll_event() {
                let receipt = event.receipt();
                is_over |= matches!(event, ClientEvent::Deregistered { .. });
                match event {
                    ClientEvent::Message { from, text, .. } => println!("{from}: {text}"),
                    ClientEvent::MessageStatus { to, status, .. } => println!("{to}: {status:?}"),
                    event => println!("{event:?}"),
                }
                if let Some(receipt) = receipt {
                    client.handle_shown(now, receipt);
                }
            }
        });
        let deadline = event_loop.next_deadline(&client, &network);
        let wait = deadline.map_or(PARK_MAX_MS, |deadline| deadline.millis_since(now()));
        network.park(wait.clamp(1, PARK_MAX_MS))?;
    }
    Ok(())
}
