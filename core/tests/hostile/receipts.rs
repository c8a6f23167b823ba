//! Receipts: a sender learns that the recipient has acknowledged its stored messages.

use chatapp_core::wire::Frame;

use crate::offline::store;
use crate::server_rig::{Member, Rig, Sent, hello, stored_message};

/// Ann has sent a message to bob, which is offline. Then `between` happens, bob returns, and the
/// server delivers the message. Returns the server's datagrams after bob's acknowledgement.
fn bob_takes_his_message(rig: &mut Rig, ann: &mut Member, between: impl FnOnce(&mut Rig)) -> Sent {
    let mut bob = rig.join(2, "bob");
    rig.say(&mut bob, &[Frame::Leave { request: 1 }]);
    let sent = rig.say(ann, &[store(1, "hi")]);
    rig.receive_all(ann, sent);
    between(rig);
    let mut again = hello(2, "bob");
    (again.id, again.hello.session_sequence) = (22, 2);
    let mut bob = rig.enters(2, again);
    let sent = rig.pass(500);
    assert!(bob.receive(&sent), "the message");
    rig.say(&mut bob, &[])
}

#[test]
fn sends_a_receipt_at_once() {
    let mut rig = Rig::new();
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    let sent = rig.pass(500);
    rig.receive_all(&mut ann, sent);
    // Bob is online, but ann cannot reach it directly.
    let sent = rig.say(&mut ann, &[store(1, "hi")]);
    rig.receive_all(&mut ann, sent.clone());
    assert!(bob.receive(&sent), "the message");
    let sent = rig.say(&mut bob, &[]);
    let receipt = r#"Receipt { to: "bob", counter: 1 }"#;
    assert_eq!(rig.receive_all(&mut ann, sent), [receipt]);
    assert_eq!(rig.server.usage().kept_messages.used, 0);
}

#[test]
fn sends_one_receipt_for_messages_together() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    let mut bob = rig.join(2, "bob");
    rig.say(&mut bob, &[Frame::Leave { request: 1 }]);
    for request in 1..=3 {
        let sent = rig.say(&mut ann, &[store(request, "hi")]);
        rig.receive_all(&mut ann, sent);
    }
    let mut again = hello(2, "bob");
    (again.id, again.hello.session_sequence) = (22, 2);
    let mut bob = rig.enters(2, again);
    let sent = rig.pass(500);
    assert!(bob.receive(&sent), "the messages");
    rig.receive_all(&mut ann, sent);
    let sent = rig.say(&mut bob, &[]);
    let received = rig.receive_all(&mut ann, sent);
    let receipts: Vec<&String> = received
        .iter()
        .filter(|f| f.starts_with("Receipt"))
        .collect();
    assert_eq!(receipts, [r#"Receipt { to: "bob", counter: 3 }"#]);
    assert_eq!(rig.server.usage().kept_messages.used, 0);
}

#[test]
fn sends_no_receipt_while_a_later_message_waits() {
    // Two texts of this length do not fit into one datagram.
    let text = "x".repeat(590);
    let to_carol = Frame::Store {
        request: 3,
        counter: 3,
        tried: 0,
        bounce: false,
        to: "carol",
        ciphertext: stored_message("hi"),
    };
    let receipt = |counter| format!("Receipt {{ to: \"bob\", counter: {counter} }}");
    // A message for carol says nothing about bob. Then each message to bob may have its receipt.
    for (later, first_receipts) in [(None, vec![]), (Some(to_carol), vec![receipt(1)])] {
        let mut rig = Rig::new();
        let mut ann = rig.join(1, "ann");
        for (number, name) in [(2, "bob"), (3, "carol")] {
            let mut away = rig.join(number, name);
            rig.say(&mut away, &[Frame::Leave { request: 1 }]);
        }
        for frame in [store(1, &text), store(2, &text)].into_iter().chain(later) {
            let sent = rig.say(&mut ann, &[frame]);
            rig.receive_all(&mut ann, sent);
        }
        let mut again = hello(2, "bob");
        (again.id, again.hello.session_sequence) = (22, 2);
        let mut bob = rig.enters(2, again);
        for receipts in [first_receipts, vec![receipt(2)]] {
            let sent = rig.pass(500);
            rig.receive_all(&mut ann, sent.clone());
            assert!(bob.receive(&sent), "one message");
            let sent = rig.say(&mut bob, &[]);
            let mut received = rig.receive_all(&mut ann, sent);
            received.retain(|frame| frame.starts_with("Receipt"));
            assert_eq!(received, receipts);
        }
        let left = usize::from(later.is_some());
        assert_eq!(rig.server.usage().kept_messages.used as usize, left);
    }
}

#[test]
fn keeps_no_receipt_for_a_sender_that_is_gone() {
    // The sender's process has ended, or another process has its name.
    for successor in [false, true] {
        let mut rig = Rig::new();
        let mut ann = rig.join(1, "ann");
        let (address, reset) = (ann.address, rig.plain(&ann.reset()));
        bob_takes_his_message(&mut rig, &mut ann, |rig| {
            if successor {
                rig.enters(1, hello(3, "ann"));
            } else {
                rig.give(address, &reset);
            }
        });
        assert_eq!(rig.server.usage().kept_messages.used, 0);
    }
}
