//! Runs a ChatApp [`Client`](chatapp_core::Client) or [`Server`](chatapp_core::Server) over a UDP socket of the
//! operating system, on Linux, macOS and Windows.
//!
//! There is no protocol here, only what the core leaves to its caller:
//!
//! - [`Driver`]: the event loop, one turn at a time: it sleeps, reads, tells the time, and sends.
//! - [`Carrier`]: what it carries datagrams with; [`Kernel`] is the one over a socket, `chatapp-tap` has another.
//! - [`Socket`]: IPv4 and IPv6 in one, with errors sorted into those that matter and those that do not.
//! - [`Bursts`]: several datagrams at once between a socket and its reader, where the system can do so.
//! - [`Clock`] and [`seed`]: time and entropy.
//! - [`ClientMemory`] and [`ServerMemory`]: the storage on the heap, from limits.
//! - [`Journal`]: where the server's records go; [`MemoryJournal`] keeps none of them.
//!
//! ```no_run
//! use chatapp_core::{Client, ClientConfig, Command, Identity, Name, StaticKey};
//! use chatapp_mio::{ClientLimits, ClientMemory, Driver, Socket, seed};
//!
//! let mut driver = Driver::new(Socket::bind(None, 0)?)?;
//! let name = Name::new("alice")?;
//! let config = ClientConfig::new(name.clone(), "192.0.2.1:4119".parse()?);
//! let mut memory = ClientMemory::new(ClientLimits::default())?;
//! // A program that is started again keeps the 32 bytes of its key.
//! let identity = Identity::new(StaticKey::new(seed()?.0), None);
//! let mut client = Client::new(config, memory.storage(), identity, seed()?)?;
//! client.command(driver.now(), Command::Register { name: name.as_str() })?;
//! loop {
//!     driver.work(&mut client, |client, _now| {
//!         while let Some(event) = client.poll_event() {
//!             println!("{event:?}");
//!         }
//!     })?;
//!     driver.rest(&client)?;
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod bursts;
mod carrier;
mod clock;
mod driver;
mod heap;
mod journal;
mod kernel;
mod offload;
mod socket;

pub use bursts::Bursts;
pub use carrier::Carrier;
pub use clock::{Clock, seed};
pub use driver::{Driver, Waker};
pub use heap::{ClientLimits, ClientMemory, OutOfMemory, ServerLimits, ServerMemory};
pub use journal::{Journal, MemoryJournal};
pub use kernel::Kernel;
pub use mio::{Registry, Token};
pub use socket::{Received, Refused, Socket};
