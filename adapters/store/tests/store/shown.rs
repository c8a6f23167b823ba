//! The marks of shown messages, which the next process does not repeat.

use std::path::Path;

use chatapp_core::{ClientRecord, Shown};
use chatapp_store::Memory;
use tempfile::TempDir;

const HERE: &str = "localhost:4119";

/// Number of processes whose marks a memory keeps of each kind.
const PROCESSES: u64 = 1_024;

fn private(process: u64, counter: u32) -> Shown {
    Shown {
        process,
        channel: false,
        counter,
    }
}

fn in_channel(process: u64) -> Shown {
    Shown {
        process,
        channel: true,
        counter: 1,
    }
}

fn open(state: &Path) -> Memory {
    Memory::open(state, HERE, "alice").unwrap()
}

/// Returns the marks that the next process restores.
fn marks(memory: &Memory) -> Vec<Shown> {
    let mut marks = Vec::new();
    let take = |record: ClientRecord<'_>| {
        if let ClientRecord::Shown(shown) = record {
            marks.push(shown);
        }
        true
    };
    memory.restore(take).unwrap();
    marks
}

#[test]
fn channel_marks_replace_no_private_ones() {
    let state = TempDir::new().unwrap();
    let mut memory = open(state.path());
    memory.note_shown(&[private(1, 5)]).unwrap();
    let invented: Vec<Shown> = (10..10 + 2 * PROCESSES).map(in_channel).collect();
    memory.note_shown(&invented).unwrap();
    drop(memory);
    let marks = marks(&open(state.path()));
    assert_eq!(marks[0], private(1, 5));
    let latest = invented.len() - PROCESSES as usize;
    assert_eq!(marks[1..], invented[latest..], "no mark of counter 0");
}

#[test]
fn keeps_latest_private_marks() {
    let state = TempDir::new().unwrap();
    let mut memory = open(state.path());
    let shown: Vec<Shown> = (1..=PROCESSES + 2).map(|it| private(it, 3)).collect();
    memory.note_shown(&shown).unwrap();
    memory.note_shown(&[private(1, 4), in_channel(1)]).unwrap();
    drop(memory);
    let marks = marks(&open(state.path()));
    assert!(marks.ends_with(&[private(1, 4), in_channel(1)]));
    assert!(!marks.contains(&private(3, 3)), "the oldest one");
}
