//! Registration: which clients get a name, and which are refused.

use chatapp_core::wire::{Datagram, Frame, Refusal};
use chatapp_core::{Disposition, DropReason, Endpoint, Record, ServerConfig};

use crate::offline::{name_record, store};
use crate::people::identity;
use crate::server_rig::{Request, Rig, address, hello};

// ---- keys ----

/// Returns mallory's request for the name ann.
fn thief(id: u64) -> Request<'static> {
    Request {
        person: "mallory",
        ..hello(id, "ann")
    }
}

#[test]
//= PROTOCOL.md#9.3
fn gives_a_name_to_the_holder_of_its_key_only() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    let mut id = 20;
    let mut tries_from_everywhere = |rig: &mut Rig| {
        for number in [1, 2] {
            for same_process in [true, false] {
                id += 1;
                let mut request = thief(id);
                if same_process {
                    (request.hello.incarnation, request.hello.session_sequence) = (1, 9);
                }
                let answer = rig.answer_to(address(number), request);
                assert_eq!(answer, Err(Refusal::ForeignKey));
            }
        }
    };
    // Ann is online, then offline, and then known from a stored record only.
    tries_from_everywhere(&mut rig);
    assert_eq!(rig.online(), 1);
    rig.say(&mut ann, &[Frame::Leave { request: 1 }]);
    assert_eq!(rig.online(), 0);
    tries_from_everywhere(&mut rig);
    let refused = r#"Refused { name: "ann", address: 127.0.0.1:10002, reason: ForeignKey }"#;
    assert_eq!(rig.events.last().unwrap(), refused);
    for registered in [false, true] {
        let mut rig = Rig::new();
        let record = Record::Name(chatapp_core::NameRecord {
            registered,
            ..name_record("ann")
        });
        rig.server.restore(record).unwrap();
        tries_from_everywhere(&mut rig);
        assert_eq!(rig.online(), usize::from(registered));
        // The holder of the key gets the name from any address, once no other process answers.
        let mut answer = Err(Refusal::Wait);
        for _ in 0..12 {
            answer = rig.answer_to(address(3), hello(2, "ann"));
            if answer.is_ok() {
                break;
            }
            assert!(registered);
            rig.pass(500);
        }
        assert!(answer.is_ok(), "{answer:?}");
    }
}

#[test]
fn authenticates_final_refusals_only() {
    let mut rig = Rig::new();
    rig.join(1, "ann");
    for (request, is_final) in [
        (thief(2), true),
        (hello(3, "a b"), true),
        (hello(4, "ann"), false),
    ] {
        let hello = rig.proven(address(2), request);
        let sent = rig.give(address(2), &hello);
        let (to, answer) = sent.iter().find(|(to, _)| *to == address(2)).unwrap();
        assert_eq!(*to, address(2));
        assert!(
            answer.len() < hello.len(),
            "the answer is longer than the request"
        );
        let parsed = Datagram::parse(&identity(""), answer);
        assert_eq!(matches!(parsed, Ok(Datagram::Accept { .. })), is_final);
        assert_eq!(matches!(parsed, Ok(Datagram::Refuse { .. })), !is_final);
    }
}

#[test]
fn refuses_a_repeated_request_that_was_not_stored() {
    let mut rig = Rig::new();
    rig.drain();
    rig.store_works = false;
    let ann = hello(1, "ann");
    let cookie = rig.cookie(address(1));
    let request = rig.hello(&ann, cookie);
    // The store has the request, then it fails. The client repeats the request unchanged.
    assert_eq!(rig.handle(address(1), &request), Disposition::Accepted);
    for expected in [Refusal::Wait, Refusal::NotStored, Refusal::NotStored] {
        let _ = rig.handle(address(1), &request);
        let mut out = [0; 1_200];
        let transmit = rig.server.poll_transmit(rig.now, &mut out).unwrap();
        let sent = vec![(transmit.to, out[..transmit.len].to_vec())];
        let answer = rig.answer_in(&sent, address(1), &ann, cookie).unwrap();
        assert_eq!(answer.err(), Some(expected));
        assert_eq!(rig.drain(), []);
    }
    assert_eq!(rig.online(), 0);
    // The next request is independent of this one: no client has the name yet.
    rig.store_works = true;
    rig.pass(1_000);
    let bob = Request {
        person: "bob",
        ..hello(2, "ann")
    };
    assert!(rig.answer_to(address(2), bob).is_ok());
}

