//! A deterministic simulator of a whole chat room: one server, clients, their network, their clocks
//! and their store, in one thread and in virtual time, all decided by one seed.
//!
//! [`run`] draws and directs a run, [`scene`] one that a test writes down; [`world`] is the room
//! itself; [`model`] knows what must be true, without knowing how the protocol makes it so.
//! `tests/README.md` says how to use it.

#![expect(
    missing_debug_implementations,
    reason = "a world is read through its trace"
)]

pub mod absence;
pub mod attacker;
pub mod choices;
pub mod client_process;
pub mod event;
pub mod journal;
pub mod keys;
pub mod medium;
pub mod memory;
pub mod model;
pub mod numbers;
pub mod pcap;
pub mod people;
pub mod person;
pub mod plan;
pub mod process;
pub mod queue;
pub mod record;
pub mod run;
pub mod scene;
pub mod server_process;
pub mod settle;
pub mod small_room;
pub mod sniffer;
pub mod times;
pub mod trace;
pub mod violation;
pub mod wiretap;
pub mod world;
