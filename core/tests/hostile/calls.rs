//! PeerHellos that a client accepts, and how many it reads.

use chatapp_core::wire::{Answer, Datagram, Header, PeerHello, Refusal, Status};
use chatapp_core::{Command, Disposition, DropReason};

use crate::caller::{accepted_session, call};
use crate::client_rig::{Rig, address, bob, entry, mail, news, server, text};
use crate::lines::{answer, bob_accepts, from_caller, plain, server_accepts};
use crate::people::{BOB, ROOM, identity, key};

#[test]
//= PROTOCOL.md#4.6
fn accepts_a_caller_only_as_the_roster_lists_it() {
    let mut rig = Rig::online();
    let stranger = PeerHello {
        from: "cleo",
        ..from_caller(1)
    };
    let other_process = PeerHello {
        from_incarnation: BOB + 1,
        ..from_caller(1)
    };
    // Bob believes that cleo has alice's key.
    let for_somebody_else = PeerHello {
        to: "cleo",
        ..from_caller(1)
    };
    let unlisted = if cfg!(feature = "call-guard") {
        DropReason::WrongAddress
    } else {
        DropReason::UnknownPeer
    };
    for (person, from, hello, reason) in [
        ("bob", bob(), for_somebody_else, DropReason::Unexpected),
        ("mallory", bob(), from_caller(1), DropReason::ForeignKey),
        ("bob", address(9), from_caller(1), DropReason::WrongAddress),
        ("bob", bob(), other_process, DropReason::UnknownPeer),
        ("cleo", address(3), stranger, unlisted),
        ("cleo", bob(), stranger, DropReason::UnknownPeer),
    ] {
        let called = call(&rig, person, 7, &hello);
        assert_eq!(rig.handle(from, &called), Disposition::Ignored(reason));
        assert_eq!(rig.sent(), []);
    }
    let called = call(&rig, "bob", 7, &from_caller(1));
    assert_eq!(rig.handle(bob(), &called), Disposition::Accepted);
    let accept = rig.sent();
    assert_eq!(accept.len(), 1);
    assert!(accept[0].1.len() < called.len());
    // The answer was lost: the client repeats it. It sends nothing to another address.
    assert_eq!(
        rig.handle(bob(), &called),
        Disposition::Ignored(DropReason::Duplicate)
    );
    assert_eq!(rig.sent(), accept);
    assert_eq!(
        rig.handle(address(9), &called),
        Disposition::Ignored(DropReason::WrongAddress)
    );
    // A later PeerHello makes this one outdated.
    let later = call(&rig, "bob", 8, &from_caller(2));
    assert_eq!(rig.handle(bob(), &later), Disposition::Accepted);
    rig.sent();
    assert_eq!(
        rig.handle(bob(), &called),
        Disposition::Ignored(DropReason::Duplicate)
    );
    assert_eq!(rig.sent(), []);
}

