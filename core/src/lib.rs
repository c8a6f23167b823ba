//! A UDP chat room as two pure state machines, without input and output ("sans-IO").
//!
//! [`Client`] and [`Server`] hold the whole protocol: the roster, sessions with acknowledgements
//! and retransmission, mailboxes for clients that are offline, and the channel. They have no
//! sockets, clocks, threads, allocation or randomness of their own. Datagrams, commands, the time
//! and answers of the store go in; datagrams, events and records come out. The caller, called an
//! *adapter*, needs no knowledge of the protocol.
//!
//! # The contract
//!
//! Both machines follow the same rules.
//!
//! 1. **Inputs** are the `handle_*` methods and [`Client::command`]. Each takes the current
//!    [`Instant`].
//! 2. After *each* input, take all outputs, **in this order**, until each gives `None`:
//!    [`Server::poll_persist`] (store the records, then call [`Server::handle_stored`], which is an
//!    input), `poll_event` (and [`Client::poll_persist`] after each), [`Endpoint::poll_transmit`].
//! 3. Then wait for the next input, at most until [`Endpoint::poll_timeout`], and call
//!    [`Endpoint::handle_timeout`] when that time has come. Datagrams that are waiting go first.
//!
//! Leaving out an output is never an error, only slow. A record that is not stored is not
//! acknowledged to its sender. An event that is not taken ([`Client::poll_event`]) leaves its
//! message unacknowledged, so that its sender repeats it. `poll_timeout` returns the time of the
//! last input while anything waits.
//!
//! * **Same inputs, same outputs**, byte for byte: time, the wall clock, keys and a [`Seed`] of
//!   entropy are arguments.
//! * **Everything is encrypted**: a session is between two [keys](Identity), and a private message
//!   for its recipient alone.
//! * **Panic-free, verified at link time**: `bins/firmware` has images that do not link if
//!   something could panic. Hostile datagrams are dropped and [counted by reason](DropReason),
//!   mistakes of the user are [values](CommandError), and so is full storage.
//! * **Memory** is handed in by the caller ([`ClientStorage`], [`ServerStorage`]), sized once.
//! * **Cost**: a datagram costs the same in a room of ten and of ten thousand, with one exception:
//!   a client whose table is full scans it to evict a peer. A message to all is a cursor that moves
//!   when datagrams are built, not a queue.
//!
//! # The event loop
//!
//! [`EventLoop`] drives a machine over a [`Network`]: it keeps the contract, with bounds and
//! back-pressure. An adapter owns one, and parks between two polls. The same loop runs on a
//! microcontroller and on a system with sockets. Here, the network is a queue, the clock is a
//! number, and a room runs in one thread:
//!
//! ```
//! use std::cell::RefCell;
//! use std::collections::VecDeque;
//! use std::net::SocketAddr;
//!
//! use chatapp_core::limits::RECEIVE_LEN;
//! use chatapp_core::*;
//!
//! /// Datagrams in flight: source, destination, bytes.
//! type Wire = RefCell<VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>>;
//!
//! /// One end of the wire.
//! struct Port<'a>(SocketAddr, &'a Wire);
//!
//! impl Network for Port<'_> {
//!     fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
//!         let mut wire = self.1.borrow_mut();
//!         let next = wire.iter().position(|(_, to, _)| *to == self.0)?;
//!         let (from, _, datagram) = wire.remove(next)?;
//!         buffer[..datagram.len()].copy_from_slice(&datagram);
//!         Some((from, datagram.len()))
//!     }
//!
//!     fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
//!         self.1.borrow_mut().push_back((self.0, to, datagram.to_vec()));
//!         Sent::Done
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Memory for 8 names, 8 frames in flight to each, and 16 messages. It may be a static.
//! let mut server_memory = Box::new(ServerMemory::<8, 8, 16, 1_024, 16>::new());
//! let mut server = Server::new(
//!     ServerConfig::default(),
//!     server_memory.storage(),
//!     Identity::new(StaticKey::new([1; 32]), None),
//!     Seed([1; 32]), // 32 random bytes, others at every start
//! )?;
//! let (server_addr, alice_addr) = ("127.0.0.1:5000".parse()?, "127.0.0.1:6000".parse()?);
//! let mut alice_memory = ClientMemory::<9, 4, 8>::new();
//! let mut alice = Client::new(
//!     ClientConfig::new(Name::new("alice")?, server_addr),
//!     alice_memory.storage(),
//!     Identity::new(StaticKey::new([2; 32]), None), // 32 random bytes, kept for the next start
//!     Seed([2; 32]),
//! )?;
//!
//! let wire = Wire::default();
//! let (mut server_port, mut alice_port) = (Port(server_addr, &wire), Port(alice_addr, &wire));
//! let (mut server_loop, mut alice_loop) = (EventLoop::new(), EventLoop::new());
//! let mut journal = NullJournal::new(); // stores nothing: the room lives as long as the process
//! let mut shown = Vec::new();
//! let mut now = Instant::ZERO;
//!
//! alice.command(now, Command::Register { name: "alice" })?;
//! alice.command(now, Command::Send { to: "alice", text: "hello, me" })?;
//! while !alice.is_idle() {
//!     server_loop.poll(&mut server, &mut server_port, now, |server, now| {
//!         journal.exchange(server, now); // records come first
//!         while server.poll_event().is_some() {}
//!     });
//!     journal.submit();
//!     alice_loop.poll(&mut alice, &mut alice_port, now, |alice, _| {
//!         while let Some(event) = alice.poll_event() {
//!             shown.push(format!("{event:?}"));
//!         }
//!     });
//!     // Park: here, time passes at once.
//!     let deadlines = [
//!         server_loop.next_deadline(&server, &server_port),
//!         alice_loop.next_deadline(&alice, &alice_port),
//!     ];
//!     if wire.borrow().is_empty() {
//!         now = deadlines.into_iter().flatten().min().map_or(now, |next| now.max(next));
//!     }
//! }
//! assert!(shown.iter().any(|line| line.contains("hello, me")));
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! * `noise` (on by default): the cryptography, in Rust. Without it, only the null cipher is left.
//! * `ring`: the ciphers of the crate of that name, where there is a C compiler. The bytes are the
//!   same.
//! * `null-cipher`: the null cipher, for simulators. No program for people may enable it.
//! * `log`, `defmt`: trace points for the logger of the program, or of the board: drops, and their
//!   reasons, retransmissions, lost sessions.
//! * `zerocopy`: slots can be made from zeroed memory.
//!
//! At least one of `noise`, `ring` and `null-cipher` must be on; no feature excludes another.
//!
//! # Inside
//!
//! All cryptography is in [`crypto`]. Above it are two layers, kept apart. A *connection* makes one
//! session between two processes reliable: sequence numbers, a window, cumulative acknowledgements,
//! 500 ms and 5 retries for everything. *End to end*, a message is identified by its sender's
//! process and a counter, on every path it takes; its recipient shows each once. `PROTOCOL.md`
//! beside this crate describes both, byte by byte. `PORTING.md` leads to a first message on a new
//! board.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(test)]
extern crate std;

