//! A malicious registered client, or a busy machine, cannot harm a server.

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{DATAGRAM_LEN_MIN, Datagram, Frame, Header, VERSION};
use chatapp_core::{Disposition, DropReason, Endpoint};

use crate::people::identity;
use crate::server_rig::{NAMES, Rig, address, hello, stored_message};

/// The server neither panics nor sends without end.
#[test]
fn survives_each_number_of_a_request() {
    for request in [0, 1, u32::MAX / 2, u32::MAX - 1, u32::MAX] {
        let mut rig = Rig::new();
        let mut mallory = rig.join(1, "mallory");
        for frame in [
            Frame::Post {
                request,
                counter: 1,
                text: "hi",
            },
            Frame::Store {
                request,
                counter: 1,
                tried: 0,
                bounce: false,
                to: "mallory",
                ciphertext: stored_message("hi"),
            },
            Frame::Leave { request },
        ] {
            rig.say(&mut mallory, &[frame]);
        }
    }
}

#[test]
fn removes_a_silent_room_while_timers_are_late() {
    let mut rig = Rig::new();
    let names: Vec<String> = (0..NAMES).map(|number| format!("guest{number}")).collect();
    for (number, name) in (0_u16..).zip(&names) {
        rig.enters(number, hello(u64::from(number) + 1, name));
    }
    assert_eq!(rig.online(), NAMES);
    assert_eq!(format!("{:?}", rig.server), "Server { names: 32, .. }");
    // The machine is too busy: it calls the server often, but each call handles few timers.
    for _ in 0..4_000 {
        rig.now = rig.now.plus_millis(300);
        rig.server.handle_timeout(rig.now);
        rig.drain();
    }
    assert_eq!(rig.online(), 0);
}

#[test]
fn answers_an_older_cookie_with_a_new_one_only() {
    let mut rig = Rig::new();
    let early = rig.cookie(address(1));
    rig.pass(10);
    // Meanwhile another process of the same person registers and leaves.
    let mut second = rig.join(2, "ann");
    rig.say(&mut second, &[Frame::Leave { request: 1 }]);
    assert_eq!(rig.online(), 0);
    let late = rig.hello(&hello(1, "ann"), early);
    let sent = rig.give(address(1), &late);
    assert_eq!(
        rig.online(),
        0,
        "a request that may be a repetition registers"
    );
    let [(to, answer)] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(*to, address(1));
    assert!(answer.len() <= late.len());
    let parsed = Datagram::parse(&identity("ann"), answer);
    let Ok(Datagram::Cookie { cookie, .. }) = parsed else {
        panic!("{parsed:?}")
    };
    let again = rig.hello(&hello(1, "ann"), cookie);
    let sent = rig.give(address(1), &again);
    let answer = rig.answer_in(&sent, address(1), &hello(1, "ann"), cookie);
    assert!(answer.is_some_and(|answer| answer.is_ok()));
}

// ---- keep-alive ----

#[test]
fn keeps_a_silent_client_that_answers_a_probe() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    for _ in 0..3 {
        assert_eq!(rig.pass(59_999), []);
        let asked = ann.decrypt(&rig.pass(1));
        assert_eq!(asked.len(), 1);
        assert!(asked[0].0.probe && asked[0].1.is_empty(), "{asked:?}");
        // The answer comes late, but in time.
        let asked_again = rig.pass(2_999);
        assert_eq!(ann.decrypt(&asked_again).len(), 5);
        rig.say(&mut ann, &[]);
    }
    assert_eq!(rig.online(), 1);
    assert_eq!(rig.events.len(), 1, "{:?}", rig.events);
}

#[test]
fn removes_a_silent_client_without_an_answer() {
    let mut rig = Rig::new();
    let ann = rig.join(1, "ann");
    assert_eq!(ann.decrypt(&rig.pass(62_999)).len(), 6);
    assert_eq!(rig.online(), 1);
    assert_eq!(rig.pass(1), []);
    assert_eq!(rig.online(), 0);
    assert_eq!(
        rig.events.last().unwrap(),
        r#"Departed { name: "ann", reason: Silent }"#
    );
    // The server sends no more probes.
    assert_eq!(rig.pass(600_000), []);
}

#[test]
fn removes_a_client_that_resets_its_own_session() {
    let mut rig = Rig::new();
    let ann = rig.join(1, "ann");
    let reset = rig.plain(&ann.reset());
    let lie = Datagram::Reset {
        echo: ann.id,
        token: identity("mallory").reset_token(ann.id),
    };
    let lie = rig.plain(&lie);
    for (from, reset, reason) in [
        (address(2), &reset, DropReason::WrongAddress),
        (ann.address, &lie, DropReason::BadTag),
    ] {
        assert_eq!(rig.handle(from, reset), Disposition::Ignored(reason));
        assert_eq!(rig.drain(), []);
        assert_eq!(rig.online(), 1);
    }
    assert_eq!(rig.handle(ann.address, &reset), Disposition::Accepted);
    rig.drain();
    assert_eq!(rig.online(), 0);
    assert_eq!(
        rig.handle(ann.address, &reset),
        Disposition::Ignored(DropReason::UnknownSession)
    );
}

