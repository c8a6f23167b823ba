//! Builds the test vectors of `PROTOCOL.md` with the core, reads them back, and compares them with
//! the document. Needs no operating system, so that firmware runs it as well.
//!
//! The script `core/tests/vectors.py` builds the vectors from the text of the document alone.
#![no_std]
#![deny(missing_docs)]

mod bodies;
mod document;
mod handshakes;
mod open;
mod people;
mod stored_message;
mod values;

use core::fmt;

pub use bodies::body;
pub use open::open_datagrams;
pub use people::{alice, identity, member, server};
pub use values::{OTHER, plain};

use values::Take;

/// The document.
pub const DOCUMENT: &str = include_str!("../../../core/PROTOCOL.md");

/// The maximum number of vectors.
const COUNT_MAX: usize = 64;

/// The result for one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The document and the code have the same bytes.
    Agrees,
    /// The document has other bytes, or none.
    Differs,
    /// The document does not have this vector, or the code builds it twice.
    Undocumented,
    /// The code does not build this vector, or the document has it twice.
    Unmade,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::Undocumented => "is not in the document",
            Self::Unmade => "is not made by the code",
        })
    }
}

/// Compares all vectors of the code with a document, and reports each vector with its bytes.
///
/// # Panics
/// Panics if the code does not read back what it has built.
pub fn check<'a>(document: &'a str, mut report: impl FnMut(&'a str, &[u8], Finding)) {
    let mut left: heapless::Vec<_, COUNT_MAX> = heapless::Vec::new();
    let is_known = |name: &str| {
        let is_order = name.contains("banned") || name.contains("muted");
        let is_of_order = cfg!(feature = "moderation") || !is_order;
        is_of_order && (cfg!(feature = "medium-keys") || !name.starts_with("medium-"))
    };
    for block in document::blocks(document).filter(|block| is_known(block.name)) {
        assert!(left.push(block).is_ok(), "there is room for all vectors");
    }
    make_all(&mut |name, made| {
        let block = left
            .iter()
            .position(|block| block.name == name)
            .map(|at| left.remove(at));
        let finding = match block {
            None => Finding::Undocumented,
            Some(block) if block.says(made) => Finding::Agrees,
            Some(_) => Finding::Differs,
        };
        report(name, made, finding);
    });
    for block in left {
        report(block.name, &[], Finding::Unmade);
    }
}

fn make_all(take: Take<'_>) {
    open_datagrams(&identity(server()), take);
    handshakes::make(take);
    stored_message::make(take);
    bodies::make(take);
}
