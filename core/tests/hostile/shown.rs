//! Receipts of messages: a client acknowledges a message, and remembers it, when its output has
//! written it.

use chatapp_core::limits::SHOWN_MAX;
use chatapp_core::wire::{ClientHello, Cookie, Datagram, Frame, Header, Outcome};
use chatapp_core::{Command, Disposition, DropReason, Endpoint, Receipt};

use crate::client_rig::{Rig, bob, entry_of_carol, mail, server, text};
use crate::lines::Line;
use crate::people::{SERVER_ID, identity};

const WINDOW: u16 = 128;

fn entry(number: u32) -> Frame<'static> {
    entry_of_carol(number, true)
}

/// Returns a client that has shown one message, so that no announcement follows.
fn client() -> Rig {
    let mut rig = Rig::online();
    rig.deliver(&[entry(1)]);
    assert_eq!(rig.events().len(), 2, "an announcement and a message");
    rig.sent();
    rig
}

/// Returns a client that has a session with bob and has shown one message, and bob's end.
fn with_bob() -> (Rig, Line) {
    let mut rig = client();
    rig.send_to_bob("hi");
    let mut line = rig.meets_bob();
    rig.sent();
    let heard = Header {
        acknowledged: 1,
        window: WINDOW,
        ..Header::default()
    };
    let datagram = line.encrypt(&heard, &[]);
    assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
    assert_eq!(rig.events().len(), 1, "it is delivered");
    (rig, line)
}

