//! A UDP chat room as two state machines without input and output ("sans-IO"): [`Client`] and
//! [`Server`].
//!
//! They implement the whole protocol: encrypted sessions with acknowledgements and retransmission,
//! the roster, the channel, and mailboxes for clients that are offline. They have no sockets,
//! clocks, threads, allocator or source of randomness.
//!
//! An *adapter* connects a machine to the outside. Its inputs are datagrams, commands, the time and
//! results of the store. Its outputs are datagrams, events and records. An adapter needs no
//! knowledge of the protocol.
//!
//! | to | see |
//! | --- | --- |
//! | join a room | [`Client`], [`ClientConfig`], [`ClientMemory`], [`Command`], [`ClientEvent`] |
//! | run a room | [`Server`], [`ServerConfig`], [`ServerMemory`], [`ServerEvent`] |
//! | drive one of them | [`EventLoop`], [`Network`], [`Endpoint`] |
//! | store records | [`Journal`], [`Record`], [`ClientRecord`] |
//! | create keys | [`Identity`], [`StaticKey`], [`RoomKey`], [`Seed`] |
//! | dissect datagrams | [`wire`], [`crypto`], [`LoggedKey`] |
//!
//! # The contract
//!
//! Both machines follow the same rules.
//!
//! 1. **Inputs** are the `handle_*` methods and [`Client::command`]. Each takes the current
//!    [`Instant`].
//! 2. After *each* input, poll all outputs, **in this order**, until each returns `None`:
//!    1. [`Server::poll_persist`]: store the records, then call [`Server::handle_stored`], which is
//!       an input;
//!    2. [`Client::poll_persist`] and [`Client::poll_event`], or [`Server::poll_event`];
//!    3. [`Endpoint::poll_transmit`].
//! 3. Then wait for the next input, at most until [`Endpoint::poll_timeout`]. Call
//!    [`Endpoint::handle_timeout`] when that time has come, after all received datagrams.
//!
//! An output that is not polled is late, but not lost. The server does not acknowledge a message
//! before its record is stored. `poll_timeout` returns the time of the last input while an output
//! waits.
//!
//! An event that shows a message has a [`Receipt`]. When the output has written the event, the
//! caller stores [`Receipt::record`], if it has a store, and calls [`Client::handle_shown`], which
//! is an input. The client does not acknowledge a message before that: its sender, or the server,
//! sends it again. Receipts come back in their order, and a receipt that never does is a message
//! that was not shown. A caller whose output takes each line at once returns receipts at once.
//!
//! * **Deterministic**: the same inputs give the same outputs, byte for byte. The time, the wall
//!   clock, keys and a [`Seed`] of entropy are arguments.
//! * **Encrypted**: a session encrypts all frames, and authenticates both [identities](Identity). A
//!   private message that the server stores is end-to-end encrypted.
//! * **Panic-free, verified at link time**: `bins/firmware` has images that do not link if any code
//!   can panic. The core drops hostile datagrams and [counts them by reason](DropReason). An
//!   invalid command is a [value](CommandError), and so is full storage.
//! * **Memory** belongs to the caller ([`ClientStorage`], [`ServerStorage`]), who sizes it once.
//! * **Cost**: a datagram costs the same in a room of ten and of ten thousand, with one exception:
//!   a client whose table is full scans it to evict a peer. A message to all clients is stored
//!   once; each client has a cursor into the log.
//!
//! # The event loop
//!
//! [`EventLoop`] drives a machine over a [`Network`]: it follows the contract, with bounds and
//! back-pressure. An adapter owns a loop, and parks between two polls. The same loop runs on a
//! microcontroller and on a system with sockets. In this example, the network is a queue, the clock
//! is a number, and a room runs in one thread:
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
//! // 8 names, 8 frames in flight to each, 16 messages, 1,024 words of 4 bytes for texts, and 16
//! // records that wait for the store. The memory can be a static.
//! let mut server_memory = Box::new(ServerMemory::<8, 8, 16, 1_024, 16>::new());
//! let mut server = Server::new(
//!     ServerConfig::default(),
//!     server_memory.storage(),
//!     Identity::new(StaticKey::new([1; 32]), None),
//!     Seed::new(&mut [1; 32]), // 32 random bytes, fresh at each start
//! )?;
//! let (server_addr, alice_addr) = ("127.0.0.1:5000".parse()?, "127.0.0.1:6000".parse()?);
//! // The server and 8 names, 4 commands, 8 former processes, and 8 pinned keys.
//! let mut alice_memory = ClientMemory::<9, 4, 8, 8>::new();
//! let mut alice = Client::new(
//!     ClientConfig::new(Name::new("alice")?, server_addr),
//!     alice_memory.storage(),
//!     Identity::new(StaticKey::new([2; 32]), None), // 32 random bytes, stored for the next start
//!     Seed::new(&mut [2; 32]),
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
//!     alice_loop.poll(&mut alice, &mut alice_port, now, |alice, now| {
//!         while let Some(event) = alice.poll_event() {
//!             shown.push(format!("{event:?}"));
//!             if let Some(receipt) = event.receipt() {
//!                 alice.handle_shown(now, receipt); // it is written: acknowledge it
//!             }
//!         }
//!     });
//!     // Park: this example skips the time until the next deadline.
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
//! * `noise` (on by default): the cryptography, in pure Rust. Without it, there is only the null
//!   cipher.
//! * `ring`: ChaCha20-Poly1305 of the crate `ring`, in assembly. It needs a C compiler, includes
//!   `noise`, and gives the same bytes.
//! * `null-cipher`: a transparent cipher, for simulators. It protects nothing: no program that
//!   people run may enable it.
//! * `kept-receipts` (on by default): a client tells when its stored messages are delivered
//!   ([`ClientEvent::KeptDelivered`]). Without it, a board saves flash.
//! * `ignore` (on by default): a client shows no message of the keys that its user ignores
//!   ([`Client::ignore`]). A board without commands for that saves flash.
//! * `late-receipts` (on by default): a [`Receipt`] may come back whenever the output has written
//!   its message. A board whose output takes each line at once leaves it out, which saves some
//!   flash: it has to return each receipt before it polls the next datagram to send, and receipts
//!   have no record.
//! * `medium-keys` (on by default): a thief of a client's key cannot read the stored messages that
//!   the client has fetched before ([`Client::use_medium_keys`]). It needs a store for secrets.
//! * `link-local` (on by default): the scopes of link-local IPv6 addresses. A board without IPv6
//!   leaves it out, which saves some flash.
//! * `wipe-stack` (on by default): overwrites the stack that a handshake has used. A board without
//!   swap and core dumps can leave it out, which saves flash and stack.
//! * `moderation` (on by default): orders of the operator of a server, such as bans and mutes.
//! * `quotas` (on by default): what one key, one address and one sender may use of a server's room.
//!   A board for a few people leaves it out.
//! * `renewals` (on by default): a client renews its sessions before they are an hour old. Without
//!   it, they end then, and the next datagram opens new ones, which saves some flash.
//! * `call-guard` (on by default): limits for each caller, and bounds of what goes to an address
//!   that did not answer. A board in a room of friends leaves it out.
//! * `log`, `defmt`: trace points for the logger of the program, or of the board. They report drops
//!   and their reasons, retransmissions and lost sessions.
//! * `zerocopy`: slots can be created from zeroed memory.
//!
//! At least one of `noise`, `ring` and `null-cipher` must be on; no feature excludes another.
//!
//! # Layers
//!
//! The protocol has two layers. A *session* makes one path between two processes reliable, with
//! sequence numbers, a window, cumulative acknowledgements and retransmission. *End to end*, the
//! sender's process and a counter identify a message on every path, and its recipient shows it
//! once.
//!
//! `PROTOCOL.md` beside this crate specifies both layers, byte by byte. `SECURITY.md` states the
//! threat model. `PORTING.md` is a guide to a first message on a new board.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(test)]
extern crate std;

