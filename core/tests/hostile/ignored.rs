//! Ignored keys: nothing of theirs is shown, and no acknowledgement tells their owner otherwise.

use chatapp_core::wire::{Frame, Header, Status};
use chatapp_core::{
    ClientRecord, Disposition, DropReason, IgnoreError, IgnoredSlot, Name, PublicKey, UnixSeconds,
};

use crate::caller::{accepted_session, call};
use crate::client_rig::{
    Rig, address, bob, entry_of, entry_of_carol, mail, news, server, text, whole_table,
};
use crate::lines::from_caller;
use crate::people::{BOB, key};

const IGNORED: Disposition = Disposition::Ignored(DropReason::IgnoredKey);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Returns a client in a room with bob, which can ignore two keys.
fn online() -> Rig {
    let mut rig = Rig::online();
    rig.client.ignore_in(vec![IgnoredSlot::VACANT; 2].leak());
    rig
}

fn ignore(rig: &mut Rig, who: &str) -> Result<PublicKey, IgnoreError> {
    rig.client.ignore(rig.now, &name(who))
}

fn channel_of(from: &str, number: u32, kept: bool) -> Frame<'_> {
    Frame::Channel {
        number,
        incarnation: BOB,
        counter: number,
        stamp: UnixSeconds(9),
        kept,
        from,
        text: "to all",
    }
}

/// Returns how many frames of the server the client has acknowledged.
fn acknowledged(rig: &mut Rig) -> Option<u32> {
    let sent = rig.sent_data();
    sent.last().map(|(header, _)| header.acknowledged)
}

#[test]
//= PROTOCOL.md#11.7
fn shows_nothing_of_an_ignored_key() {
    let mut rig = online();
    assert_eq!(ignore(&mut rig, "bob"), Ok(key("bob")));
    // Stored messages and channel messages, of this session and from before.
    rig.deliver(&[
        mail(1, 1, true),
        channel_of("bob", 1, true),
        mail(2, 2, false),
        channel_of("bob", 2, false),
    ]);
    assert_eq!(
        rig.events(),
        [""; 0],
        "no message, and no announcement of one"
    );
    let next = rig.next;
    assert_eq!(acknowledged(&mut rig), Some(next), "the server frees them");
    assert_eq!(rig.client.stats().drops(DropReason::IgnoredKey), 4);
    assert_eq!(rig.records().len(), 1, "the key of the server");
    // Others are shown as ever.
    rig.deliver(&[entry_of_carol(3, false)]);
    assert_eq!(rig.events().len(), 1);
}

#[test]
//= PROTOCOL.md#11.7
fn acknowledges_no_direct_message_of_an_ignored_key() {
    let mut rig = online();
    let called = call(&rig, "bob", 7, &from_caller(1));
    assert_eq!(rig.handle(bob(), &called), Disposition::Accepted);
    let (_, accept) = rig.sent().pop().unwrap();
    let mut line = accepted_session(&rig, "bob", 7, &from_caller(1), &accept);
    let header = Header {
        window: 32,
        ..Header::default()
    };
    let said = line.encrypt(&header, &[text(1, "hi")]);
    assert_eq!(rig.handle(bob(), &said), Disposition::Accepted);
    // Bob is ignored before the message is shown.
    ignore(&mut rig, "bob").unwrap();
    assert_eq!(rig.events(), [""; 0]);
    assert!(rig.sent().iter().all(|(to, _)| *to == server()));
    let again = line.encrypt(&header, &[text(1, "hi")]);
    assert_ne!(rig.handle(bob(), &again), Disposition::Accepted);
    let called = call(&rig, "bob", 8, &from_caller(2));
    assert_eq!(rig.handle(bob(), &called), IGNORED);
    // Bob may answer in a session that this client has opened.
    rig.sent();
    rig.send_to_bob("hello");
    let mut line = rig.meets_bob();
    rig.sent();
    let reply = line.encrypt(&header, &[text(1, "hi")]);
    assert_eq!(rig.handle(bob(), &reply), IGNORED);
    assert_eq!(rig.events(), [""; 0]);
    for (_, datagram) in rig.sent() {
        if let Some((header, _)) = line.decrypt(datagram, |frame| format!("{frame:?}")) {
            assert_eq!(header.acknowledged, 0);
        }
    }
    // The message comes through the server in the end.
    rig.deliver(&[mail(1, 1, false)]);
    assert_eq!(rig.events(), [""; 0]);
}

