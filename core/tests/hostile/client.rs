//! A malicious server or peer cannot harm a client; the client's deadlines are exact.

use chatapp_core::wire::{Datagram, Frame, Header, Outcome, Refusal, VERSION};
use chatapp_core::{Command, CommandError, Disposition, DropReason, Endpoint, UnixSeconds};

use crate::client_rig::{Rig, address, bob, mail, server, text};
use crate::lines::{answer, bob_accepts, stray};
use crate::people::{BOB, BOB_ID, SERVER_ID, identity};

// ---- who may end it ----

#[test]
//= PROTOCOL.md#17.1
fn only_its_own_server_tells_a_client_that_it_speaks_another_version() {
    let mut rig = Rig::online();
    let unsupported = |version, echo| Datagram::Unsupported { version, echo };
    for (from, version, echo, reason) in [
        (server(), VERSION, rig.id, DropReason::Malformed),
        (server(), VERSION + 1, 0, DropReason::UnknownSession),
        // Whoever has opened a session speaks this version.
        (server(), VERSION + 1, rig.id, DropReason::UnknownSession),
        (server(), VERSION + 1, SERVER_ID, DropReason::UnknownSession),
    ] {
        assert_eq!(
            rig.give(from, &unsupported(version, echo)),
            Disposition::Ignored(reason)
        );
    }
    assert!(rig.client.is_registered());
    // The server has started anew, and a session is asked for.
    let id = rig.command(Command::SendAll { text: "hi" }).unwrap();
    let reset = Datagram::Reset {
        echo: SERVER_ID,
        token: identity("server").reset_token(SERVER_ID),
    };
    assert_eq!(rig.give(server(), &reset), Disposition::Accepted);
    let hello = rig.request(server());
    let Ok(Datagram::ClientHello(asked)) = Datagram::parse(&identity(""), &hello) else {
        panic!("a hello: {hello:?}")
    };
    for (from, echo) in [(server(), asked.id ^ 1), (address(9), asked.id)] {
        assert_eq!(
            rig.give(from, &unsupported(VERSION + 1, echo)),
            Disposition::Ignored(DropReason::UnknownSession)
        );
    }
    let ended = unsupported(VERSION + 1, asked.id);
    assert_eq!(rig.give(server(), &ended), Disposition::Accepted);
    assert_eq!(
        rig.events(),
        [
            format!("ForeignVersion {{ version: {} }}", VERSION + 1),
            format!("ServerNotResponding {{ id: {id:?}, request: SendAll }}"),
        ]
    );
    // For good: nothing is taken, nothing is sent.
    assert!(rig.client.is_idle() && !rig.client.is_registered());
    assert_eq!(
        rig.command(Command::Register { name: "alice" }),
        Err(CommandError::Ended)
    );
    assert_eq!(
        rig.give(server(), &ended),
        Disposition::Ignored(DropReason::Unexpected)
    );
    assert_eq!(rig.pass(600_000), [""; 0]);
    assert_eq!(rig.client.poll_timeout(), None);
}

#[test]
fn a_peer_is_not_the_server() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let (to, _) = rig.call_to_bob();
    let refuse = |to, reason| Datagram::Refuse { to, reason };
    for (from, to, reason, expected) in [
        (bob(), to, Refusal::Displaced, DropReason::Unexpected),
        (address(9), to, Refusal::NotMe, DropReason::UnknownSession),
        (bob(), 77, Refusal::NotMe, DropReason::UnknownSession),
        (
            address(9),
            rig.id,
            Refusal::Displaced,
            DropReason::UnknownSession,
        ),
        (server(), rig.id, Refusal::Wait, DropReason::Unexpected),
    ] {
        assert_eq!(
            rig.give(from, &refuse(to, reason)),
            Disposition::Ignored(expected)
        );
    }
    assert_eq!(rig.events(), [""; 0]);
    // Another process is at bob's address: his message goes to the server at once.
    assert_eq!(
        rig.give(bob(), &refuse(to, Refusal::NotMe)),
        Disposition::Accepted
    );
    let said = rig.said();
    assert_eq!(
        said[0].1,
        [format!(
            "Store {{ request: 1, counter: 2, tried: {BOB}, bounce: true, \
             to: \"bob\", text: \"hi\" }}"
        )]
    );
    assert_eq!(rig.events().len(), 1, "SentToServer");
    assert_eq!(
        rig.give(bob(), &refuse(to, Refusal::NotMe)),
        Disposition::Ignored(DropReason::UnknownSession)
    );
}

