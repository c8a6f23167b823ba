//! Relay between clients and server: counts, blocks, drops, duplicates and reorders datagrams.

use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::PATIENCE;

/// The direction of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a client to the server.
    ToServer,
    /// From the server to a client.
    FromServer,
    /// From one client to another.
    BetweenClients,
}

/// A recorded datagram, forwarded or not.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Time of its arrival.
    pub at: Instant,
    /// Direction of the datagram.
    pub direction: Direction,
    /// Source address of the datagram.
    pub from: SocketAddr,
    /// Content of the datagram.
    pub bytes: Vec<u8>,
    /// Socket and destination with which the relay forwards it.
    out: Arc<UdpSocket>,
    to: SocketAddr,
}

impl Seen {
    /// Sends these bytes on the path of this datagram, as an attacker with forged addresses can.
    pub fn forges(&self, bytes: &[u8]) {
        let _ = self.out.send_to(bytes, self.to);
    }

    /// Returns whether the datagram contains these bytes.
    pub fn carries(&self, bytes: &[u8]) -> bool {
        self.bytes.windows(bytes.len()).any(|part| part == bytes)
    }
}

/// Faults of a path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Percentage of datagrams to drop.
    pub loss_percent: u8,
    /// Percentage of datagrams to send twice.
    pub duplicate_percent: u8,
    /// Maximum delay of each copy in milliseconds, drawn at random, which reorders datagrams.
    pub delay_ms_max: u64,
}

/// A network between clients and server. Clients use its [address](Self::address) as that of the
/// server, and reach the server and each other through it. The server sees each client at a socket
/// of the relay, as behind a full-cone NAT.
#[derive(Debug)]
pub struct Relay {
    network: Arc<Network>,
    address: SocketAddr,
}

impl Relay {
    /// Starts a relay in front of `server`.
    ///
    /// # Panics
    /// Panics if the system has no socket.
    pub fn before(server: SocketAddr, weather: Weather) -> Self {
        let entrance = Arc::new(socket());
        let address = entrance
            .local_addr()
            .expect("a bound socket has an address");
        let (post, deliveries) = channel();
        let network = Arc::new(Network {
            server,
            entrance: Arc::clone(&entrance),
            weather,
            closed: AtomicBool::new(false),
            changed: Condvar::new(),
            state: Mutex::new(State {
                clients: Vec::new(),
                seen: Vec::new(),
                cut: Vec::new(),
                random: fastrand::Rng::with_seed(1),
                post: Some(post),
                threads: vec![std::thread::spawn(move || deliver(&deliveries))],
            }),
        });
        network.listen(entrance, None);
        Self { network, address }
    }

    /// Starts a relay without a server: it records all datagrams and answers none.
    ///
    /// # Panics
    /// Panics if the system has no socket.
    pub fn before_nothing() -> Self {
        let relay = Self::before((Ipv4Addr::LOCALHOST, 9).into(), Weather::default());
        relay.cut(Direction::ToServer);
        relay
    }

    /// Returns the address that clients use as that of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Blocks all datagrams in this direction from now on.
    pub fn cut(&self, direction: Direction) {
        self.network.state().cut.push((direction, None));
    }

    /// Blocks datagrams in this direction to or from the client at this port.
    pub fn cut_for(&self, direction: Direction, client_port: u16) {
        self.network
            .state()
            .cut
            .push((direction, Some(client_port)));
    }

    /// Forwards all datagrams again.
    pub fn mend(&self) {
        self.network.state().cut.clear();
    }

    /// Gives the client at this port a new address: recipients see another socket, and datagrams to
    /// its old address are lost.
    ///
    /// # Panics
    /// Panics if no client at this port has sent anything, or the system has no socket.
    pub fn moves(&self, client_port: u16) {
        let front = Arc::new(socket());
        let mut state = self.network.state();
        let client = state
            .clients
            .iter_mut()
            .find(|client| client.address.port() == client_port)
            .expect("a client that was here");
        client.front = Arc::clone(&front);
        let address = client.address;
        drop(state);
        self.network.listen(front, Some(address));
    }

    /// Returns all datagrams in this direction since the start, or the last
    /// [`forget`](Self::forget).
    pub fn seen(&self, direction: Direction) -> Vec<Seen> {
        self.network
            .state()
            .seen
            .iter()
            .filter(|seen| seen.direction == direction)
            .cloned()
            .collect()
    }

    /// Deletes the record of all datagrams so far.
    pub fn forget(&self) {
        self.network.state().seen.clear();
    }

    /// Waits until a process at this port has sent a datagram of at least this length in this
    /// direction. The content is encrypted, so only the length identifies it.
    ///
    /// # Panics
    /// Panics if none arrives.
    pub fn sees_long(&self, direction: Direction, port: u16, len: usize) {
        self.waits_for(&format!("{len} bytes from {port} {direction:?}"), |seen| {
            seen.iter().any(|seen| {
                seen.direction == direction && seen.from.port() == port && seen.bytes.len() >= len
            })
        });
    }

    /// Waits until `count` datagrams have arrived in this direction.
    ///
    /// # Panics
    /// Panics if they do not arrive.
    pub fn sees_datagrams(&self, direction: Direction, count: usize) {
        self.waits_for(&format!("{count} datagrams {direction:?}"), |seen| {
            seen.iter()
                .filter(|seen| seen.direction == direction)
                .count()
                >= count
        });
    }

