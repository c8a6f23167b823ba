//! A sender is told when its stored messages were delivered: each is counted once.

use chatapp_core::Disposition;
use chatapp_core::wire::{Frame, Header, Outcome, Status};

use crate::client_rig::{Rig, bob, entry, news};
use crate::people::BOB;

/// Returns a client in a room that bob has left.
fn client() -> Rig {
    let mut rig = Rig::online();
    rig.deliver(&[news(2, &entry("bob", Status::Offline, BOB, bob()))]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    rig
}

/// Returns the result of the request with this number.
fn saved(request: u32) -> Frame<'static> {
    Frame::Result {
        request,
        outcome: Outcome::Saved,
    }
}

/// Returns the receipt for bob's messages up to this one. Their counters begin behind that of the
/// registration.
fn receipt(number: u32) -> Frame<'static> {
    let counter = number + 1;
    Frame::Receipt { to: "bob", counter }
}

/// Delivers frames of a server that has `requests` requests, and returns the events.
fn deliver(rig: &mut Rig, requests: u32, frames: &[Frame<'_>]) -> Vec<String> {
    let header = Header {
        acknowledged: requests,
        ..rig.header()
    };
    rig.next += u32::try_from(frames.len()).unwrap();
    assert_eq!(rig.deliver_under(&header, frames), Disposition::Accepted);
    rig.events()
}

/// Does the same, and returns the numbers of delivered messages that were reported.
fn reported(rig: &mut Rig, requests: u32, frames: &[Frame<'_>]) -> Vec<u32> {
    let count = |event: &String| {
        let count = event.strip_prefix("KeptDelivered { to: \"bob\", count: ")?;
        count.strip_suffix(" }")?.parse().ok()
    };
    let events = deliver(rig, requests, frames);
    events.iter().filter_map(count).collect()
}

/// Stores a message that has this number, as a request and as a message.
fn store(rig: &mut Rig, number: u32) {
    rig.send_to_bob("hi");
    rig.sent();
    assert_eq!(reported(rig, number, &[saved(number)]), [0; 0]);
}

#[test]
//= PROTOCOL.md#10.5
fn reports_delivered_messages_once() {
    let mut rig = client();
    store(&mut rig, 1);
    store(&mut rig, 2);
    let few = reported(&mut rig, 2, &[receipt(1)]);
    assert_eq!(few, [0; 0], "one still waits");
    assert_eq!(reported(&mut rig, 2, &[receipt(2), receipt(2)]), [2]);
    store(&mut rig, 3);
    let none = reported(&mut rig, 3, &[receipt(2)]);
    assert_eq!(none, [0; 0], "it is that of earlier messages");
    assert_eq!(reported(&mut rig, 3, &[receipt(3), receipt(9)]), [1]);
    assert!(rig.client.is_idle());
}

/// The server sends a result again that was lost with a session; the receipt may come before it.
#[test]
//= PROTOCOL.md#10.5
fn reports_a_receipt_that_came_before_its_result() {
    let mut rig = client();
    rig.send_to_bob("hi");
    rig.sent();
    let events = deliver(&mut rig, 1, &[receipt(1), saved(1)]);
    assert!(events[1].contains("Saved"), "{events:?}");
    let delivered = r#"KeptDelivered { to: "bob", count: 1 }"#;
    assert_eq!(events[2..], [delivered], "{events:?}");
    assert_eq!(reported(&mut rig, 1, &[receipt(1)]), [0; 0]);
}

/// The sender asks whether bob is back, before the receipt arrives.
#[test]
fn reports_a_receipt_behind_the_news_of_a_return() {
    let mut rig = client();
    store(&mut rig, 1);
    rig.send_to_bob("are you back?");
    rig.sent();
    let exists = Frame::Result {
        request: 2,
        outcome: Outcome::Exists,
    };
    assert_eq!(reported(&mut rig, 2, &[exists, receipt(1)]), [1]);
}

/// A name that is forgotten loses its messages: a receipt of the next owner is not about them.
#[test]
//= PROTOCOL.md#10.5
fn reports_nothing_of_a_forgotten_name() {
    let gone = entry("bob", Status::Gone, 0, bob());
    let no_such_client = Frame::Result {
        request: 2,
        outcome: Outcome::NoSuchClient,
    };
    for (number, sign) in [(2, news(3, &gone)), (3, no_such_client)] {
        let mut rig = client();
        store(&mut rig, 1);
        if number == 3 {
            rig.send_to_bob("hi");
            rig.sent();
        }
        deliver(&mut rig, number - 1, &[sign]);
        let again = entry("bob", Status::Offline, BOB, bob());
        deliver(&mut rig, number - 1, &[news(4, &again)]);
        store(&mut rig, number);
        assert_eq!(reported(&mut rig, number, &[receipt(number)]), [1]);
    }
}

/// A partial roster does not tell whether a name was forgotten.
#[test]
//= PROTOCOL.md#10.5
fn reports_nothing_with_a_partial_roster() {
    let mut rig = client();
    store(&mut rig, 1);
    let frames = [Frame::Partial, receipt(1)];
    assert_eq!(reported(&mut rig, 1, &frames), [0; 0]);
}
