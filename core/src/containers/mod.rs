//! Fixed-size containers in memory that the caller hands in: nothing here allocates or panics.

mod index;
mod list;
mod slots;
mod text_pool;

pub(crate) use index::Index;
pub(crate) use list::{Link, Linked, List};
pub(crate) use slots::Slots;
pub(crate) use text_pool::{Arena, Text};
