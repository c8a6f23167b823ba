//! Keys that a client believes, of its server and of its peers.

use chatapp_core::wire::{Datagram, Frame, Header, Outcome, PeerHello, Status};
use chatapp_core::{
    ClientRecord, Command, CommandError, Disposition, DropReason, Endpoint, PublicKey, UnixSeconds,
};

use crate::caller::{accepted_session, call};
use crate::client_rig::{
    COOKIE, Rig, address, bob, entry, entry_of, from_bob, mail, news, server, text, whole_table,
};
use crate::lines::{answer, from_caller, server_accepts};
use crate::people::{BOB, SERVER_ID, StoredMessage, identity, key, message_key};

// ---- the server ----

#[test]
//= PROTOCOL.md#4.8
fn sends_nothing_to_a_server_with_another_key() {
    let mut rig = Rig::new();
    assert!(rig.client.restore(ClientRecord::ServerKey(key("server"))));
    rig.command(Command::Register { name: "alice" }).unwrap();
    let request = rig.sent();
    assert_eq!(request.len(), 1);
    let Ok(Datagram::CookieRequest { id }) = Datagram::parse(&identity(""), &request[0].1) else {
        panic!("not a CookieRequest: {request:?}")
    };
    let cookie = Datagram::Cookie {
        to: id,
        cookie: COOKIE,
        key: Some(key("mallory")),
    };
    assert_eq!(rig.give(server(), &cookie), Disposition::Accepted);
    let changed = format!("ServerKeyChanged {{ key: {:?} }}", key("mallory"));
    assert_eq!(rig.events(), [changed]);
    assert_eq!((rig.sent(), rig.records()), (Vec::new(), Vec::new()));
    assert_eq!(rig.pass(600_000), [""; 0]);
    assert_eq!(rig.client.poll_timeout(), None);
    assert_eq!(
        rig.command(Command::Register { name: "alice" }),
        Err(CommandError::Ended)
    );
}

#[test]
fn stores_the_key_of_a_server_once_it_is_proved() {
    let mut rig = Rig::new();
    rig.command(Command::Register { name: "alice" }).unwrap();
    let hello = rig.hello(key("server"));
    assert_eq!(
        rig.records(),
        [""; 0],
        "the server has not proved its key yet"
    );
    let (accept, line) = answer(&identity("server"), &hello, &server_accepts());
    assert_eq!(rig.handle(server(), &accept), Disposition::Accepted);
    let known = format!("ServerKey({:?})", key("server"));
    assert_eq!(rig.records(), [known]);
    assert_eq!(rig.records(), [""; 0], "once");
    rig.server = Some(line);
    // The server restarts with the same key: the client stores nothing new.
    let reset = Datagram::Reset {
        echo: SERVER_ID,
        token: identity("server").reset_token(SERVER_ID),
    };
    assert_eq!(rig.give(server(), &reset), Disposition::Accepted);
    rig.accepts();
    assert_eq!(rig.records(), [""; 0]);
}

#[test]
fn forgets_an_unproved_key_without_an_answer() {
    // Keys of low order, which no key agreement accepts, and a key that is not the server's.
    let mut one = [0; 32];
    one[0] = 1;
    for offered in [PublicKey::NONE, PublicKey(one), key("mallory")] {
        let mut rig = Rig::new();
        rig.command(Command::Register { name: "alice" }).unwrap();
        let request = rig.request(server());
        let Ok(Datagram::CookieRequest { id }) = Datagram::parse(&identity(""), &request) else {
            panic!("not a CookieRequest: {request:?}")
        };
        let cookie = Datagram::Cookie {
            to: id,
            cookie: COOKIE,
            key: Some(offered),
        };
        assert_eq!(rig.give(server(), &cookie), Disposition::Accepted);
        rig.sent();
        let shown = rig.pass(3_000);
        assert_eq!(shown.len(), 1, "ServerNotResponding: {shown:?}");
        assert_eq!(rig.records(), [""; 0]);
        rig.comes_online();
    }
}

// ---- peers ----

/// Returns a client that has got a message from bob.
fn knows_bob() -> Rig {
    let mut rig = Rig::online();
    assert_eq!(rig.records().len(), 1, "the key of the server");
    rig.deliver(&[mail(1, 1, false)]);
    assert_eq!(rig.events().len(), 1);
    let known = format!("PeerKey {{ name: \"bob\", key: {:?} }}", key("bob"));
    let records = rig.records();
    assert!(records[0].starts_with("Shown(") && records[1..] == [known]);
    assert_eq!(rig.events(), [""; 0]);
    rig.sent();
    rig
}

