//! Messages that arrive while the user searches the history.

use chatapp_e2e::{BYE, Room, SAVED, Screen, received_by};
use rustix::process::Signal;

use super::CTRL_R;

#[test]
fn acknowledges_nothing_during_a_history_search() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    alice.types("send bob first\r");
    bob.shows("alice: first");
    alice.types("half a li");
    alice.types(CTRL_R);
    alice.types("fir");
    alice.shows("(reverse-i-search)`fir': send bob first");

    for number in 0..50 {
        bob.types(&format!("send alice news {number}"));
    }
    // Nothing is on the screen, so the server stores all of it.
    while bob.count(SAVED) < 50 {
        bob.shows(SAVED);
    }
    assert_eq!(bob.count(&received_by("alice")), 0, "{bob}");
    alice.shows("(reverse-i-search)`fir': send bob first");
    // Restores the line typed before the search.
    alice.types("\x07");
    alice.types_at(">>> half a li");
    alice.shows("bob: news 49");
    let rows = alice.all_rows();
    let shown: Vec<&String> = rows
        .iter()
        .filter(|row| row.contains("bob: news"))
        .collect();
    assert_eq!(shown.len(), 50, "{alice}");
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
        bob.shows(SAVED);
    }
    alice.is_sent(Signal::TERM);
    assert_eq!(alice.ends(), 0);
    alice.shows(BYE);
    // The terminal got what had arrived, and the server has the rest for the next start.
    let port = room.port.to_string();
    let arguments = ["-c", "alice", "127.0.0.1", &port, "0"];
    let next = Screen::start_at(alice.home(), &arguments, &[]);
    next.shows("news 19");
    let rows = [alice.all_rows(), next.all_rows()].concat();
    for number in 0..20 {
        let text = format!("news {number}");
        let count = rows.iter().filter(|row| row.ends_with(&text)).count();
        assert_eq!(count, 1, "{text}{alice}{next}");
    }
    assert!(alice.echoes(), "the terminal has its original mode");
}
