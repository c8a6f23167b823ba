//! The marks of shown messages, which the next process does not repeat.

use std::path::Path;
use std::thread;
use std::time::Duration;

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

/// Time between two attempts to take the lock.
const ATTEMPT_EACH: Duration = Duration::from_millis(1_050);

fn open_beside(state: &Path) -> Memory {
    Memory::open_beside(state, HERE, "alice").unwrap().unwrap()
}

#[test]
fn stores_marks_once_other_process_has_ended() {
    let state = TempDir::new().unwrap();
    let mut first = open(state.path());
    first.note_shown(&[private(1, 5), private(2, 5)]).unwrap();
    let mut second = open_beside(state.path());
    second.note_shown(&[private(1, 6), in_channel(3)]).unwrap();
    assert!(second.is_shared() && !second.take_over().unwrap());
    assert_eq!(marks(&first), [private(1, 5), private(2, 5)]);
    drop(first);
    thread::sleep(ATTEMPT_EACH);
    assert!(second.take_over().unwrap() && !second.is_shared());
    let expected = [private(2, 5), in_channel(3), private(1, 6)];
    assert_eq!(marks(&second), expected);
    Memory::open(state.path(), HERE, "alice").expect_err("the second process has the lock");
    second.note_shown(&[private(2, 7)]).unwrap();
    assert_eq!(marks(&second).last(), Some(&private(2, 7)));
}

#[test]
fn takes_over_when_it_shows_a_message() {
    let state = TempDir::new().unwrap();
    let first = open(state.path());
    let mut second = open_beside(state.path());
    second.note_shown(&[private(1, 5)]).unwrap();
    drop(first);
    thread::sleep(ATTEMPT_EACH);
    second.note_shown(&[private(2, 5)]).unwrap();
    assert_eq!(marks(&second), [private(1, 5), private(2, 5)]);
}

#[test]
fn stores_marks_at_its_end_beside_stopped_one() {
    let state = TempDir::new().unwrap();
    let first = open(state.path());
    let mut second = open_beside(state.path());
    second.note_shown(&[private(1, 5)]).unwrap();
    drop(second);
    assert_eq!(marks(&first), [private(1, 5)]);
}

#[test]
fn bounds_the_marks_that_wait() {
    let state = TempDir::new().unwrap();
    let first = open(state.path());
    let mut second = open_beside(state.path());
    second.note_shown(&[private(1, 5)]).unwrap();
    let invented: Vec<Shown> = (10..20 + PROCESSES).map(in_channel).collect();
    second.note_shown(&invented).unwrap();
    drop(second);
    let marks = marks(&first);
    assert_eq!(marks.len() as u64, PROCESSES + 1);
    assert_eq!(marks.last(), Some(&private(1, 5)));
}
