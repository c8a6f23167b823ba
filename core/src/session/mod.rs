//! Reliable, encrypted sessions between two processes: the lower of the two layers, used by client
//! and server.

pub(crate) mod connection;
pub(crate) mod key_log;
pub(crate) mod reply;
mod sessions;

pub use sessions::ConnectionSlot;
pub(crate) use sessions::{Sessions, Side};
