//! The parts that adapters drive: the endpoint, the network, the journal, and the event loop
//! between them.

mod endpoint;
mod event_loop;
mod journal;
mod network;
mod storage_error;
mod transmit_queue;

pub use endpoint::{Endpoint, TableEntry};
pub use event_loop::EventLoop;
pub use journal::{Journal, NullJournal};
pub use network::{Network, Sent};
pub use storage_error::StorageError;
pub use transmit_queue::{Flushed, TransmitQueue};