#[cfg(not(any(feature = "noise", feature = "null-cipher")))]
compile_error!("chatapp-core needs a cipher: enable the feature `noise`, `ring` or `null-cipher`");

/// Compiles the example of the porting guide as a test.
#[cfg(doctest)]
#[doc = include_str!("../PORTING.md")]
struct Porting;

/// Compiles the example of the README as a test.
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

#[cfg(feature = "medium-keys")]
pub use client::OwnMediumKeys;
pub use client::{
    Client, ClientConfig, ClientEvent, ClientMemory, ClientRecord, ClientStorage, Command,
    CommandError, CommandId, DedupSlot, MessageId, MessageStatus, NotShownReason, OutboxSlot,
    PeerSlot, PinSlot, Receipt, Request, Shown,
};
#[cfg(feature = "ignore")]
pub use client::{IgnoreError, IgnoredSlot};
pub use containers::CountSlot;
#[cfg(feature = "medium-keys")]
pub use crypto::MediumSecrets;
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
    AllowEntry, ChangeSlot, Departure, Gauge, InFlightSlot, JournalSlot, LogSlot, MailSlot,
    NameRecord, NameSlot, OrderError, OrderId, Persist, RateLimits, Record, RestoreError,
    Restriction, RestrictionKind, Server, ServerConfig, ServerEvent, ServerMemory, ServerStorage,
    SourceSlot, StoreFailed, Subject, Ticket, Usage,
};
#[cfg(feature = "moderation")]
pub use server::{DenyEntry, RestrictionSlot};
pub use session::ConnectionSlot;
pub use session::key_log::{KeySlot, LoggedKey};
pub use stats::{Stats, Traffic};
pub use time::{Instant, UnixSeconds};
pub use transmit::Transmit;
