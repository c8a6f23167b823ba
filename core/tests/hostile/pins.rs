//! The pinned keys of a client: none is evicted, and without room no further name is trusted.

use chatapp_core::wire::{Frame, Header, Status};
use chatapp_core::{ClientRecord, Command, Disposition, DropReason, PublicKey, UnixSeconds};

use crate::caller::{accepted_session, call};
use crate::client_rig::{
    PINS, Rig, address, bob, entry, entry_of, from_bob, mail, news, server, text, whole_table,
};
use crate::lines::from_caller;
use crate::people::{BOB, StoredMessage, key, message_key};

/// Names that nobody has, more than there are peers and pins.
const INVENTED: [&str; 6] = ["n0", "n1", "n2", "n3", "n4", "n5"];

/// Bob's name as the server lists it for mallory.
fn impostor(status: Status) -> Vec<u8> {
    entry_of("mallory", "bob", status, BOB + 1, address(8))
}

fn alice() -> Vec<u8> {
    entry("alice", Status::Online, 0xa, address(0))
}

fn channel(number: u32, incarnation: u64, counter: u32, kept: bool) -> Frame<'static> {
    Frame::Channel {
        number,
        incarnation,
        counter,
        stamp: UnixSeconds(9),
        kept,
        from: "bob",
        text: "to all",
    }
}

fn restore(rig: &mut Rig, name: &str, key: PublicKey) -> bool {
    rig.client.restore(ClientRecord::PeerKey { name, key })
}

/// Returns a client that is in the room and has no room for another pin.
fn full() -> Rig {
    let mut rig = Rig::new();
    for name in &INVENTED[..PINS] {
        assert!(restore(&mut rig, name, key(name)));
    }
    rig.comes_online();
    assert_eq!(rig.records().len(), 1, "the key of the server");
    rig
}

