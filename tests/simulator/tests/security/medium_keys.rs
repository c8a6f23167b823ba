//! A server that swaps, withholds or replays medium-term keys, and a thief of a long-term key:
//! guarantees 19 and 20.

use chatapp_core::crypto::{
    Correspondence, KEY_LEN, MEDIUM_ID_LEN, MediumKeyId, MessageKey, PublicKey,
};
use chatapp_core::{Identity, StaticKey};
use chatapp_simulator::client_process::Ask;
use chatapp_simulator::keys::Holder;
use chatapp_simulator::model::ProcessId;
use chatapp_simulator::plan::Plan;
use chatapp_simulator::record::{Mail, Stored};
use chatapp_simulator::scene::Scene;

use crate::{ANN, BOB, after_a_conversation, attacker, public};

/// Time in which a client replaces its key twice.
const TWO_ROTATIONS: u64 = 240_000;
/// Time in which the disk of a client takes a secret, and the client publishes the key: both wait
/// for the next keep-alive.
const PUBLICATION: u64 = 25_000;
/// The secret of the key that the server swaps.
const SWAPPED: [u8; KEY_LEN] = [77; KEY_LEN];

fn identity(holder: Holder) -> Identity {
    Plan::quiet(0).keys.identity(holder)
}

/// Creates a room after a conversation; both clients have published a key, and bob has left.
fn without_bob() -> (Scene, ProcessId, ProcessId) {
    let (mut scene, ann, bob) = after_a_conversation();
    scene.pass(PUBLICATION);
    assert_eq!(scene.medium_secrets(bob).len(), 1);
    leaves(&mut scene, ann, bob);
    (scene, ann, bob)
}

fn leaves(scene: &mut Scene, ann: ProcessId, bob: ProcessId) {
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.shows(ann);
    scene.shows(bob);
}

/// Lets ann send a message to bob, who is offline, and returns it as the server stores it.
fn stores(scene: &mut Scene, ann: ProcessId) -> Mail {
    scene.send(ann, BOB, "a secret");
    scene.pass(1_000);
    assert_eq!(scene.shows(ann), ["SentToServer bob", "Saved bob"]);
    let mails = scene.world.journal.records().iter();
    let newest = mails.rev().find_map(|record| match record {
        Stored::Mail(mail) if mail.to == "bob" => Some(mail.clone()),
        _ => None,
    });
    newest.expect("the message is stored")
}

/// Lets bob return, and returns the lines with a private message.
fn returns(scene: &mut Scene, bob: ProcessId) -> Vec<String> {
    scene.ask(bob, Ask::Register);
    scene.pass(5_000);
    let mut shown = scene.shows(bob);
    shown.retain(|line| line.starts_with("kept ann") || line.starts_with("NotShown"));
    shown
}

/// Returns the medium-term key that a stored message is encrypted for, by its id.
fn medium_of(mail: &Mail) -> Option<MediumKeyId> {
    MediumKeyId::of_message(&mail.ciphertext[KEY_LEN..])
}

