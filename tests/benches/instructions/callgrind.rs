//! Runs this program under Callgrind, and reads its profile.

use std::collections::HashMap;
use std::process::Command;

use crate::case::Case;

/// Functions that encrypt and decrypt.
const ENCRYPTION: [&str; 2] = ["crypto::suite::Suite::seal", "crypto::suite::Suite::open"];

/// Calls of a function, and the instructions of all of them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Measured {
    calls: f64,
    cost: f64,
}

impl Measured {
    /// Returns the instructions of each part of a call.
    pub(crate) fn each(&self, case: Case, clients: usize) -> f64 {
        self.cost / self.calls / case.units(clients)
    }
}

/// Returns the instructions of each measured function, and those of encryption, in a room of this
/// size: in all cases, or only in one.
pub(crate) fn count(clients: usize, only: Option<Case>) -> HashMap<String, Measured> {
    let program = std::env::current_exe().expect("this program has a path");
    let file = std::env::temp_dir().join(format!("callgrind.{}.{clients}", std::process::id()));
    let toggle = only.map(|case| format!("--toggle-collect=*::{}", case.function()));
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .args(toggle)
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args(["--inside", &clients.to_string()])
        .status()
        .expect("valgrind can be started");
    assert!(status.success(), "{status}");
    let profile = std::fs::read_to_string(&file).expect("Callgrind wrote its profile");
    let counts = read_counts(&profile);
    // A temporary file that remains does no harm.
    let _ = std::fs::remove_file(file);
    counts
}

/// Returns the instructions of a case without encryption.
pub(crate) fn before_encryption(case: Case, clients: usize) -> f64 {
    let counts = count(clients, Some(case));
    let measured = &counts[case.function()];
    let encryption: f64 = ENCRYPTION.iter().map(|name| counts[*name].cost).sum();
    (measured.cost - encryption) / measured.calls / case.units(clients)
}

/// Parses the profile: `cfn=(7) name`, later only `cfn=(7)`, then `calls=<count> ...`, then `<line>
/// <inclusive cost>`.
pub(crate) fn read_counts(profile: &str) -> HashMap<String, Measured> {
    let mut names = HashMap::new();
    let mut counts = HashMap::<String, Measured>::new();
    let mut lines = profile.lines();
    let mut called = None;
    while let Some(line) = lines.next() {
        if let Some((kind, function)) = line.split_once("fn=") {
            let (id, name) = function.split_once(' ').unwrap_or((function, ""));
            if !name.is_empty() {
                names.insert(id, name);
            }
            if kind == "c" {
                called = names.get(id).and_then(|name| known(name));
            }
        } else if let Some(calls) = line.strip_prefix("calls=") {
            let number = |text: &str, place| -> f64 {
                let word = text.split_whitespace().nth(place);
                word.and_then(|word| word.parse().ok()).expect("a number")
            };
            let cost = lines.next().expect("calls are followed by their cost");
            if let Some(name) = called.take() {
                let sum = counts.entry(name.to_owned()).or_default();
                sum.calls += number(calls, 0);
                sum.cost += number(cost, 1);
            }
        }
    }
    counts
}

/// Returns the short name of a counted function.
fn known(name: &str) -> Option<&str> {
    if let Some(symbol) = ENCRYPTION
        .into_iter()
        .find(|encryption| name.contains(encryption))
    {
        return Some(symbol);
    }
    let name = &name[name.find("measured_")?..];
    let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '_');
    Some(&name[..end.unwrap_or(name.len())])
}
