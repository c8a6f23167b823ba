//! The event loop, one turn at a time.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chatapp_core::{Endpoint, Flushed, Handled, Instant, Outgoing, Sent, UnixSeconds};
use mio::{Events, Interest, Poll, Token};

use crate::Clock;
use crate::socket::{RECEIVE_LEN, Received, Refused, Socket};

/// Datagrams that are read before the endpoint's answers are sent, so that the answers to a burst share
/// datagrams, but nobody waits for a flood to end.
const READS_PER_TURN: usize = 64;

/// Datagrams that are sent before the socket is read again.
const SENDS_PER_TURN: usize = 256;

/// How often the endpoint is told the time in one turn: each time it does a bounded part of what is due, and
/// thousands of clients may have gone silent at once.
const TIMEOUTS_PER_TURN: usize = 64;

/// How long to wait for something whose end nothing reports: the kernel has no memory for a datagram, or the caller
/// leaves an event with the endpoint until it has room for it.
const LEFT_OVER_PAUSE_MS: u64 = 5;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// Drives one [`Endpoint`] over one [`Socket`].
#[derive(Debug)]
pub struct Driver {
    poll: Poll,
    events: Events,
    socket: Socket,
    waker: Waker,
    clock: Clock,
    outgoing: Outgoing,
    received: [u8; RECEIVE_LEN],
    /// The socket was not yet read empty since it became readable.
    readable: bool,
    /// The socket is asked to report when it is writable.
    awaits_writable: bool,
    unsent: Unsent,
    /// The endpoint was due when the last rest began.
    was_due: bool,
}

/// Why there may be more to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unsent {
    Nothing,
    /// The turn's budget was used up.
    More,
    /// The socket takes nothing until it is writable again.
    Blocked,
    /// The kernel has no memory.
    NoBuffers,
}

/// Ends the sleep of a [`Driver`] from another thread.
#[derive(Clone, Debug)]
pub struct Waker(Arc<mio::Waker>);

impl Waker {
    /// Ends the current sleep, or the next one if the driver is not asleep. Any number of calls before that
    /// count as one.
    pub fn wake(&self) {
        // It fails only where the system's resources are exhausted or the driver is gone.
        let _ = self.0.wake();
    }
}

