//! A malicious server or peer cannot harm a client; the client's deadlines are exact.

use chatapp_core::wire::{Datagram, Frame, Header, Outcome, Refusal, VERSION};
use chatapp_core::{Command, CommandError, Disposition, DropReason, Endpoint, UnixSeconds};

use crate::client_rig::{Rig, address, bob, mail, server, text};
use crate::lines::{answer, bob_accepts, stray};
use crate::people::{BOB, BOB_ID, SERVER_ID, identity};

// ---- the end of a client ----

#[test]
//= PROTOCOL.md#17.1
fn believes_another_version_of_its_server_only() {
    let mut rig = Rig::online();
    let unsupported = |version, echo| Datagram::Unsupported { version, echo };
    for (from, version, echo, reason) in [
        (server(), VERSION, rig.id, DropReason::Malformed),
        (server(), VERSION + 1, 0, DropReason::UnknownSession),
        // The peer of an open session speaks this version.
        (server(), VERSION + 1, rig.id, DropReason::UnknownSession),
        (server(), VERSION + 1, SERVER_ID, DropReason::UnknownSession),
    ] {
        assert_eq!(
            rig.give(from, &unsupported(version, echo)),
            Disposition::Ignored(reason)
        );
    }
    assert!(rig.client.is_registered());
    // The server restarts, and the client requests a session.
    let id = rig.command(Command::SendAll { text: "hi" }).unwrap();
    let reset = Datagram::Reset {
        echo: SERVER_ID,
        token: identity("server").reset_token(SERVER_ID),
    };
    assert_eq!(rig.give(server(), &reset), Disposition::Accepted);
    let hello = rig.request(server());
    let Ok(Datagram::ClientHello(asked)) = Datagram::parse(&identity(""), &hello) else {
        panic!("not a ClientHello: {hello:?}")
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
    // The client has ended: it takes no command and sends nothing.
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
fn ignores_refusals_that_a_peer_must_not_send() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let (to, _) = rig.call_to_bob();
    let refuse = |to, reason| Datagram::Refuse { to, reason };
    for (from, to, reason, expected) in [
        (bob(), to, Refusal::Evicted, DropReason::Unexpected),
        (address(9), to, Refusal::NotMe, DropReason::UnknownSession),
        (bob(), 77, Refusal::NotMe, DropReason::UnknownSession),
        (
            address(9),
            rig.id,
            Refusal::Evicted,
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
    // Another process is at bob's address: the client sends the message to the server at once.
    assert_eq!(
        rig.give(bob(), &refuse(to, Refusal::NotMe)),
        Disposition::Accepted
    );
    let sent = rig.sent_data();
    assert_eq!(
        sent[0].1,
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
fn opens_and_ends_a_session_for_its_peer_only() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let (to, call) = rig.call_to_bob();
    let (accept, _) = answer(&identity("bob"), &call, &bob_accepts());
    for (from, handled) in [
        (address(9), Disposition::Ignored(DropReason::WrongAddress)),
        (bob(), Disposition::Accepted),
        (bob(), Disposition::Ignored(DropReason::Duplicate)),
    ] {
        assert_eq!(rig.handle(from, &accept), handled);
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
    // Bob has restarted and did not acknowledge the message, so the client calls again.
    assert_eq!(rig.give(bob(), &reset("bob")), Disposition::Accepted);
    assert_ne!(rig.call_to_bob().0, to);
}

// ---- frames ----

#[test]
fn drops_an_acknowledgement_of_unsent_frames() {
    let mut rig = Rig::online();
    let header = Header {
        acknowledged: 1,
        ..rig.header()
    };
    assert_eq!(
        rig.deliver_under(&header, &[Frame::Skipped { count: 3 }]),
        Disposition::Ignored(DropReason::BadAcknowledgement)
    );
    assert_eq!(rig.events(), [""; 0], "the client took the frame");
}

#[test]
//= PROTOCOL.md#14.1
fn accepts_only_frames_of_the_senders_role() {
    let mut rig = Rig::online();
    rig.deliver(&[
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
    let datagram = line.encrypt(&header, &frames);
    // The client accepts the datagram from bob's address only.
    assert_eq!(
        rig.handle(address(9), &datagram),
        Disposition::Ignored(DropReason::WrongAddress)
    );
    assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
    let shown = rig.events();
    assert_eq!(shown.len(), 1);
    assert!(shown[0].contains(r#"from: "bob""#));
    assert!(shown[0].contains(r#"text: "hello", channel: false"#));
    assert_eq!(rig.client.stats().drops(DropReason::Unexpected), 3);
    assert_eq!(rig.client.stats().drops(DropReason::Duplicate), 1);
    // The same datagram arrives again, then a retransmission, as after a lost acknowledgement.
    assert_eq!(
        rig.handle(bob(), &datagram),
        Disposition::Ignored(DropReason::Replayed)
    );
    let again = line.encrypt(&header, &frames);
    assert_eq!(
        rig.handle(bob(), &again),
        Disposition::Ignored(DropReason::Duplicate)
    );
    assert_eq!(rig.events(), [""; 0]);
    let nowhere = stray(77);
    assert_eq!(
        rig.handle(bob(), &nowhere),
        Disposition::Ignored(DropReason::UnknownSession)
    );
}

#[test]
fn ignores_results_of_no_request() {
    let mut rig = Rig::online();
    let outcome = Outcome::Left;
    rig.deliver(&[
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
fn requests_a_session_once_a_silent_server_returns() {
    let mut rig = Rig::online();
    rig.command(Command::SendAll { text: "hi" }).unwrap();
    let silent = rig.pass(3_000);
    assert!(silent[0].starts_with("ServerNotResponding"), "{silent:?}");
    for (from, asked) in [(address(9), false), (server(), true)] {
        rig.handle(from, &stray(77));
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
fn delays_a_request_until_one_32_before_is_done() {
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
        let sent = rig.sent_data().into_iter().flat_map(|(_, frames)| frames);
        sent.filter(|frame| frame.starts_with("Post")).count()
    };
    assert_eq!(posts(&mut rig), 32);
    let acknowledged = |acknowledged, rig: &Rig| Header {
        acknowledged,
        ..rig.header()
    };
    // All results but the first arrive: the outcome of request 1 is still unknown.
    let header = acknowledged(32, &rig);
    let results: Vec<_> = (2..=32).map(result).collect();
    assert_eq!(rig.deliver_under(&header, &results), Disposition::Accepted);
    rig.next += 31;
    assert_eq!(rig.events().len(), 31);
    assert_eq!(posts(&mut rig), 0);
    rig.deliver(&[result(1)]);
    assert_eq!(rig.events().len(), 1);
    assert_eq!(posts(&mut rig), 8);
}

#[test]
fn shows_a_message_once_on_any_path() {
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
    // The client shows a message if the server's number and the sender's counter are both new.
    rig.deliver(&[
        mail(1, 1, false),
        mail(2, 1, false),
        mail(2, 2, false),
        mail(3, 3, false),
    ]);
    assert_eq!(rig.events().len(), 2);
    rig.deliver(&[channel(1, 4), channel(2, 4), channel(2, 5), channel(3, 6)]);
    assert_eq!(rig.events().len(), 2);
    assert_eq!(rig.client.stats().drops(DropReason::Duplicate), 4);
}

#[test]
fn distinguishes_processes_outside_of_the_roster() {
    let mut rig = Rig::online();
    let mut number = 0;
    let mut shown = |from, incarnation, counter| {
        number += 1;
        rig.deliver(&[Frame::Channel {
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
fn announces_stored_messages_before_the_first() {
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
    rig.deliver(&[mail(1, 1, false), channel(1, 1, false)]);
    assert_eq!(rig.events().len(), 2);
    // All of these are duplicates: the client knows the serial number or the counter.
    rig.deliver(&[
        mail(1, 2, true),
        mail(2, 1, true),
        channel(1, 2, true),
        channel(2, 1, true),
    ]);
    assert_eq!(rig.events(), [""; 0]);
    rig.deliver(&[mail(3, 3, true), mail(4, 4, true), channel(3, 3, true)]);
    let shown = rig.events();
    assert_eq!((shown.len(), shown[0].as_str()), (4, "KeptMessages"));
}

// ---- time ----

#[test]
fn repeats_a_request_for_three_seconds() {
    let mut rig = Rig::online();
    // The session fails at 23 s, and the client requests new ones in the background from 40 s on.
    assert_eq!(rig.pass(41_000), ["ServerSilent"]);
    let first = rig.command(Command::SendAll { text: "one" }).unwrap();
    assert_eq!(rig.pass(1_000), [""; 0]);
    // The second request waits together with the first.
    let second = rig.command(Command::SendAll { text: "two" }).unwrap();
    assert_eq!(rig.pass(1_999), [""; 0]);
    let failed =
        [first, second].map(|id| format!("ServerNotResponding {{ id: {id:?}, request: SendAll }}"));
    assert_eq!(rig.pass(1), failed);
}

#[test]
fn probes_for_a_missing_result_after_two_seconds() {
    let mut rig = Rig::online();
    rig.command(Command::SendAll { text: "hi" }).unwrap();
    rig.sent();
    let header = Header {
        acknowledged: 1,
        ..rig.header()
    };
    assert_eq!(rig.deliver_under(&header, &[]), Disposition::Accepted);
    assert_eq!(rig.sent(), []);
    let due = rig.now.plus_millis(2_000);
    assert_eq!(rig.client.poll_timeout(), Some(due));
    rig.now = due;
    rig.client.handle_timeout(due);
    let sent = rig.sent_data();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].0.probe);
}

#[test]
fn sends_a_keep_alive_every_twenty_seconds() {
    let mut rig = Rig::online();
    for _ in 0..3 {
        let due = rig.now.plus_millis(20_000);
        assert_eq!(rig.client.poll_timeout(), Some(due));
        rig.now = rig.now.plus_millis(19_999);
        rig.client.handle_timeout(rig.now);
        assert_eq!(rig.sent(), [], "the keep-alive is too early");
        rig.now = due;
        rig.client.handle_timeout(rig.now);
        let sent = rig.sent_data();
        assert_eq!(sent.len(), 1);
        assert!(sent[0].0.probe && sent[0].0.table_version == Some(1));
        // The server answers.
        let header = rig.header();
        assert_eq!(rig.deliver_under(&header, &[]), Disposition::Accepted);
        assert_eq!(rig.sent(), []);
    }
}

#[test]
fn is_due_at_once_while_output_is_pending() {
    let mut rig = Rig::new();
    assert_eq!(rig.client.poll_timeout(), None);
    // A datagram is pending.
    rig.command(Command::Register { name: "alice" }).unwrap();
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    let mut rig = Rig::online();
    assert_ne!(rig.client.poll_timeout(), Some(rig.now));
    // An answer outside of a session is pending.
    let unknown = Datagram::Reset {
        echo: 77,
        token: identity("server").reset_token(77),
    };
    assert!(matches!(
        rig.give(server(), &unknown),
        Disposition::Ignored(_)
    ));
    assert_ne!(rig.client.poll_timeout(), Some(rig.now));
    let _ = rig.handle(bob(), &stray(77));
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    rig.sent();
    assert_ne!(rig.client.poll_timeout(), Some(rig.now));
    // An event of a command is pending.
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
    // An event of a received frame is pending.
    rig.deliver(&[Frame::Skipped { count: 1 }]);
    rig.sent();
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    assert!(rig.event().is_some());
    rig.sent();
    assert_ne!(rig.client.poll_timeout(), Some(rig.now));
    // An event of the client itself is pending.
    let ended = Header {
        closed: Some(Refusal::Evicted),
        ..rig.header()
    };
    assert_eq!(rig.deliver_under(&ended, &[]), Disposition::Accepted);
    assert_eq!(rig.client.poll_timeout(), Some(rig.now));
    assert_eq!(rig.events(), ["Refused { reason: Evicted }"]);
    assert_eq!(rig.client.poll_timeout(), None);
}

#[test]
fn counts_datagrams_and_frames() {
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
    // The server is silent: the client retransmits five times and gives up.
    assert_eq!(rig.pass(2_999), [""; 0]);
    assert_eq!(rig.pass(1).len(), 2, "ServerNotResponding, ServerSilent");
    let stats = rig.client.stats();
    assert_eq!(stats.sent.datagrams, before.sent.datagrams + 6);
    assert_eq!(stats.sent.frames(), before.sent.frames() + 6);
    assert_eq!(stats.retransmissions_timed, 5);
    assert_eq!(stats.give_ups, 1);
}
