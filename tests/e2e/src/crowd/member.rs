//! One of many clients: a state machine, a socket, and what it was told.

use std::io;
use std::net::{IpAddr, SocketAddr};

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::{
    Client, ClientConfig, ClientEvent, Command, EventLoop, Flushed, Identity, Instant,
    MessageStatus, Name, Network, Sent, StaticKey,
};
use chatapp_mio::{ClientLimits, ClientMemory, GsoBuffer, Received, Socket, seed};

/// A client with its own socket. It lives as long as the process, and so does its memory.
pub struct Member {
    /// The state machine.
    pub client: Client<'static>,
    /// Its socket.
    pub socket: Socket,
    /// Its address.
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
        let socket = Socket::bind(Some(ip), 0)?;
        let limits = ClientLimits {
            peers: table,
            commands: 32,
            former_peers: 4,
        };
        let memory = Box::leak(Box::new(
            ClientMemory::new(limits).map_err(io::Error::other)?,
        ));
        let config = ClientConfig::new(Name::new(name).map_err(io::Error::other)?, server);
        // A key that lives as long as the process may come from the same source as the seed.
        let identity = Identity::new(StaticKey::new(seed()?.0), None);
        let mut client =
            Client::new(config, memory.storage(), identity, seed()?).map_err(io::Error::other)?;
        client
            .command(now, Command::Register { name })
            .map_err(io::Error::other)?;
        Ok(Self {
            client,
            address: socket.local_addr(),
            socket,
            heard: 0,
            succeeded: 0,
            failed: 0,
            counted: (0, 0),
            listed: None,
        })
    }

    /// Does all that is to be done now; reads only what was reported to have arrived. `then` is
    /// called once it has taken what there was: what the client is told to do leaves with its
    /// acknowledgements.
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
            heard,
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
                    count(&event, heard, succeeded, failed);
                }
                then(client, *succeeded, now);
            });
            if !link.readable && event_loop.flushed() != Flushed::Budget {
                return;
            }
        }
    }
}

/// Counts an event as one of these, if it is.
fn count(event: &ClientEvent<'_>, heard: &mut usize, succeeded: &mut usize, failed: &mut usize) {
    match event {
        ClientEvent::Message { .. } => *heard += 1,
        ClientEvent::Posted { .. }
        | ClientEvent::MessageStatus {
            status: MessageStatus::Delivered | MessageStatus::Saved,
            ..
        } => *succeeded += 1,
        ClientEvent::Refused { .. } => *failed += 1,
        other if other.settles().is_some() => *failed += 1,
        _ => {}
    }
}

/// The buffers that all members use in turn. No state of a member stays in them.
#[derive(Default)]
pub(super) struct Shared {
    event_loop: EventLoop,
    buffer: GsoBuffer,
}

/// A socket, and the buffers of the whole crowd. A datagram that the kernel does not take is lost,
/// as on any network.
struct Link<'a> {
    socket: &'a Socket,
    buffer: &'a mut GsoBuffer,
    readable: bool,
}

impl Network for Link<'_> {
    fn receive(&mut self, datagram: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        while self.readable {
            match self.buffer.receive(self.socket, datagram) {
                Received::Datagram(len, from) => return Some((from, len)),
                // About an earlier datagram.
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