fn impostor(status: Status, incarnation: u64) -> Vec<u8> {
    entry_of("mallory", "bob", status, incarnation, address(8))
}

fn is_foreign(event: &str) -> bool {
    event.contains("status: ForeignKey")
}

#[test]
//= PROTOCOL.md#11.3
fn pins_the_key_of_a_name_it_talked_to() {
    let mut next_process = Rig::new();
    assert!(next_process.client.restore(ClientRecord::PeerKey {
        name: "bob",
        key: key("bob")
    }));
    next_process.comes_online();
    assert_eq!(next_process.records().len(), 1, "the key of the server");
    for mut rig in [knows_bob(), next_process] {
        for (version, there) in [
            (2, impostor(Status::Online, BOB + 1)),
            (3, impostor(Status::Offline, BOB + 1)),
        ] {
            rig.deliver(&[news(version, &there)]);
            rig.events();
            rig.sent();
            rig.send_to_bob("for bob alone");
            let events = rig.events();
            assert!(events.len() == 1 && is_foreign(&events[0]), "{events:?}");
            assert_eq!(rig.sent(), []);
        }
        // The client accepts nothing from there either.
        rig.deliver(&[news(4, &impostor(Status::Online, BOB + 1))]);
        rig.events();
        rig.sent();
        for person in ["mallory", "bob"] {
            let hello = PeerHello {
                from_incarnation: BOB + 1,
                ..from_caller(1)
            };
            let called = call(&rig, person, 7, &hello);
            assert_eq!(
                rig.handle(address(8), &called),
                Disposition::Ignored(DropReason::ForeignKey)
            );
            assert_eq!(rig.sent(), []);
        }
        let forged = StoredMessage {
            person: "mallory",
            incarnation: BOB + 1,
            ..from_bob(9, "it is me")
        };
        rig.deliver(&[Frame::Mail {
            serial: 9,
            incarnation: BOB + 1,
            counter: 9,
            stamp: UnixSeconds(9),
            kept: false,
            key: key("mallory"),
            from: "bob",
            message_key: message_key("mallory"),
            ciphertext: forged.ciphertext().leak(),
        }]);
        assert_eq!(
            rig.events(),
            [r#"NotShown { from: "bob", channel: false, reason: ForeignKey }"#]
        );
        assert_eq!(rig.records(), [""; 0]);
        assert_eq!(rig.client.stats().drops(DropReason::ForeignKey), 3);
        rig.sent();
        // Bob is online again, and everything is as before.
        rig.deliver(&[news(5, &entry("bob", Status::Online, BOB, bob()))]);
        rig.events();
        rig.sent();
        rig.send_to_bob("hi");
        rig.meets_bob();
    }
}

#[test]
fn ends_a_session_once_a_name_proves_another_key() {
    let mut rig = Rig::online();
    // The server lists mallory under bob's name. Mallory calls, and has sent nothing yet.
    rig.deliver(&[news(2, &impostor(Status::Online, BOB))]);
    rig.events();
    rig.sent();
    let called = call(&rig, "mallory", 7, &from_caller(1));
    assert_eq!(rig.handle(address(8), &called), Disposition::Accepted);
    let (_, accept) = rig.sent().pop().unwrap();
    let mut line = accepted_session(&rig, "mallory", 7, &from_caller(1), &accept);
    // Then a stored message arrives that bob has written.
    rig.deliver(&[mail(1, 2, false)]);
    let shown = rig.events();
    assert!(
        shown.len() == 1 && shown[0].contains(r#"text: "hi""#),
        "{shown:?}"
    );
    let header = Header {
        window: 32,
        ..Header::default()
    };
    let bytes = line.encrypt(&header, &[text(3, "it is me")]);
    assert!(matches!(
        rig.handle(address(8), &bytes),
        Disposition::Ignored(_)
    ));
    assert_eq!(rig.events(), [""; 0]);
    rig.send_to_bob("for bob alone");
    let readable = rig.sent().into_iter().find_map(|(_, datagram)| {
        let (_, frames) = line.decrypt(datagram, |frame| format!("{frame:?}"))?;
        (!frames.is_empty()).then_some(frames)
    });
    assert_eq!(readable, None);
}

#[test]
fn restores_no_more_keys_than_fit() {
    let mut rig = Rig::new();
    let mut gives = |name| {
        let key = key(name);
        rig.client.restore(ClientRecord::PeerKey { name, key })
    };
    // There is room for three peers; a key that is known already needs none.
    let taken = ["bob", "cleo", "dora", "emil", "bob", "a b"].map(&mut gives);
    assert_eq!(taken, [true, true, true, false, true, false]);
}

#[test]
fn sends_no_pending_message_to_another_key() {
    // The stages: bob has not answered the PeerHello; bob has not acknowledged the message; the
    // server will refuse the message; the server will store it.
    for stage in 0..4 {
        let mut rig = Rig::online();
        if stage >= 2 {
            rig.deliver(&[news(2, &entry("bob", Status::Offline, BOB, bob()))]);
        }
        rig.events();
        rig.sent();
        rig.send_to_bob("one");
        match stage {
            0 => drop(rig.call_to_bob()),
            1 => drop(rig.meets_bob()),
            _ => {}
        }
        rig.send_to_bob("two");
        rig.sent();
        rig.deliver(&[news(3, &impostor(Status::Online, BOB + 1))]);
        if stage >= 2 {
            let header = Header {
                acknowledged: 1,
                ..rig.header()
            };
            let result = Frame::Result {
                request: 1,
                outcome: if stage == 2 {
                    Outcome::Full
                } else {
                    Outcome::Saved
                },
            };
            assert_eq!(rig.events().len(), 2, "SentToServer, TableUpdated");
            assert_eq!(rig.deliver_under(&header, &[result]), Disposition::Accepted);
        }
        let events = rig.events();
        let foreign = events.iter().filter(|event| is_foreign(event)).count();
        assert_eq!(
            foreign,
            if stage >= 2 { 1 } else { 2 },
            "{stage}: {events:?}"
        );
        let sent = rig.sent();
        assert!(sent.iter().all(|(to, _)| *to == server()), "{sent:?}");
        assert!(rig.client.is_idle());
    }
}

#[test]
fn keeps_the_key_of_a_name_that_is_gone() {
    let mut rig = Rig::online();
    rig.records();
    // A peer that was only in the roster may return with another key.
    let (other, genuine) = (
        impostor(Status::Online, BOB + 1),
        entry("bob", Status::Online, BOB, bob()),
    );
    rig.deliver(&[news(2, &other), news(3, &genuine)]);
    rig.events();
    rig.sent();
    rig.send_to_bob("hi");
    let mut line = rig.meets_bob();
    rig.sent();
    let acknowledges = Header {
        acknowledged: 1,
        window: 32,
        ..Header::default()
    };
    let datagram = line.encrypt(&acknowledges, &[]);
    assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
    assert_eq!(rig.events().len(), 1, "Delivered");
    assert_eq!(
        rig.records().len(),
        1,
        "the key of a peer that got a message"
    );
    // Cleo is in no roster, and has sent a message.
    let ciphertext = StoredMessage {
        person: "cleo",
        from: "cleo",
        incarnation: 0xc,
        ..from_bob(1, "hello")
    };
    rig.deliver(&[Frame::Mail {
        serial: 1,
        incarnation: 0xc,
        counter: 1,
        stamp: UnixSeconds(9),
        kept: false,
        key: key("cleo"),
        from: "cleo",
        message_key: message_key("cleo"),
        ciphertext: ciphertext.ciphertext().leak(),
    }]);
    let shown = rig.events();
    assert!(shown[0].contains(r#"from: "cleo""#));
    assert!(shown[0].contains(r#"text: "hello""#));
    let alice = entry("alice", Status::Online, 0xa, address(0));
    rig.deliver(&[whole_table(4, &alice)]);
    rig.events();
    let other = entry_of("mallory", "cleo", Status::Online, 0xd, address(3));
    rig.deliver(&[news(5, &other), news(6, &impostor(Status::Online, BOB + 1))]);
    rig.events();
    rig.sent();
    for to in ["bob", "cleo"] {
        rig.command(Command::Send { to, text: "hi" }).unwrap();
        let events = rig.events();
        assert!(events.len() == 1 && is_foreign(&events[0]), "{events:?}");
    }
}