#[cfg(not(any(feature = "noise", feature = "null-cipher")))]
compile_error!("chatapp-core needs a cipher: enable the feature `noise`, `ring` or `null-cipher`");

/// The example of the guide for porters is a test.
#[cfg(doctest)]
#[doc = include_str!("../PORTING.md")]
struct Porting;

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

mod address;
mod client;
mod containers;
pub mod crypto;
mod driver;
mod drop_reason;
pub mod limits;
mod name;
mod rate;
mod retry;
mod server;
mod session;
mod stats;
mod time;
mod trace;
mod transmit;
pub mod wire;

pub use client::{
    Client, ClientConfig, ClientEvent, ClientMemory, ClientRecord, ClientStorage, Command,
    CommandError, CommandId, DedupSlot, MessageId, MessageStatus, OutboxSlot, PeerSlot, Request,
    Shown,
};
pub use crypto::{Identity, PublicKey, RoomKey, Seed, StaticKey};
pub use driver::{
    Endpoint, EventLoop, Flushed, Journal, Network, NullJournal, Sent, StorageError, TableEntry,
    TransmitQueue,
};
pub use drop_reason::{Disposition, DropReason};
pub use name::{Name, NameError, drives_display};
pub use rate::RateLimit;
pub use retry::RetryPolicy;
pub use server::{
    AllowEntry, ChangeSlot, Departure, FlightSlot, Gauge, JournalSlot, LogSlot, MailSlot,
    NameRecord, NameSlot, Persist, RateLimits, Record, RestoreError, Server, ServerConfig,
    ServerEvent, ServerMemory, ServerStorage, SourceSlot, StoreFailed, Ticket, Usage,
};
pub use session::ConnectionSlot;
pub use session::key_log::{KeySlot, LoggedKey};
pub use stats::{Stats, Traffic};
pub use time::{Instant, UnixSeconds};
pub use transmit::Transmit;
