//! Medium-term keys, between clients and a server: none is published before it is stored, none is
//! deleted while a message for it may come, and then nothing decrypts what was fetched.

#![cfg(feature = "medium-keys")]

mod room;

use chatapp_core::crypto::{Correspondence, KEY_LEN, MediumKeyId, MessageKey};
use chatapp_core::{
    Identity, MediumSecrets, NotShownReason, OwnMediumKeys, PublicKey, StaticKey, UnixSeconds,
};

use room::{Room, identity};

/// Returns a room that bob has entered and left, with ann in it, and bob's secrets.
fn room_without_bob() -> (Room, usize, MediumSecrets) {
    let mut room = Room::new();
    let bob = room.enter("bob", Some(&MediumSecrets::NONE));
    let secrets = room.leave(bob);
    let ann = room.enter("ann", None);
    (room, ann, secrets)
}

#[test]
//= PROTOCOL.md#11.4
fn reads_message_for_medium_key_after_restart() {
    let (mut room, ann, secrets) = room_without_bob();
    room.send(ann, "bob", "hi");
    room.run();
    let published = *room.published.last().unwrap();
    assert_eq!(room.latest_id(), Some(MediumKeyId::of(&published)));
    assert!(room.decrypts(&room.mail[0], &secrets));
    assert!(
        !room.decrypts(&room.mail[0], &MediumSecrets::NONE),
        "the static key suffices"
    );
    let bob = room.enter("bob", Some(&secrets));
    assert_eq!(room.people[bob].take_shown(), ["hi"]);
    assert_eq!(room.people[ann].take_shown(), ["SentToServer", "Saved"]);
}

#[test]
//= PROTOCOL.md#11.5
fn thief_cannot_read_messages_fetched_before() {
    let (mut room, ann, secrets) = room_without_bob();
    room.send(ann, "bob", "hi");
    room.run();
    let bob = room.enter("bob", Some(&secrets));
    assert_eq!(room.people[bob].take_shown(), ["hi"]);
    assert!(room.decrypts(&room.mail[0], &room.people[bob].stored));
    room.pass_a_day();
    let stored = room.people[bob].stored.clone();
    assert_ne!(stored, MediumSecrets::NONE);
    assert!(
        !room.decrypts(&room.mail[0], &stored),
        "its secret is still there"
    );
    assert_eq!(
        room.published.len(),
        room.published.iter().filter(|key| !key.is_none()).count()
    );
    let secrets = room.leave(bob);
    room.send(ann, "bob", "again");
    room.run();
    let bob = room.enter("bob", Some(&secrets));
    assert_eq!(room.people[bob].take_shown(), ["again"]);
}

#[test]
//= PROTOCOL.md#11.5
fn publishes_no_key_before_it_is_stored() {
    let mut room = Room::new();
    let bob = room.start("bob", Some(&MediumSecrets::NONE));
    room.people[bob].has_slow_disk = true;
    room.run();
    assert!(room.people[bob].client.is_registered() && room.published.is_empty());
    room.people[bob].has_slow_disk = false;
    room.run();
    assert!(!room.published.is_empty());
}

#[test]
//= PROTOCOL.md#11.5
fn keeps_previous_secret_until_messages_are_written() {
    let (mut room, ann, secrets) = room_without_bob();
    room.send(ann, "bob", "hi");
    room.run();
    let bob = room.start("bob", Some(&secrets));
    room.people[bob].is_hung = true;
    room.run();
    assert_eq!(room.people[bob].take_shown(), ["hi"]);
    room.pass_a_day();
    assert!(
        room.decrypts(&room.mail[0], &room.people[bob].stored),
        "the message is not written"
    );
    // The display never took the message, and the process crashes: it is handed over again.
    let secrets = room.crash(bob);
    let bob = room.enter("bob", Some(&secrets));
    assert_eq!(room.people[bob].take_shown(), ["hi"]);
    room.pass_a_day();
    assert!(!room.decrypts(&room.mail[0], &room.people[bob].stored));
}