// ---- events ----

#[test]
fn counts_events_that_are_lost() {
    let mut rig = Rig::new();
    let refused = rig.proven(address(1), hello(1, "a b"));
    for _ in 0..20 {
        assert_eq!(
            rig.handle(address(1), &refused),
            Disposition::Ignored(DropReason::Refused)
        );
    }
    rig.drain();
    assert_eq!(rig.events.len(), 17);
    assert_eq!(rig.events[16], "EventsLost { count: 4 }");
    rig.drain();
    assert_eq!(rig.events.len(), 17, "the loss is reported once");
}

/// The server answers each datagram, and reports one every five seconds.
#[test]
fn answers_strangers_of_another_version() {
    let mut rig = Rig::new();
    let mut stranger = [0; DATAGRAM_LEN_MIN];
    stranger[0] = VERSION + 1;
    stranger[1] = 1;
    stranger[2] = 7;
    for reports in 1..=3 {
        for number in 0..5 {
            let sent = rig.give(address(number), &stranger);
            let [(to, answer)] = &sent[..] else {
                panic!("not one answer: {sent:?}")
            };
            assert_eq!(*to, address(number));
            let echo = 7;
            assert!(answer.len() <= stranger.len());
            assert_eq!(
                Datagram::parse(&identity(""), answer),
                Ok(Datagram::Unsupported {
                    version: VERSION,
                    echo
                })
            );
        }
        assert_eq!(rig.events.len(), reports);
        assert_eq!(rig.pass(5_000), []);
    }
    assert_eq!(
        rig.events[0],
        format!(
            "ForeignVersion {{ address: 127.0.0.1:10000, version: {} }}",
            VERSION + 1
        )
    );
    // The datagram is too short for an answer.
    assert_eq!(rig.give(address(1), &stranger[1..]), []);
}

// ---- inside a session ----

#[test]
fn drops_an_acknowledgement_of_unsent_frames() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    let mut header = ann.header();
    header.acknowledged += 1;
    let lie = ann.encrypt(&header, &[Frame::Leave { request: 1 }]);
    assert_eq!(
        rig.handle(ann.address, &lie),
        Disposition::Ignored(DropReason::BadAcknowledgement)
    );
    rig.drain();
    assert_eq!(
        rig.online(),
        1,
        "the server took a frame of a dropped datagram"
    );
    assert_eq!(rig.server.stats().drops(DropReason::BadAcknowledgement), 1);
}

#[test]
fn ignores_server_frames_and_invalid_texts() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    let long = "x".repeat(1_001);
    let frames = [
        Frame::Skipped { count: 3 },
        Frame::Text {
            counter: 1,
            text: b"hi",
        },
        Frame::Store {
            request: 1,
            counter: 1,
            tried: 0,
            bounce: false,
            to: "ann",
            ciphertext: stored_message(""),
        },
        Frame::Store {
            request: 1,
            counter: 1,
            tried: 0,
            bounce: false,
            to: "ann",
            ciphertext: stored_message(&long),
        },
        Frame::Post {
            request: 1,
            counter: 1,
            text: "",
        },
        Frame::Post {
            request: 1,
            counter: 1,
            text: &long,
        },
    ];
    for (before, frame) in frames.into_iter().enumerate() {
        assert_eq!(
            rig.server.stats().drops(DropReason::Unexpected),
            u64::try_from(before).unwrap()
        );
        rig.say(&mut ann, &[frame]);
    }
    // The server takes the frame after them.
    let sent = rig.say(
        &mut ann,
        &[Frame::Post {
            request: 1,
            counter: 1,
            text: "hi",
        }],
    );
    let received = ann.decrypt(&sent);
    let received: Vec<&String> = received.iter().flat_map(|(_, frames)| frames).collect();
    assert_eq!(received, ["Result { request: 1, outcome: Saved }"]);
}

#[test]
fn sends_results_of_received_requests_only() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    // There are 32 places for outcomes: request 33, which is never made, would use that of request
    // 1.
    for request in (1..=32).chain([34, 37, 200]) {
        let post = Frame::Post {
            request,
            counter: request,
            text: "hi",
        };
        let sent = rig.say(&mut ann, &[post]);
        assert_eq!(
            rig.receive_all(&mut ann, sent),
            [format!("Result {{ request: {request}, outcome: Saved }}")]
        );
    }
}

#[test]
fn sends_changes_since_the_version_of_a_client() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    rig.join(2, "bob");
    let sent = rig.pass(500);
    rig.receive_all(&mut ann, sent);
    for (version, expected) in [
        (2, None),
        (1, Some("restart: false")),
        (0, Some("restart: true")),
    ] {
        let header = Header {
            table_version: Some(version),
            ..ann.header()
        };
        let datagram = ann.encrypt(&header, &[]);
        let sent = rig.give(ann.address, &datagram);
        let pages = rig.receive_all(&mut ann, sent);
        assert_eq!(pages.len(), usize::from(expected.is_some()), "{pages:?}");
        assert!(
            expected.is_none_or(|expected| pages[0].contains(expected)),
            "{pages:?}"
        );
    }
}

