//! Names whose client stays away: after a restart, for a long time, or while the store fails.

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Datagram, Frame, Refusal};
use chatapp_core::{Disposition, Endpoint, NameRecord, Record, ServerConfig};

use crate::offline::{name_record, post, store};
use crate::people::{ROOM, identity, identity_in};
use crate::server_rig::{NAMES, Rig, address, hello};

fn keeps_names_for(keep_s: u32) -> Rig {
    Rig::with(ServerConfig {
        keep_s,
        ..Rig::config()
    })
}

#[test]
fn departs_when_silent_after_a_restart() {
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
fn gives_a_silent_name_to_a_rival_after_a_restart() {
    let mut rig = Rig::new();
    let record = NameRecord {
        registered: true,
        ..name_record("ann")
    };
    rig.server.restore(Record::Name(record)).unwrap();
    // The rival waits as long as for the answer of a silent client.
    for _ in 0..=6 {
        let rival = rig.answer_to(address(2), hello(2, "ann"));
        assert_eq!(rival, Err(Refusal::Wait));
        rig.pass(500);
    }
    assert!(rig.answer_to(address(2), hello(2, "ann")).is_ok());
}

#[test]
fn sends_restart_notices_six_times_at_most() {
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
    // Ann registers again.
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
fn forgets_no_name_before_its_departure_is_stored() {
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

/// When the store drops an entry, it loses the proof that the entry's request was done. A forgotten
/// name needs no such proof.
#[test]
fn forgets_a_name_once_while_its_entry_is_dropped() {
    let mut rig = keeps_names_for(10);
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    // Bob does not receive the results.
    rig.say(&mut bob, &[post(1, "first"), Frame::Leave { request: 2 }]);
    for request in 1..8 {
        let sent = rig.say(&mut ann, &[post(request, "more")]);
        rig.receive_all(&mut ann, sent);
    }
    rig.now = rig.now.plus_millis(10_000);
    rig.server.handle_timeout(rig.now);
    let datagram = ann.encrypt(&ann.header(), &[post(8, "ninth")]);
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
            assert_eq!(rig.handle(ann.address, &datagram), Disposition::Accepted);
        }
    }
    assert_eq!(stored, ["forget", "entry"]);
}

#[test]
fn lists_a_forgotten_name_again_once_announced() {
    let mut rig = keeps_names_for(2);
    let mut ann = rig.join(1, "ann");
    rig.say(&mut ann, &[Frame::Leave { request: 1 }]);
    rig.pass(10_000);
    assert_eq!(rig.events.last().unwrap(), r#"Forgotten { name: "ann" }"#);
    // The server stores two records, and does not list the name before both are stored.
    let mut again = rig.asks_from(address(3), hello(3, "ann"));
    assert_eq!(rig.server.table().count(), 0);
    let datagram = again.encrypt(&again.header(), &[]);
    assert_eq!(rig.handle(address(3), &datagram), Disposition::Accepted);
    assert_eq!(rig.server.table().count(), 0);
    rig.store();
    assert_eq!(rig.server.table().count(), 1);
}

#[test]
fn frees_a_forgotten_name_once_nothing_is_stored() {
    for taken in [false, true] {
        let mut rig = keeps_names_for(10);
        let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
        rig.say(&mut bob, &[Frame::Leave { request: 1 }]);
        rig.say(&mut ann, &[store(1, "hi"), Frame::Leave { request: 2 }]);
        // Bob registers again before its name is forgotten.
        let mut again = hello(2, "bob");
        (again.id, again.hello.session_sequence) = (22, 2);
        let mut bob = rig.enters(2, again);
        if taken {
            let sent = rig.pass(500);
            rig.receive_all(&mut bob, sent);
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

/// In a closed room the server sends a Reset for former sessions only.
#[test]
fn sends_a_reset_for_a_former_session() {
    for (restarts, registered) in [(false, true), (true, true), (true, false)] {
        let config = Rig::config();
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
        // None of the server's datagrams arrives meanwhile.
        rig.pass(30_000);
        if !restarts {
            rig.pass(60_000);
            assert_eq!(rig.online(), 0);
        }
        let datagram = ann.encrypt(&ann.header(), &[post(1, "hi")]);
        let over = Datagram::Reset {
            echo: ann.server_id,
            token: identity_in("server", Some(ROOM)).reset_token(ann.server_id),
        };
        let expected = vec![(ann.address, rig.plain(&over))];
        assert_eq!(rig.give(ann.address, &datagram), expected, "{restarts}");
        let mut stranger = datagram;
        stranger[2] ^= 1;
        assert_eq!(rig.give(ann.address, &stranger), []);
    }
}
