//! Fixed-size containers in the caller's memory: nothing here allocates or panics.

mod free_list;
mod index;
mod list;
mod queue;
mod slots;
mod text_pool;

pub(crate) use free_list::FreeList;
pub(crate) use index::Index;
pub(crate) use list::{Link, Linked, List};
pub(crate) use queue::{Chained, Next, Queue};
pub(crate) use slots::Slots;
pub(crate) use text_pool::{TextHandle, TextPool};