#[test]
//= PROTOCOL.md#11.6
fn encrypts_again_for_changed_key_in_order() {
    let (mut room, ann, _) = room_without_bob();
    room.send(ann, "bob", "1");
    room.run();
    let first = room.latest_id();
    // Bob has lost the secrets, and leaves a new key. Ann does not know yet.
    let bob = room.enter("bob", Some(&MediumSecrets::NONE));
    assert_eq!(room.people[bob].take_shown(), ["Unreadable"]);
    let secrets = room.leave(bob);
    for text in ["2", "3", "4"] {
        room.send(ann, "bob", text);
    }
    room.run();
    assert!(room.latest_id().is_some() && room.latest_id() != first);
    let bob = room.enter("bob", Some(&secrets));
    assert_eq!(room.people[bob].take_shown(), ["2", "3", "4"]);
}

#[test]
//= PROTOCOL.md#11.6
fn withdraws_key_without_a_store() {
    let (mut room, ann, _) = room_without_bob();
    let bob = room.enter("bob", None);
    room.leave(bob);
    room.send(ann, "bob", "hi");
    room.run();
    assert_eq!(room.latest_id(), None);
    let bob = room.enter("bob", None);
    assert_eq!(room.people[bob].take_shown(), ["hi"]);
}

#[test]
fn shares_secrets_of_another_process() {
    let (mut room, ann, secrets) = room_without_bob();
    room.send(ann, "bob", "hi");
    room.run();
    let bob = room.start("bob", None);
    let client = &mut room.people[bob].client;
    client.use_medium_keys(OwnMediumKeys::Shared(&secrets));
    room.run();
    assert_eq!(room.people[bob].take_shown(), ["hi"]);
    room.pass_a_day();
    let records = room.people[bob].records.len();
    assert_eq!(
        (records, &room.people[bob].stored),
        (0, &MediumSecrets::NONE)
    );
    assert_eq!(
        room.published.first(),
        room.published.last(),
        "it made a key"
    );
}

#[test]
fn publishes_again_after_the_store_failed() {
    let mut room = Room::new();
    let bob = room.start("bob", Some(&MediumSecrets::NONE));
    room.people[bob].has_slow_disk = true;
    room.run();
    room.store_works = false;
    room.people[bob].has_slow_disk = false;
    room.run();
    let first = *room.published.last().unwrap();
    room.store_works = true;
    room.pass_a_day();
    room.pass_a_day();
    // The next key follows only if the server has the first one.
    assert_ne!(room.published.last(), Some(&first));
    assert!(room.people[bob].client.is_registered());
}

/// A server that swaps the key gains nothing but the loss of its own protection.
#[test]
//= PROTOCOL.md#11.4
fn swapped_key_opens_nothing() {
    let (ann, bob, room) = (
        identity("ann"),
        identity("bob"),
        identity("server").public(),
    );
    let who = Correspondence {
        room: &room,
        from: "ann",
        incarnation: 7,
        to: "bob",
    };
    let (ephemeral, swapped) = ([5; KEY_LEN], [6; KEY_LEN]);
    let public = StaticKey::new(ephemeral).public().marked();
    let low_order = PublicKey([0; KEY_LEN]);
    for medium in [StaticKey::new(swapped).public(), low_order] {
        let recipient = (&bob.public(), &medium);
        let key = MessageKey::to_medium(&ann, recipient, &ephemeral, &public, who).unwrap();
        let mut content = *b"hi\0\0\0\0";
        let tag = key.seal(&ann, 1, UnixSeconds(9), &mut content);
        let message = [&content[..], &tag].concat();
        let opens = |identity: &Identity, private: &[u8; KEY_LEN], medium| {
            let sender = &ann.public();
            let own = (private, medium);
            let key = MessageKey::from_medium(identity, own, sender, &public, who);
            key.is_some_and(|key| key.open(identity, 1, &mut message.clone()).is_some())
        };
        let server = identity("server");
        let has_secret = medium != low_order;
        assert_eq!(
            opens(&bob, &swapped, &medium),
            has_secret,
            "bob would read it with that"
        );
        assert!(!opens(&server, &swapped, &medium), "the server reads it");
        assert!(!opens(
            &bob,
            &[9; KEY_LEN],
            &StaticKey::new([9; KEY_LEN]).public()
        ));
    }
}

#[test]
fn reports_unreadable_message_by_its_sender() {
    let (mut room, ann, _) = room_without_bob();
    room.send(ann, "bob", "hi");
    room.run();
    let bob = room.enter("bob", Some(&MediumSecrets::NONE));
    let reason = format!("{:?}", NotShownReason::Unreadable);
    assert_eq!(room.people[bob].take_shown(), [reason]);
}
