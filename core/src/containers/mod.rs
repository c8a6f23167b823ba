//! Fixed-size containers in the caller's memory: nothing here allocates or panics.

mod count;
mod free_list;
mod index;
mod list;
mod queue;
mod slots;
mod tally;
mod text_pool;

pub(crate) use count::Count;
pub(crate) use free_list::FreeList;
pub(crate) use index::Index;
pub(crate) use list::{Link, Linked, List};
pub(crate) use queue::{Chained, Next, Queue};
pub(crate) use slots::Slots;
pub use tally::CountSlot;
pub(crate) use tally::Tally;
pub(crate) use text_pool::{TextHandle, TextPool};
