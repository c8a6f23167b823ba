//! What the fuzz targets call: ordinary functions that take bytes and panic if something is wrong.

mod client;
mod console;
mod conversation;
mod datagram;
mod frame_step;
mod handshake;
mod input;
#[cfg(feature = "libfuzzer")]
mod mutate;
mod network;
mod people;
mod scenario;
mod seal;
mod sealed;
mod server;
mod step;
mod values;

pub use client::client;
pub use console::console;
pub use datagram::datagram;
pub use frame_step::{Author, EntryStep, FrameStep};
pub use handshake::handshake;
#[cfg(feature = "libfuzzer")]
pub use mutate::{cross, mutate};
pub use network::{KEY_MARK, address};
pub use people::identity;
pub use scenario::{Scenario, Start};
pub use sealed::sealed;
pub use server::server;
pub use step::{CommandStep, Fate, Head, Open, Say, Step};
pub use values::{Jump, NameStep, Rarely, Words};

/// The entropy of every tested machine.
pub const SEED: chatapp_core::Seed = chatapp_core::Seed(*b"the seed of every run in fuzzing");

/// The wall clock of every run.
const WALL_CLOCK: u32 = 1_648_150_292;

/// Numbers of participants: the tested client is alice.
const SERVER: u8 = 0;
const ALICE: u8 = 1;
const CLIENT: u8 = ALICE;
const BOB: u8 = 2;
const CAROL: u8 = 3;
