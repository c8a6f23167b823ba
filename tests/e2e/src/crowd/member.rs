//! A member of a crowd: a state machine, a socket, and its counters.

use std::io;
use std::net::{IpAddr, SocketAddr};

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::{
    Client, ClientConfig, ClientEvent, Command, EventLoop, Flushed, Identity, Instant,
    MessageStatus, Name, Network, Sent, StaticKey,
};
use chatapp_mio::{ClientLimits, ClientMemory, GsoBuffer, Received, Socket, fill_random, seed};

/// Client with its own socket. Its memory is leaked, so it lives as long as the process.
pub struct Member {
    /// State machine of the client.
    pub client: Client<'static>,
    /// Socket of the client.
    pub socket: Socket,
    /// Local address of the socket.
    pub address: SocketAddr,
    /// Number of messages that it showed.
    pub shown: usize,
    /// Number of its commands that succeeded.
    pub succeeded: usize,
    /// Number of its commands that failed, and of refusals.
    pub failed: usize,
    /// Messages and commands already included in the sums of the crowd.
    pub(super) counted: (usize, usize),
    /// Deadline for which it is listed.
    pub(super) listed: Option<Instant>,
}

impl Member {
    /// Binds a socket and starts to register, with this key or a new one.
    ///
    /// # Errors
    /// Returns an error if the machine has no socket or memory left.
    pub fn new(
        now: Instant,
        name: &str,
        ip: IpAddr,
        table: usize,
        server: SocketAddr,
        key: Option<[u8; 32]>,
    ) -> io::Result<Self> {
        let socket = Socket::bind(Some(ip), 0)?;
        let limits = ClientLimits {
            peers: table,
            commands: 32,
            former_peers: 4,
            // Enough for all senders of stored messages in the benchmarks.
            pins: 64,
        };
        let memory = Box::leak(Box::new(
            ClientMemory::new(limits).map_err(io::Error::other)?,
        ));
        let config = ClientConfig::new(Name::new(name).map_err(io::Error::other)?, server);
        // A key that lives as long as the process may come from the source of the seed.
        let mut random = [0; 32];
        fill_random(&mut random)?;
        let identity = Identity::new(StaticKey::new(key.unwrap_or(random)), None);
        let mut client = Client::new(config, memory.storage(), identity, seed(&mut random)?)
            .map_err(io::Error::other)?;
        client
            .command(now, Command::Register { name })
            .map_err(io::Error::other)?;
        Ok(Self {
            client,
            address: socket.local_addr(),
            socket,
            shown: 0,
            succeeded: 0,
            failed: 0,
            counted: (0, 0),
            listed: None,
        })
    }

    /// Polls the client; reads datagrams only after an event. Calls `then` after the reads: frames
    /// of its commands leave with the acknowledgements.
    pub(super) fn work(
        &mut self,
        now: Instant,
        has_arrived: bool,
        shared: &mut Shared,
        mut then: impl FnMut(&mut Client<'static>, usize, Instant),
    ) {
        let Self {
            client,
            socket,
            shown,
            succeeded,
            failed,
            ..
        } = self;
        let Shared { event_loop, buffer } = shared;
        let mut link = Link {
            socket,
            buffer,
            readable: has_arrived,
        };
        loop {
            event_loop.poll(client, &mut link, now, |client, now| {
                while let Some(event) = client.poll_event() {
                    count(&event, shown, succeeded, failed);
                    if let Some(receipt) = event.receipt() {
                        client.handle_shown(now, receipt);
                    }
                }
                then(client, *succeeded, now);
            });
            if !link.readable && event_loop.flushed() != Flushed::Budget {
                return;
            }
        }
    }
}

/// Counts an event in one of these counters, if it belongs to any.
fn count(event: &ClientEvent<'_>, shown: &mut usize, succeeded: &mut usize, failed: &mut usize) {
    match event {
        ClientEvent::Message { .. } => *shown += 1,
        ClientEvent::Posted { .. }
        | ClientEvent::MessageStatus {
            status: MessageStatus::Delivered | MessageStatus::Saved,
            ..
        } => *succeeded += 1,
        ClientEvent::Refused { .. } | ClientEvent::NotShown { .. } => *failed += 1,
        other if other.settles().is_some() => *failed += 1,
        _ => {}
    }
}

/// Buffers shared by all members. They hold no state of a member between two polls.
#[derive(Default)]
pub(super) struct Shared {
    event_loop: EventLoop,
    buffer: GsoBuffer,
}

/// A socket with the shared buffers. A datagram that the kernel rejects is lost, as on any network.
struct Link<'a> {
    socket: &'a mut Socket,
    buffer: &'a mut GsoBuffer,
    readable: bool,
}

impl Network for Link<'_> {
    fn receive(&mut self, datagram: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        while self.readable {
            match self.buffer.receive(self.socket, datagram) {
                Received::Datagram(len, from) => return Some((from, len)),
                // The error concerns an earlier datagram.
                Received::Failed => {}
                Received::Nothing => self.readable = false,
            }
        }
        None
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        if self.buffer.send(self.socket, to, datagram).is_err() {
            self.buffer.discard();
        }
        Sent::Done
    }

    fn flush(&mut self) -> Sent {
        if self.buffer.flush(self.socket).is_err() {
            self.buffer.discard();
        }
        Sent::Done
    }
}