#[test]
//= PROTOCOL.md#11.3
fn keeps_pin_of_evicted_peer() {
    let mut rig = Rig::online();
    rig.deliver(&[mail(1, 1, false)]);
    assert_eq!(rig.events().len(), 1, "a message from bob");
    assert_eq!(
        rig.records().len(),
        3,
        "the message, and the keys of the server and of bob"
    );
    // The room is larger than the roster, and the server lists one name after another.
    rig.deliver(&[whole_table(2, &alice()), Frame::Partial]);
    rig.events();
    for (version, name) in (3..).zip(INVENTED) {
        rig.deliver(&[news(version, &entry(name, Status::Online, 7, address(3)))]);
        rig.events();
    }
    assert!(!rig.client.table().any(|entry| entry.name == "bob"));
    rig.deliver(&[news(20, &impostor(Status::Online))]);
    rig.events();
    rig.sent();
    let listed: Vec<_> = rig
        .client
        .table()
        .filter(|entry| entry.name == "bob")
        .collect();
    assert!(listed.len() == 1 && listed[0].foreign_key, "{listed:?}");
    rig.send_to_bob("for bob alone");
    let told = rig.events();
    assert!(
        told.len() == 1 && told[0].contains("status: ForeignKey"),
        "{told:?}"
    );
    let forged = StoredMessage {
        person: "mallory",
        incarnation: BOB + 1,
        ..from_bob(9, "it is me")
    };
    rig.deliver(&[Frame::Mail {
        serial: 9,
        incarnation: BOB + 1,
        counter: 9,
        stamp: UnixSeconds(9),
        kept: false,
        key: key("mallory"),
        from: "bob",
        message_key: message_key("mallory"),
        ciphertext: forged.ciphertext().leak(),
    }]);
    let told = [r#"NotShown { from: "bob", channel: false, reason: ForeignKey }"#];
    assert_eq!(rig.events(), told);
    assert_eq!(rig.records(), [""; 0], "nothing was pinned anew");
    assert!(rig.sent().iter().all(|(to, _)| *to == server()));
}

#[test]
//= PROTOCOL.md#11.3
fn trusts_no_further_name_when_pins_are_full() {
    let mut rig = full();
    let assert_refused = |rig: &mut Rig| {
        rig.send_to_bob("hi");
        let told = rig.events();
        assert!(
            told.len() == 1 && told[0].contains("status: PinsFull"),
            "{told:?}"
        );
        assert_eq!(rig.sent(), []);
    };
    assert_refused(&mut rig);
    // Bob calls and writes directly. No acknowledgement says that the message was shown.
    let called = call(&rig, "bob", 7, &from_caller(1));
    assert_eq!(rig.handle(bob(), &called), Disposition::Accepted);
    let (_, accept) = rig.sent().pop().unwrap();
    let mut line = accepted_session(&rig, "bob", 7, &from_caller(1), &accept);
    let header = Header {
        window: 32,
        ..Header::default()
    };
    let said = line.encrypt(&header, &[text(1, "hi")]);
    let dropped = Disposition::Ignored(DropReason::PinsFull);
    assert_eq!(rig.handle(bob(), &said), dropped);
    assert_eq!(rig.events(), [""; 0]);
    for (_, datagram) in rig.sent() {
        let (header, _) = line
            .decrypt(datagram, |frame| format!("{frame:?}"))
            .unwrap();
        assert_eq!(header.acknowledged, 0);
    }
    // Nor is what the server has stored shown, and the user hears of it.
    rig.deliver(&[mail(1, 2, false)]);
    let told = [r#"NotShown { from: "bob", channel: false, reason: PinsFull }"#];
    assert_eq!(rig.events(), told);
    rig.sent();
    rig.deliver(&[news(2, &entry("bob", Status::Offline, BOB, bob()))]);
    rig.events();
    rig.sent();
    assert_refused(&mut rig);
    assert_eq!(rig.client.stats().drops(DropReason::PinsFull), 2);
    assert_eq!(rig.records(), [""; 0]);
    // The names that are pinned are written to as before.
    rig.deliver(&[news(3, &entry(INVENTED[0], Status::Online, 7, address(3)))]);
    rig.events();
    let to = INVENTED[0];
    rig.command(Command::Send { to, text: "hi" }).unwrap();
    assert!(rig.sent().iter().any(|(to, _)| *to == address(3)));
}

#[test]
fn prefers_pin_of_the_store_to_its_own() {
    let mut rig = Rig::online();
    rig.records();
    rig.send_to_bob("for bob alone");
    let pinned = format!("PeerKey {{ name: \"bob\", key: {:?} }}", key("bob"));
    assert_eq!(rig.records(), [pinned]);
    assert!(restore(&mut rig, "bob", key("genuine")));
    assert_eq!(rig.records(), [""; 0], "the store has it");
    for text in ["another one", ""] {
        let told = rig.events();
        assert!(
            told.len() == 1 && told[0].contains("status: ForeignKey"),
            "{told:?}"
        );
        assert!(rig.sent().iter().all(|(to, _)| *to == server()));
        if !text.is_empty() {
            rig.send_to_bob(text);
        }
    }
    assert!(rig.client.table().any(|entry| entry.foreign_key));
}

#[test]
fn shows_no_message_of_a_key_the_store_rejects() {
    let mut rig = Rig::online();
    rig.records();
    let called = call(&rig, "bob", 7, &from_caller(1));
    assert_eq!(rig.handle(bob(), &called), Disposition::Accepted);
    let (_, accept) = rig.sent().pop().unwrap();
    let mut line = accepted_session(&rig, "bob", 7, &from_caller(1), &accept);
    let header = Header {
        window: 32,
        ..Header::default()
    };
    let said = line.encrypt(&header, &[text(1, "it is me")]);
    assert_eq!(rig.handle(bob(), &said), Disposition::Accepted);
    // The store is asked before the message is shown.
    assert_eq!(rig.records().len(), 1, "bob's key");
    assert!(restore(&mut rig, "bob", key("genuine")));
    assert_eq!(rig.events(), [""; 0]);
}

#[test]
//= PROTOCOL.md#11.3
fn withholds_channel_messages_of_a_foreign_key() {
    let mut rig = Rig::new();
    assert!(restore(&mut rig, "bob", key("bob")));
    rig.comes_online();
    rig.deliver(&[channel(1, BOB, 1, false)]);
    assert!(rig.events()[0].contains("to all"));
    rig.deliver(&[news(2, &impostor(Status::Online))]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    let warning = r#"NotShown { from: "bob", channel: true, reason: ForeignKey }"#;
    // One warning; no message is announced that does not follow.
    rig.deliver(&[
        channel(2, BOB + 1, 1, false),
        channel(3, BOB + 1, 2, false),
        channel(4, BOB + 2, 1, true),
    ]);
    assert_eq!(rig.events(), [warning]);
    assert_eq!(rig.client.stats().drops(DropReason::ForeignKey), 3);
    // It was withheld, and acknowledged.
    let said = rig.sent_data();
    assert!(
        said.iter()
            .any(|(header, _)| header.acknowledged == rig.next)
    );
    // Bob is back, and then the other client is again.
    rig.deliver(&[news(3, &entry("bob", Status::Online, BOB, bob()))]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    rig.deliver(&[channel(5, BOB, 2, false)]);
    assert!(rig.events()[0].contains("to all"));
    rig.deliver(&[
        news(4, &impostor(Status::Online)),
        channel(6, BOB + 1, 3, false),
    ]);
    assert_eq!(rig.events(), ["TableUpdated", warning]);
}