impl Driver {
    /// Takes over a socket.
    ///
    /// # Errors
    /// The operating system gives no event queue.
    pub fn new(mut socket: Socket) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut socket.udp, SOCKET, Interest::READABLE)?;
        let waker = Waker(Arc::new(mio::Waker::new(poll.registry(), WAKER)?));
        Ok(Self {
            poll,
            events: Events::with_capacity(8),
            socket,
            waker,
            clock: Clock::new(),
            outgoing: Outgoing::new(),
            received: [0; RECEIVE_LEN],
            readable: true,
            awaits_writable: false,
            unsent: Unsent::Nothing,
            was_due: false,
        })
    }

    /// What wakes this driver.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// The time to give to the endpoint, for example with a command.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The time for stamps.
    pub fn wall(&self) -> UnixSeconds {
        self.clock.wall()
    }

    /// Where the socket receives.
    pub fn local_addr(&self) -> SocketAddr {
        self.socket.local_addr()
    }

    /// Does all that is to be done now: reads datagrams, tells the endpoint the time, and sends.
    ///
    /// `drain` is called after every input, the caller's own ones before this call included: it takes from the
    /// endpoint whatever is not a datagram.
    ///
    /// # Errors
    /// The event queue is broken. No error of the network ends up here.
    pub fn work<E: Endpoint + ?Sized>(
        &mut self,
        endpoint: &mut E,
        mut drain: impl FnMut(&mut E, Instant),
    ) -> io::Result<()> {
        let now = self.clock.now();
        drain(endpoint, now);
        // First read, then tell the time: an answer that is here already must not be missed.
        self.read(endpoint, now, &mut drain)?;
        for _ in 0..TIMEOUTS_PER_TURN {
            if endpoint.poll_timeout().is_none_or(|due| due > now) {
                break;
            }
            endpoint.handle_timeout(now);
            drain(endpoint, now);
            self.flush(endpoint, now)?;
            if self.unsent != Unsent::Nothing {
                break;
            }
        }
        self.flush(endpoint, now)
    }

    /// Sleeps until there is work to do, or until [woken](Waker::wake).
    ///
    /// # Errors
    /// The event queue is broken.
    pub fn rest<E: Endpoint + ?Sized>(&mut self, endpoint: &E) -> io::Result<()> {
        self.rest_until(endpoint, None)
    }

    /// Sleeps as [`rest`](Self::rest) does, at most until the caller has something to do itself.
    ///
    /// # Errors
    /// The event queue is broken.
    pub fn rest_until<E: Endpoint + ?Sized>(
        &mut self,
        endpoint: &E,
        at_most: Option<Instant>,
    ) -> io::Result<()> {
        let now = self.clock.now();
        let due = endpoint.poll_timeout();
        let due_now = due.is_some_and(|due| due <= now);
        let until = match self.unsent {
            _ if self.readable => Some(now),
            Unsent::More => Some(now),
            Unsent::NoBuffers => Some(now.plus_millis(LEFT_OVER_PAUSE_MS)),
            // It was told the time and drained just now: what makes it due was left there.
            Unsent::Blocked | Unsent::Nothing if due_now && self.was_due => {
                Some(now.plus_millis(LEFT_OVER_PAUSE_MS))
            }
            Unsent::Blocked | Unsent::Nothing => due,
        };
        self.was_due = due_now;

        let until = [until, at_most].into_iter().flatten().min();
        let timeout = until.map(|until| Duration::from_millis(until.millis_since(now)));
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        self.readable |= self.events.iter().any(|event| event.token() == SOCKET);
        Ok(())
    }

    fn read<E: Endpoint + ?Sized>(
        &mut self,
        endpoint: &mut E,
        now: Instant,
        drain: &mut impl FnMut(&mut E, Instant),
    ) -> io::Result<()> {
        let mut failed = 0;
        for _ in 0..READS_PER_TURN {
            if !self.readable {
                break;
            }
            match self.socket.receive(&mut self.received) {
                Received::Datagram(len, from) => {
                    let handled = endpoint.handle_datagram(now, from, &self.received[..len]);
                    drain(endpoint, now);
                    // Answers inside of sessions can wait and share datagrams. An answer to somebody without a
                    // session is not remembered anywhere: it leaves before the next datagram is read.
                    if handled != Handled::Accepted {
                        self.flush(endpoint, now)?;
                    }
                }
                Received::Failed => failed += 1,
                Received::Nothing => self.readable = false,
            }
        }
        // A socket that gives nothing but errors is left alone until it reports something new.
        self.readable &= failed < READS_PER_TURN;
        Ok(())
    }

    fn flush<E: Endpoint + ?Sized>(&mut self, endpoint: &mut E, now: Instant) -> io::Result<()> {
        let mut unsent = Unsent::Blocked;
        let flushed = self
            .outgoing
            .flush(endpoint, now, SENDS_PER_TURN, |to, datagram| {
                match self.socket.send(to, datagram) {
                    Ok(()) => return Sent::Done,
                    Err(Refused::NoBuffers) => unsent = Unsent::NoBuffers,
                    Err(Refused::WouldBlock) => {}
                }
                Sent::WouldBlock
            });
        self.unsent = match flushed {
            Flushed::Drained => Unsent::Nothing,
            Flushed::Budget => Unsent::More,
            Flushed::Blocked => unsent,
        };
        self.await_writable(self.unsent == Unsent::Blocked)
    }

    /// The socket reports that it is writable only while that is of interest: otherwise every datagram that
    /// leaves would wake this process.
    fn await_writable(&mut self, wanted: bool) -> io::Result<()> {
        if wanted != self.awaits_writable {
            self.awaits_writable = wanted;
            let interest = if wanted {
                Interest::READABLE | Interest::WRITABLE
            } else {
                Interest::READABLE
            };
            self.poll
                .registry()
                .reregister(&mut self.socket.udp, SOCKET, interest)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, UdpSocket};

    use chatapp_core::limits::DATAGRAM_LEN_MAX;
    use chatapp_core::{Drop, Transmit};

    /// Answers every datagram with its bytes, and counts what it is told.
    #[derive(Default)]
    struct Echo {
        answers: Vec<(SocketAddr, Vec<u8>)>,
        handled: Option<Handled>,
        due: Option<Instant>,
        timeouts: usize,
    }

    impl Endpoint for Echo {
        fn handle_datagram(&mut self, _: Instant, from: SocketAddr, datagram: &[u8]) -> Handled {
            self.answers.push((from, datagram.to_vec()));
            self.handled.unwrap_or(Handled::Accepted)
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
        driver.work(&mut echo, |_, _| {}).unwrap();
        for number in 0..3_u8 {
            peer.send(&[number]).unwrap();
        }
        let mut drained = Vec::new();
        while drained.last() != Some(&3) {
            driver.rest(&echo).unwrap();
            driver
                .work(&mut echo, |echo, _| drained.push(echo.answers.len()))
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
    fn answers_to_strangers_leave_before_the_next_datagram_is_read() {
        let (mut driver, peer) = rig();
        let mut echo = Echo {
            handled: Some(Handled::Ignored(Drop::NoCookie)),
            ..Echo::default()
        };
        for number in 0..3_u8 {
            peer.send(&[number]).unwrap();
        }
        let mut answered = 0;
        while answered < 3 {
            driver
                .work(&mut echo, |echo, _| {
                    assert!(echo.answers.len() <= 1);
                    answered += echo.answers.len();
                })
                .unwrap();
            if answered < 3 {
                driver.rest(&echo).unwrap();
            }
        }
    }

    #[test]
    fn tells_the_time_when_it_is_due_and_not_before() {
        let (mut driver, _) = rig();
        let mut echo = Echo {
            due: Some(driver.now().plus_millis(20)),
            ..Echo::default()
        };
        driver.work(&mut echo, |_, _| {}).unwrap();
        if driver.now() < echo.due.unwrap_or_default() {
            assert_eq!(echo.timeouts, 0);
        }
        while echo.timeouts == 0 {
            driver.rest(&echo).unwrap();
            driver.work(&mut echo, |_, _| {}).unwrap();
        }
        assert!(driver.now() >= Instant::from_millis(20));
    }

    #[test]
    fn a_waker_ends_the_rest_it_came_before_and_the_one_it_comes_during() {
        let (mut driver, _) = rig();
        let mut echo = Echo::default();
        driver.work(&mut echo, |_, _| {}).unwrap();
        let waker = driver.waker();
        waker.wake();
        driver.rest(&echo).unwrap();
        let thread = std::thread::spawn(move || waker.wake());
        driver.rest(&echo).unwrap();
        thread.join().unwrap();
    }
}
