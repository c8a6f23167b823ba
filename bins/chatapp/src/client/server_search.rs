//! The addresses of the server. All of them are tried, one every 250 ms while none has answered
//! (RFC 8305); if the server falls silent later, its name is looked up again.

use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use chatapp_core::{Client, Instant};
use chatapp_mio::Waker;

use crate::address::{is_literal, resolve};

/// Time between two tries: the "Connection Attempt Delay" of RFC 8305.
const TRY_MS: u64 = 250;

/// Each search sends at least this many requests, and so many rounds.
const TRIES_MIN: usize = 12;
const ROUNDS: usize = 3;

/// Silence after which the name is looked up again: two retransmissions.
const LOOKUP_AFTER_MS: u64 = 1_000;

/// Time between two lookups while the server is silent.
const LOOKUP_MS: u64 = 20_000;

/// The search for the server while the client awaits it.
pub(super) struct ServerSearch<'a> {
    host: &'a str,
    port: u16,
    waker: Waker,
    /// At least one, and at most those that the resolver returns.
    addresses: Vec<SocketAddr>,
    silence: Option<Silence>,
    lookup: Option<Receiver<Vec<SocketAddr>>>,
    /// The first session is sought: its addresses are fresh.
    is_first: bool,
}

/// A time without an answer of the server.
#[derive(Clone, Copy, Debug)]
struct Silence {
    tries_left: usize,
    /// The next address in the list.
    next: usize,
    next_try: Instant,
    next_lookup: Instant,
}

impl<'a> ServerSearch<'a> {
    /// Takes the addresses of a host, of which the client asks the first.
    pub(super) fn new(host: &'a str, port: u16, addresses: Vec<SocketAddr>, waker: Waker) -> Self {
        Self {
            host,
            port,
            waker,
            addresses,
            silence: None,
            lookup: None,
            is_first: true,
        }
    }

    /// Returns the addresses that were tried last, for messages.
    pub(super) fn addresses(&self) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(SocketAddr::to_string).collect();
        addresses.join(", ")
    }

    /// Lets the client try the next address if that is due.
    pub(super) fn poll(
        &mut self,
        client: &mut Client<'_>,
        now: Instant,
        reaches: impl Fn(SocketAddr) -> bool,
    ) {
        if !client.awaits_server() {
            self.is_first &= self.silence.is_none();
            self.silence = None;
            return;
        }
        let mut silence = self.silence.unwrap_or_else(|| self.begin(now));
        if let Some(addresses) = self.looked_up(reaches) {
            silence.restart(&self.addresses, &addresses, now);
            self.addresses = addresses;
        }
        if !self.is_first && silence.next_lookup <= now && self.lookup.is_none() {
            silence.next_lookup = now.plus_millis(LOOKUP_MS);
            self.look_up();
        }
        if silence.tries_left != 0 && silence.next_try <= now {
            silence.tries_left -= 1;
            silence.next_try = now.plus_millis(TRY_MS);
            if let Some(address) = self.addresses.get(silence.next) {
                client.try_server_at(now, *address);
            }
            silence.next = (silence.next + 1) % self.addresses.len().max(1);
        }
        self.silence = Some(silence);
    }

    /// Returns when [`poll`](Self::poll) is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let silence = self.silence?;
        let next_try = (silence.tries_left != 0).then_some(silence.next_try);
        let looks_up = !self.is_first && self.lookup.is_none();
        let next_lookup = looks_up.then_some(silence.next_lookup);
        [next_try, next_lookup].into_iter().flatten().min()
    }

    /// The client asks the first address itself, at the start.
    fn begin(&self, now: Instant) -> Silence {
        let count = self.addresses.len();
        let tries = if self.is_first { tries(count) } else { 0 };
        Silence {
            tries_left: tries,
            next: 1 % count.max(1),
            next_try: now.plus_millis(TRY_MS),
            next_lookup: now.plus_millis(LOOKUP_AFTER_MS),
        }
    }

    /// Starts a lookup on a thread: name servers may take long.
    fn look_up(&mut self) {
        if is_literal(self.host) {
            return;
        }
        let (host, port, waker) = (self.host.to_owned(), self.port, self.waker.clone());
        let (sender, receiver) = mpsc::channel();
        let started = thread::Builder::new().name("lookup".into()).spawn(move || {
            // Without an answer, the known addresses are tried again.
            let _ = sender.send(resolve(&host, port).unwrap_or_default());
            waker.wake();
        });
        // Without a thread, the next lookup is in time.
        self.lookup = started.is_ok().then_some(receiver);
    }

    /// Returns what a lookup has found, or the known addresses if it found none.
    fn looked_up(&mut self, reaches: impl Fn(SocketAddr) -> bool) -> Option<Vec<SocketAddr>> {
        let mut found = match self.lookup.as_ref()?.try_recv() {
            Ok(found) => found,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Vec::new(),
        };
        self.lookup = None;
        found.retain(|address| reaches(*address));
        Some(if found.is_empty() {
            self.addresses.clone()
        } else {
            found
        })
    }
}

impl Silence {
    /// Tries what a lookup has found. The client itself keeps asking a single address.
    fn restart(&mut self, known: &[SocketAddr], found: &[SocketAddr], now: Instant) {
        self.next = 0;
        self.next_try = now;
        self.tries_left = match found {
            [_] if known == found => 0,
            [_] => 1,
            _ => tries(found.len()),
        };
    }
}

/// Returns the number of tries for so many addresses.
fn tries(count: usize) -> usize {
    match count {
        0 | 1 => 0,
        _ => TRIES_MIN.max(count * ROUNDS),
    }
}