#[test]
fn reserves_a_name_for_one_key_while_it_is_stored() {
    let mut rig = Rig::new();
    rig.drain();
    let request = rig.proven(address(1), hello(1, "ann"));
    let cookie = rig.cookie(address(2));
    let other = rig.hello(&thief(2), cookie);
    assert_eq!(rig.handle(address(1), &request), Disposition::Accepted);
    assert_eq!(
        rig.handle(address(2), &other),
        Disposition::Ignored(DropReason::Refused)
    );
    let sent = rig.drain();
    let answer = rig.answer_in(&sent, address(2), &thief(2), cookie).unwrap();
    assert_eq!(answer.err(), Some(Refusal::Wait));
    assert_eq!(
        rig.answer_to(address(2), thief(2)),
        Err(Refusal::ForeignKey)
    );
}

#[test]
fn gives_a_forgotten_name_without_its_messages() {
    let mut rig = Rig::with(ServerConfig {
        keep_s: 10,
        ..Rig::config()
    });
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    rig.say(&mut bob, &[Frame::Leave { request: 1 }]);
    let sent = rig.say(&mut ann, &[store(1, "for bob alone")]);
    rig.receive_all(&mut ann, sent);
    let other = |id| Request {
        person: "mallory",
        ..hello(id, "bob")
    };
    let refused = rig.answer_to(address(3), other(3));
    assert_eq!(refused, Err(Refusal::ForeignKey));
    rig.pass(11_000);
    let mut other = rig.enters(3, other(4));
    let sent = rig.pass(500);
    let received = rig.receive_all(&mut other, sent);
    assert!(!received.concat().contains("for bob alone"), "{received:?}");
    assert_eq!(rig.server.usage().kept_messages.used, 0);
}

// ---- challenges ----

#[test]
fn uses_an_answer_in_one_challenge_only() {
    let mut rig = Rig::new();
    let mut holder = rig.join(1, "ann");
    // A rival asks; the holder answers; the rival is refused.
    assert_eq!(
        rig.answer_to(address(2), hello(2, "ann")),
        Err(Refusal::Wait)
    );
    rig.say(&mut holder, &[]);
    assert_eq!(
        rig.answer_to(address(2), hello(2, "ann")),
        Err(Refusal::NameTaken)
    );
    // The holder dies. The next rival waits for its silence, and gets the name.
    let mut answer = Err(Refusal::Wait);
    for _ in 0..12 {
        rig.now = rig.now.plus_millis(500);
        rig.server.handle_timeout(rig.now);
        rig.drain();
        answer = rig.answer_to(address(3), hello(3, "ann"));
        if answer != Err(Refusal::Wait) {
            break;
        }
    }
    assert!(answer.is_ok(), "{answer:?}");
}

#[test]
fn keeps_a_challenge_when_a_second_rival_asks() {
    let mut rig = Rig::new();
    let mut holder = rig.join(1, "ann");
    for (rival, number) in [(2, 2), (3, 3)] {
        let answer = rig.answer_to(address(number), hello(rival, "ann"));
        assert_eq!(answer, Err(Refusal::Wait));
    }
    rig.say(&mut holder, &[]);
    for (rival, number, refusal) in [
        (2, 2, Refusal::NameTaken),
        (3, 3, Refusal::Wait),
        (2, 2, Refusal::NameTaken),
    ] {
        let answer = rig.answer_to(address(number), hello(rival, "ann"));
        assert_eq!(answer, Err(refusal));
    }
    // Then the server challenges for the second rival.
    rig.pass(1_001);
    let second = rig.answer_to(address(3), hello(3, "ann"));
    assert_eq!(second, Err(Refusal::Wait));
    rig.say(&mut holder, &[]);
    let second = rig.answer_to(address(3), hello(3, "ann"));
    assert_eq!(second, Err(Refusal::NameTaken));
}

