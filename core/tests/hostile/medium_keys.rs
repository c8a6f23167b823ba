//! A client that uses medium-term keys, and servers that know them, do not, or lie about them.

use chatapp_core::crypto::{KEY_LEN, MediumKeyId};
use chatapp_core::wire::{Entry, Frame, Header, Outcome, Status};
use chatapp_core::{
    ClientRecord, Disposition, Endpoint, MediumSecrets, Name, OwnMediumKeys, PublicKey, StaticKey,
};

use crate::client_rig::{Rig, bob, entry, news, server};
use crate::people::{BOB, key};

/// Returns the medium-term key that the server gives for bob.
fn medium_key(number: u8) -> PublicKey {
    StaticKey::new([number; KEY_LEN]).public()
}

/// Returns a client in a room that bob has left, and whose server has answered its publication so.
fn client(outcome: Outcome) -> Rig {
    let mut rig = Rig::new();
    rig.client.use_medium_keys(OwnMediumKeys::NotStored);
    rig.comes_online();
    let gone = entry("bob", Status::Offline, BOB, bob());
    answer(&mut rig, 1, &[result(1, outcome), news(2, &gone)]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    rig.sent();
    rig
}

fn result(request: u32, outcome: Outcome) -> Frame<'static> {
    Frame::Result { request, outcome }
}

/// Sends these frames from a server that has accepted so many frames of the client.
fn answer(rig: &mut Rig, acknowledged: u32, frames: &[Frame<'_>]) {
    let header = Header {
        acknowledged,
        ..rig.header()
    };
    rig.next += u32::try_from(frames.len()).unwrap();
    assert_eq!(rig.deliver_under(&header, frames), Disposition::Accepted);
}

fn found(query: u32, key: PublicKey) -> Frame<'static> {
    let entry = Entry::new("bob", Status::Offline, BOB, key, bob());
    Frame::Found { query, entry }
}

/// Returns the frames that the client sends to the server, with the id of the medium-term key that
/// a stored message is encrypted for.
fn sent(rig: &mut Rig) -> Vec<String> {
    let words = |frame: &Frame<'_>| match *frame {
        Frame::Store { to, ciphertext, .. } => {
            format!("Store {to} {:?}", MediumKeyId::of_message(ciphertext))
        }
        Frame::Lookup { query, name } => format!("Lookup {query} {name}"),
        _ => format!("{frame:?}"),
    };
    let datagrams = rig.sent().into_iter().filter(|(to, _)| *to == server());
    let line = rig.server.as_ref().unwrap();
    let frames = datagrams.filter_map(|(_, datagram)| line.decrypt(datagram, words));
    frames.flat_map(|(_, frames)| frames).collect()
}

fn store_for(key: PublicKey) -> String {
    format!("Store bob {:?}", Some(MediumKeyId::of(&key)))
}

#[test]
//= PROTOCOL.md#11.6
fn stores_at_once_if_the_server_knows_no_such_keys() {
    let mut rig = client(Outcome::NoSuchClient);
    rig.send_to_bob("hi");
    assert_eq!(sent(&mut rig), ["Store bob None"]);
    // It does not take such a key either.
    answer(&mut rig, 1, &[found(0, medium_key(1))]);
    rig.events();
    let name = Name::new("bob").unwrap();
    assert_eq!(rig.client.pinned_key(&name), Some(key("bob")));
}

/// A publication is no command: a silent server would keep the client busy for good.
#[test]
fn is_idle_while_a_publication_has_no_answer() {
    let mut rig = Rig::new();
    rig.client.use_medium_keys(OwnMediumKeys::NotStored);
    rig.comes_online();
    assert!(rig.client.is_idle());
    let mut rig = client(Outcome::Exists);
    assert!(rig.client.is_idle());
    let id = rig.send_to_bob("hi").number();
    assert!(!rig.client.is_idle());
    sent(&mut rig);
    answer(&mut rig, 2, &[Frame::Missing { query: id }]);
    rig.events();
    assert!(rig.client.is_idle());
}

