//! The roster of a client: changes from the server, and answers about clients that are offline.

use chatapp_core::wire::{Frame, Header, Outcome, Status};
use chatapp_core::{Command, Disposition, DropReason, Endpoint};

use crate::client_rig::{Rig, address, bob, entry, news, whole_table};
use crate::people::BOB;

fn names(rig: &Rig) -> Vec<String> {
    let mut names: Vec<String> = rig
        .client
        .table()
        .map(|row| format!("{} {} {}", row.name, row.address.port(), row.online))
        .collect();
    names.sort();
    names
}

#[test]
fn changes_the_roster_entry_by_entry() {
    let mut rig = Rig::online();
    assert_eq!(names(&rig), ["alice 6000 true", "bob 6001 true"]);
    let offline = entry("bob", Status::Offline, BOB, bob());
    rig.deliver(&[news(2, &offline)]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    assert_eq!(names(&rig), ["alice 6000 true", "bob 6001 false"]);
    let gone = entry("bob", Status::Gone, BOB, bob());
    rig.deliver(&[news(3, &gone)]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    assert_eq!(names(&rig), ["alice 6000 true"]);
    // The server may remove a name that the client never knew.
    rig.deliver(&[news(4, &gone)]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    let moved = entry("bob", Status::Online, BOB, address(2));
    rig.deliver(&[news(5, &moved)]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    assert_eq!(names(&rig), ["alice 6000 true", "bob 6002 true"]);
    // A whole roster removes each name that it does not list.
    let alice = entry("alice", Status::Online, 0xa, address(0));
    rig.deliver(&[whole_table(6, &alice)]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    assert_eq!(names(&rig), ["alice 6000 true"]);
}

#[test]
fn removes_missing_names_with_the_last_page() {
    let alice = entry("alice", Status::Online, 0xa, address(0));
    let carol = entry("carol", Status::Online, 0xc, address(3));
    let mut rig = Rig::online();
    rig.deliver(&[Frame::Page {
        version: 0,
        restart: true,
        complete: false,
        entries: &alice,
    }]);
    assert_eq!(rig.events(), [""; 0]);
    assert_eq!(names(&rig), ["alice 6000 true", "bob 6001 true"]);
    rig.deliver(&[news(2, &carol)]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    assert_eq!(names(&rig), ["alice 6000 true", "carol 6003 true"]);
}

/// The server empties a page that it repeats after a newer whole roster has begun, and the client
/// removes no name for it. A page whose names have all changed since has no entries either, but the
/// client removes the missing names.
#[test]
//= PROTOCOL.md#13.3
fn removes_no_name_for_an_emptied_page() {
    let alice = entry("alice", Status::Online, 0xa, address(0));
    let carol = entry("carol", Status::Online, 0xc, address(3));
    let page = |restart, entries| Frame::Page {
        version: 0,
        restart,
        complete: false,
        entries,
    };
    for emptied in [false, true] {
        let mut rig = Rig::online();
        let second = if emptied {
            Frame::EMPTIED_PAGE
        } else {
            page(false, &[])
        };
        for frame in [page(true, &alice[..]), second] {
            rig.deliver(&[frame]);
            assert_eq!(rig.events(), [""; 0]);
        }
        // The server sent the page behind it first, and the page arrives late.
        rig.deliver(&[news(2, &carol)]);
        rig.events();
        let known = ["alice 6000 true", "bob 6001 true", "carol 6003 true"];
        let without_bob = [known[0], known[2]];
        assert_eq!(names(&rig), if emptied { &known[..] } else { &without_bob });
        rig.deliver(&[whole_table(3, &alice)]);
        rig.events();
        assert_eq!(names(&rig), known[..1]);
    }
}

#[test]
fn calls_again_when_the_address_of_a_peer_changes() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    rig.call_to_bob();
    for (version, address, called) in [(2, bob(), 0), (3, address(2), 1), (4, address(2), 0)] {
        let there = entry("bob", Status::Online, BOB, address);
        rig.deliver(&[news(version, &there)]);
        rig.events();
        let sent = rig.sent();
        let calls = sent.iter().filter(|(to, _)| *to == address);
        assert_eq!(calls.count(), called, "{version}");
    }
}

#[test]
fn looks_up_a_recipient_whose_name_is_gone() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    rig.call_to_bob();
    let gone = entry("bob", Status::Gone, BOB, bob());
    rig.deliver(&[news(2, &gone)]);
    rig.events();
    let sent = rig.sent_data();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1, [r#"Lookup { query: 2, name: "bob" }"#]);
}

#[test]
fn lists_no_invalid_name() {
    let mut rig = Rig::online();
    let evil = entry("\u{1b}[2J", Status::Online, 7, address(7));
    rig.deliver(&[news(2, &evil)]);
    assert_eq!(names(&rig), ["alice 6000 true", "bob 6001 true"]);
    rig.events();
    assert_eq!(names(&rig).len(), 2);
    assert_eq!(rig.client.stats().drops(DropReason::Malformed), 1);
}

#[test]
fn removes_a_missing_name_from_a_partial_roster() {
    for partial in [false, true] {
        let mut rig = Rig::online();
        let offline = entry("bob", Status::Offline, BOB, bob());
        rig.deliver(&[news(2, &offline)]);
        rig.events();
        if partial {
            rig.deliver(&[Frame::Partial]);
        }
        rig.events();
        rig.sent();
        rig.send_to_bob("hi");
        assert_eq!(rig.sent_data().len(), 1);
        let header = Header {
            acknowledged: 1,
            ..rig.header()
        };
        let result = Frame::Result {
            request: 1,
            outcome: Outcome::NoSuchClient,
        };
        assert_eq!(rig.deliver_under(&header, &[result]), Disposition::Accepted);
        let events = rig.events();
        assert!(events[1].ends_with("status: NoSuchClient }"), "{events:?}");
        // A whole roster takes precedence: the answer may be older.
        assert_eq!(names(&rig).len(), if partial { 1 } else { 2 });
    }
}

/// The roster fills the client, which writes to a name that is not in it. Meanwhile the whole one
/// arrives. It does not fit beside that name, so the client asks for it again.
#[test]
//= PROTOCOL.md#13.4
fn asks_again_for_a_roster_that_did_not_fit() {
    let mut rig = Rig::online();
    let people = ["alice", "bob", "carol"].iter().zip(0..);
    let whole: Vec<u8> = people
        .flat_map(|(name, number)| entry(name, Status::Online, 0xa, address(number)))
        .collect();
    rig.deliver(&[whole_table(2, &whole)]);
    rig.events();
    assert_eq!(names(&rig).len(), 3);
    let eve = Command::Send {
        to: "eve",
        text: "hi",
    };
    rig.command(eve).unwrap();
    assert_eq!(names(&rig).len(), 2, "eve has the place of one");
    rig.deliver(&[whole_table(3, &whole)]);
    rig.events();
    assert_eq!(names(&rig).len(), 2);
    rig.sent();
    let header = Header {
        acknowledged: 1,
        ..rig.header()
    };
    rig.deliver_under(&header, &[Frame::Missing { query: 2 }]);
    // The next keep-alive has its version.
    let mut versions = Vec::new();
    for _ in 0..4 {
        rig.now = rig.client.poll_timeout().expect("a keep-alive is due");
        rig.client.handle_timeout(rig.now);
        rig.events();
        let sent = rig.sent_data().into_iter();
        versions.extend(sent.filter_map(|(header, _)| header.table_version));
    }
    versions.truncate(1);
    assert_eq!(versions, [0]);
}

// ---- messages for offline clients ----

/// Alice has sent three messages to bob, which is offline. The server answers the first with
/// `outcome`. Returns the events after that, too.
fn answers_the_first_of_three(outcome: Outcome) -> (Rig, Vec<String>) {
    let mut rig = Rig::online();
    let offline = entry("bob", Status::Offline, BOB, bob());
    rig.deliver(&[news(2, &offline)]);
    rig.events();
    for text in ["one", "two", "three"] {
        rig.send_to_bob(text);
    }
    let sent = rig.sent_data();
    assert_eq!(sent.len(), 1);
    assert_eq!(stored(&sent[0].1), ["one, bounce: true"]);
    let header = Header {
        acknowledged: 1,
        ..rig.header()
    };
    let result = Frame::Result {
        request: 1,
        outcome,
    };
    assert_eq!(rig.deliver_under(&header, &[result]), Disposition::Accepted);
    let events = rig.events();
    (rig, events)
}

fn stored(frames: &[String]) -> Vec<String> {
    let frames = frames.iter().map(|frame| {
        let (_, text) = frame.split_once("text: \"").unwrap();
        let bounce = frame.contains("bounce: true");
        format!("{}, bounce: {bounce}", text.trim_end_matches("\" }"))
    });
    frames.collect()
}

#[test]
fn sends_the_others_once_the_first_is_stored() {
    let (mut rig, events) = answers_the_first_of_three(Outcome::Saved);
    assert!(events.iter().any(|event| event.contains("status: Saved")));
    let sent = rig.sent_data();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        stored(&sent[0].1),
        ["two, bounce: false", "three, bounce: false"]
    );
}

#[test]
fn asks_again_when_the_first_is_not_stored() {
    let (mut rig, events) = answers_the_first_of_three(Outcome::Full);
    assert!(events.iter().any(|event| event.contains("MailboxFull")));
    let sent = rig.sent_data();
    assert_eq!(sent.len(), 1);
    assert_eq!(stored(&sent[0].1), ["two, bounce: true"]);
}
