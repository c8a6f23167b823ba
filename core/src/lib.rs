//! A UDP chat room as a pure state machine.
//!
//! [`Client`] and [`Server`] hold the whole protocol: the table of clients, acknowledgements and retransmission,
//! the queues for those who are away, the channel. They have no sockets, clocks, threads, allocation or randomness
//! of their own. Datagrams, commands, time and answers of the store go in; datagrams, events and records come out.
//! Whoever drives them ("an adapter") needs no knowledge of the protocol.
//!
//! # The contract
//!
//! Both machines follow the same rules.
//!
//! 1. **Inputs** are the `handle_*` methods and [`Client::command`]. Each takes the current [`Instant`].
//! 2. After *each* input, take all outputs, **in this order**, until each gives `None`:
//!    [`Server::poll_persist`] (store the records, then [`Server::handle_stored`], which is an input),
//!    `poll_event` (and [`Client::poll_persist`] after each), [`Endpoint::poll_transmit`].
//! 3. Then wait for the next input, at most until [`Endpoint::poll_timeout`], and call
//!    [`Endpoint::handle_timeout`] when that time has come. Datagrams that are waiting go first.
//!
//! Leaving out an output is never an error, only slow: what is not stored is not acknowledged to its sender, an
//! event that is not taken ([`Client::poll_event`]) leaves its message unacknowledged, so that it is repeated
//! later. `poll_timeout` gives the time of the last input while anything waits.
//!
//! * **Same inputs, same outputs**, byte for byte: time, the wall clock, keys and a [`Seed`] of entropy are arguments.
//! * **Everything is sealed**: a session is between two [keys](Identity), and a private message for its recipient alone.
//! * **No input panics**, and nothing else does: `bins/firmware` has images that do not link if something could. Hostile datagrams are dropped and [counted by reason](DropReason); mistakes of the user are
//!   [values](CommandError); full storage is a value too.
//! * **Memory** is what the caller hands in ([`ClientStorage`], [`ServerStorage`]), sized once.
//! * **Cost**: an input that concerns one client costs the same in a room of ten and of ten thousand. A message to
//!   all is a cursor that moves when datagrams are built, not a queue.
//!
//! # A run loop
//!
//! Two machines, a network that is a queue, and a clock that is a number:
//!
//! ```
//! use std::collections::VecDeque;
//! use std::net::SocketAddr;
//!
//! use chatapp_core::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Memory for 8 names, 8 frames on the way to each, 16 messages; a microcontroller has it in statics.
//! let mut server_memory = Box::new(ServerMemory::<8, 8, 16, 1_024, 16>::new());
//! let mut server = Server::new(
//!     ServerConfig::default(),
//!     server_memory.storage(),
//!     Identity::new(StaticKey::new([1; 32]), None),
//!     Seed([1; 32]), // 32 random bytes, at every start others
//! )?;
//! let server_address: SocketAddr = "127.0.0.1:5000".parse()?;
//! let alice_address: SocketAddr = "127.0.0.1:6000".parse()?;
//! let mut alice_memory = ClientMemory::<9, 4, 8>::new();
//! let mut alice = Client::new(
//!     ClientConfig::new(Name::new("alice")?, server_address),
//!     alice_memory.storage(),
//!     Identity::new(StaticKey::new([2; 32]), None), // 32 random bytes, kept for the next start
//!     Seed([2; 32]),
//! )?;
//!
//! let mut now = Instant::ZERO;
//! let mut network: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)> = VecDeque::new();
//! let mut shown = Vec::new();
//! let mut out = [0; limits::DATAGRAM_LEN_MAX];
//!
//! alice.command(now, Command::Register { name: "alice" })?;
//! alice.command(now, Command::Send { to: "alice", text: "hello, me" })?;
//! while !alice.is_idle() {
//!     // Outputs, in their order.
//!     while let Some(Persist { ticket, record: _ }) = server.poll_persist() {
//!         server.handle_stored(now, ticket, Ok(())); // after the record is safe
//!     }
//!     while server.poll_event().is_some() {}
//!     while let Some(transmit) = server.poll_transmit(now, &mut out) {
//!         network.push_back((server_address, transmit.to, out[..transmit.len].to_vec()));
//!     }
//!     while let Some(event) = alice.poll_event() {
//!         shown.push(format!("{event:?}"));
//!     }
//!     while let Some(transmit) = alice.poll_transmit(now, &mut out) {
//!         network.push_back((alice_address, transmit.to, out[..transmit.len].to_vec()));
//!     }
//!     // The next input: a datagram, or time.
//!     if let Some((from, to, mut datagram)) = network.pop_front() {
//!         if to == server_address {
//!             server.handle_datagram(now, from, &mut datagram);
//!         } else {
//!             alice.handle_datagram(now, from, &mut datagram);
//!         }
//!     } else if let Some(next) = [server.poll_timeout(), alice.poll_timeout()].into_iter().flatten().min() {
//!         now = now.max(next);
//!         server.handle_timeout(now);
//!         alice.handle_timeout(now);
//!     }
//! }
//! assert!(shown.iter().any(|line| line.contains("hello, me")));
//! # Ok(())
//! # }
//! ```
//!
//! [`Turn`] is the middle of this loop for a real [`Network`], with bounds and back-pressure; adapters add sleep.
//!
//! # Features
//!
//! All are off, and none excludes another. `log` and `defmt` tell the logger of the program, or of the board, what happens
//! inside: what is dropped and why, what is repeated, who is given up. `zerocopy` lets slots be made from zeroed memory.
//!
//! # Inside
//!
//! All cryptography is in [`crypto`]. Above it are two layers, kept apart. A *connection* makes one session between two processes reliable: sequence numbers, a window,
//! cumulative acknowledgements, 500 ms and 5 retries for everything. *End to end*, a message is identified by its
//! sender's process and a counter, on every path it takes; its recipient shows each once. `PROTOCOL.md` beside this
//! crate describes both, byte by byte. `PORTING.md` leads to a first message on a new board.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(test)]
extern crate std;

/// The example of the guide for porters is a test.
#[cfg(doctest)]
#[doc = include_str!("../PORTING.md")]
struct Porting;

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
    CommandError, CommandId, MessageId, MessageStatus, OutboxSlot, PeerSlot, Request, Shown,
    WindowSlot,
};
pub use crypto::{Identity, PublicKey, RoomKey, Seed, StaticKey};
pub use driver::{Endpoint, Flushed, Network, Outgoing, Sent, StorageError, TableEntry, Turn};
pub use drop_reason::{Disposition, DropReason};
pub use name::{Name, NameError, drives_display};
pub use rate::RateLimit;
pub use retry::RetryPolicy;
pub use server::{
    Allowed, ChangeSlot, Departure, FlightSlot, Gauge, JournalSlot, LogSlot, MailSlot, NameRecord,
    NameSlot, Persist, RateLimits, Record, RestoreError, Server, ServerConfig, ServerEvent,
    ServerMemory, ServerStorage, SourceSlot, StoreFailed, Ticket, Usage,
};
pub use session::ConnectionSlot;
pub use session::key_log::{KeySlot, LoggedKey};
pub use stats::{Stats, Traffic};
pub use time::{Instant, UnixSeconds};
pub use transmit::Transmit;