#[test]
//= PROTOCOL.md#11.6
fn asks_for_the_key_before_the_first_message() {
    let mut rig = client(Outcome::Exists);
    let id = rig.send_to_bob("hi").number();
    let query = format!("Lookup {id} bob");
    assert_eq!(sent(&mut rig), [query]);
    let answers = [found(0, medium_key(1)), found(id, key("bob"))];
    answer(&mut rig, 2, &answers);
    rig.events();
    assert_eq!(sent(&mut rig), [store_for(medium_key(1))]);
    answer(&mut rig, 3, &[result(2, Outcome::Saved)]);
    rig.events();
    rig.send_to_bob("again");
    assert_eq!(
        sent(&mut rig),
        [store_for(medium_key(1))],
        "it knows the key"
    );
}

#[test]
//= PROTOCOL.md#11.6
fn encrypts_for_the_static_key_if_there_is_no_other() {
    let mut rig = client(Outcome::Exists);
    let id = rig.send_to_bob("hi").number();
    sent(&mut rig);
    answer(&mut rig, 2, &[found(id, key("bob"))]);
    rig.events();
    assert_eq!(sent(&mut rig), ["Store bob None"]);
}

/// The server did not accept the messages, and says why.
#[test]
//= PROTOCOL.md#11.6
fn encrypts_messages_again_for_another_key() {
    let mut rig = client(Outcome::Exists);
    let id = rig.send_to_bob("hi").number();
    sent(&mut rig);
    let answers = [found(0, medium_key(1)), found(id, key("bob"))];
    answer(&mut rig, 2, &answers);
    rig.events();
    sent(&mut rig);
    answer(&mut rig, 3, &[result(2, Outcome::Saved)]);
    rig.events();
    for text in ["1", "2", "3"] {
        rig.send_to_bob(text);
    }
    assert_eq!(sent(&mut rig), [store_for(medium_key(1))], "a probe");
    answer(&mut rig, 4, &[result(3, Outcome::Saved)]);
    rig.events();
    assert_eq!(
        sent(&mut rig),
        [store_for(medium_key(1)), store_for(medium_key(1))]
    );
    for next in [medium_key(2), PublicKey::NONE, PublicKey([0xff; KEY_LEN])] {
        answer(&mut rig, 4, &[found(0, next)]);
        rig.events();
        let repeated = repeats(&mut rig);
        let expected = match next.is_none() {
            true => "Store bob None".to_owned(),
            false => store_for(next),
        };
        assert_eq!(repeated, [expected.clone(), expected], "{next:?}");
    }
}

/// Returns what the client sends once its timer expires.
fn repeats(rig: &mut Rig) -> Vec<String> {
    rig.sent();
    rig.now = rig.client.poll_timeout().unwrap();
    rig.client.handle_timeout(rig.now);
    sent(rig)
}

/// A server that answers the question for the end of the messages at once gains nothing: no key is
/// deleted before the publication of the next one is answered.
#[test]
//= PROTOCOL.md#11.5
fn ignores_answers_that_were_not_asked_for() {
    let mut rig = Rig::new();
    rig.client
        .use_medium_keys(OwnMediumKeys::Stored(&MediumSecrets::NONE));
    let stored = loop {
        match rig.client.poll_persist() {
            Some(ClientRecord::MediumKeys(secrets)) => break secrets.clone(),
            record => assert!(record.is_some(), "there is no secret"),
        }
    };
    rig.client.handle_medium_keys_stored(rig.now);
    rig.comes_online();
    for request in 0..4 {
        let missing = Frame::Missing { query: request };
        answer(&mut rig, 0, &[missing, result(request, Outcome::Exists)]);
        rig.events();
    }
    let records = std::iter::from_fn(|| rig.client.poll_persist().map(|it| format!("{it:?}")));
    assert!(
        !records
            .collect::<Vec<_>>()
            .contains(&"MediumKeys(MediumSecrets(..))".to_owned())
    );
    assert_ne!(stored, MediumSecrets::NONE);
}