#[test]
fn keeps_a_session_with_a_peer_listed_as_offline() {
    let mut rig = Rig::online();
    let hello = from_caller(1);
    let called = call(&rig, "bob", 7, &hello);
    assert_eq!(rig.handle(bob(), &called), Disposition::Accepted);
    let offline = entry("bob", Status::Offline, BOB, bob());
    rig.deliver(&[news(2, &offline)]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    let sent = rig.sent();
    let (_, accept) = sent.iter().find(|(to, _)| *to == bob()).expect("an answer");
    let mut line = accepted_session(&rig, "bob", 7, &hello, accept);
    let header = Header {
        window: 32,
        ..Header::default()
    };
    let datagram = line.encrypt(&header, &[text(1, "still here")]);
    assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
    let shown = rig.events();
    assert!(shown[0].contains("still here"), "{shown:?}");
    // The client sends its own message to the server, which stores it for bob.
    rig.send_to_bob("where are you");
    assert!(rig.events()[0].contains("SentToServer"));
}

/// Only if the peer sent nothing in its session meanwhile.
#[test]
fn calls_a_peer_again_that_was_offline() {
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
        let bytes = line.encrypt(&acknowledges, &[]);
        rig.handle(bob(), &bytes);
        for (version, status) in [(2, Status::Offline), (3, Status::Online)] {
            if heard && status == Status::Online {
                let bytes = line.encrypt(&acknowledges, &[text(1, "still here")]);
                assert_eq!(rig.handle(bob(), &bytes), Disposition::Accepted);
                rig.events();
            }
            rig.deliver(&[news(version, &entry("bob", status, BOB, bob()))]);
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
        // In a closed room bob gets no Reset for its next datagram in the old session. So the
        // client calls at once.
        let at_once = usize::from(!heard && is_closed);
        assert_eq!(calls(&mut rig), at_once, "{heard} {is_closed}");
        rig.send_to_bob("after");
        let later = usize::from(!heard && !is_closed);
        assert_eq!(calls(&mut rig), later, "{heard} {is_closed}");
    }
}

/// The refusal is unauthenticated, and shorter than the PeerHello.
#[test]
fn refuses_a_call_to_another_incarnation() {
    let mut rig = Rig::online();
    let incarnation = core::mem::replace(&mut rig.incarnation, 77);
    let called = call(&rig, "bob", 7, &from_caller(1));
    rig.incarnation = incarnation;
    assert_eq!(
        rig.handle(bob(), &called),
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
fn reads_sixteen_answers_to_one_request() {
    for (forged, accepted) in [(15, true), (16, false)] {
        let mut rig = Rig::new();
        rig.command(Command::Register { name: "alice" }).unwrap();
        let hello = rig.hello(key("server"));
        let (accept, line) = answer(&identity("server"), &hello, &server_accepts());
        let forgery = forge(&accept);
        for _ in 0..forged {
            assert_eq!(
                rig.handle(server(), &forgery),
                Disposition::Ignored(DropReason::BadTag)
            );
        }
        let handled = rig.handle(server(), &accept);
        if accepted {
            assert_eq!(handled, Disposition::Accepted);
            (rig.id, rig.server) = (0, Some(line));
            continue;
        }
        assert_eq!(handled, Disposition::Ignored(DropReason::Unexpected));
        // The client goes on with another request.
        assert_eq!(rig.pass(3_000).len(), 1, "ServerNotResponding");
        rig.comes_online();
    }
    // The same holds for the answer of a peer: the client sends the message to the server instead.
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let (_, called) = rig.call_to_bob();
    let (accept, _) = answer(&identity("bob"), &called, &bob_accepts());
    for _ in 0..16 {
        assert_eq!(
            rig.handle(bob(), &forge(&accept)),
            Disposition::Ignored(DropReason::BadTag)
        );
    }
    assert_eq!(
        rig.handle(bob(), &accept),
        Disposition::Ignored(DropReason::Unexpected)
    );
    assert!(rig.pass(3_000)[0].contains("SentToServer"));
}

/// Returns a copy of an Accept with another bit in its last byte.
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
fn ignores_a_final_refusal_from_a_peer() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let (_, called) = rig.call_to_bob();
    let refusal = Answer::Refused(Refusal::NameTaken);
    let (refused, _) = answer(&identity("bob"), &called, &refusal);
    assert_eq!(
        rig.handle(bob(), &refused),
        Disposition::Ignored(DropReason::Unexpected)
    );
    let (accept, mut line) = answer(&identity("bob"), &called, &bob_accepts());
    assert_eq!(rig.handle(bob(), &accept), Disposition::Accepted);
    rig.sent();
    let closing = Header {
        acknowledged: 0,
        window: 32,
        closed: Some(Refusal::Evicted),
        ..Header::default()
    };
    let datagram = line.encrypt(&closing, &[text(1, "bye")]);
    assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
    assert_eq!(rig.events().len(), 1, "the message");
    assert!(rig.client.is_registered());
}

#[test]
fn announces_no_stored_messages_of_a_peer() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let mut line = rig.meets_bob();
    let header = Header {
        window: 32,
        ..Header::default()
    };
    let datagram = line.encrypt(&header, &[mail(1, 1, true)]);
    assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
    assert_eq!(rig.events(), [""; 0]);
    assert_eq!(rig.client.stats().drops(DropReason::Unexpected), 1);
}
