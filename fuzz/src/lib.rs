//! What the fuzz targets call: ordinary functions that take bytes and panic if something is wrong.

mod client;
mod console;
mod datagram;
mod handshake;
mod input;
mod network;
mod people;
mod seal;
mod sealed;
mod server;

pub use client::client;
pub use console::console;
pub use datagram::datagram;
pub use handshake::handshake;
pub use network::address;
pub use people::identity;
pub use sealed::sealed;
pub use server::server;

/// The entropy of every tested machine.
pub const SEED: chatapp_core::Seed = chatapp_core::Seed(*b"the seed of every run in fuzzing");
