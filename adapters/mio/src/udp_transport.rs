//! The network stack of the operating system as a transport.

use std::io;
use std::net::SocketAddr;

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::{Instant, Network, Sent};
use mio::{Interest, Registry, Token};

use crate::gso_buffer::GsoBuffer;
use crate::socket::{Received, Refused, Socket};
use crate::transport::Transport;

/// Consecutive errors after which the transport waits for a new event of the socket.
const FAILURES_MAX: usize = 64;

/// Pause until the kernel may have memory for a datagram again, because no event reports that.
const NO_BUFFERS_PAUSE_MS: u64 = 5;

/// [`Socket`] of the operating system, and its state between two events.
#[derive(Debug)]
pub struct UdpTransport {
    socket: Socket,
    buffer: GsoBuffer,
    /// The socket became readable and was not read empty since. An event comes once for what
    /// arrived: epoll has `EPOLLET`, kqueue `EV_CLEAR`, and Windows is asked again only after a
    /// read that would block (documentation of `mio::Poll`, "Draining readiness").
    is_readable: bool,
    /// Why the socket refused the last datagram, if it did.
    refused: Option<Refused>,
    token: Token,
    /// The event queue is asked to report when the socket is writable.
    awaits_writable: bool,
    now: Instant,
}

impl UdpTransport {
    /// Creates a transport over a socket.
    pub fn new(socket: Socket) -> Self {
        Self {
            socket,
            buffer: GsoBuffer::new(),
            is_readable: true,
            refused: None,
            token: Token(0),
            awaits_writable: false,
            now: Instant::ZERO,
        }
    }

    fn note(&mut self, sent: Result<(), Refused>) -> Sent {
        self.refused = sent.err();
        match self.refused {
            None => Sent::Done,
            Some(Refused::WouldBlock | Refused::NoBuffers) => Sent::WouldBlock,
        }
    }
}

impl Network for UdpTransport {
    fn begin_poll(&mut self, now: Instant) {
        self.now = now;
        self.socket.begin_poll(now);
    }

    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        for _ in 0..FAILURES_MAX {
            if !self.is_readable {
                return None;
            }
            match self.buffer.receive(&mut self.socket, buffer) {
                Received::Datagram(len, from) => return Some((from, len)),
                Received::Failed => {}
                Received::Nothing => self.is_readable = false,
            }
        }
        // A socket may return nothing but errors.
        self.is_readable = false;
        None
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        let sent = self.buffer.send(&mut self.socket, to, datagram);
        self.note(sent)
    }

    fn flush(&mut self) -> Sent {
        let sent = self.buffer.flush(&mut self.socket);
        self.note(sent)
    }

    fn next_deadline(&self) -> Option<Instant> {
        if self.is_readable {
            return Some(self.now);
        }
        let waits_for_buffers = self.refused == Some(Refused::NoBuffers);
        waits_for_buffers.then(|| self.now.plus_millis(NO_BUFFERS_PAUSE_MS))
    }
}

impl Transport for UdpTransport {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.token = token;
        registry.register(&mut self.socket.udp, token, Interest::READABLE)
    }

    fn on_event(&mut self) {
        self.is_readable = true;
    }

    /// Asks for events about a writable socket only while the transport waits for room. Otherwise
    /// every datagram that leaves would wake this process.
    fn update_interest(&mut self, registry: &Registry) -> io::Result<()> {
        let awaits_writable = self.refused == Some(Refused::WouldBlock);
        if awaits_writable == self.awaits_writable {
            return Ok(());
        }
        self.awaits_writable = awaits_writable;
        let interest = if awaits_writable {
            Interest::READABLE | Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        registry.reregister(&mut self.socket.udp, self.token, interest)
    }

    fn local_addr(&self) -> SocketAddr {
        self.socket.local_addr()
    }

    fn local_addr_towards(&self, to: SocketAddr) -> SocketAddr {
        self.socket.local_addr_towards(to)
    }

    fn reaches(&self, to: SocketAddr) -> bool {
        self.socket.reaches(to)
    }
}
