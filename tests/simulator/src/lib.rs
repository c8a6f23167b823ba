//! A deterministic simulator of a whole chat room: one server, clients, their network, clocks and
//! store. It runs in one thread and in virtual time, and one seed decides everything.
//!
//! [`run`] draws and directs a run; [`scene`] runs a room that a test directs. [`world`] is the
//! room itself. [`model`] knows what must be true, without knowledge of the protocol.
//! `tests/README.md` explains how to use them.

#![expect(
    missing_debug_implementations,
    reason = "a world is read through its trace"
)]

pub mod absence;
pub mod attacker;
pub mod choices;
pub mod client_process;
mod client_words;
pub mod display;
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
