//! Stored messages that a client shows: those that their sender encrypted for it, each once.

use chatapp_core::crypto::{KEY_LEN, SessionKeys};
use chatapp_core::wire::{Entry, Frame, Header, Outcome, Status};
use chatapp_core::{ClientRecord, Disposition, DropReason, PublicKey, UnixSeconds};

use crate::caller::{accepted_session, call};
use crate::client_rig::{Rig, address, bob, entry, from_bob, mail, news, text, whole_table};
use crate::lines::{answer, bob_accepts, from_caller};
use crate::people::{BOB, StoredMessage, identity, key, message_key};

/// Returns the frame in which the server sends a stored message, under bob's key.
fn mail_of<'a>(
    serial: u64,
    incarnation: u64,
    counter: u32,
    from: &'a str,
    kept: &'a [u8],
) -> Frame<'a> {
    let (message_key, ciphertext) = PublicKey::in_front_of(kept);
    Frame::Mail {
        serial,
        incarnation,
        counter,
        stamp: UnixSeconds(9),
        kept: false,
        key: key("bob"),
        from,
        message_key,
        ciphertext,
    }
}

/// Returns the frame of bob's second stored message.
fn kept(serial: u64, ciphertext: &StoredMessage<'_>) -> Frame<'static> {
    mail_of(serial, BOB, 2, "bob", ciphertext.stored().leak())
}

/// Returns stored messages that are not bob's second one to alice, although their frame says so.
fn forgeries() -> Vec<StoredMessage<'static>> {
    let ciphertext = from_bob(2, "hi");
    vec![
        StoredMessage {
            recipient: "cleo",
            ..ciphertext
        },
        StoredMessage {
            person: "mallory",
            ..ciphertext
        },
        StoredMessage {
            to: "cleo",
            ..ciphertext
        },
        StoredMessage {
            from: "cleo",
            ..ciphertext
        },
        StoredMessage {
            incarnation: BOB + 1,
            ..ciphertext
        },
        StoredMessage {
            counter: 3,
            ..ciphertext
        },
        StoredMessage {
            room: "mallory",
            ..ciphertext
        },
        StoredMessage {
            text: "",
            ..ciphertext
        },
    ]
}

#[test]
fn counts_what_is_no_stored_message() {
    let message = from_bob(2, "hi").stored().leak();
    let mut rig = Rig::online();
    for (serial, from, ciphertext) in [(1, "\u{1b}[2J", &message[..]), (2, "bob", &message[..8])] {
        rig.deliver(&[mail_of(serial, BOB, 2, from, ciphertext)]);
        assert_eq!(rig.events(), [""; 0]);
    }
    let drops = [DropReason::Malformed, DropReason::Duplicate]
        .map(|reason| rig.client.stats().drops(reason));
    assert_eq!(drops, [2, 0]);
}

/// Returns all frames in one line.
fn frames_of(sent: Vec<(Header, Vec<String>)>) -> String {
    let frames = sent.into_iter().flat_map(|(_, frames)| frames);
    frames.collect::<Vec<_>>().join(", ")
}

const UNREADABLE: &str = r#"NotShown { from: "bob", channel: false, reason: Unreadable }"#;

