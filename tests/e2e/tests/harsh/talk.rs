//! Numbered lines, and checks of their delivery.

use std::time::{Duration, Instant};

use chatapp_e2e::{PATIENCE, Process, SAVED, received_by};

/// Types `<command> line 1`, `<command> line 2` and so on.
pub(crate) fn types_lines(client: &mut Process, command: &str, count: usize) {
    for number in 1..=count {
        client.types(&format!("{command} line {number}"));
    }
}

/// Waits until `client` has shown the line of this number from this sender, stored or not.
pub(crate) fn shows_line(client: &mut Process, sender: &str, number: usize) {
    if !numbers(client, sender).contains(&number) {
        client.shows_where(&format!("line {number} of {sender}"), |line| {
            number_of(line, sender) == Some(number)
        });
    }
}

/// Returns the numbers of all lines from this sender (`alice`, `Channel_Message alice`), in the
/// order in which they were shown.
pub(crate) fn numbers(client: &Process, sender: &str) -> Vec<usize> {
    let lines = client.lines();
    lines
        .iter()
        .filter_map(|line| number_of(line, sender))
        .collect()
}

/// Checks that `client` has shown all lines from this sender, in order, and each once.
pub(crate) fn assert_showed_all(client: &Process, sender: &str, count: usize) {
    let expected: Vec<usize> = (1..=count).collect();
    assert_eq!(numbers(client, sender), expected, "{sender}{client}");
}

/// Sends messages without numbers until one arrives directly; the client probes the path every 20
/// s.
pub(crate) fn finds_the_direct_path(client: &mut Process, other: &str) {
    let deadline = Instant::now() + PATIENCE;
    // Counted, because final lines of earlier messages were not all read.
    let direct = received_by(other);
    while Instant::now() < deadline {
        let (went_directly, were_saved) = (client.count(&direct), client.count(SAVED));
        client.types(&format!("send {other} which way?"));
        while client.count(&direct) == went_directly
            && client.count(SAVED) == were_saved
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(20));
        }
        if client.count(&direct) != went_directly {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("no message went directly to {other} again{client}");
}

/// Returns the number of a line: 7 for `alice: line 7` and `alice: <2022-03-24 19:31:32> line 7`.
fn number_of(line: &str, sender: &str) -> Option<usize> {
    let text = line.strip_prefix(sender)?.strip_prefix(": ")?;
    let (_, number) = text.split_once("line ")?;
    number.parse().ok()
}