#[test]
fn is_due_at_once_while_output_is_pending() {
    let mut rig = Rig::new();
    let mut out = [0; DATAGRAM_LEN_MAX];
    let waits = |rig: &Rig| rig.server.poll_timeout() == Some(rig.now);
    // The first record of an empty store is pending.
    assert!(waits(&rig));
    let ticket = rig.server.poll_persist().unwrap().ticket;
    assert!(!waits(&rig));
    rig.server.handle_stored(rig.now, ticket, Ok(()));
    // An answer outside of a session is pending.
    let request = rig.proven(address(1), hello(1, "a b"));
    assert!(!waits(&rig));
    let _ = rig.handle(address(1), &request);
    assert!(waits(&rig));
    // An event is pending.
    assert!(rig.server.poll_transmit(rig.now, &mut out).is_some());
    assert!(waits(&rig));
    assert!(rig.server.poll_event().is_some());
    assert!(!waits(&rig));
    // A record is pending.
    let request = rig.proven(address(1), hello(1, "ann"));
    let _ = rig.handle(address(1), &request);
    assert!(waits(&rig));
    let ticket = rig.server.poll_persist().unwrap().ticket;
    assert!(!waits(&rig));
    rig.server.handle_stored(rig.now, ticket, Ok(()));
    rig.drain();
    // A datagram of a session is pending.
    let mut bob = rig.join(2, "bob");
    assert!(!waits(&rig));
    let probe = Header {
        probe: true,
        ..bob.header()
    };
    let _ = rig.handle(bob.address, &bob.encrypt(&probe, &[]));
    assert!(waits(&rig));
    assert!(rig.server.poll_transmit(rig.now, &mut out).is_some());
    assert!(!waits(&rig));
}

#[test]
fn counts_datagrams_and_frames() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    let before = rig.server.stats().clone();
    let sent = rig.say(
        &mut ann,
        &[
            Frame::Post {
                request: 1,
                counter: 1,
                text: "one",
            },
            Frame::Post {
                request: 2,
                counter: 2,
                text: "two",
            },
        ],
    );
    let frames: usize = ann
        .decrypt(&sent)
        .iter()
        .map(|(_, frames)| frames.len())
        .sum();
    let stats = rig.server.stats();
    assert_eq!(stats.received.datagrams, before.received.datagrams + 1);
    assert_eq!(
        stats.sent.datagrams,
        before.sent.datagrams + u64::try_from(sent.len()).unwrap()
    );
    assert_eq!(stats.received.frames(), before.received.frames() + 2);
    assert_eq!(
        stats.sent.frames(),
        before.sent.frames() + u64::try_from(frames).unwrap()
    );
    let count = |mut kinds: Vec<(&'static str, u64)>, wanted| {
        kinds.retain(|(kind, _)| *kind == wanted);
        kinds
    };
    let sent_frames = stats.sent.frames_by_kind().collect();
    assert_eq!(count(sent_frames, "result"), [("result", 2)]);
    let received = stats.received.datagrams_by_kind().collect();
    assert_eq!(count(received, "hello"), [("hello", 1)]);
    assert_eq!((frames, stats.give_ups), (2, 0));
    assert_eq!(sent.len(), 1, "both results share a datagram");
    // No client acknowledges the results: the server retransmits five times and gives up.
    rig.pass(60_000);
    let stats = rig.server.stats();
    assert_eq!(
        stats.retransmissions_timed,
        before.retransmissions_timed + 5
    );
    assert_eq!(stats.give_ups, 1);
}

#[test]
fn fills_a_reported_gap_once_and_at_once() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    let posts = [1, 2, 3].map(|request| Frame::Post {
        request,
        counter: request,
        text: "hi",
    });
    let mut peer_phase = false;
    for post in posts {
        let sent = rig.say(&mut ann, &[post]);
        peer_phase = ann.decrypt(&sent)[0].0.phase;
    }
    let before = rig.server.stats().clone();
    let header = Header {
        nack: true,
        peer_phase,
        ..ann.header()
    };
    let report = ann.encrypt(&header, &[]);
    let repeated = rig.give(ann.address, &report);
    let frames: usize = ann.decrypt(&repeated).iter().map(|(_, f)| f.len()).sum();
    assert_eq!(frames, 3, "the results of all three");
    assert_eq!(rig.give(ann.address, &report), []);
    let stats = rig.server.stats();
    assert_eq!(
        stats.retransmissions_on_evidence,
        before.retransmissions_on_evidence + 1
    );
    assert_eq!(stats.retransmissions_timed, before.retransmissions_timed);
}
