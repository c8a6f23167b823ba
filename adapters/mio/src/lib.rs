//! Runs a ChatApp [`Client`](chatapp_core::Client) or [`Server`](chatapp_core::Server) over a UDP
//! socket of the operating system, on Linux, macOS and Windows.
//!
//! This crate has no protocol, only the parts that the core leaves to its caller:
//!
//! - [`Driver`]: the [event loop](chatapp_core::EventLoop) of the core, with a clock and an event
//!   queue to park in.
//! - [`Transport`]: a network that the system can poll. [`UdpTransport`] is the one over a socket;
//!   `chatapp-tap` has another.
//! - [`Socket`]: a UDP socket for IPv4 and IPv6 that hides errors about single datagrams.
//! - [`GsoBuffer`]: several datagrams per system call, where the system supports this.
//! - [`Clock`], [`seed`] and [`fill_random`]: time and entropy.
//! - [`ClientMemory`] and [`ServerMemory`]: the storage on the heap, sized from limits.
//!
//! ```no_run
//! use chatapp_core::{Client, ClientConfig, Command, Identity, Name, StaticKey};
//! use chatapp_mio::{ClientLimits, ClientMemory, Driver, Socket, fill_random, seed};
//!
//! let mut driver = Driver::new(Socket::bind(None, 0)?)?;
//! let name = Name::new("alice")?;
//! let config = ClientConfig::new(name.clone(), "192.0.2.1:4119".parse()?);
//! let mut memory = ClientMemory::new(ClientLimits::default())?;
//! // A program that is started again keeps the 32 bytes of its key.
//! let mut random = [0; 32];
//! fill_random(&mut random)?;
//! let identity = Identity::new(StaticKey::new(random), None);
//! let mut client = Client::new(config, memory.storage(), identity, seed(&mut random)?)?;
//! client.command(driver.now(), Command::Register { name: name.as_str() })?;
//! loop {
//!     driver.poll(&mut client, |client, now| {
//!         while let Some(event) = client.poll_event() {
//!             println!("{event:?}");
//!             // The output has taken it: now it is acknowledged.
//!             if let Some(receipt) = event.receipt() {
//!                 client.handle_shown(now, receipt);
//!             }
//!         }
//!     })?;
//!     driver.park(&client)?;
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod arrived;
mod clock;
mod driver;
mod gso_buffer;
mod heap;
mod local_addresses;
mod platform;
mod socket;
mod transport;
mod udp_transport;

pub use clock::{Clock, fill_random, seed};
pub use driver::{Driver, Waker};
pub use gso_buffer::GsoBuffer;
pub use heap::{ClientLimits, ClientMemory, OutOfMemory, ServerLimits, ServerMemory};
pub use mio::{Registry, Token};
pub use socket::{Received, Refused, Socket};
pub use transport::Transport;
pub use udp_transport::UdpTransport;