#[test]
//= PROTOCOL.md#11.2
fn shows_no_forged_stored_message() {
    let mut rig = Rig::online();
    let mut damaged = from_bob(2, "hi").stored();
    damaged[40] ^= 1;
    let damaged = mail_of(1, BOB, 2, "bob", damaged.leak());
    rig.deliver(&[damaged]);
    assert_eq!(rig.events(), [UNREADABLE]);
    for (serial, forged) in (2..).zip(forgeries()) {
        rig.deliver(&[kept(serial, &forged)]);
        assert_eq!(rig.events(), [UNREADABLE]);
    }
    assert_eq!(
        rig.client.stats().drops(DropReason::Unreadable),
        1 + u64::try_from(forgeries().len()).unwrap()
    );
    // None of these prevents the genuine message, which is shown once.
    let ciphertext = from_bob(2, "hi");
    rig.deliver(&[kept(100, &ciphertext), kept(101, &ciphertext)]);
    let shown = rig.events();
    assert_eq!(shown.len(), 1);
    assert!(shown[0].contains(r#"from: "bob""#), "{shown:?}");
    assert!(shown[0].contains(r#"text: "hi""#), "{shown:?}");
    // The client does not show it under another name or incarnation.
    for (serial, from, incarnation) in [(102, "cleo", BOB), (103, "bob", BOB + 1)] {
        rig.deliver(&[mail_of(
            serial,
            incarnation,
            2,
            from,
            ciphertext.stored().leak(),
        )]);
        assert!(rig.events()[0].starts_with("NotShown"));
    }
}

#[test]
fn decrypts_nothing_with_a_key_never_agreed_on() {
    let mut rig = Rig::new();
    assert!(rig.client.restore(ClientRecord::PeerKey {
        name: "bob",
        key: key("bob")
    }));
    rig.comes_online();
    // A malicious server encrypts message 1 with a key of zeros. The client knows bob, which has
    // sent nothing yet.
    let mallory = identity("mallory");
    let mut zeros = SessionKeys::new(&[0; KEY_LEN], &[0; KEY_LEN]);
    mallory.seal(&mut zeros, &[], &mut []);
    let mut forged = *b"forged";
    let tag = mallory.seal(&mut zeros, &[], &mut forged);
    let ciphertext = [&message_key("bob").0[..], &forged, &tag].concat();
    for (serial, incarnation) in [(1, 0), (2, BOB)] {
        rig.deliver(&[mail_of(serial, incarnation, 1, "bob", &ciphertext)]);
        assert_eq!(rig.events(), [UNREADABLE]);
    }
}

#[test]
fn counts_malformed_texts_of_a_session() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let mut line = rig.meets_bob();
    let mut header = Header {
        acknowledged: 0,
        window: 32,
        ..Header::default()
    };
    rig.sent();
    for (number, junk) in (1..).zip([&b""[..], b"\xff", b"cut off: \xe2\x82"]) {
        let frame = Frame::Text {
            counter: 2,
            text: junk,
        };
        let datagram = line.encrypt(&header, &[frame]);
        header.first += 1;
        assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
        assert_eq!(rig.events(), [""; 0]);
        assert_eq!(rig.client.stats().drops(DropReason::Malformed), number);
    }
    // None of these prevents the genuine text.
    let datagram = line.encrypt(&header, &[text(2, "\u{20ac}")]);
    assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
    let shown = rig.events();
    assert!(
        shown.len() == 1 && shown[0].contains("\u{20ac}"),
        "{shown:?}"
    );
}

/// The client has encrypted it for the server to store, and the server has found bob online.
#[test]
fn sends_a_bounced_message_directly_as_typed() {
    let mut rig = Rig::online();
    rig.deliver(&[news(2, &entry("bob", Status::Offline, BOB, bob()))]);
    rig.events();
    rig.send_to_bob("as it was typed");
    let sent_to_server = frames_of(rig.sent_data());
    assert!(
        sent_to_server.contains("Store") && sent_to_server.contains(r#"text: "as it was typed""#),
        "{sent_to_server}"
    );
    // Bob is online again.
    let mut header = rig.header();
    header.acknowledged = 1;
    let result = Frame::Result {
        request: 1,
        outcome: Outcome::Exists,
    };
    assert_eq!(rig.deliver_under(&header, &[result]), Disposition::Accepted);
    rig.events();
    let sent_to_server = frames_of(rig.sent_data());
    let query = sent_to_server
        .split_once("Lookup { query: ")
        .and_then(|(_, rest)| rest.split_once(','))
        .expect("the client looks up bob");
    let entry = Entry::new("bob", Status::Online, BOB, key("bob"), bob());
    let found = Frame::Found {
        query: query.0.parse().unwrap(),
        entry,
    };
    header.acknowledged = 2;
    header.first += 1;
    assert_eq!(rig.deliver_under(&header, &[found]), Disposition::Accepted);
    rig.events();
    let to_bob = |rig: &mut Rig| {
        let sent = rig.sent().into_iter().find(|(to, _)| *to == bob());
        sent.expect("the client sends to bob").1
    };
    let (accept, line) = answer(&identity("bob"), &to_bob(&mut rig), &bob_accepts());
    assert_eq!(rig.handle(bob(), &accept), Disposition::Accepted);
    let (_, frames) = line
        .decrypt(to_bob(&mut rig), |frame| match frame {
            Frame::Text { text, .. } => String::from_utf8_lossy(text).into_owned(),
            other => panic!("{other:?}"),
        })
        .expect("bob can read it");
    assert_eq!(frames, ["as it was typed"]);
}

#[test]
fn shows_a_message_once_on_both_paths() {
    for direct_first in [false, true] {
        let mut rig = Rig::online();
        let called = call(&rig, "bob", 7, &from_caller(1));
        assert_eq!(rig.handle(bob(), &called), Disposition::Accepted);
        let (to, accept) = rig.sent().pop().unwrap();
        assert_eq!(to, bob());
        let mut line = accepted_session(&rig, "bob", 7, &from_caller(1), &accept);
        let header = Header {
            window: 32,
            ..Header::default()
        };
        let mut directly = |rig: &mut Rig| {
            let datagram = line.encrypt(&header, &[text(2, "hi")]);
            assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
            rig.events()
        };
        let through_the_server = |rig: &mut Rig| {
            rig.deliver(&[kept(1, &from_bob(2, "hi"))]);
            rig.events()
        };
        let shown = if direct_first {
            [directly(&mut rig), through_the_server(&mut rig)]
        } else {
            [through_the_server(&mut rig), directly(&mut rig)]
        };
        assert_eq!((shown[0].len(), shown[1].len()), (1, 0), "{shown:?}");
        assert!(shown[0][0].contains(r#"from: "bob""#));
        assert!(shown[0][0].contains(r#"text: "hi""#));
    }
}

/// Bob starts a second process, and the first one does not know yet that it has lost the name.
#[test]
//= PROTOCOL.md#11.1
fn shows_messages_of_two_processes_of_one_name() {
    let mut rig = Rig::online();
    let called = call(&rig, "bob", 7, &from_caller(1));
    assert_eq!(rig.handle(bob(), &called), Disposition::Accepted);
    let (_, accept) = rig.sent().pop().unwrap();
    let mut line = accepted_session(&rig, "bob", 7, &from_caller(1), &accept);
    let from_the_second = StoredMessage {
        incarnation: BOB + 1,
        ..from_bob(1, "second")
    };
    let ciphertext = from_the_second.stored();
    for (number, words) in ["one", "two"].into_iter().enumerate() {
        let number = u32::try_from(number).unwrap();
        let header = Header {
            window: 32,
            first: number,
            ..Header::default()
        };
        let datagram = line.encrypt(&header, &[text(number + 1, words)]);
        assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
        let shown = rig.events();
        let shows = shown.len() == 1 && shown[0].contains(words);
        assert!(shows, "{shown:?}");
        rig.deliver(&[mail_of(
            u64::from(number) + 1,
            BOB + 1,
            1,
            "bob",
            &ciphertext,
        )]);
        // The second copy of the stored message is not shown.
        let shown = rig.events();
        assert_eq!(shown.len(), usize::from(number == 0), "{shown:?}");
    }
}

/// A server may deliver a message at any time, with any date. It cannot change that of the sender.
#[test]
//= PROTOCOL.md#11.2
fn shows_when_a_message_was_sent() {
    for (sent_at, shown) in [
        (0, "sent_at: None"),
        (9, "sent_at: None"),
        (9 + 600, "sent_at: None"),
        (9 + 601, "sent_at: Some(UnixSeconds(610))"),
        (1_000_000, "sent_at: Some(UnixSeconds(1000000))"),
    ] {
        let mut rig = Rig::online();
        let message = StoredMessage {
            sent_at,
            ..from_bob(2, "hi")
        };
        rig.deliver(&[kept(1, &message)]);
        let events = rig.events();
        assert!(
            events.iter().any(|event| event.contains(shown)),
            "{events:?}"
        );
    }
}

/// Strangers may write as many messages as they like, from as many processes.
#[test]
//= PROTOCOL.md#10.1
fn repeats_no_message_of_a_friend_after_strangers() {
    let mut rig = Rig::online();
    let earlier = StoredMessage {
        incarnation: BOB - 1,
        ..from_bob(2, "once")
    };
    let ciphertext = earlier.stored();
    let deliver = |rig: &mut Rig, serial| {
        rig.deliver(&[mail_of(serial, BOB - 1, 2, "bob", &ciphertext)]);
        rig.events().len()
    };
    assert_eq!(deliver(&mut rig, 1), 1);
    for number in 1..=20_u32 {
        let incarnation = u64::from(number);
        rig.deliver(&[Frame::Channel {
            number,
            from: "carol",
            incarnation,
            counter: 1,
            kept: false,
            stamp: UnixSeconds(9),
            text: "hi",
        }]);
        assert_eq!(rig.events().len(), 1);
        let stranger = StoredMessage {
            person: "cleo",
            from: "cleo",
            incarnation,
            ..from_bob(1, "psst")
        };
        rig.deliver(&[Frame::Mail {
            serial: 1 + incarnation,
            incarnation,
            counter: 1,
            stamp: UnixSeconds(9),
            kept: false,
            key: key("cleo"),
            from: "cleo",
            message_key: message_key("cleo"),
            ciphertext: stranger.ciphertext().leak(),
        }]);
        assert!(!rig.events().is_empty());
    }
    assert_eq!(deliver(&mut rig, 100), 0, "it was shown again");
}

#[test]
fn protects_message_counters_from_other_senders() {
    // Mallory uses the incarnation of bob, which everybody knows, and the highest counter of all.
    let last = StoredMessage {
        person: "mallory",
        from: "mallory",
        ..from_bob(u32::MAX, "hi")
    };
    let mut rig = Rig::online();
    rig.records();
    let alice = entry("alice", Status::Online, 0xa, address(0));
    let mallory = |incarnation| entry("mallory", Status::Online, incarnation, address(8));
    let room = [&alice[..], &mallory(BOB)].concat();
    let message = Frame::Mail {
        serial: 1,
        incarnation: BOB,
        counter: u32::MAX,
        stamp: UnixSeconds(9),
        kept: false,
        key: key("mallory"),
        from: "mallory",
        message_key: message_key("mallory"),
        ciphertext: last.ciphertext().leak(),
    };
    let channel = Frame::Channel {
        number: 1,
        incarnation: BOB,
        counter: u32::MAX,
        stamp: UnixSeconds(9),
        kept: false,
        from: "mallory",
        text: "hi",
    };
    rig.deliver(&[whole_table(2, &room), message, channel]);
    let mut shown = Vec::new();
    for receipt in rig.takes() {
        if let Some(ClientRecord::Shown(one)) = receipt.record() {
            shown.push(one);
        }
        rig.writes(receipt);
    }
    assert_eq!(shown.len(), 2);
    // Mallory leaves and bob comes; or alice restarts.
    let room = [
        &alice[..],
        &mallory(0xe),
        &entry("bob", Status::Online, BOB, bob()),
    ]
    .concat();
    rig.deliver(&[whole_table(3, &room)]);
    rig.events();
    let mut next_process = Rig::new();
    for one in shown {
        assert!(next_process.client.restore(ClientRecord::Shown(one)));
    }
    next_process.comes_online();
    let posted = Frame::Channel {
        number: 2,
        incarnation: BOB,
        counter: 2,
        stamp: UnixSeconds(9),
        kept: false,
        from: "bob",
        text: "hi",
    };
    for mut rig in [rig, next_process] {
        rig.deliver(&[mail(2, 1, false), posted]);
        assert_eq!(rig.events().len(), 2);
    }
}
