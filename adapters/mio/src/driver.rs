//! Event loop of the core over a transport that the operating system can poll.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chatapp_core::{Endpoint, EventLoop, Instant, UnixSeconds};
use mio::{Events, Poll, Token};

use crate::Clock;
use crate::socket::Socket;
use crate::transport::Transport;
use crate::udp_transport::UdpTransport;

const TRANSPORT: Token = Token(0);
const WAKER: Token = Token(1);

/// Drives one [`Endpoint`] over one [`Transport`], by default over a [`UdpTransport`]. It combines
/// an [`EventLoop`], a clock, and an event queue to park in.
#[derive(Debug)]
pub struct Driver<T = UdpTransport> {
    event_loop: EventLoop,
    transport: T,
    poll: Poll,
    events: Events,
    waker: Waker,
    clock: Clock,
}

/// Wakes a parked [`Driver`] from another thread.
#[derive(Clone, Debug)]
pub struct Waker(Arc<mio::Waker>);

impl Waker {
    /// Ends the current park, or the next one if the driver is not parked. Any number of calls
    /// before it count as one.
    pub fn wake(&self) {
        // This fails only if the system has no resources or the driver is gone.
        let _ = self.0.wake();
    }
}

impl Driver {
    /// Creates a driver over a socket.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot create an event queue.
    pub fn new(socket: Socket) -> io::Result<Self> {
        Self::over(UdpTransport::new(socket))
    }
}

impl<T: Transport> Driver<T> {
    /// Creates a driver over a transport.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot create an event queue.
    pub fn over(mut transport: T) -> io::Result<Self> {
        let poll = Poll::new()?;
        transport.register(poll.registry(), TRANSPORT)?;
        let waker = Waker(Arc::new(mio::Waker::new(poll.registry(), WAKER)?));
        Ok(Self {
            event_loop: EventLoop::new(),
            transport,
            poll,
            events: Events::with_capacity(8),
            waker,
            clock: Clock::new(),
        })
    }

    /// Returns the waker of this driver.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Returns the time to pass to the endpoint, for example with a command.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Returns the time of day for timestamps.
    pub fn wall(&self) -> UnixSeconds {
        self.clock.wall()
    }

    /// Returns the address at which datagrams are received.
    pub fn local_addr(&self) -> SocketAddr {
        self.transport.local_addr()
    }

    /// Returns the source address of datagrams to this address; unspecified without a route.
    pub fn local_addr_towards(&self, to: SocketAddr) -> SocketAddr {
        self.transport.local_addr_towards(to)
    }

    /// Returns whether datagrams to this address can leave at all.
    pub fn reaches(&self, to: SocketAddr) -> bool {
        self.transport.reaches(to)
    }

    /// Returns the transport.
    pub fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Does all that can be done now, as [`EventLoop::poll`] does.
    ///
    /// # Errors
    /// Returns an error if the event queue, or the device of the transport, failed. Network errors
    /// are never returned.
    pub fn poll<E: Endpoint + ?Sized>(
        &mut self,
        endpoint: &mut E,
        drain: impl FnMut(&mut E, Instant),
    ) -> io::Result<()> {
        let now = self.clock.now();
        self.event_loop
            .poll(endpoint, &mut self.transport, now, drain);
        self.transport.update_interest(self.poll.registry())
    }

    /// Parks until the next poll is due, or until [woken](Waker::wake).
    ///
    /// # Errors
    /// Returns an error if the event queue failed.
    pub fn park<E: Endpoint + ?Sized>(&mut self, endpoint: &E) -> io::Result<()> {
        self.park_until(endpoint, None)
    }

