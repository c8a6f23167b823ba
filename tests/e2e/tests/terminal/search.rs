//! Messages that arrive while the user searches the history.

use std::time::{Duration, Instant};

use chatapp_e2e::{BYE, Room, Screen, received_by};
use rustix::process::Signal;

use super::CTRL_R;

#[test]
fn delays_no_sender_during_a_history_search() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    alice.types("send bob first\r");
    bob.shows("alice: first");
    alice.types("half a li");
    alice.types(CTRL_R);
    alice.types("fir");
    alice.shows("(reverse-i-search)`fir': send bob first");

    let start = Instant::now();
    for number in 0..200 {
        bob.types(&format!("send alice news {number}"));
        if number % 50 == 49 {
            bob.shows(&received_by("alice"));
        }
    }
    while bob.count(&received_by("alice")) < 200 {
        bob.shows(&received_by("alice"));
    }
    assert!(
        !bob.lines().iter().any(|line| line.starts_with("[No ACK")),
        "all of them were acknowledged in time: {bob}"
    );
    std::thread::sleep(Duration::from_secs(5).saturating_sub(start.elapsed()));
    alice.shows("(reverse-i-search)`fir': send bob first");
    // Restores the line typed before the search.
    alice.types("\x07");
    alice.types_at(">>> half a li");
    alice.shows("bob: news 199");
    let rows = alice.all_rows();
    let shown: Vec<&String> = rows
        .iter()
        .filter(|row| row.contains("bob: news"))
        .collect();
    assert_eq!(shown.len(), 200, "{alice}");
    for (number, row) in shown.iter().enumerate() {
        assert!(row.ends_with(&format!("bob: news {number}")), "{row}");
    }
}

#[test]
fn shows_messages_of_a_search_at_the_end() {
    let room = Room::open();
    let mut alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    alice.types("send bob first\r");
    bob.shows("alice: first");
    alice.types(CTRL_R);
    alice.shows("(reverse-i-search)");
    for number in 0..20 {
        bob.types(&format!("send alice news {number}"));
        bob.shows(&received_by("alice"));
    }
    alice.is_sent(Signal::TERM);
    assert_eq!(alice.ends(), 0);
    alice.shows(BYE);
    for number in 0..20 {
        let row = format!("bob: news {number}");
        assert!(
            alice.all_rows().iter().any(|shown| shown.ends_with(&row)),
            "{row}{alice}"
        );
    }
    assert!(alice.echoes(), "the terminal has its original mode");
}
