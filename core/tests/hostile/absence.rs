//! Names that do not come back: after a restart, for long, or although nobody has stored that they
//! left.

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Datagram, Frame, Refusal};
use chatapp_core::{Disposition, Endpoint, NameRecord, Record, ServerConfig};

use crate::keeping::{name_record, post, store};
use crate::people::{ROOM, identity, identity_in};
use crate::server_rig::{NAMES, Rig, address, hello};

fn keeps_names_for(keep_s: u32) -> Rig {
    Rig::with(ServerConfig {
        keep_s,
        ..ServerConfig::default()
    })
}

#[test]
fn who_does_not_come_back_after_a_restart_departs() {
    let mut rig = Rig::new();
    let record = NameRecord {
        registered: true,
        ..name_record("ann")
    };
    rig.server.restore(Record::Name(record)).unwrap();
    rig.pass(59_999);
    assert_eq!(rig.online(), 1);
    rig.pass(1);
    assert_eq!(rig.online(), 0);
    assert_eq!(rig.events, [r#"Departed { name: "ann", reason: Silent }"#]);
}

#[test]
fn the_name_of_one_who_does_not_come_back_after_a_restart_goes_to_who_waits_for_it() {
    let mut rig = Rig::new();
    let record = NameRecord {
        registered: true,
        ..name_record("ann")
    };
    rig.server.restore(Record::Name(record)).unwrap();
    // As long as for an answer of somebody silent.
    for _ in 0..=6 {
        let rival = rig.answer_to(address(2), hello(2, "ann"));
        assert_eq!(rival, Err(Refusal::Wait));
        rig.pass(500);
    }
    assert!(rig.answer_to(address(2), hello(2, "ann")).is_ok());
}

#[test]
fn who_was_here_before_a_restart_is_told_six_times_at_most() {
    let mut rig = Rig::new();
    for (name, port, session) in [("ann", 1, 77), ("bob", 2, 78)] {
        let record = NameRecord {
            registered: true,
            address: address(port),
            session,
            ..name_record(name)
        };
        rig.server.restore(Record::Name(record)).unwrap();
    }
    let server = identity("server");
    let reset = |port, echo| {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let token = server.reset_token(echo);
        let len = Datagram::Reset { echo, token }.emit(&server, &mut out);
        (address(port), out[..len].to_vec())
    };
    assert_eq!(rig.pass(0), [reset(1, 77), reset(2, 78)]);
    assert_eq!(rig.pass(499), []);
    assert_eq!(rig.pass(1), [reset(1, 77), reset(2, 78)]);
    // One of them is back.
    let mut again = hello(1, "ann");
    again.hello.session_sequence = 2;
    rig.enters(1, again);
    rig.drain();
    for _ in 2..6 {
        let sent = rig.pass(500);
        assert_eq!(sent.iter().filter(|(to, _)| *to == address(2)).count(), 1);
        assert!(!sent.contains(&reset(1, 77)));
    }
    let later = rig.pass(50_000);
    assert!(later.iter().all(|(to, _)| *to == address(1)));
}

#[test]
fn a_name_is_not_forgotten_before_it_is_stored_that_it_left() {
    let mut rig = keeps_names_for(2);
    let mut ann = rig.join(1, "ann");
    rig.store_works = false;
    rig.say(&mut ann, &[Frame::Leave { request: 1 }]);
    rig.pass(10_000);
    assert_eq!(rig.online(), 1);
    rig.store_works = true;
    rig.pass(1_000);
    assert_eq!(rig.online(), 0);
    let forgotten = r#"Forgotten { name: "ann" }"#;
    assert!(!rig.events.iter().any(|event| event == forgotten));
    rig.pass(2_000);
    assert_eq!(rig.events.last().unwrap(), forgotten);
}

/// With an entry the store loses the proof that its request was done; somebody who is forgotten
/// needs none.
#[test]
fn a_name_is_forgotten_once_though_an_entry_of_it_goes_meanwhile() {
    let mut rig = keeps_names_for(10);
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    // Bob does not hear the results.
    rig.say(&mut bob, &[post(1, "first"), Frame::Leave { request: 2 }]);
    for request in 1..8 {
        let sent = rig.say(&mut ann, &[post(request, "more")]);
        rig.listens(&mut ann, sent);
    }
    rig.now = rig.now.plus_millis(10_000);
    rig.server.handle_timeout(rig.now);
    let said = ann.writes(&ann.header(), &[post(8, "ninth")]);
    let mut stored = Vec::new();
    let mut ticket = None;
    while let Some(persist) = rig.server.poll_persist() {
        match persist.record {
            Record::Forget { .. } => stored.push("forget"),
            Record::Channel { .. } => stored.push("entry"),
            other => panic!("{other:?}"),
        }
        if let Some(stored) = ticket.replace(persist.ticket) {
            rig.server.handle_stored(rig.now, stored, Ok(()));
        }
        if stored == ["forget"] {
            assert_eq!(rig.judges(ann.address, &said), Disposition::Accepted);
        }
    }
    assert_eq!(stored, ["forget", "entry"]);
}

#[test]
fn a_forgotten_name_that_returns_is_in_the_table_once_that_is_announced() {
    let mut rig = keeps_names_for(2);
    let mut ann = rig.join(1, "ann");
    rig.say(&mut ann, &[Frame::Leave { request: 1 }]);
    rig.pass(10_000);
    assert_eq!(rig.events.last().unwrap(), r#"Forgotten { name: "ann" }"#);
    let said = rig.proven(address(3), hello(3, "ann"));
    assert_eq!(rig.judges(address(3), &said), Disposition::Accepted);
    // Who has the name is stored, and that it is there is not.
    let mut listed = Vec::new();
    while let Some(persist) = rig.server.poll_persist() {
        let ticket = persist.ticket;
        listed.push(rig.server.table().count());
        rig.server.handle_stored(rig.now, ticket, Ok(()));
    }
    assert_eq!(listed, [0, 0]);
    assert_eq!(rig.server.table().count(), 1);
}

#[test]
fn a_forgotten_name_leaves_its_place_once_nothing_of_it_is_kept() {
    for taken in [false, true] {
        let mut rig = keeps_names_for(10);
        let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
        rig.say(&mut bob, &[Frame::Leave { request: 1 }]);
        rig.say(&mut ann, &[store(1, "hi"), Frame::Leave { request: 2 }]);
        // Bob is back in time.
        let mut again = hello(2, "bob");
        (again.id, again.hello.session_sequence) = (22, 2);
        let mut bob = rig.enters(2, again);
        if taken {
            let sent = rig.pass(500);
            rig.listens(&mut bob, sent);
        }
        rig.pass(10_000);
        let forgotten = r#"Forgotten { name: "ann" }"#;
        assert!(rig.events.iter().any(|event| event == forgotten));
        let names: Vec<String> = (0..NAMES - 2)
            .map(|number| format!("guest{number}"))
            .collect();
        for (number, name) in (100..).zip(&names) {
            rig.answer_to(address(number), hello(number.into(), name))
                .unwrap();
        }
        let last = rig.answer_to(address(99), hello(99, "last"));
        assert_eq!(last.err(), (!taken).then_some(Refusal::RoomFull));
    }
}

/// In a closed room nobody else is answered.
#[test]
fn whoever_writes_in_a_session_that_is_over_is_told_so() {
    for (restarts, registered) in [(false, true), (true, true), (true, false)] {
        let config = ServerConfig::default();
        let mut rig = Rig::in_room(config.clone(), Some(ROOM), 3);
        let mut ann = rig.join(1, "ann");
        if restarts {
            let record = NameRecord {
                registered,
                session: ann.server_id,
                ..name_record("ann")
            };
            rig = Rig::in_room(config, Some(ROOM), 4);
            rig.server.restore(Record::Name(record)).unwrap();
        }
        // Nothing that she is told meanwhile arrives.
        rig.pass(30_000);
        if !restarts {
            rig.pass(60_000);
            assert_eq!(rig.online(), 0);
        }
        let said = ann.writes(&ann.header(), &[post(1, "hi")]);
        let over = Datagram::Reset {
            echo: ann.server_id,
            token: identity_in("server", Some(ROOM)).reset_token(ann.server_id),
        };
        let told = vec![(ann.address, rig.plain(&over))];
        assert_eq!(rig.give(ann.address, &said), told, "{restarts}");
        let mut stranger = said;
        stranger[2] ^= 1;
        assert_eq!(rig.give(ann.address, &stranger), []);
    }
}
