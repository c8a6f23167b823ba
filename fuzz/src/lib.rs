//! The functions that the fuzz targets call. Each takes bytes, and panics if a property does not
//! hold.

mod client;
mod console;
mod constants;
mod conversation;
mod datagram;
mod disk;
mod encrypted;
mod frame_step;
mod handshake;
mod input;
mod machine;
mod medium;
mod medium_scenarios;
#[cfg(feature = "libfuzzer")]
mod mutate;
mod network;
mod people;
mod scenario;
mod server;
mod short_tag;
mod step;
mod stored_message;
mod values;

pub use client::client;
pub use console::console;
pub use constants::SEED;
pub use datagram::datagram;
pub use encrypted::encrypted;
pub use frame_step::{Author, EntryStep, FrameStep, MailStep, StoreStep};
pub use handshake::handshake;
pub use medium::{MediumHabit, MediumKeyStep};
pub use medium_scenarios::{client_with_medium_keys, server_with_medium_keys};
#[cfg(feature = "libfuzzer")]
pub use mutate::{cross, mutate};
pub use network::KEY_MARK;
pub use people::{address, identity};
pub use scenario::{Scenario, Start};
pub use server::server;
pub use step::{CommandStep, Fate, Head, Open, Say, Step};
pub use values::{Jump, NameStep, Rarely, Words};