// ---- processes ----

#[test]
fn replaces_a_process_at_the_same_address_at_once() {
    let mut rig = Rig::new();
    rig.join(1, "ann");
    let mut second = hello(2, "ann");
    assert_eq!(rig.answer_to(address(2), second), Err(Refusal::Wait));
    rig.enters(1, second);
    assert_eq!(
        rig.events[1..],
        [
            r#"Departed { name: "ann", reason: Evicted }"#,
            r#"Registered { name: "ann", address: 127.0.0.1:10001, returning: true }"#
        ]
    );
    assert_eq!(rig.online(), 1);
    // The old process learns at any address that it was evicted; the new one may ask again.
    let mut first = hello(1, "ann");
    first.hello.session_sequence = 2;
    first.id = 11;
    for from in [address(1), address(3)] {
        assert_eq!(rig.answer_to(from, first), Err(Refusal::Evicted));
    }
    second.hello.session_sequence = 2;
    second.id = 22;
    assert!(rig.answer_to(address(1), second).is_ok());
}

/// A ClientHello may be a recorded one, or one that was held back: its process may be gone.
#[test]
//= PROTOCOL.md#9.2
fn tells_nobody_of_a_client_before_it_was_heard() {
    let mut rig = Rig::new();
    let mut bob = rig.join(2, "bob");
    let mut ann = rig.asks_from(address(1), hello(1, "ann"));
    let sent = rig.pass(10_000);
    assert_eq!(rig.receive_all(&mut bob, sent), [""; 0]);
    assert_eq!((rig.online(), rig.events.len()), (1, 1), "{:?}", rig.events);
    // It takes the name of a process that was not heard either, without a challenge.
    let mut other = rig.asks_from(address(3), hello(3, "ann"));
    let ignored = ann.encrypt(&ann.header(), &[]);
    rig.give(ann.address, &ignored);
    assert_eq!((rig.online(), rig.events.len()), (1, 1));
    let sent = rig.say(&mut other, &[]);
    assert_eq!((rig.online(), rig.events.len()), (2, 2));
    let pages = rig.receive_all(&mut bob, sent);
    assert!(pages[0].starts_with("Page"), "{pages:?}");
    // Nobody learns that a process has left that nobody knew of.
    let mut rig = Rig::new();
    rig.asks_from(address(4), hello(4, "cleo"));
    rig.pass(70_000);
    assert_eq!(rig.server.table().count(), 0);
    assert_eq!(rig.events, [""; 0]);
}

#[test]
//= PROTOCOL.md#4.5
fn evicts_a_process_once_its_successor_was_heard() {
    let mut rig = Rig::new();
    let first = rig.join(1, "ann");
    let mut bob = rig.join(2, "bob");
    let sent = rig.pass(500);
    rig.receive_all(&mut bob, sent);
    let mut second = rig.asks_from(address(1), hello(3, "ann"));
    let sent = rig.pass(600);
    assert_eq!(first.decrypt(&sent).len(), 0, "it was told nothing");
    let told = second.decrypt(&sent);
    assert!(
        told.iter().all(|(_, frames)| frames.is_empty()),
        "a roster that lists the process before: {told:?}"
    );
    assert_eq!(rig.receive_all(&mut bob, sent), [""; 0]);
    assert_eq!((rig.online(), rig.events.len()), (2, 2));
    let sent = rig.say(&mut second, &[]);
    let told = first.decrypt(&sent);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0.closed, Some(Refusal::Evicted));
    assert_eq!(rig.online(), 2);
    let mut again = hello(1, "ann");
    (again.id, again.hello.session_sequence) = (11, 2);
    assert_eq!(rig.answer_to(address(1), again), Err(Refusal::Evicted));
}