    fn waits_for(&self, what: &str, condition: impl Fn(&[Seen]) -> bool) {
        let (state, timeout) = self
            .network
            .changed
            .wait_timeout_while(self.network.state(), PATIENCE, |state| {
                !condition(&state.seen)
            })
            .expect("no thread of the relay panics");
        let came = state.seen.len();
        drop(state);
        assert!(
            !timeout.timed_out(),
            "the relay waited in vain for {what}; {came} datagrams came in all"
        );
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.network.closed.store(true, Ordering::Relaxed);
        let mut state = self.network.state();
        state.post = None;
        let threads = std::mem::take(&mut state.threads);
        drop(state);
        for thread in threads {
            let _ = thread.join();
        }
    }
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .expect("50 ms is a valid timeout");
    socket
}

/// A client, and the socket that represents it.
#[derive(Debug)]
struct Client {
    address: SocketAddr,
    front: Arc<UdpSocket>,
}

#[derive(Debug)]
struct Network {
    server: SocketAddr,
    entrance: Arc<UdpSocket>,
    weather: Weather,
    closed: AtomicBool,
    changed: Condvar,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    clients: Vec<Client>,
    seen: Vec<Seen>,
    /// Blocked directions, for one client or for all.
    cut: Vec<(Direction, Option<u16>)>,
    random: fastrand::Rng,
    post: Option<Sender<Delivery>>,
    threads: Vec<JoinHandle<()>>,
}

impl Network {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread of the relay panics")
    }

    /// Receives at `socket`, which represents `owner`, or the server.
    fn listen(self: &Arc<Self>, socket: Arc<UdpSocket>, owner: Option<SocketAddr>) {
        let network = Arc::clone(self);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 2_048];
            while !network.closed.load(Ordering::Relaxed) {
                if let Ok((len, from)) = socket.recv_from(&mut buffer)
                    && network.is_in_use(&socket)
                {
                    network.take(from, owner, &buffer[..len]);
                }
            }
        });
        self.state().threads.push(thread);
    }

    /// Returns whether this socket represents a client: a client that moved has left its old one.
    fn is_in_use(&self, socket: &Arc<UdpSocket>) -> bool {
        let state = self.state();
        let mut fronts = state.clients.iter().map(|client| &client.front);
        Arc::ptr_eq(socket, &self.entrance) || fronts.any(|front| Arc::ptr_eq(socket, front))
    }

    fn take(self: &Arc<Self>, from: SocketAddr, owner: Option<SocketAddr>, bytes: &[u8]) {
        let (direction, out, to) = match owner {
            None => (Direction::ToServer, self.front_of(from), self.server),
            Some(client) if from == self.server => {
                (Direction::FromServer, Arc::clone(&self.entrance), client)
            }
            Some(client) => (Direction::BetweenClients, self.front_of(from), client),
        };
        let mut state = self.state();
        state.seen.push(Seen {
            at: Instant::now(),
            direction,
            from,
            bytes: bytes.to_owned(),
            out: Arc::clone(&out),
            to,
        });
        self.changed.notify_all();
        let touches = |port| {
            [Some(from), owner]
                .into_iter()
                .flatten()
                .any(|end| end.port() == port)
        };
        let is_cut = state
            .cut
            .iter()
            .any(|&(cut, port)| cut == direction && port.is_none_or(touches));
        if is_cut || state.random.u8(0..100) < self.weather.loss_percent {
            return;
        }
        let copies = if state.random.u8(0..100) < self.weather.duplicate_percent {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let delay_ms = state.random.u64(0..=self.weather.delay_ms_max);
            let due = Instant::now() + Duration::from_millis(delay_ms);
            let delivery = Delivery {
                due,
                out: Arc::clone(&out),
                to,
                bytes: bytes.to_owned(),
            };
            if delay_ms == 0 {
                delivery.goes();
            } else if let Some(post) = &state.post {
                let _ = post.send(delivery);
            }
        }
    }

    fn front_of(self: &Arc<Self>, address: SocketAddr) -> Arc<UdpSocket> {
        let mut state = self.state();
        if let Some(client) = state
            .clients
            .iter()
            .find(|client| client.address == address)
        {
            return Arc::clone(&client.front);
        }
        let front = Arc::new(socket());
        state.clients.push(Client {
            address,
            front: Arc::clone(&front),
        });
        drop(state);
        self.listen(Arc::clone(&front), Some(address));
        front
    }
}

/// A datagram that waits for its delay.
#[derive(Debug)]
struct Delivery {
    due: Instant,
    out: Arc<UdpSocket>,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl Delivery {
    /// Sends the datagram. As on any network, a datagram that cannot be sent is lost.
    fn goes(self) {
        let _ = self.out.send_to(&self.bytes, self.to);
    }
}

impl PartialEq for Delivery {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Delivery {}

impl PartialOrd for Delivery {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Delivery {
    /// Reversed, because the heap returns the greatest first, and the earliest is due first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.due.cmp(&self.due)
    }
}

/// Sends each delivery when it is due, until all senders are gone.
fn deliver(deliveries: &Receiver<Delivery>) {
    let mut waiting = BinaryHeap::<Delivery>::new();
    loop {
        let now = Instant::now();
        while waiting.peek().is_some_and(|delivery| delivery.due <= now) {
            if let Some(delivery) = waiting.pop() {
                delivery.goes();
            }
        }
        let pause = waiting.peek().map_or(PATIENCE, |delivery| {
            delivery.due.saturating_duration_since(now)
        });
        match deliveries.recv_timeout(pause) {
            Ok(delivery) => waiting.push(delivery),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
