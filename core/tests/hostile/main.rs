//! What others with bad intentions, or a busy machine, cannot do to a client or to a server; and what only happens
//! when a datagram is written by hand.

mod absence;
mod client;
mod client_rig;
mod feed;
mod keeping;
mod receipts;
mod restored;
mod roster;
mod server;
mod server_rig;
mod storing;