#[test]
//= PROTOCOL.md#9.3
fn returns_its_name_to_a_process_after_a_ghost() {
    let mut rig = Rig::new();
    rig.join(1, "ann");
    rig.asks_from(address(1), hello(3, "ann"));
    let mut again = hello(1, "ann");
    (again.id, again.hello.session_sequence) = (11, 2);
    rig.enters(4, again);
    assert_eq!(rig.online(), 1);
    (again.id, again.hello.session_sequence) = (12, 3);
    assert!(rig.answer_to(address(4), again).is_ok());
}

#[test]
fn sends_a_new_address_to_all_clients() {
    let mut rig = Rig::new();
    rig.join(1, "ann");
    let mut bob = rig.join(2, "bob");
    let sent = rig.pass(500);
    rig.receive_all(&mut bob, sent);
    let mut again = hello(1, "ann");
    (again.id, again.hello.session_sequence) = (11, 2);
    rig.enters(5, again);
    let ann = rig.server.table().find(|row| row.name == "ann").unwrap();
    assert_eq!((ann.address, ann.online), (address(5), true));
    let sent = rig.pass(500);
    let received = rig.receive_all(&mut bob, sent);
    assert_eq!(received.len(), 1, "a page: {received:?}");
    assert_eq!(
        rig.events.len(),
        2,
        "a departure or an arrival: {:?}",
        rig.events
    );
}

#[test]
//= PROTOCOL.md#3.1
fn drops_a_registration_without_ids() {
    let mut rig = Rig::new();
    for (id, incarnation) in [(0, 1), (1, 0)] {
        let mut request = hello(id, "ann");
        request.hello.incarnation = incarnation;
        let request = rig.proven(address(1), request);
        assert_eq!(
            rig.handle(address(1), &request),
            Disposition::Ignored(DropReason::Malformed)
        );
    }
    assert_eq!(rig.drain(), []);
}

// ---- rates ----

#[test]
//= PROTOCOL.md#15.1
fn limits_registrations_of_one_process() {
    let mut rig = Rig::new();
    // Each registration is stored. So a process that requests sessions again and again uses up its
    // quota.
    let mut refused = None;
    for sequence in 1..=2_000 {
        let mut again = hello(1, "mallory");
        (again.id, again.hello.session_sequence) = (sequence.into(), sequence);
        if let Err(reason) = rig.answer_to(address(1), again) {
            refused = Some((sequence, reason));
            break;
        }
    }
    assert_eq!(refused, Some((301, Refusal::RateExceeded)));
    assert_eq!(rig.server.stats().drops(DropReason::Refused), 1);
    rig.now = rig.now.plus_millis(100);
    let mut again = hello(1, "mallory");
    (again.id, again.hello.session_sequence) = (5_000, 5_000);
    rig.answer_to(address(1), again).unwrap();
}

// ---- names ----

#[test]
fn asks_its_caller_about_new_names_only() {
    let config = ServerConfig {
        is_name_allowed: |name| !name.starts_with('['),
        ..ServerConfig::default()
    };
    let mut rig = Rig::with(config);
    let answer = rig.answer_to(address(1), hello(1, "[Server"));
    assert_eq!(answer, Err(Refusal::BadName));
    rig.join(2, "ann");
    // The name came into the room before there was a rule.
    let record = Record::Name(name_record("[bob"));
    rig.server.restore(record).unwrap();
    let known = Request {
        person: "ann",
        ..hello(3, "[bob")
    };
    assert_ne!(rig.answer_to(address(3), known), Err(Refusal::BadName));
}
