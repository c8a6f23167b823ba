//! The counters of a server for other programs: fields in JSON, and a file of OpenMetrics text.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use chatapp_e2e::{PATIENCE, POSTED, Room};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn prints_counters_as_fields_in_json() {
    let mut room = Room::open_with(&["--log-format", "json"]);
    let [mut alice, _bob] = room.join_all(["alice", "bob"]);
    alice.types("send_all hi");
    alice.shows(POSTED);
    room.server.types("stats");
    let line = room.server.logs(r#""event":"stats""#);
    let record: Value = serde_json::from_str(&line).expect("JSON");
    let stats = &record["stats"];
    assert_eq!(stats["online"], 2, "{record}");
    assert_eq!(stats["names"]["used"], 2, "{record}");
    assert_eq!(stats["channel_messages"]["used"], 1, "{record}");
    assert_eq!(stats["received"]["frames_by_kind"]["post"], 1, "{record}");
    assert_eq!(stats["dropped"]["bad-tag"], 0, "{record}");
    let sent = stats["sent"]["datagrams"].as_u64().expect("a number");
    assert!(sent > 5, "{record}");
}

/// A parser that others wrote, of the package `python3-prometheus-client` of Debian. It prints all
/// samples. The second line is for a Python of its own beside that of the system.
const PARSER: &str = r#"
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
for family in parse(open(sys.argv[1]).read()):
    for sample in family.samples:
        print(family.type, sample.name, sorted(sample.labels.items()), float(sample.value))
"#;

/// Returns the samples in a file; `None`, with the reason on stderr, without the parser.
fn samples(file: &Path) -> Option<String> {
    let mut reasons = String::new();
    for python in ["/usr/bin/python3", "python3"] {
        let parser = Command::new(python).args(["-c", PARSER]).arg(file).output();
        match parser {
            Ok(output) if output.status.success() => {
                return Some(String::from_utf8(output.stdout).expect("text"));
            }
            Ok(output) => reasons += &String::from_utf8_lossy(&output.stderr),
            Err(error) => reasons += &error.to_string(),
        }
    }
    let lacks = reasons.contains("No module named 'prometheus_client'");
    assert!(lacks, "{reasons}");
    assert!(std::env::var_os("CHATAPP_NO_SKIP").is_none(), "{reasons}");
    eprintln!("skipped: there is no parser of OpenMetrics");
    None
}

/// Waits until a file has a line.
fn waits_for(file: &Path, line: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        assert!(
            text.is_empty() || text.ends_with("# EOF\n"),
            "half of it: {text}"
        );
        if text.lines().any(|it| it == line) {
            return text;
        }
        assert!(Instant::now() < deadline, "no {line}: {text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn writes_metrics_that_a_parser_reads() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let file = folder.path().join("room.prom");
    let room = Room::open_with(&["--metrics-file", file.to_str().expect("a sane name")]);
    waits_for(&file, "chatapp_names 0");
    let mut alice = room.join("alice");
    alice.types("send_all hi");
    alice.shows(POSTED);
    waits_for(&file, "chatapp_names_online 1");
    let text = waits_for(&file, "chatapp_channel_messages 1");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&file).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "collectors run as another user");
    }
    let Some(samples) = samples(&file) else {
        return;
    };
    for line in [
        "gauge chatapp_names_online [] 1.0",
        "gauge chatapp_names_max [] 16384.0",
        "counter chatapp_frames_total [('direction', 'received'), ('kind', 'post')] 1.0",
        "counter chatapp_dropped_total [('reason', 'bad-tag')] 0.0",
    ] {
        assert!(
            samples.lines().any(|it| it == line),
            "{line}: {samples}{text}"
        );
    }
}

/// The room does not depend on the file.
#[test]
fn serves_on_without_a_metrics_file() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let there = folder.path().join("not-yet");
    let file = there.join("room.prom");
    let mut room = Room::open_with(&["--metrics-file", file.to_str().expect("a sane name")]);
    room.server.logs("room.prom cannot be written: ");
    drop(room.join("alice"));
    fs::create_dir(&there).expect("a folder");
    room.server.logs("the metrics file is written again");
    let log = room.server.log();
    let said = log.iter().filter(|line| line.contains("cannot be written"));
    assert_eq!(said.count(), 1, "{log:?}");
}
