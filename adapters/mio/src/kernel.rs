//! The network stack of the operating system as a carrier.

use std::io;
use std::net::SocketAddr;

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::{Endpoint, Flushed, Instant, Network, Sent, Turn};
use mio::{Interest, Registry, Token};

use crate::bursts::Bursts;
use crate::carrier::Carrier;
use crate::socket::{Received, Refused, Socket};

/// Errors in a row after which the socket is left alone until it reports something new.
const FAILURES_MAX: usize = 64;

/// How long to wait for the kernel to have memory for a datagram: nothing reports that.
const NO_BUFFERS_PAUSE_MS: u64 = 5;

/// The network stack of the operating system, behind one [`Socket`].
#[derive(Debug)]
pub struct Kernel {
    turn: Turn,
    socket: Watched,
    token: Token,
    /// The socket is asked to report when it is writable.
    awaits_writable: bool,
}

/// The socket as a network, and what is known of its state.
#[derive(Debug)]
struct Watched {
    socket: Socket,
    bursts: Bursts,
    /// The socket was not yet read empty since it became readable.
    readable: bool,
    /// The kernel has no memory to send.
    no_buffers: bool,
}

impl Network for Watched {
    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        for _ in 0..FAILURES_MAX {
            if !self.readable {
                return None;
            }
            match self.bursts.receive(&self.socket, buffer) {
                Received::Datagram(len, from) => return Some((from, len)),
                Received::Failed => {}
                Received::Nothing => self.readable = false,
            }
        }
        // A socket that gives nothing but errors.
        self.readable = false;
        None
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        let sent = self.bursts.send(&self.socket, to, datagram);
        self.note(sent)
    }

    fn flush(&mut self) -> Sent {
        let sent = self.bursts.flush(&self.socket);
        self.note(sent)
    }
}

impl Watched {
    fn note(&mut self, sent: Result<(), Refused>) -> Sent {
        self.no_buffers = sent == Err(Refused::NoBuffers);
        match sent {
            Ok(()) => Sent::Done,
            Err(Refused::WouldBlock | Refused::NoBuffers) => Sent::WouldBlock,
        }
    }
}

impl Kernel {
    /// Takes over a socket.
    pub fn new(socket: Socket) -> Self {
        Self {
            turn: Turn::new(),
            socket: Watched {
                socket,
                bursts: Bursts::new(),
                readable: true,
                no_buffers: false,
            },
            token: Token(0),
            awaits_writable: false,
        }
    }

    /// The socket reports that it is writable only while that is of interest: otherwise every datagram that
    /// leaves would wake this process.
    fn await_writable(&mut self, registry: &Registry, wanted: bool) -> io::Result<()> {
        if wanted != self.awaits_writable {
            self.awaits_writable = wanted;
            let interest = if wanted {
                Interest::READABLE | Interest::WRITABLE
            } else {
                Interest::READABLE
            };
            registry.reregister(&mut self.socket.socket.udp, self.token, interest)?;
        }
        Ok(())
    }
}

impl Carrier for Kernel {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.token = token;
        registry.register(&mut self.socket.socket.udp, token, Interest::READABLE)
    }

    fn notice(&mut self) {
        self.socket.readable = true;
    }

    fn work<E: Endpoint + ?Sized>(
        &mut self,
        registry: &Registry,
        endpoint: &mut E,
        now: Instant,
        drain: impl FnMut(&mut E, Instant),
    ) -> io::Result<()> {
        self.turn.run(endpoint, &mut self.socket, now, drain);
        let blocked = self.turn.flushed() == Flushed::Blocked;
        self.await_writable(registry, blocked && !self.socket.no_buffers)
    }

    fn wake_at<E: Endpoint + ?Sized>(&mut self, endpoint: &E, now: Instant) -> Option<Instant> {
        let due = self.turn.wake_at(endpoint, now);
        let waits_for_buffers = self.turn.flushed() == Flushed::Blocked && self.socket.no_buffers;
        if self.socket.readable {
            Some(now)
        } else if waits_for_buffers {
            Some(now.plus_millis(NO_BUFFERS_PAUSE_MS))
        } else {
            due
        }
    }

    fn local_addr(&self) -> SocketAddr {
        self.socket.socket.local_addr()
    }

    fn local_addr_towards(&self, to: SocketAddr) -> SocketAddr {
        self.socket.socket.local_addr_towards(to)
    }

    fn reaches(&self, to: SocketAddr) -> bool {
        self.socket.socket.reaches(to)
    }
}