#[test]
fn a_session_is_opened_and_closed_by_its_own_peer_only() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let (to, call) = rig.call_to_bob();
    let (accept, _) = answer(&identity("bob"), &call, &bob_accepts());
    for (from, handled) in [
        (address(9), Disposition::Ignored(DropReason::WrongAddress)),
        (bob(), Disposition::Accepted),
        (bob(), Disposition::Ignored(DropReason::Duplicate)),
    ] {
        assert_eq!(rig.hands(from, &accept), handled);
    }
    rig.sent();
    let refuse = Datagram::Refuse {
        to,
        reason: Refusal::NotMe,
    };
    assert_eq!(
        rig.give(bob(), &refuse),
        Disposition::Ignored(DropReason::Unexpected)
    );
    let reset = |person| Datagram::Reset {
        echo: BOB_ID,
        token: identity(person).reset_token(BOB_ID),
    };
    for (from, person, reason) in [
        (address(9), "bob", DropReason::WrongAddress),
        (bob(), "mallory", DropReason::BadTag),
    ] {
        assert_eq!(rig.give(from, &reset(person)), Disposition::Ignored(reason));
        assert_eq!(rig.sent(), []);
    }
    // Bob has started anew: he is called again, as his message was not acknowledged.
    assert_eq!(rig.give(bob(), &reset("bob")), Disposition::Accepted);
    assert_ne!(rig.call_to_bob().0, to);
}

// ---- frames ----

#[test]
fn what_was_never_sent_cannot_be_acknowledged() {
    let mut rig = Rig::online();
    let header = Header {
        acknowledged: 1,
        ..rig.header()
    };
    assert_eq!(
        rig.tells_under(&header, &[Frame::Skipped { count: 3 }]),
        Disposition::Ignored(DropReason::BadAcknowledgement)
    );
    assert_eq!(rig.events(), [""; 0], "nothing else in it counts");
}

