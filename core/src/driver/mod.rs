//! What adapters drive: the endpoint, the network, and the turn of the loop between them.

mod endpoint;
mod turn;

pub use endpoint::{Endpoint, Flushed, Outgoing, Sent, StorageError, TableEntry};
pub use turn::{Network, Turn};
