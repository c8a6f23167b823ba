//! Who may open a session with a client, and how much of that it looks at.

use chatapp_core::wire::{Answer, Datagram, Header, PeerHello, Refusal, Status};
use chatapp_core::{Command, Disposition, DropReason};

use crate::caller::{call, opened};
use crate::client_rig::{Rig, address, bob, entry, news, server, text};
use crate::lines::{answer, bob_accepts, from_caller, plain, server_accepts};
use crate::people::{BOB, ROOM, identity, key};

#[test]
//= PROTOCOL.md#4.6
fn a_caller_is_who_the_table_says() {
    let mut rig = Rig::online();
    let stranger = PeerHello {
        from: "cleo",
        ..from_caller(1)
    };
    let other_process = PeerHello {
        from_incarnation: BOB + 1,
        ..from_caller(1)
    };
    // Bob was told that somebody else has our key.
    let for_somebody_else = PeerHello {
        to: "cleo",
        ..from_caller(1)
    };
    for (person, from, said, reason) in [
        ("bob", bob(), for_somebody_else, DropReason::Unexpected),
        ("mallory", bob(), from_caller(1), DropReason::ForeignKey),
        ("bob", address(9), from_caller(1), DropReason::WrongAddress),
        ("bob", bob(), other_process, DropReason::UnknownPeer),
        ("cleo", address(3), stranger, DropReason::UnknownPeer),
    ] {
        let called = call(&rig, person, 7, &said);
        assert_eq!(rig.hands(from, &called), Disposition::Ignored(reason));
        assert_eq!(rig.sent(), []);
    }
    let called = call(&rig, "bob", 7, &from_caller(1));
    assert_eq!(rig.hands(bob(), &called), Disposition::Accepted);
    let accept = rig.sent();
    assert_eq!(accept.len(), 1);
    assert!(accept[0].1.len() < called.len());
    // The answer was lost: the same again. From elsewhere, nothing.
    assert_eq!(
        rig.hands(bob(), &called),
        Disposition::Ignored(DropReason::Duplicate)
    );
    assert_eq!(rig.sent(), accept);
    assert_eq!(
        rig.hands(address(9), &called),
        Disposition::Ignored(DropReason::WrongAddress)
    );
    // After a later call it is an old one.
    let later = call(&rig, "bob", 8, &from_caller(2));
    assert_eq!(rig.hands(bob(), &later), Disposition::Accepted);
    rig.sent();
    assert_eq!(
        rig.hands(bob(), &called),
        Disposition::Ignored(DropReason::Duplicate)
    );
    assert_eq!(rig.sent(), []);
}