/// Sends these frames from bob, from the number of `first` on.
fn bob_sends(rig: &mut Rig, line: &mut Line, first: u32, frames: &[Frame<'_>]) -> Disposition {
    let header = Header {
        acknowledged: 1,
        window: WINDOW,
        first,
        ..Header::default()
    };
    let datagram = line.encrypt(&header, frames);
    rig.handle(bob(), &datagram)
}

/// Takes one message, and returns its receipt.
fn take_one(rig: &mut Rig) -> Receipt {
    let receipts = rig.takes();
    assert_eq!(receipts.len(), 1);
    receipts[0]
}

/// Returns the acknowledged number and the window of each datagram that the client sends to the
/// server.
fn acks(rig: &mut Rig) -> Vec<(u32, u16)> {
    let sent = rig.sent_data();
    let headers = sent.iter().map(|(header, _)| header);
    headers
        .map(|header| (header.acknowledged, header.window))
        .collect()
}

/// Returns the same for the datagrams to bob.
fn acks_to_bob(rig: &mut Rig, line: &Line) -> Vec<(u32, u16)> {
    let sent = rig.sent().into_iter().filter(|(to, _)| *to == bob());
    let headers = sent.map(|(_, datagram)| line.decrypt(datagram, |_| String::new()).unwrap().0);
    headers
        .map(|header| (header.acknowledged, header.window))
        .collect()
}

#[test]
//= PROTOCOL.md#6.1
//= PROTOCOL.md#6.5
fn acknowledges_nothing_before_the_receipt() {
    let mut rig = client();
    let unread = rig.next;
    rig.deliver(&[entry(2)]);
    let receipt = take_one(&mut rig);
    assert_eq!(acks(&mut rig), [], "the display may take it at once");
    assert!(rig.pass(10_000).is_empty());
    rig.send_to_bob("hi");
    rig.command(Command::SendAll { text: "hi" }).unwrap();
    assert_eq!(acks(&mut rig)[0].0, unread, "a request carries it");
    rig.writes(receipt);
    assert_eq!(acks(&mut rig).last(), Some(&(rig.next, WINDOW)));
}

#[test]
//= PROTOCOL.md#6.1
fn acknowledges_written_messages_in_order() {
    let mut rig = client();
    rig.deliver(&[entry(2), entry(3), Frame::Missing { query: 77 }, entry(4)]);
    let [first, second, third] = rig.takes()[..] else {
        panic!("three messages")
    };
    for early in [second, third] {
        rig.writes(early);
        assert_eq!(acks(&mut rig), [], "an earlier message is not written");
    }
    let end = rig.next;
    for (receipt, acknowledged) in [(first, end - 3), (second, end - 2), (third, end)] {
        rig.writes(receipt);
        assert_eq!(acks(&mut rig), [(acknowledged, WINDOW)]);
        rig.writes(receipt);
        assert_eq!(acks(&mut rig), [], "a receipt counts once");
    }
}

/// A frame that is no message is accepted at once. A message behind it does not withhold its
/// acknowledgement.
#[test]
//= PROTOCOL.md#6.5
fn acknowledges_frames_before_the_first_message() {
    let mut rig = client();
    let unread = rig.next;
    rig.deliver(&[Frame::Missing { query: 77 }, entry(2), entry(3)]);
    let receipts = rig.takes();
    assert_eq!(acks(&mut rig), [(unread + 1, WINDOW)]);
    assert!(rig.pass(10_000).is_empty(), "it is sent once");
    rig.deliver(&[Frame::Missing { query: 78 }]);
    assert!(rig.takes().is_empty());
    assert_eq!(acks(&mut rig), [], "it stands behind a message");
    receipts.into_iter().for_each(|receipt| rig.writes(receipt));
    assert_eq!(acks(&mut rig), [(rig.next, WINDOW)]);
}

#[test]
fn refuses_a_receipt_of_another_client() {
    let (mut rig, mut other) = (client(), Rig::with_seed(6));
    other.comes_online();
    other.deliver(&[entry(1)]);
    other.events();
    other.deliver(&[entry(2)]);
    let foreign = take_one(&mut other);
    rig.deliver(&[entry(2)]);
    let own = take_one(&mut rig);
    rig.writes(foreign);
    assert_eq!(acks(&mut rig), [], "nothing is written");
    assert_eq!(rig.client.stats().drops(DropReason::Unexpected), 1);
    rig.writes(own);
    assert_eq!(acks(&mut rig), [(rig.next, WINDOW)]);
    rig.writes(own);
    assert_eq!(rig.client.stats().drops(DropReason::Unexpected), 2);
}

#[test]
//= PROTOCOL.md#6.5
fn closes_the_window_for_a_repeated_message() {
    let mut rig = client();
    let header = rig.header();
    rig.deliver(&[entry(2)]);
    let receipt = take_one(&mut rig);
    assert_eq!(acks(&mut rig), []);
    for _ in 0..3 {
        let repeated = rig.deliver_under(&header, &[entry(2)]);
        assert_eq!(repeated, Disposition::Ignored(DropReason::Duplicate));
        assert_eq!(rig.events(), [""; 0], "it is the same message");
        assert_eq!(acks(&mut rig), [(header.first, 0)]);
    }
    rig.writes(receipt);
    assert_eq!(acks(&mut rig), [(rig.next, WINDOW)]);
}

#[test]
fn shows_what_follows_a_stalled_message() {
    let (mut rig, mut line) = with_bob();
    rig.deliver(&[entry(2)]);
    let from_carol = take_one(&mut rig);
    let sent = bob_sends(&mut rig, &mut line, 0, &[text(1, "hi")]);
    assert_eq!(sent, Disposition::Accepted);
    let from_bob = take_one(&mut rig);
    rig.send_to_bob("are you there?");
    assert_eq!(acks_to_bob(&mut rig, &line), [(0, WINDOW)]);
    rig.writes(from_carol);
    assert_eq!(acks(&mut rig), [(rig.next, WINDOW)]);
    rig.writes(from_bob);
    assert_eq!(acks_to_bob(&mut rig, &line), [(1, WINDOW)]);
}

/// Bob believes that the direct path has failed, and the server has the message, too.
#[test]
//= PROTOCOL.md#10.1
fn acknowledges_a_repetition_after_the_first() {
    let (mut rig, mut line) = with_bob();
    bob_sends(&mut rig, &mut line, 0, &[text(1, "hi")]);
    let receipt = take_one(&mut rig);
    rig.sent();
    let unread = rig.next;
    rig.deliver(&[mail(1, 1, false), entry(2)]);
    assert!(rig.takes().is_empty(), "it is the same message");
    assert_eq!(acks(&mut rig), [(unread, 0)]);
    assert_ne!(rig.client.poll_timeout(), Some(rig.now), "nothing is due");
    rig.writes(receipt);
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    assert_eq!(rig.events().len(), 1, "the entry");
    assert_eq!(acks(&mut rig), [(rig.next, WINDOW)]);
    assert_eq!(rig.client.stats().drops(DropReason::Duplicate), 1);
}

/// A repetition of what was written long ago waits for nothing, and holds nothing up.
#[test]
//= PROTOCOL.md#10.1
fn drops_a_repetition_of_a_written_message() {
    let (mut rig, mut line) = with_bob();
    rig.deliver(&[mail(1, 1, false)]);
    assert_eq!(rig.events().len(), 1);
    bob_sends(&mut rig, &mut line, 0, &[text(2, "hi")]);
    assert_eq!(rig.events().len(), 1);
    rig.deliver(&[entry(2)]);
    let receipt = take_one(&mut rig);
    for repeated in [mail(1, 1, false), entry(1)] {
        rig.deliver(&[repeated, Frame::Missing { query: 77 }]);
        assert!(rig.takes().is_empty());
    }
    bob_sends(&mut rig, &mut line, 1, &[text(2, "hi"), text(3, "new")]);
    let new = take_one(&mut rig);
    assert_eq!(rig.client.stats().drops(DropReason::Duplicate), 3);
    bob_sends(&mut rig, &mut line, 3, &[text(2, "hi"), text(3, "new")]);
    assert!(rig.takes().is_empty());
    let dropped = rig.client.stats().drops(DropReason::Duplicate);
    assert_eq!(dropped, 4, "the other one is not written yet");
    rig.writes(receipt);
    rig.writes(new);
    assert!(rig.takes().is_empty());
    assert_eq!(rig.client.stats().drops(DropReason::Duplicate), 5);
}

/// Returns the numbers of the stored message and of the entry that the client has shown, by its
/// next request for a session.
fn shown_by_hello(rig: &mut Rig) -> (u64, u32) {
    let token = identity("server").reset_token(SERVER_ID);
    let reset = Datagram::Reset {
        echo: SERVER_ID,
        token,
    };
    assert_eq!(rig.give(server(), &reset), Disposition::Accepted);
    let request = rig.request(server());
    let Ok(Datagram::ClientHello(hello)) = Datagram::parse(&identity(""), &request) else {
        panic!("no request for a session")
    };
    let mut payload = [0; chatapp_core::limits::DATAGRAM_LEN_MAX];
    chatapp_core::crypto::Responder::read(
        &identity("server"),
        hello.prologue,
        hello.message,
        &mut payload,
    )
    .expect("it is for the server");
    let hello: ClientHello<'_> = postcard::from_bytes(&payload).unwrap();
    (hello.mail_shown, hello.channel_shown)
}

#[test]
fn tells_a_server_of_written_messages_only() {
    for (written, expected) in [(0, (0, 1)), (1, (0, 1)), (2, (1, 2))] {
        let mut rig = client();
        rig.deliver(&[mail(1, 1, false), entry(2)]);
        let receipts = rig.takes();
        receipts[..written]
            .iter()
            .for_each(|receipt| rig.writes(*receipt));
        rig.sent();
        assert_eq!(shown_by_hello(&mut rig), expected, "{written} written");
        // The receipts of a session that has ended do no harm.
        receipts[written..]
            .iter()
            .for_each(|receipt| rig.writes(*receipt));
        assert_eq!(rig.sent(), []);
    }
}

#[test]
fn gives_a_bounded_number_of_receipts() {
    let mut rig = client();
    let mut receipts = Vec::new();
    let mut number = 1;
    while receipts.len() < SHOWN_MAX as usize {
        let entries: Vec<_> = (1..=16).map(|more| entry(number + more)).collect();
        number += 16;
        rig.deliver(&entries);
        receipts.extend(rig.takes());
        rig.sent();
    }
    let waits = rig.next;
    rig.deliver(&[entry(number + 1)]);
    assert!(rig.takes().is_empty());
    assert_eq!(acks(&mut rig)[0].1, 0, "the window is closed");
    assert_ne!(rig.client.poll_timeout(), Some(rig.now), "nothing is due");
    // Other events do not wait.
    let note = Command::Send {
        to: "alice",
        text: "note to myself",
    };
    rig.command(note).unwrap();
    assert_eq!(rig.events().len(), 2, "the note and its delivery");
    rig.writes(receipts[0]);
    receipts.push(take_one(&mut rig));
    receipts[1..]
        .iter()
        .for_each(|receipt| rig.writes(*receipt));
    assert_eq!(acks(&mut rig).last(), Some(&(waits + 1, WINDOW)));
}

/// The server has seen another address of the client. It answers nothing there before the cookie
/// comes back, whatever the display does.
#[test]
//= PROTOCOL.md#5.8
fn returns_a_cookie_while_a_receipt_is_out() {
    let mut rig = client();
    let unread = rig.next;
    rig.deliver(&[entry(2)]);
    let receipt = take_one(&mut rig);
    assert_eq!(rig.sent(), [], "nothing to acknowledge");
    let cookie = Cookie {
        issued_at_ms: 7,
        mac: 7,
    };
    let datagram = Datagram::Cookie {
        to: rig.id,
        cookie,
        key: None,
    };
    assert_eq!(rig.give(server(), &datagram), Disposition::Accepted);
    let sent = rig.sent_data();
    assert_eq!(sent[0].0.cookie, Some(cookie));
    assert_eq!(sent[0].0.acknowledged, unread);
    rig.writes(receipt);
    assert_eq!(acks(&mut rig), [(rig.next, WINDOW)]);
}

#[test]
fn leaves_once_all_is_written_and_acknowledged() {
    let (mut rig, mut line) = with_bob();
    rig.command(Command::Deregister { name: "alice" }).unwrap();
    let leave = rig.sent_data();
    assert_eq!(leave[0].1, ["Leave { request: 1 }"]);
    bob_sends(&mut rig, &mut line, 0, &[text(1, "hi")]);
    let receipt = take_one(&mut rig);
    let heard = Header {
        acknowledged: 1,
        ..rig.header()
    };
    let left = Frame::Result {
        request: 1,
        outcome: Outcome::Left,
    };
    rig.deliver_under(&heard, &[left]);
    assert_eq!(rig.events(), [""; 0]);
    rig.sent();
    assert_ne!(rig.client.poll_timeout(), Some(rig.now), "nothing is due");
    rig.writes(receipt);
    assert_eq!(
        rig.events(),
        [""; 0],
        "bob does not know that it is written"
    );
    assert_eq!(acks_to_bob(&mut rig, &line), [(1, 0)]);
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    assert_eq!(rig.events(), ["Deregistered { id: CommandId(3) }"]);
}

#[test]
fn has_a_record_for_each_shown_message() {
    let mut rig = client();
    rig.records();
    rig.deliver(&[entry(2), mail(1, 1, false), Frame::Skipped { count: 1 }]);
    let records = rig.takes().into_iter().map(|receipt| receipt.record());
    let records: Vec<_> = records.map(|record| format!("{record:?}")).collect();
    assert!(
        records[0].ends_with("channel: true, counter: 2 }))"),
        "{records:?}"
    );
    assert!(
        records[1].ends_with("channel: false, counter: 1 }))"),
        "{records:?}"
    );
    assert_eq!(records[2], "None");
}
