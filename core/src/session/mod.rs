//! Reliable, encrypted sessions between two processes: the lower of the two layers, used by client and server.

pub(crate) mod connection;
pub(crate) mod index;
pub(crate) mod key_log;
pub(crate) mod reply;
