//! Simulates a power cut at any moment: records reported as stored survive, and nothing partial
//! does.

use std::collections::BTreeSet;

use crate::common::{Desk, mail, name, post, scratch};
use crate::shim::Shim;
use chatapp_core::{Record, UnixSeconds};
use chatapp_store::{Options, Store};
use tempfile::TempDir;

/// Total number of records: enough for several checkpoints of the write-ahead log.
const RECORDS: u64 = 3_000;
/// Number of power cuts; `CHATAPP_LONG` selects the larger one.
const CUTS: usize = 100;
const CUTS_LONG: usize = 5_000;

/// The records that a test expects in the store after a cut.
#[derive(Debug, Default)]
struct Kept {
    mail: BTreeSet<u64>,
    posts: BTreeSet<u64>,
}

#[test]
fn keeps_stored_records_after_a_power_cut() {
    let folder = scratch();
    let base = scratch();
    let mut desk = Desk::open(folder.path(), None).unwrap();
    assert!(desk.stores(Record::Epoch {
        epoch: 1,
        serial: 0,
        log_next: 1
    }));
    assert!(desk.stores(name("alice")) && desk.stores(name("bob")));
    drop(desk);
    copy(&folder, &base);

    let shim = Shim::new();
    let mut random = fastrand::Rng::with_seed(7);
    let mut desk = Desk::open(folder.path(), Some(shim.name())).unwrap();
    // Number of steps after which each record was reported as stored.
    let mut stored = Vec::new();
    let mut next = 1;
    while next <= RECORDS {
        let batch = random.u64(1..64).min(RECORDS + 1 - next);
        let text = "x".repeat(random.usize(1..1_000));
        for number in next..next + batch {
            desk.submit(record(number, &text));
        }
        for _ in 0..batch {
            assert!(desk.result());
            stored.push(shim.steps());
        }
        next += batch;
    }
    let all = shim.steps();
    drop(desk);

    let is_long = std::env::var_os("CHATAPP_LONG").is_some();
    let mut most = 0;
    for cut in 0..if is_long { CUTS_LONG } else { CUTS } {
        // Half of the cuts happen at the last step before a report, the others at random.
        let steps = if cut % 2 == 0 {
            stored[random.usize(..stored.len())]
        } else {
            random.usize(..all)
        };
        let left = scratch();
        shim.cut(steps, base.path(), left.path(), &mut random);
        let promised = stored.iter().filter(|known| **known <= steps).count() as u64;
        most = most.max(promised);
        let kept = read(&left);
        let there = kept.mail.len() as u64 + kept.posts.len() as u64;
        assert!(
            there >= promised,
            "cut {cut} after {steps} steps: {promised} records were stored, {there} are there"
        );
        // The stored messages are a prefix of those given, without a gap.
        let expected: BTreeSet<u64> = (1..=there).collect();
        let found: BTreeSet<u64> = kept.mail.union(&kept.posts).copied().collect();
        assert_eq!(found, expected, "cut {cut} after {steps} steps");
        // The store continues from there.
        let mut desk = Desk::open(left.path(), None).unwrap();
        assert!(desk.stores(record(there + 1, "on")));
    }
    assert!(most > RECORDS / 2, "some cuts were late");
}

/// Every third record is a channel message.
fn record(number: u64, text: &str) -> Record<'_> {
    if number.is_multiple_of(3) {
        post(u32::try_from(number).unwrap(), "alice", text)
    } else {
        mail(number, "bob", "alice", text.as_bytes())
    }
}

fn read(folder: &TempDir) -> Kept {
    let mut kept = Kept::default();
    let mut store = Store::open(folder.path(), &Options::default()).unwrap();
    store
        .restore(UnixSeconds(0), |record| {
            match record {
                Record::Mail { serial, .. } => assert!(kept.mail.insert(serial)),
                Record::Channel { number, .. } => assert!(kept.posts.insert(number.into())),
                _ => {}
            }
            Ok(())
        })
        .unwrap();
    kept
}

/// Copies all files but the lock: the shim does not see what is written to it, and a store without
/// marks is taken as it is.
fn copy(from: &TempDir, to: &TempDir) {
    for entry in std::fs::read_dir(from.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("lock") {
            continue;
        }
        std::fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
}
