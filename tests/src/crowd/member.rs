//! One of many clients: a state machine, a socket, and what it was told.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

use chatapp_core::{
    Client, ClientConfig, ClientEvent, Command, Endpoint, Flushed, Identity, Instant,
    MessageStatus, Name, Outgoing, Sent, StaticKey,
};
use chatapp_mio::{ClientLimits, ClientMemory, seed};
use mio::net::UdpSocket;

/// A client with its own socket. It lives as long as the process, and so does its memory.
pub struct Member {
    /// The state machine.
    pub client: Client<'static>,
    /// Its socket.
    pub socket: UdpSocket,
    /// Where it receives.
    pub address: SocketAddr,
    /// Messages that it showed.
    pub heard: usize,
    /// Commands of its that succeeded.
    pub succeeded: usize,
    /// Commands of its that did not, and refusals.
    pub failed: usize,
    /// Of these, what the sums of the crowd have.
    pub(super) counted: (usize, usize),
    /// When it is listed to be told the time.
    pub(super) listed: Option<Instant>,
    outgoing: Outgoing,
}

impl Member {
    /// Binds a socket and begins to register.
    ///
    /// # Errors
    /// The machine has no socket or memory left.
    pub fn new(
        now: Instant,
        name: &str,
        ip: IpAddr,
        table: usize,
        server: SocketAddr,
    ) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        let limits = ClientLimits {
            peers: table,
            commands: 32,
            former_peers: 4,
        };
        let memory = Box::leak(Box::new(
            ClientMemory::new(limits).map_err(io::Error::other)?,
        ));
        let config = ClientConfig::new(Name::new(name).map_err(io::Error::other)?, server);
        // What is unpredictable enough for a seed is so for a key that lives as long as the process.
        let identity = Identity::new(StaticKey::new(seed()?.0), None);
        let mut client =
            Client::new(config, memory.storage(), identity, seed()?).map_err(io::Error::other)?;
        client
            .command(now, Command::Register { name })
            .map_err(io::Error::other)?;
        Ok(Self {
            client,
            address: socket.local_addr()?,
            socket,
            heard: 0,
            succeeded: 0,
            failed: 0,
            counted: (0, 0),
            listed: None,
            outgoing: Outgoing::new(),
        })
    }

    /// Reads the socket empty.
    pub(super) fn read(&mut self, now: Instant, buffer: &mut [u8; 2_048]) {
        loop {
            match self.socket.recv_from(buffer) {
                Ok((len, from)) => {
                    let _ = self.client.handle_datagram(now, from, &mut buffer[..len]);
                    self.drain();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // About an earlier datagram.
                Err(_) => {}
            }
        }
    }

    /// Takes all outputs. A datagram that the kernel does not take is lost, as on any network.
    pub(super) fn attend(&mut self, now: Instant) {
        self.drain();
        loop {
            let flushed = self.outgoing.flush(&mut self.client, now, 64, |to, bytes| {
                let _ = self.socket.send_to(bytes, to);
                Sent::Done
            });
            if flushed == Flushed::Drained {
                return;
            }
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Message { .. } => self.heard += 1,
                ClientEvent::Posted { .. }
                | ClientEvent::MessageStatus {
                    status: MessageStatus::Delivered | MessageStatus::Saved,
                    ..
                } => {
                    self.succeeded += 1;
                }
                ClientEvent::Refused { .. } => self.failed += 1,
                other if other.settles().is_some() => self.failed += 1,
                _ => {}
            }
        }
    }
}
