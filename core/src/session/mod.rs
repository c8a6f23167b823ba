//! Reliable, encrypted sessions between two processes: the lower of the two layers, used by client
//! and server.

mod clock;
pub(crate) mod connection;
mod connections;
mod cookies;
mod handshakes;
pub(crate) mod key_log;
mod lifetime;
mod received;
mod reply;
mod sessions;

pub(crate) use clock::Clock;
pub use connections::ConnectionSlot;
pub(crate) use connections::Connections;
pub(crate) use cookies::Cookies;
pub(crate) use handshakes::{Handshakes, Recipient, Request, Terms};
pub(crate) use received::Repeated;
pub(crate) use sessions::Sessions;
