//! Replays each bug that the simulator has found, with its seed, and the corpus of the fuzz target
//! `world`. `RESULTS.md` describes the bugs.

use std::fs;

use chatapp_simulator::keys::Crypto;
use chatapp_simulator::plan::all_but;
use chatapp_simulator::run::{Look, replay_command, run_seed};
use chatapp_simulator::small_room::run_bytes;

/// A run that failed once.
struct Case {
    bug: &'static str,
    seed: u64,
    clients: Option<usize>,
    span: Option<u64>,
    /// The faults that it needs; `None` for all.
    only: Option<&'static [&'static str]>,
}

const fn two(bug: &'static str, seed: u64) -> Case {
    Case {
        bug,
        seed,
        clients: Some(2),
        span: Some(9_000),
        only: Some(&[]),
    }
}

const fn three(bug: &'static str, seed: u64, only: Option<&'static [&'static str]>) -> Case {
    Case {
        bug,
        seed,
        clients: Some(3),
        span: Some(12_000),
        only,
    }
}

const fn any(bug: &'static str, seed: u64) -> Case {
    Case {
        bug,
        seed,
        clients: None,
        span: None,
        only: None,
    }
}

const CASES: &[Case] = &[
    two("B1", 319),
    two("B2", 1_715),
    two("B2", 321),
    two("B2", 502),
    three("B3", 270, Some(&["loss"])),
    three("B4", 2, Some(&["corrupt"])),
    two("B5", 172),
    two("B5", 260),
    three("B6", 121, Some(&["slow-store"])),
    three("B7", 294, Some(&["server-crash"])),
    three("B9", 834, Some(&["slow-store", "server-crash"])),
    three("B10", 444, Some(&["clog"])),
    three("B10", 988, Some(&["clog"])),
    three("B10", 2_356, Some(&["clog"])),
    three("B16", 256, Some(&["tight"])),
    three("B11", 850, None),
    any("B11", 20_208),
    any("B12", 20_456),
    any("B12", 21_787),
    any("B13", 20_666),
    any("B13", 21_961),
    any("B14", 35_130),
    any("B15", 111_805),
    any("B17", 303_323),
    any("B18", 302_239),
    any("B19", 317_209),
    any("B19", 319_656),
    any("B20", 331_230),
    any("B20", 719_721),
    any("B21", 327_050),
    any("B21", 400_669),
    any("B22", 2_099_929),
    any("B27", 7_021_972),
    any("B29", 10_026_879),
    Case {
        only: Some(&["server-crash", "tight", "lost-key"]),
        ..any("B30", 8_001_720)
    },
    any("B31", 11_006_630),
    any("B32", 12_001_133),
    any("B33", 13_061_879),
    any("B33", 13_070_904),
    any("B33", 15_000_072),
    any("B34", 13_047_812),
    any("B35", 17_060_704),
    any("B36", 19_081_353),
    any("B37", 28_057_303),
];

#[test]
fn replays_all_bugs_without_a_violation() {
    for case in CASES {
        let look = Look {
            clients: case.clients,
            span: case.span,
            without: case.only.map(all_but).unwrap_or_default(),
            ..Look::default()
        };
        let report = run_seed(case.seed, &look);
        if let Some(violation) = report.violation {
            let command = replay_command(case.seed, &look);
            panic!("{}: {violation}\nreplay it with: {command}", case.bug);
        }
    }
}

#[test]
fn replays_the_corpus_without_a_violation() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/world");
    let files: Vec<_> = fs::read_dir(corpus)
        .expect("the corpus is a folder")
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let path = file.expect("the folder can be listed").path();
        println!("{}", path.display());
        run_bytes(&fs::read(path).expect("the file can be read"), Crypto::Real);
    }
}