#[test]
//= PROTOCOL.md#14.1
fn each_side_sends_its_own_kinds_of_frames() {
    let mut rig = Rig::online();
    rig.tells(&[
        text(1, "from whom?"),
        Frame::Leave { request: 1 },
        Frame::Skipped { count: 3 },
    ]);
    assert_eq!(rig.events(), ["ChannelDropped { count: 3 }"]);
    assert_eq!(rig.client.stats().drops(DropReason::Unexpected), 2);
    rig.sent();
    rig.send_to_bob("hi");
    let mut line = rig.meets_bob();
    let header = Header {
        window: 32,
        ..Header::default()
    };
    let frames = [
        Frame::Skipped { count: 3 },
        text(7, "hello"),
        text(7, "hello again"),
    ];
    let told = line.writes(&header, &frames);
    // From another address, and in no session.
    assert_eq!(
        rig.hands(address(9), &told),
        Disposition::Ignored(DropReason::WrongAddress)
    );
    assert_eq!(rig.hands(bob(), &told), Disposition::Accepted);
    let shown = rig.events();
    assert_eq!(shown.len(), 1);
    assert!(shown[0].contains(r#"from: "bob""#));
    assert!(shown[0].contains(r#"text: "hello", channel: false"#));
    assert_eq!(rig.client.stats().drops(DropReason::Unexpected), 3);
    assert_eq!(rig.client.stats().drops(DropReason::Duplicate), 1);
    // The same datagram again, and a retransmission, as after a lost acknowledgement.
    assert_eq!(
        rig.hands(bob(), &told),
        Disposition::Ignored(DropReason::Replayed)
    );
    let again = line.writes(&header, &frames);
    assert_eq!(
        rig.hands(bob(), &again),
        Disposition::Ignored(DropReason::Duplicate)
    );
    assert_eq!(rig.events(), [""; 0]);
    let nowhere = stray(77);
    assert_eq!(
        rig.hands(bob(), &nowhere),
        Disposition::Ignored(DropReason::UnknownSession)
    );
}

#[test]
fn a_result_that_nobody_waits_for_changes_nothing() {
    let mut rig = Rig::online();
    let outcome = Outcome::Left;
    rig.tells(&[
        Frame::Result {
            request: 0,
            outcome,
        },
        Frame::Missing { query: 0 },
        Frame::Receipt {
            to: "nobody",
            counter: u32::MAX,
        },
    ]);
    assert_eq!(rig.events(), [""; 0]);
    assert!(rig.client.is_registered() && rig.client.is_idle());
}

#[test]
fn a_server_that_was_silent_is_asked_for_a_session_once_it_is_heard_of() {
    let mut rig = Rig::online();
    rig.command(Command::SendAll { text: "hi" }).unwrap();
    let silent = rig.pass(3_000);
    assert!(silent[0].starts_with("ServerNotResponding"), "{silent:?}");
    for (from, asked) in [(address(9), false), (server(), true)] {
        rig.hands(from, &stray(77));
        let sent = rig.sent();
        let to_server = sent.iter().filter(|(to, _)| *to == server());
        let hellos = to_server.filter(|(_, datagram)| {
            matches!(
                Datagram::parse(&identity(""), datagram),
                Ok(Datagram::ClientHello(_))
            )
        });
        assert_eq!(hellos.count(), usize::from(asked), "{from}");
    }
}

#[test]
fn no_request_is_made_before_the_one_32_before_it_has_its_result() {
    let mut rig = Rig::with_outbox(None, 40);
    rig.comes_online();
    for _ in 0..40 {
        rig.command(Command::SendAll { text: "hi" }).unwrap();
    }
    let result = |request| Frame::Result {
        request,
        outcome: Outcome::Saved,
    };
    let posts = |rig: &mut Rig| {
        let said = rig.said().into_iter().flat_map(|(_, frames)| frames);
        said.filter(|frame| frame.starts_with("Post")).count()
    };
    assert_eq!(posts(&mut rig), 32);
    let acknowledged = |acknowledged, rig: &Rig| Header {
        acknowledged,
        ..rig.header()
    };
    // The results of all but the first: it is not known yet whether that one took effect.
    let header = acknowledged(32, &rig);
    let results: Vec<_> = (2..=32).map(result).collect();
    assert_eq!(rig.tells_under(&header, &results), Disposition::Accepted);
    rig.next += 31;
    assert_eq!(rig.events().len(), 31);
    assert_eq!(posts(&mut rig), 0);
    rig.tells(&[result(1)]);
    assert_eq!(rig.events().len(), 1);
    assert_eq!(posts(&mut rig), 8);
}

#[test]
fn a_message_is_shown_once_on_whatever_path_it_comes() {
    let mut rig = Rig::online();
    let channel = |number, counter| Frame::Channel {
        number,
        incarnation: BOB,
        counter,
        stamp: UnixSeconds(9),
        kept: false,
        from: "bob",
        text: "all",
    };
    // Numbers of the server and counters of the sender: both have to be new.
    rig.tells(&[
        mail(1, 1, false),
        mail(2, 1, false),
        mail(2, 2, false),
        mail(3, 3, false),
    ]);
    assert_eq!(rig.events().len(), 2);
    rig.tells(&[channel(1, 4), channel(2, 4), channel(2, 5), channel(3, 6)]);
    assert_eq!(rig.events().len(), 2);
    assert_eq!(rig.client.stats().drops(DropReason::Duplicate), 4);
}

#[test]
fn processes_outside_of_the_table_are_told_apart_by_name_and_by_number() {
    let mut rig = Rig::online();
    let mut number = 0;
    let mut shown = |from, incarnation, counter| {
        number += 1;
        rig.tells(&[Frame::Channel {
            number,
            incarnation,
            counter,
            stamp: UnixSeconds(9),
            kept: false,
            from,
            text: "all",
        }]);
        rig.events().len()
    };
    assert_eq!(shown("carol", 7, 5), 1);
    assert_eq!((shown("carol", 7, 5), shown("carol", 7, 6)), (0, 1));
    assert_eq!((shown("dave", 7, 5), shown("dave", 7, 6)), (1, 1));
    assert_eq!((shown("carol", 7, 6), shown("carol", 7, 7)), (0, 1));
    assert_eq!((shown("carol", 8, 7), shown("carol", 8, 7)), (1, 0));
}

#[test]
fn kept_messages_are_announced_before_the_first_that_is_shown() {
    let mut rig = Rig::online();
    let channel = |number, counter, kept| Frame::Channel {
        number,
        incarnation: BOB,
        counter,
        stamp: UnixSeconds(9),
        kept,
        from: "bob",
        text: "all",
    };
    rig.tells(&[mail(1, 1, false), channel(1, 1, false)]);
    assert_eq!(rig.events().len(), 2);
    // Nothing of this is new to the client: the serial number or the counter is an old one.
    rig.tells(&[
        mail(1, 2, true),
        mail(2, 1, true),
        channel(1, 2, true),
        channel(2, 1, true),
    ]);
    assert_eq!(rig.events(), [""; 0]);
    rig.tells(&[mail(3, 3, true), mail(4, 4, true), channel(3, 3, true)]);
    let shown = rig.events();
    assert_eq!((shown.len(), shown[0].as_str()), (4, "KeptMessages"));
}

// ---- time ----

#[test]
fn a_request_is_repeated_for_three_seconds_also_while_a_session_is_asked_for_quietly() {
    let mut rig = Rig::online();
    // The server is silent: the session fails at 23 s, and new ones are requested from 40 s on.
    assert_eq!(rig.pass(41_000), [""; 0]);
    let first = rig.command(Command::SendAll { text: "one" }).unwrap();
    assert_eq!(rig.pass(1_000), [""; 0]);
    // The second one waits together with the first.
    let second = rig.command(Command::SendAll { text: "two" }).unwrap();
    assert_eq!(rig.pass(1_999), [""; 0]);
    let failed =
        [first, second].map(|id| format!("ServerNotResponding {{ id: {id:?}, request: SendAll }}"));
    assert_eq!(rig.pass(1), failed);
}

#[test]
fn a_server_that_owes_a_result_is_asked_after_two_seconds() {
    let mut rig = Rig::online();
    rig.command(Command::SendAll { text: "hi" }).unwrap();
    rig.sent();
    let header = Header {
        acknowledged: 1,
        ..rig.header()
    };
    assert_eq!(rig.tells_under(&header, &[]), Disposition::Accepted);
    assert_eq!(rig.sent(), []);
    let due = rig.now.plus_millis(2_000);
    assert_eq!(rig.client.poll_timeout(), Some(due));
    rig.now = due;
    rig.client.handle_timeout(due);
    let said = rig.said();
    assert_eq!(said.len(), 1);
    assert!(said[0].0.probe);
}

#[test]
fn a_client_gives_a_sign_of_life_every_twenty_seconds() {
    let mut rig = Rig::online();
    for _ in 0..3 {
        let due = rig.now.plus_millis(20_000);
        assert_eq!(rig.client.poll_timeout(), Some(due));
        rig.now = rig.now.plus_millis(19_999);
        rig.client.handle_timeout(rig.now);
        assert_eq!(rig.sent(), [], "it is too early");
        rig.now = due;
        rig.client.handle_timeout(rig.now);
        let said = rig.said();
        assert_eq!(said.len(), 1);
        assert!(said[0].0.probe && said[0].0.table_version == Some(1));
        // The answer.
        let header = rig.header();
        assert_eq!(rig.tells_under(&header, &[]), Disposition::Accepted);
        assert_eq!(rig.sent(), []);
    }
}

#[test]
fn a_client_wants_to_be_woken_at_once_while_anything_waits() {
    let mut rig = Rig::new();
    assert_eq!(rig.client.poll_timeout(), None);
    // A datagram to send.
    rig.command(Command::Register { name: "alice" }).unwrap();
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    let mut rig = Rig::online();
    assert_ne!(rig.client.poll_timeout(), Some(rig.now));
    // An answer that needs no session.
    let unknown = Datagram::Reset {
        echo: 77,
        token: identity("server").reset_token(77),
    };
    assert!(matches!(
        rig.give(server(), &unknown),
        Disposition::Ignored(_)
    ));
    assert_ne!(rig.client.poll_timeout(), Some(rig.now));
    let _ = rig.hands(bob(), &stray(77));
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    rig.sent();
    assert_ne!(rig.client.poll_timeout(), Some(rig.now));
    // Something to show of a command.
    rig.command(Command::Send {
        to: "alice",
        text: "note to myself",
    })
    .unwrap();
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    assert!(rig.event().is_some());
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    assert!(rig.event().is_some());
    assert_ne!(rig.client.poll_timeout(), Some(rig.now));
    // Something to show of what came.
    rig.tells(&[Frame::Skipped { count: 1 }]);
    rig.sent();
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    assert!(rig.event().is_some());
    rig.sent();
    assert_ne!(rig.client.poll_timeout(), Some(rig.now));
    // Something to show of the client itself.
    let ended = Header {
        closed: Some(Refusal::Displaced),
        ..rig.header()
    };
    assert_eq!(rig.tells_under(&ended, &[]), Disposition::Accepted);
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    assert_eq!(rig.events(), ["Refused { reason: Displaced }"]);
    assert_eq!(rig.client.poll_timeout(), None);
}

#[test]
fn what_comes_and_goes_is_counted() {
    let mut rig = Rig::online();
    let before = rig.client.stats().clone();
    assert_eq!(
        (before.received.datagrams, before.received.frames()),
        (3, 1)
    );
    rig.command(Command::SendAll { text: "hi" }).unwrap();
    assert_eq!(rig.sent().len(), 1);
    let stats = rig.client.stats();
    assert_eq!(stats.sent.datagrams, before.sent.datagrams + 1);
    assert_eq!(stats.sent.frames(), before.sent.frames() + 1);
    // The server is silent: five repetitions, and it is given up.
    assert_eq!(rig.pass(2_999), [""; 0]);
    assert_eq!(rig.pass(1).len(), 1, "ServerNotResponding");
    let stats = rig.client.stats();
    assert_eq!(stats.sent.datagrams, before.sent.datagrams + 6);
    assert_eq!(stats.sent.frames(), before.sent.frames() + 6);
    assert_eq!(stats.retransmissions_timed, 5);
    assert_eq!(stats.give_ups, 1);
}