#[test]
fn ignores_the_key_under_another_name() {
    let mut rig = online();
    ignore(&mut rig, "bob").unwrap();
    rig.deliver(&[news(
        2,
        &entry_of("bob", "bobby", Status::Online, BOB, address(2)),
    )]);
    rig.events();
    assert!(rig.client.ignores("bobby") && !rig.client.ignores("alice"));
    rig.deliver(&[channel_of("bobby", 1, false)]);
    assert_eq!(rig.events(), [""; 0]);
    // Another key is another person, whatever the name.
    let other = entry_of("mallory", "bob", Status::Online, 7, address(3));
    rig.deliver(&[news(3, &other)]);
    rig.events();
    rig.deliver(&[channel_of("bob", 2, false)]);
    assert_eq!(rig.events().len(), 1);
    assert_eq!(rig.client.unignore(&name("bobby")), Some(key("bob")));
    assert_eq!(rig.client.unignore(&name("bobby")), None);
    rig.deliver(&[channel_of("bobby", 3, false)]);
    assert_eq!(rig.events().len(), 1);
}

#[test]
fn ignores_a_name_that_the_table_has_no_room_for() {
    let mut rig = online();
    ignore(&mut rig, "bob").unwrap();
    rig.deliver(&[whole_table(2, &[]), Frame::Partial]);
    rig.events();
    assert!(!rig.client.table().any(|entry| entry.name == "bob"));
    rig.deliver(&[channel_of("bob", 1, false)]);
    assert_eq!(rig.events(), [""; 0]);
}

#[test]
fn knows_by_its_pin_that_a_name_has_another_key_now() {
    let mut rig = online();
    let (name, mallory) = ("bob", key("mallory"));
    assert!(
        rig.client
            .restore(ClientRecord::Ignored { name, key: mallory })
    );
    rig.deliver(&[mail(1, 1, false)]);
    assert_eq!(rig.events().len(), 1, "bob has a pin from now on");
    rig.deliver(&[whole_table(2, &[]), Frame::Partial]);
    rig.events();
    rig.deliver(&[channel_of("bob", 1, false)]);
    assert_eq!(rig.events().len(), 1);
}

#[test]
fn shows_messages_after_unignoring() {
    let mut rig = online();
    ignore(&mut rig, "bob").unwrap();
    rig.deliver(&[mail(1, 1, false), channel_of("bob", 1, false)]);
    assert_eq!(rig.events(), [""; 0]);
    assert_eq!(rig.client.unignore(&name("bob")), Some(key("bob")));
    rig.deliver(&[
        mail(1, 1, false),
        mail(2, 2, false),
        channel_of("bob", 1, false),
        channel_of("bob", 2, false),
    ]);
    assert_eq!(rig.events().len(), 2, "repeated ones stay away");
}

#[test]
fn refuses_what_cannot_be_ignored() {
    let mut rig = Rig::online();
    assert_eq!(ignore(&mut rig, "bob"), Err(IgnoreError::Full));
    let mut rig = online();
    assert_eq!(ignore(&mut rig, "alice"), Err(IgnoreError::OwnName));
    assert_eq!(ignore(&mut rig, "carol"), Err(IgnoreError::NoKey));
    for who in ["dave", "eve"] {
        let key = key(who);
        assert!(rig.client.restore(ClientRecord::Ignored { name: who, key }));
    }
    let key = key("frank");
    let name = "frank";
    assert!(!rig.client.restore(ClientRecord::Ignored { name, key }));
    assert_eq!(ignore(&mut rig, "bob"), Err(IgnoreError::Full));
    let names: Vec<_> = rig.client.ignored().map(|(name, _)| name).collect();
    assert_eq!(names, ["dave", "eve"]);
    rig.deliver(&[mail(1, 1, false)]);
    assert_eq!(rig.events().len(), 1, "bob is not ignored");
}
