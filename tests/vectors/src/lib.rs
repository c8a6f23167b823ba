//! The test vectors of `PROTOCOL.md`: what the document says is what the code builds, and reads
//! back. Needs no operating system, so that a board can look, too.
//!
//! The script `core/tests/vectors.py` makes them a third time, from the text of the document alone.
#![no_std]
#![deny(missing_docs)]

mod bodies;
mod document;
mod handshakes;
mod letter;
mod open;
mod people;
mod values;

use core::fmt;

pub use bodies::body;
pub use open::open_datagrams;
pub use people::{alice, identity, member, server};
pub use values::{OTHER, plain};

use values::Take;

/// The document.
pub const DOCUMENT: &str = include_str!("../../../core/PROTOCOL.md");

/// Vectors that there may be.
const COUNT_MAX: usize = 64;

/// What became of one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The document says what the code makes.
    Agrees,
    /// It says something else, or no bytes.
    Differs,
    /// It does not have this one, or the code makes it twice.
    Undocumented,
    /// Nothing makes it, or the document has it twice.
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

/// Compares all that the code makes with a document, and reports each vector with the bytes that
/// were made.
///
/// # Panics
/// If the code does not read back what it has built.
pub fn check<'a>(document: &'a str, mut report: impl FnMut(&'a str, &[u8], Finding)) {
    let mut left: heapless::Vec<_, COUNT_MAX> = heapless::Vec::new();
    for block in document::blocks(document) {
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
    letter::make(take);
    bodies::make(take);
}
