//! Records of the server: when it offers them, their content, and the outputs that wait for the
//! store.

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::Frame;
use chatapp_core::{Disposition, Endpoint, Record, ServerConfig, StoreFailed, Ticket};

use crate::offline::{post, store};
use crate::server_rig::{Rig, address, hello, stored_message};

#[test]
fn takes_no_room_for_a_message_that_was_not_stored() {
    let mut rig = Rig::with(ServerConfig {
        mail_per_name: 1,
        ..Rig::config()
    });
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    rig.say(&mut bob, &[Frame::Leave { request: 1 }]);
    let sent = rig.pass(500);
    rig.receive_all(&mut ann, sent);
    for (request, works, outcome) in [
        (1, false, "NotStored"),
        (2, false, "NotStored"),
        (3, true, "Saved"),
        (4, true, "Full"),
    ] {
        rig.store_works = works;
        let sent = rig.say(&mut ann, &[store(request, "hi")]);
        let received = rig.receive_all(&mut ann, sent);
        let result = format!("Result {{ request: {request}, outcome: {outcome} }}");
        assert_eq!(received, [result]);
    }
}

#[test]
fn stores_outcomes_and_offline_time_of_a_name() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    let left = ann.encrypt(&ann.header(), &[Frame::Leave { request: 1 }]);
    assert_eq!(rig.handle(ann.address, &left), Disposition::Accepted);
    // The store fails: the server offers the departure again every second.
    for seconds in 0..3 {
        let persist = rig.server.poll_persist().unwrap();
        let Record::Name(record) = persist.record else {
            panic!("{persist:?}")
        };
        assert_eq!((record.registered, record.away_s), (false, seconds));
        // Outcome 7 of request 1: the deregistration takes effect with this record.
        assert_eq!((record.last_request, record.outcomes), (1, 7 << 4));
        let ticket = persist.ticket;
        rig.server.handle_stored(rig.now, ticket, Err(StoreFailed));
        rig.now = rig.now.plus_millis(1_000);
        rig.server.handle_timeout(rig.now);
    }
}

#[test]
//= PROTOCOL.md#4.5
fn forgets_a_stored_name_if_its_next_process_fails() {
    let mut rig = Rig::new();
    // The first process is stored, and never heard. Another one takes over, and is not stored.
    for (number, works) in [(1, true), (2, false)] {
        let request = rig.proven(address(number), hello(number.into(), "ann"));
        rig.store_works = works;
        rig.give(address(number), &request);
    }
    let mut is_forgotten = false;
    for _ in 0..10 {
        while let Some(persist) = rig.server.poll_persist() {
            is_forgotten |= matches!(persist.record, Record::Forget { .. });
            let ticket = persist.ticket;
            rig.server.handle_stored(rig.now, ticket, Ok(()));
        }
        rig.now = rig.now.plus_millis(1_000);
        rig.server.handle_timeout(rig.now);
    }
    assert!(is_forgotten, "the store still has a name that is free");
}

/// A store drops a log entry when the log has no room for it any more. Before that, the sender has
/// the result, or the store has another proof.
#[test]
fn stores_a_proof_before_an_entry_is_dropped() {
    for hears in [true, false] {
        let mut rig = Rig::new();
        let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
        let sent = rig.pass(500);
        rig.receive_all(&mut ann, sent);
        let sent = rig.say(&mut ann, &[post(1, "first")]);
        if hears {
            rig.receive_all(&mut ann, sent);
        }
        for request in 1..8 {
            let sent = rig.say(&mut bob, &[post(request, "more")]);
            rig.receive_all(&mut bob, sent);
        }
        let ninth = bob.encrypt(&bob.header(), &[post(8, "more")]);
        assert_eq!(rig.handle(bob.address, &ninth), Disposition::Accepted);
        let mut stored = Vec::new();
        while let Some(persist) = rig.server.poll_persist() {
            stored.push(match persist.record {
                // Outcome 2 of request 1.
                Record::Name(record) => format!("{} {:x}", record.name, record.outcomes),
                Record::Channel { number, .. } => format!("entry {number}"),
                other => format!("{other:?}"),
            });
            let ticket = persist.ticket;
            rig.server.handle_stored(rig.now, ticket, Ok(()));
        }
        let expected: &[&str] = if hears {
            &["entry 9"]
        } else {
            &["ann 20", "entry 9"]
        };
        assert_eq!(stored, expected);
    }
}

#[test]
//= PROTOCOL.md#4.5
fn shows_no_registration_before_it_is_stored() {
    let mut rig = Rig::new();
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    rig.say(&mut bob, &[Frame::Leave { request: 1 }]);
    let sent = rig.say(&mut ann, &[store(1, "hi")]);
    rig.receive_all(&mut ann, sent);
    let mut again = hello(2, "bob");
    (again.id, again.hello.session_sequence) = (22, 2);
    let request = rig.proven(bob.address, again);
    assert_eq!(rig.handle(bob.address, &request), Disposition::Accepted);
    let ticket = rig.server.poll_persist().unwrap().ticket;
    let mut out = [0; DATAGRAM_LEN_MAX];
    assert_eq!(rig.server.poll_transmit(rig.now, &mut out), None);
    rig.server.handle_stored(rig.now, ticket, Ok(()));
    assert!(rig.drain().iter().any(|(to, _)| *to == bob.address));
}

#[test]
fn is_due_at_once_while_a_record_is_pending() {
    let message = Frame::Store {
        request: 1,
        counter: 1,
        tried: 0,
        bounce: false,
        to: "ann",
        ciphertext: stored_message("hi"),
    };
    for frame in [message, post(1, "hi")] {
        let mut rig = Rig::new();
        let mut ann = rig.join(1, "ann");
        let datagram = ann.encrypt(&ann.header(), &[frame]);
        assert_eq!(rig.handle(ann.address, &datagram), Disposition::Accepted);
        let mut out = [0; DATAGRAM_LEN_MAX];
        while rig.server.poll_transmit(rig.now, &mut out).is_some() {}
        assert_eq!(rig.server.poll_timeout(), Some(rig.now));
        assert!(rig.server.poll_persist().is_some());
        assert_ne!(rig.server.poll_timeout(), Some(rig.now));
    }
}

/// No client gets the result.
#[test]
fn stores_the_request_of_an_evicted_process() {
    let mut rig = Rig::new();
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    let datagram = ann.encrypt(&ann.header(), &[post(1, "last words")]);
    assert_eq!(rig.handle(ann.address, &datagram), Disposition::Accepted);
    let ticket = rig.server.poll_persist().unwrap().ticket;
    // Another process takes the name before the store answers.
    let request = rig.proven(ann.address, hello(3, "ann"));
    assert_eq!(rig.handle(ann.address, &request), Disposition::Accepted);
    rig.server.handle_stored(rig.now, ticket, Ok(()));
    let mut sent = rig.drain();
    let mut successor = rig.enters(1, hello(3, "ann"));
    sent.extend(rig.pass(500));
    let received = rig.receive_all(&mut successor, sent.clone()).concat();
    assert!(!received.contains("Result"), "{received}");
    let received = rig.receive_all(&mut bob, sent).concat();
    assert!(received.contains(r#""last words""#), "{received}");
}

/// A debug assertion reports it. Without assertions the server ignores the answer.
#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "a ticket was answered out of order, or twice")]
fn refuses_an_answer_of_the_store_that_is_not_due() {
    let mut rig = Rig::new();
    let ticket = rig.server.poll_persist().unwrap().ticket;
    let later = Ticket::new(ticket.number() + 1);
    rig.server.handle_stored(rig.now, later, Ok(()));
}
