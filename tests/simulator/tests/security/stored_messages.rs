//! Private messages, and a server that lies about them.

use chatapp_core::crypto::{Correspondence, KEY_LEN, MessageKey};
use chatapp_core::{StaticKey, UnixSeconds};
use chatapp_simulator::client_process::Ask;
use chatapp_simulator::keys::Holder;
use chatapp_simulator::model::ProcessId;
use chatapp_simulator::record::{Mail, Name, Stored};
use chatapp_simulator::scene::Scene;

use crate::{ANN, BOB, CLEO, after_a_conversation, attacker, public};

// ---- 7 and 8: a server that lies ----

/// Creates a room after a conversation: bob is offline, and ann has sent it a message. Then
/// `change` changes the store, and bob returns.
fn after_a_lie(change: impl FnMut(&mut Stored)) -> (Scene, [ProcessId; 2], Vec<String>) {
    let (mut scene, ann, bob) = after_a_conversation();
    let cleo = scene.join(CLEO);
    scene.send(cleo, ANN, "I am cleo");
    scene.moment();
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.shows(ann);
    scene.send(ann, BOB, "are you there?");
    scene.moment();
    assert_eq!(scene.shows(ann), ["SentToServer bob", "Saved bob"]);
    scene.world.crash_server();
    scene.world.falsify(change);
    let started = scene.world.start_server();
    scene.check(started);
    scene.pass(30_000);
    scene.shows(bob);
    scene.ask(bob, Ask::Register);
    scene.moment();
    let shown = scene.shows(bob);
    (scene, [ann, bob], shown)
}

#[test]
fn shows_the_message_of_an_honest_store() {
    let (_, _, shown) = after_a_lie(|_| {});
    assert_eq!(
        shown,
        ["KeptMessages", "kept ann: are you there?", "TableUpdated"]
    );
}

#[test]
fn shows_no_changed_stored_message() {
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail(Mail { ciphertext, .. }) = record {
            *ciphertext.last_mut().unwrap() ^= 1;
        }
    });
    assert_eq!(
        shown,
        ["KeptMessages", "NotShown ann: Unreadable", "TableUpdated"]
    );
}

#[test]
//= PROTOCOL.md#11.2
fn shows_when_a_message_with_another_date_was_sent() {
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail(Mail { stamp, .. }) = record {
            *stamp -= 24 * 60 * 60;
        }
    });
    assert_eq!(
        shown,
        [
            "KeptMessages",
            "kept other time ann: are you there?",
            "TableUpdated"
        ]
    );
}

#[test]
fn shows_no_renumbered_stored_message() {
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail(Mail { counter, .. }) = record {
            *counter += 1;
        }
    });
    assert_eq!(
        shown,
        ["KeptMessages", "NotShown ann: Unreadable", "TableUpdated"]
    );
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail(Mail { incarnation, .. }) = record {
            *incarnation += 1;
        }
    });
    assert_eq!(
        shown,
        ["KeptMessages", "NotShown ann: Unreadable", "TableUpdated"]
    );
}

#[test]
fn shows_no_stored_message_under_another_name() {
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail(Mail { from, .. }) = record {
            *from = "cleo".to_owned();
        }
    });
    assert_eq!(
        shown,
        ["KeptMessages", "NotShown cleo: Unreadable", "TableUpdated"]
    );
}

#[test]
fn shows_no_stored_message_under_another_key() {
    // Another client encrypts it by the rules. Bob has talked to ann before.
    let bob = public(Holder::Name(BOB));
    let ephemeral = StaticKey::new([5; KEY_LEN]);
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail(Mail {
            incarnation,
            counter,
            ciphertext,
            ..
        }) = record
        {
            let room = public(Holder::Server);
            let direction = Correspondence {
                room: &room,
                from: "ann",
                incarnation: *incarnation,
                to: "bob",
            };
            let (attacker, public) = (attacker(), ephemeral.public());
            let key = MessageKey::to(&attacker, &bob, &[5; KEY_LEN], &public, direction).unwrap();
            let mut text = b"#0 trust me    ".to_vec();
            let tag = key.seal(&attacker, *counter, UnixSeconds(1), &mut text);
            *ciphertext = [&attacker.public().0[..], &public.0, &text, &tag].concat();
        }
    });
    assert_eq!(
        shown,
        ["KeptMessages", "NotShown ann: ForeignKey", "TableUpdated"]
    );
}

#[test]
fn shows_no_stored_message_for_another() {
    let (mut scene, [ann, _], _) = after_a_lie(|record| {
        if let Stored::Mail(Mail { to, .. }) = record {
            *to = "ann".to_owned();
        }
    });
    scene.pass(1_000);
    let shown = scene.shows(ann);
    assert!(
        shown.contains(&"NotShown ann: Unreadable".to_owned()),
        "{shown:?}"
    );
}

#[test]
fn detects_a_swapped_key_after_a_conversation() {
    let (mut scene, [ann, bob], _) = after_a_lie(|record| {
        if let Stored::Name(Name { name, key, .. }) = record
            && name == "bob"
        {
            *key = attacker().public();
        }
    });
    assert!(
        !scene.runs(bob),
        "bob registered although its name has another key"
    );
    scene.shows(ann);
    scene.send(ann, BOB, "a secret");
    scene.pass(10_000);
    assert_eq!(scene.shows(ann), ["ForeignKey bob"], "nothing is sent");
}

#[test]
fn keeps_private_messages_encrypted_everywhere() {
    let (mut scene, ann, bob) = after_a_conversation();
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.send(ann, BOB, "canary");
    scene.post(ann, "yellow");
    scene.moment();
    let holds = |bytes: &[u8], word: &str| {
        bytes
            .windows(word.len())
            .any(|part| part == word.as_bytes())
    };
    for record in scene.world.journal.records() {
        if let Stored::Mail(Mail { ciphertext, .. }) = record {
            assert!(!holds(ciphertext, "canary") && !holds(ciphertext, "for later"));
        }
    }
    let stored = format!("{:?}", scene.world.journal.records());
    assert!(
        stored.contains("yellow"),
        "the server stores channel messages in plaintext"
    );
    assert!(!stored.contains("canary"));
    scene.ask(bob, Ask::Register);
    scene.moment();
    for datagram in scene.overheard() {
        for word in ["canary", "yellow", "hello", "for later", "to all"] {
            assert!(!holds(&datagram.bytes, word), "{word}: {datagram:?}");
        }
    }
}