    /// Parks as [`park`](Self::park) does, but no longer than until this deadline.
    ///
    /// # Errors
    /// Returns an error if the event queue failed.
    pub fn park_until<E: Endpoint + ?Sized>(
        &mut self,
        endpoint: &E,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        let next = self.event_loop.next_deadline(endpoint, &self.transport);
        let until = [next, deadline].into_iter().flatten().min();
        let now = self.clock.now();
        let timeout = until.map(|until| Duration::from_millis(until.millis_since(now)));
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        if self.events.iter().any(|event| event.token() == TRANSPORT) {
            self.transport.on_event();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, UdpSocket};

    use chatapp_core::limits::DATAGRAM_LEN_MAX;
    use chatapp_core::{Disposition, DropReason, Transmit};

    /// Endpoint that echoes each datagram and counts its calls.
    #[derive(Default)]
    struct Echo {
        answers: Vec<(SocketAddr, Vec<u8>)>,
        handled: Option<Disposition>,
        due: Option<Instant>,
        timeouts: usize,
    }

    impl Endpoint for Echo {
        fn handle_datagram(
            &mut self,
            _: Instant,
            from: SocketAddr,
            datagram: &mut [u8],
        ) -> Disposition {
            self.answers.push((from, datagram.to_vec()));
            self.handled.unwrap_or(Disposition::Accepted)
        }

        fn handle_timeout(&mut self, _: Instant) {
            self.timeouts += 1;
            self.due = None;
        }

        fn poll_transmit(
            &mut self,
            _: Instant,
            out: &mut [u8; DATAGRAM_LEN_MAX],
        ) -> Option<Transmit> {
            let (to, datagram) = self.answers.pop()?;
            out[..datagram.len()].copy_from_slice(&datagram);
            Some(Transmit {
                to,
                len: datagram.len(),
            })
        }

        fn poll_timeout(&self) -> Option<Instant> {
            self.due
        }
    }

    fn rig() -> (Driver, UdpSocket) {
        let driver = Driver::new(Socket::bind(Some(Ipv4Addr::LOCALHOST.into()), 0).unwrap());
        let driver = driver.unwrap();
        let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        peer.connect(driver.local_addr()).unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        (driver, peer)
    }

    #[test]
    fn reads_drains_and_answers() {
        let (mut driver, peer) = rig();
        let mut echo = Echo::default();
        driver.poll(&mut echo, |_, _| {}).unwrap();
        for number in 0..3_u8 {
            peer.send(&[number]).unwrap();
        }
        let mut drained = Vec::new();
        while drained.last() != Some(&3) {
            driver.park(&echo).unwrap();
            driver
                .poll(&mut echo, |echo, _| drained.push(echo.answers.len()))
                .unwrap();
        }
        let mut answers: Vec<u8> = (0..3)
            .map(|_| {
                let mut byte = [0];
                peer.recv(&mut byte).unwrap();
                byte[0]
            })
            .collect();
        answers.sort_unstable();
        assert_eq!(answers, [0, 1, 2]);
    }

    #[test]
    fn answers_at_once_without_a_session() {
        let (mut driver, peer) = rig();
        let mut echo = Echo {
            handled: Some(Disposition::Ignored(DropReason::NoCookie)),
            ..Echo::default()
        };
        for number in 0..3_u8 {
            peer.send(&[number]).unwrap();
        }
        let mut answered = 0;
        while answered < 3 {
            driver
                .poll(&mut echo, |echo, _| {
                    assert!(echo.answers.len() <= 1);
                    answered += echo.answers.len();
                })
                .unwrap();
            if answered < 3 {
                driver.park(&echo).unwrap();
            }
        }
    }

    #[test]
    fn calls_the_timeout_only_when_due() {
        let (mut driver, _) = rig();
        let mut echo = Echo {
            due: Some(driver.now().plus_millis(20)),
            ..Echo::default()
        };
        driver.poll(&mut echo, |_, _| {}).unwrap();
        if driver.now() < echo.due.unwrap_or_default() {
            assert_eq!(echo.timeouts, 0);
        }
        while echo.timeouts == 0 {
            driver.park(&echo).unwrap();
            driver.poll(&mut echo, |_, _| {}).unwrap();
        }
        assert!(driver.now() >= Instant::from_millis(20));
    }

    #[test]
    fn wakes_before_and_during_a_park() {
        let (mut driver, _) = rig();
        let mut echo = Echo::default();
        driver.poll(&mut echo, |_, _| {}).unwrap();
        let waker = driver.waker();
        waker.wake();
        driver.park(&echo).unwrap();
        let thread = std::thread::spawn(move || waker.wake());
        driver.park(&echo).unwrap();
        thread.join().unwrap();
    }
}
