//! Allow lists: who may register, who is put out, and which key has a name.

use chatapp_core::wire::{Frame, Refusal};
use chatapp_core::{AllowEntry, Name};

use crate::people::key;
use crate::server_rig::{Request, Rig, address, hello, stored_message};

#[test]
fn registers_only_entries_of_the_allow_list() {
    let allow_list = [
        ("ann", Some("ann")),
        ("ann", Some("ann's board")),
        ("bob", None),
    ];
    let allow_list = allow_list.map(|(name, person)| AllowEntry {
        name: Name::new(name).unwrap(),
        key: person.map(key),
    });
    let mut rig = Rig::new();
    rig.server.set_allow_list(allow_list.to_vec().leak());
    let mut id = 20;
    for (name, person, answer) in [
        ("ann", "mallory", Some(Refusal::NotAllowed)),
        ("ann", "ann", None),
        ("ann", "ann's board", Some(Refusal::ForeignKey)),
        ("bob", "first to register", None),
        // The same as for a name that is not listed.
        ("bob", "bob", Some(Refusal::NotAllowed)),
        ("cleo", "cleo", Some(Refusal::NotAllowed)),
        ("zoe", "zoe", Some(Refusal::NotAllowed)),
    ] {
        id += 1;
        let request = Request {
            person,
            ..hello(id, name)
        };
        let number = u16::try_from(id).unwrap();
        let answered = rig.answer_to(address(number), request);
        assert_eq!(answered.err(), answer, "{name} {person}");
    }
}

/// A client without an entry is put out at once. It gets no message, and does not come back.
#[test]
//= PROTOCOL.md#5.7
//= PROTOCOL.md#9.10
fn puts_out_clients_that_are_not_allowed() {
    let mut rig = Rig::new();
    let (zoe, mut ann) = (rig.join(1, "zoe"), rig.join(2, "ann"));
    let only_ann = [AllowEntry {
        name: Name::new("ann").unwrap(),
        key: None,
    }];
    rig.server.set_allow_list(only_ann.to_vec().leak());
    let sent = rig.drain();
    assert_eq!(rig.online(), 1);
    let closing: Vec<_> = sent.iter().filter(|(to, _)| *to == zoe.address).collect();
    assert_eq!(closing.len(), 1, "{sent:?}");
    let (header, _) = &zoe.decrypt(&vec![closing[0].clone()])[0];
    assert_eq!(header.closed, Some(Refusal::NotAllowed));
    assert!(rig.events.iter().any(|event| event.contains("NotAllowed")));

    rig.receive_all(&mut ann, sent);
    let store = Frame::Store {
        request: 1,
        counter: 1,
        tried: 0,
        bounce: false,
        to: "zoe",
        ciphertext: stored_message("hi"),
    };
    let sent = rig.say(&mut ann, &[store]);
    let frames = rig.receive_all(&mut ann, sent).join("\n");
    assert!(frames.contains("NoSuchClient"), "{frames}");
    let again = rig.answer_to(zoe.address, hello(7, "zoe"));
    assert_eq!(again.err(), Some(Refusal::NotAllowed));
    // The same list puts nobody else out.
    rig.server.set_allow_list(only_ann.to_vec().leak());
    assert_eq!(rig.online(), 1);
}

/// The key in the allow list decides: who lost a key gets a new line, and the name with it.
#[test]
#[cfg(feature = "moderation")]
//= PROTOCOL.md#9.10
fn gives_a_name_to_the_key_of_the_allow_list() {
    let entry = |name, key| AllowEntry {
        name: Name::new(name).unwrap(),
        key,
    };
    let bobs = entry("bob", None);
    let both = [
        entry("ann", Some(key("ann"))),
        entry("ann", Some(key("new ann"))),
        bobs,
    ];
    let from = |person, id| Request {
        person,
        ..hello(id, "ann")
    };
    let mut rig = Rig::new();
    let mut bob = rig.join(1, "bob");
    rig.join(2, "ann");
    rig.server.set_allow_list(both.to_vec().leak());
    // The name has a key of the list: no other one replaces it.
    let answer = rig.answer_to(address(3), from("new ann", 31));
    assert_eq!(answer.err(), Some(Refusal::ForeignKey));

    rig.server.set_allow_list(both[1..].to_vec().leak());
    let sent = rig.drain();
    rig.receive_all(&mut bob, sent);
    assert_eq!(rig.online(), 1, "the old key is put out");
    // It is forgotten first, which takes the store's time.
    let answer = rig.answer_to(address(3), from("new ann", 32));
    assert_eq!(answer.err(), Some(Refusal::Wait));
    rig.pass(500);
    let answer = rig.answer_to(address(3), from("new ann", 33));
    assert!(answer.is_ok(), "{answer:?}");
    let answer = rig.answer_to(address(2), from("ann", 34));
    assert_eq!(answer.err(), Some(Refusal::NotAllowed));
}
