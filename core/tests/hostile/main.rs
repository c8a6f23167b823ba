//! What others with bad intentions, or a busy machine, cannot do to a client or to a server; and
//! what only happens when a datagram is written by hand.

mod absence;
mod bursts;
mod caller;
mod calls;
mod client;
mod client_rig;
mod cookies;
mod damage;
mod feed;
mod held;
mod held_entries;
mod keeping;
mod lines;
mod moves;
mod people;
mod receipts;
mod registrations;
mod restored;
mod roster;
mod rows;
mod server;
mod server_rig;
mod stored_messages;
mod storing;
mod strangers;
mod trust;