#[test]
fn who_calls_is_answered_although_the_server_has_lost_sight_of_it_meanwhile() {
    let mut rig = Rig::online();
    let said = from_caller(1);
    let called = call(&rig, "bob", 7, &said);
    assert_eq!(rig.hands(bob(), &called), Disposition::Accepted);
    let offline = entry("bob", Status::Offline, BOB, bob());
    rig.tells(&[news(2, &offline)]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    let sent = rig.sent();
    let (_, accept) = sent.iter().find(|(to, _)| *to == bob()).expect("an answer");
    let mut line = opened(&rig, "bob", 7, &said, accept);
    let header = Header {
        window: 32,
        ..Header::default()
    };
    let said = line.writes(&header, &[text(1, "still here")]);
    assert_eq!(rig.hands(bob(), &said), Disposition::Accepted);
    let shown = rig.events();
    assert!(shown[0].contains("still here"), "{shown:?}");
    // What is said to him goes where the server keeps it for him.
    rig.send_to_bob("where are you");
    assert!(rig.events()[0].contains("SentToServer"));
}

#[test]
fn who_was_away_and_says_nothing_in_its_session_is_called_again() {
    for (heard, room) in [
        (false, None),
        (true, None),
        (false, Some(ROOM)),
        (true, Some(ROOM)),
    ] {
        let is_closed = room.is_some();
        let mut rig = Rig::in_room(room);
        rig.comes_online();
        rig.send_to_bob("before");
        let mut line = rig.meets_bob();
        let acknowledges = Header {
            acknowledged: 1,
            window: 32,
            ..Header::default()
        };
        rig.sent();
        let said = line.writes(&acknowledges, &[]);
        rig.hands(bob(), &said);
        for (version, status) in [(2, Status::Offline), (3, Status::Online)] {
            if heard && status == Status::Online {
                let said = line.writes(&acknowledges, &[text(1, "still here")]);
                assert_eq!(rig.hands(bob(), &said), Disposition::Accepted);
                rig.events();
            }
            rig.tells(&[news(version, &entry("bob", status, BOB, bob()))]);
            rig.events();
        }
        let calls = |rig: &mut Rig| {
            let sent = rig.sent();
            let calls = sent.iter().filter(|(to, datagram)| {
                let parsed = Datagram::parse(&rig.identity("bob"), datagram);
                *to == bob() && matches!(parsed, Ok(Datagram::PeerHello(_)))
            });
            calls.count()
        };
        // In a closed room nobody would tell him that the session is over, in which he may write
        // next.
        let at_once = usize::from(!heard && is_closed);
        assert_eq!(calls(&mut rig), at_once, "{heard} {is_closed}");
        rig.send_to_bob("after");
        let later = usize::from(!heard && !is_closed);
        assert_eq!(calls(&mut rig), later, "{heard} {is_closed}");
    }
}

#[test]
fn who_is_called_by_the_wrong_number_gives_a_hint_and_no_more() {
    let mut rig = Rig::online();
    let incarnation = core::mem::replace(&mut rig.incarnation, 77);
    let called = call(&rig, "bob", 7, &from_caller(1));
    rig.incarnation = incarnation;
    assert_eq!(
        rig.hands(bob(), &called),
        Disposition::Ignored(DropReason::UnknownPeer)
    );
    let not_me = Datagram::Refuse {
        to: 7,
        reason: Refusal::NotMe,
    };
    let sent = rig.sent();
    assert_eq!(sent, [(bob(), plain(&identity(""), &not_me))]);
    assert!(sent[0].1.len() < called.len());
}

#[test]
fn no_more_calls_are_looked_at_than_a_client_can_afford() {
    let mut rig = Rig::online();
    let looks_at = |rig: &mut Rig, calls: u64| {
        (0..calls)
            .filter(|id| {
                let forged = call(rig, "mallory", 100 + id, &from_caller(1));
                let handled = rig.hands(bob(), &forged);
                let dropped = handled == Disposition::Busy;
                assert!(dropped || handled == Disposition::Ignored(DropReason::ForeignKey));
                assert_eq!(rig.sent(), []);
                !dropped
            })
            .count()
    };
    // 50 a second, for four seconds at once.
    assert_eq!(looks_at(&mut rig, 210), 200);
    rig.now = rig.now.plus_millis(100);
    assert_eq!(looks_at(&mut rig, 10), 5);
    // Bob, who repeats his call, comes through between two of them.
    rig.now = rig.now.plus_millis(500);
    let called = call(&rig, "bob", 7, &from_caller(1));
    assert_eq!(rig.hands(bob(), &called), Disposition::Accepted);
}

#[test]
fn sixteen_answers_to_one_request_are_looked_at() {
    for (forged, accepted) in [(15, true), (16, false)] {
        let mut rig = Rig::new();
        rig.command(Command::Register { name: "alice" }).unwrap();
        let hello = rig.hello(key("server"));
        let (accept, line) = answer(&identity("server"), &hello, &server_accepts());
        let forgery = forge(&accept);
        for _ in 0..forged {
            assert_eq!(
                rig.hands(server(), &forgery),
                Disposition::Ignored(DropReason::BadTag)
            );
        }
        let handled = rig.hands(server(), &accept);
        if accepted {
            assert_eq!(handled, Disposition::Accepted);
            (rig.id, rig.server) = (0, Some(line));
            continue;
        }
        assert_eq!(handled, Disposition::Ignored(DropReason::Unexpected));
        // Nothing is over: the next request is another one.
        assert_eq!(rig.pass(3_000).len(), 1, "ServerNotResponding");
        rig.comes_online();
    }
    // The same for the answer of a peer: the message goes the other way.
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let (_, called) = rig.call_to_bob();
    let (accept, _) = answer(&identity("bob"), &called, &bob_accepts());
    for _ in 0..16 {
        assert_eq!(
            rig.hands(bob(), &forge(&accept)),
            Disposition::Ignored(DropReason::BadTag)
        );
    }
    assert_eq!(
        rig.hands(bob(), &accept),
        Disposition::Ignored(DropReason::Unexpected)
    );
    assert!(rig.pass(3_000)[0].contains("SentToServer"));
}

/// Another answer that looks like this one.
fn forge(accept: &[u8]) -> Vec<u8> {
    let identity = identity("");
    match Datagram::parse(&identity, accept) {
        Ok(Datagram::Accept { to, message }) => {
            let mut message = message.to_vec();
            *message.last_mut().unwrap() ^= 1;
            let message = &message[..];
            plain(&identity, &Datagram::Accept { to, message })
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_peer_cannot_refuse_for_good_nor_end_the_client() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let (_, called) = rig.call_to_bob();
    let refusal = Answer::Refused(Refusal::NameTaken);
    let (refused, _) = answer(&identity("bob"), &called, &refusal);
    assert_eq!(
        rig.hands(bob(), &refused),
        Disposition::Ignored(DropReason::Unexpected)
    );
    let (accept, mut line) = answer(&identity("bob"), &called, &bob_accepts());
    assert_eq!(rig.hands(bob(), &accept), Disposition::Accepted);
    rig.sent();
    let closing = Header {
        acknowledged: 0,
        window: 32,
        closed: Some(Refusal::Displaced),
        ..Header::default()
    };
    let said = line.writes(&closing, &[text(1, "bye")]);
    assert_eq!(rig.hands(bob(), &said), Disposition::Accepted);
    assert_eq!(rig.events().len(), 1, "the message");
    assert!(rig.client.is_registered());
}