/// Returns the text of a stored message, read with a static key, and the secret of a medium-term
/// key.
fn read(mail: &Mail, reader: &Identity, medium: Option<&[u8; KEY_LEN]>) -> Option<String> {
    let (sender, rest) = PublicKey::in_front_of(&mail.ciphertext);
    let (ephemeral, rest) = PublicKey::in_front_of(rest);
    let room = public(Holder::Server);
    let who = Correspondence {
        room: &room,
        from: &mail.from,
        incarnation: mail.incarnation,
        to: &mail.to,
    };
    let key = match medium {
        None => MessageKey::from(reader, &sender, &ephemeral, who),
        Some(secret) => {
            let medium = (secret, &StaticKey::new(*secret).public());
            MessageKey::from_medium(reader, medium, &sender, &ephemeral, who)
        }
    };
    let id_len = medium_of(mail).map_or(0, |_| MEDIUM_ID_LEN);
    let mut ciphertext = rest[id_len..].to_vec();
    let (text, _) = key?.open(reader, mail.counter, &mut ciphertext)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Returns whether a message can be read with a static key, alone or with one of these secrets.
fn can_read(mail: &Mail, reader: &Identity, secrets: &[[u8; KEY_LEN]]) -> bool {
    let with = secrets.iter().map(Some).chain([None]);
    let mut texts = with.filter_map(|secret| read(mail, reader, secret));
    texts.any(|text| text.contains("a secret"))
}

#[test]
//= PROTOCOL.md#11.5
fn thief_reads_no_message_for_a_deleted_key() {
    let (mut scene, ann, bob) = without_bob();
    let thief = identity(Holder::Name(BOB));
    let before = scene.medium_secrets(bob);
    let mail = stores(&mut scene, ann);
    assert!(medium_of(&mail).is_some());
    assert!(
        can_read(&mail, &thief, &before),
        "the theft comes too early"
    );
    assert_eq!(returns(&mut scene, bob), ["kept ann: a secret"]);
    scene.pass(TWO_ROTATIONS);
    let after = scene.medium_secrets(bob);
    assert!(!after.is_empty() && before.iter().all(|secret| !after.contains(secret)));
    assert!(!can_read(&mail, &thief, &after));
    assert!(!can_read(&mail, &identity(Holder::Name(ANN)), &after));
}

/// The server gains nothing by a key of its own. Only with the static key of the recipient, it
/// reads what it could read without medium-term keys.
#[test]
//= PROTOCOL.md#11.4
fn server_reads_no_message_for_its_own_key() {
    let (mut scene, ann, bob) = without_bob();
    let swapped = StaticKey::new(SWAPPED).public();
    scene.swap_medium_key("bob", swapped);
    scene.pass(30_000);
    scene.shows(ann);
    let mail = stores(&mut scene, ann);
    assert_eq!(medium_of(&mail), Some(MediumKeyId::of(&swapped)));
    for reader in [attacker(), identity(Holder::Server)] {
        assert!(!can_read(&mail, &reader, &[SWAPPED]));
    }
    assert_eq!(returns(&mut scene, bob), ["NotShown ann: Unreadable"]);
    let thief = identity(Holder::Name(BOB));
    assert!(!can_read(&mail, &thief, &scene.medium_secrets(bob)));
    assert!(can_read(&mail, &thief, &[SWAPPED]));
}

/// Without a medium-term key, a message is protected by the static keys.
#[test]
fn server_reads_no_message_without_a_key() {
    let (mut scene, ann, bob) = without_bob();
    scene.swap_medium_key("bob", PublicKey::NONE);
    scene.pass(30_000);
    scene.shows(ann);
    let mail = stores(&mut scene, ann);
    assert_eq!(medium_of(&mail), None);
    for reader in [attacker(), identity(Holder::Server)] {
        assert!(!can_read(&mail, &reader, &[]));
    }
    assert_eq!(returns(&mut scene, bob), ["kept ann: a secret"]);
    assert!(can_read(&mail, &identity(Holder::Name(BOB)), &[]));
}

/// A message for a deleted key is reported, and nobody reads it any more.
#[test]
fn nobody_reads_a_message_for_a_replayed_key() {
    let (mut scene, ann, bob) = after_a_conversation();
    scene.pass(PUBLICATION);
    let old = StaticKey::new(scene.medium_secrets(bob)[0]).public();
    scene.pass(TWO_ROTATIONS);
    leaves(&mut scene, ann, bob);
    scene.swap_medium_key("bob", old);
    scene.pass(30_000);
    scene.shows(ann);
    let mail = stores(&mut scene, ann);
    assert_eq!(medium_of(&mail), Some(MediumKeyId::of(&old)));
    assert_eq!(returns(&mut scene, bob), ["NotShown ann: Unreadable"]);
    let secrets = scene.medium_secrets(bob);
    for reader in [Holder::Server, Holder::Name(ANN), Holder::Name(BOB)] {
        assert!(!can_read(&mail, &identity(reader), &secrets));
    }
}
