//! Messages that a server stores for offline clients: their order, their delivery, and the records
//! that it restores.

use chatapp_core::wire::Frame;
use chatapp_core::{
    Disposition, Endpoint, NameRecord, PublicKey, Record, RestoreError, ServerConfig, UnixSeconds,
};

use crate::people::key;
use crate::server_rig::{Member, Request, Rig, address, hello, stored_message};

pub(crate) fn store(request: u32, text: &str) -> Frame<'static> {
    Frame::Store {
        request,
        counter: request,
        tried: 0,
        bounce: false,
        to: "bob",
        ciphertext: stored_message(text),
    }
}

pub(crate) fn post(request: u32, text: &str) -> Frame<'_> {
    Frame::Post {
        request,
        counter: request,
        text,
    }
}

/// Bob leaves, ann sends these frames, and bob returns as the same process. `shown` adds to bob's
/// request what bob has shown; its argument is the server's epoch.
fn bob_misses(
    rig: &mut Rig,
    frames: &[Frame<'_>],
    shown: impl FnOnce(&mut Request<'_>, u64),
) -> Member {
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    rig.say(&mut bob, &[Frame::Leave { request: 1 }]);
    for frame in frames {
        let sent = rig.say(&mut ann, &[*frame]);
        rig.receive_all(&mut ann, sent);
    }
    let mut again = hello(2, "bob");
    again.id = 22;
    again.hello.session_sequence = 2;
    shown(&mut again, bob.epoch);
    rig.enters(2, again)
}

fn nothing(_: &mut Request<'_>, _: u64) {}

#[test]
fn delivers_stored_messages_in_their_order() {
    let texts = ["one", "two", "three", "four"];
    for first in [0, 1] {
        let mut rig = Rig::new();
        let mut frames = Vec::new();
        for (request, text) in (1..).zip(texts) {
            let direct = request % 2 == first;
            frames.push(if direct {
                store(request, text)
            } else {
                post(request, text)
            });
        }
        let mut bob = bob_misses(&mut rig, &frames, nothing);
        let sent = rig.pass(500);
        let received = rig.receive_all(&mut bob, sent);
        let shown: Vec<&str> = received
            .iter()
            .filter_map(|frame| {
                texts
                    .into_iter()
                    .find(|text| frame.contains(&format!("\"{text}\"")))
            })
            .collect();
        assert_eq!(shown, texts, "{received:?}");
    }
}

#[test]
//= PROTOCOL.md#9.2
fn lists_a_client_online_after_its_stored_messages() {
    // Two texts of this length do not fit into one datagram.
    let text = "x".repeat(590);
    for missed in [
        [store(1, &text), store(2, &text)],
        [post(1, &text), post(2, &text)],
    ] {
        let mut rig = Rig::new();
        let mut bob = bob_misses(&mut rig, &missed, nothing);
        for _ in missed {
            let sent = rig.pass(500);
            assert_eq!(rig.online(), 1, "ann");
            assert!(bob.receive(&sent));
            assert!(bob.decrypt(&sent)[0].1[0].contains("kept: true"));
            rig.say(&mut bob, &[]);
        }
        assert_eq!(rig.online(), 2);
    }
}

#[test]
fn skips_shown_messages_of_its_own_epoch_only() {
    for (later, comes_again) in [(0, false), (1, true)] {
        let mut rig = Rig::new();
        let missed = [store(1, "mail"), post(2, "channel")];
        let mut bob = bob_misses(&mut rig, &missed, |again, epoch| {
            again.hello.epoch = epoch.wrapping_add(later);
            again.hello.mail_shown = 1;
            again.hello.channel_shown = 1;
        });
        let sent = rig.pass(500);
        let received = rig.receive_all(&mut bob, sent).concat();
        for text in ["mail", "channel"] {
            assert_eq!(
                received.contains(&format!("\"{text}\"")),
                comes_again,
                "{received}"
            );
        }
    }
}

#[test]
fn replaces_older_log_entries_by_long_texts() {
    let mut rig = Rig::new();
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    let mut sent = rig.say(&mut bob, &[]);
    bob.receive(&sent);
    // The log has memory for one text of this length, and slots for eight entries.
    let text = "x".repeat(1_000);
    for request in 1..=3 {
        let post = Frame::Post {
            request,
            counter: request,
            text: &text,
        };
        sent.extend(rig.say(&mut ann, &[post]));
        ann.receive(&sent);
    }
    sent.extend(rig.pass(500));
    let received: Vec<String> = ann
        .decrypt(&sent)
        .into_iter()
        .flat_map(|(_, f)| f)
        .collect();
    for request in 1..=3 {
        let saved = format!("Result {{ request: {request}, outcome: Saved }}");
        assert!(received.contains(&saved), "{received:?}");
    }
    // Bob acknowledged none of them. The server sends bob the number of missed entries, and the
    // last entry.
    let heard = rig.receive_all(&mut bob, sent);
    assert!(heard.iter().any(|f| f.starts_with("Skipped")), "{heard:?}");
    assert!(
        heard
            .iter()
            .any(|f| f.starts_with("Channel { number: 2") && f.contains(&text))
    );
}

fn mail(serial: u64, to: &'static str) -> Record<'static> {
    mail_of_request(1, serial, to)
}

pub(crate) fn mail_of_request(request: u32, serial: u64, to: &'static str) -> Record<'static> {
    Record::Mail {
        serial,
        to,
        from: "ann",
        incarnation: 1,
        counter: request,
        request,
        stamp: UnixSeconds(1),
        ciphertext: stored_message("hi"),
    }
}

/// Returns the record of a name that is not registered.
pub(crate) fn name_record(name: &str) -> NameRecord<'_> {
    NameRecord {
        name,
        registered: false,
        address: address(1),
        incarnation: 1,
        key: key(name),
        session_sequence: 1,
        session: 0,
        away_s: 0,
        medium_key: PublicKey::NONE,
        previous: [0; 4],
        last_request: 0,
        outcomes: 0,
        log_next: 0,
    }
}

/// Creates a server that has restored two names, neither of them registered.
pub(crate) fn remembers_two_names(config: ServerConfig) -> Rig {
    let mut rig = Rig::with(config);
    for name in ["ann", "bob"] {
        let record = Record::Name(name_record(name));
        rig.server.restore(record).unwrap();
    }
    rig
}

pub(crate) fn ann_returns(rig: &mut Rig) -> Member {
    let mut again = hello(1, "ann");
    again.hello.session_sequence = 2;
    let mut ann = rig.enters(1, again);
    let sent = rig.pass(500);
    rig.receive_all(&mut ann, sent);
    ann
}

#[test]
//= PROTOCOL.md#10.3
fn applies_a_restored_request_once() {
    for later_record in [false, true] {
        let mut rig = remembers_two_names(Rig::config());
        rig.server.restore(mail(1, "bob")).unwrap();
        if later_record {
            // At the time of this record, the outcome of request 1 was pending. Each request has
            // four bits.
            let record = NameRecord {
                last_request: 1,
                outcomes: 1 << 4,
                ..name_record("ann")
            };
            rig.server.restore(Record::Name(record)).unwrap();
        }
        let mut ann = ann_returns(&mut rig);
        for (request, kept) in [(1, 1), (2, 2), (1, 2)] {
            let sent = rig.say(&mut ann, &[store(request, "hi")]);
            let received = rig.receive_all(&mut ann, sent);
            let saved = format!("Result {{ request: {request}, outcome: Saved }}");
            assert_eq!(received[0], saved);
            assert_eq!(rig.server.usage().kept_messages.used, kept);
        }
    }
}

#[test]
fn restores_no_delivered_message() {
    let mut rig = remembers_two_names(Rig::config());
    for serial in 1..=3 {
        rig.server.restore(mail(serial, "bob")).unwrap();
    }
    assert_eq!(rig.server.usage().kept_messages.used, 3);
    rig.server
        .restore(Record::Progress {
            name: "bob",
            handed_over: 2,
            log_next: 0,
        })
        .unwrap();
    assert_eq!(rig.server.usage().kept_messages.used, 1);
    rig.server.restore(mail(2, "bob")).unwrap();
    assert_eq!(rig.server.usage().kept_messages.used, 1);
}

#[test]
fn frees_the_room_of_delivered_messages() {
    let config = ServerConfig {
        mail_per_name: 2,
        ..Rig::config()
    };
    for (handed_over, outcome) in [(0, "Full"), (1, "Saved"), (2, "Saved")] {
        let mut rig = remembers_two_names(config.clone());
        for serial in 1..=2 {
            rig.server.restore(mail(serial, "bob")).unwrap();
        }
        let progress = Record::Progress {
            name: "bob",
            handed_over,
            log_next: 0,
        };
        rig.server.restore(progress).unwrap();
        let mut ann = ann_returns(&mut rig);
        let sent = rig.say(&mut ann, &[store(2, "hi")]);
        let received = rig.receive_all(&mut ann, sent);
        assert_eq!(
            received,
            [format!("Result {{ request: 2, outcome: {outcome} }}")]
        );
    }
}

#[test]
fn refuses_records_that_do_not_fit() {
    let mut rig = remembers_two_names(Rig::config());
    assert_eq!(
        rig.server.restore(mail(1, "cleo")),
        Err(RestoreError::Inconsistent)
    );
    for serial in 1..=8 {
        assert_eq!(rig.server.restore(mail(serial, "bob")), Ok(()));
    }
    assert_eq!(rig.server.restore(mail(9, "bob")), Err(RestoreError::Full));
}

#[test]
fn retries_to_store_a_departure_every_second() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    rig.events.clear();
    rig.store_works = false;
    let sent = rig.say(&mut ann, &[Frame::Leave { request: 1 }]);
    let received = rig.receive_all(&mut ann, sent);
    assert_eq!(received, [""; 0]);
    for _ in 0..3 {
        let offered = rig.records;
        assert_eq!(rig.server.poll_timeout(), Some(rig.now.plus_millis(1_000)));
        rig.pass(999);
        assert_eq!(rig.records, offered);
        rig.pass(1);
        assert_eq!(rig.records, offered + 1);
    }
    assert_eq!(
        rig.online(),
        1,
        "the departure is visible before it is stored"
    );
    let departed = r#"Departed { name: "ann", reason: Left }"#;
    assert_eq!(rig.events, [departed, "StoreFailed"]);
    rig.store_works = true;
    let sent = rig.pass(1_000);
    let received = rig.receive_all(&mut ann, sent);
    assert_eq!(received, ["Result { request: 1, outcome: Left }"]);
    assert_eq!(rig.online(), 0);
    assert_eq!(rig.events[2..], ["StoreRecovered"]);
}

#[test]
//= PROTOCOL.md#10.6
fn stores_a_message_before_later_events() {
    let store = Frame::Store {
        request: 2,
        counter: 2,
        tried: 0,
        bounce: false,
        to: "ann",
        ciphertext: stored_message("hi"),
    };
    let post = Frame::Post {
        request: 1,
        counter: 1,
        text: "hi",
    };
    let later_post = Frame::Post {
        request: 3,
        counter: 3,
        text: "hi",
    };
    let leave = Frame::Leave { request: 1 };
    for (ann_leaves_first, frames, expected) in [
        (true, [store, later_post], ["Name", "Mail", "Channel"]),
        (false, [store, later_post], ["Mail", "Name", "Channel"]),
        (false, [post, store], ["Channel", "Mail", "Name"]),
    ] {
        let mut rig = Rig::new();
        let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
        let left = ann.encrypt(&ann.header(), &[leave]);
        let bytes = bob.encrypt(&bob.header(), &frames);
        let mut inputs = [(bob.address, bytes), (ann.address, left)];
        if ann_leaves_first {
            inputs.reverse();
        }
        for (from, datagram) in inputs {
            assert_eq!(rig.handle(from, &datagram), Disposition::Accepted);
        }
        let mut stored = Vec::new();
        while let Some(persist) = rig.server.poll_persist() {
            stored.push(match persist.record {
                Record::Name(_) => "Name",
                Record::Mail { .. } => "Mail",
                Record::Channel { .. } => "Channel",
                Record::Progress { .. } => continue,
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(stored, expected);
    }
}

#[test]
fn stores_no_progress_beyond_the_stored_entries() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    let datagram = ann.encrypt(&ann.header(), &[post(1, "one"), post(2, "two")]);
    let bob = rig.proven(address(2), hello(2, "bob"));
    assert_eq!(rig.handle(ann.address, &datagram), Disposition::Accepted);
    assert_eq!(rig.handle(address(2), &bob), Disposition::Accepted);
    let mut stored = Vec::new();
    while let Some(persist) = rig.server.poll_persist() {
        stored.push(match persist.record {
            Record::Name(name) => format!("{} from {} on", name.name, name.log_next),
            Record::Channel { number, .. } => format!("entry {number}"),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(stored, ["entry 1", "entry 2", "bob from 3 on"]);
}

#[test]
fn offers_records_in_the_order_of_their_tickets() {
    let mut rig = Rig::new();
    let request = rig.proven(address(1), hello(1, "ann"));
    assert_eq!(rig.handle(address(1), &request), Disposition::Accepted);
    let mut tickets = Vec::new();
    while let Some(record) = rig.server.poll_persist() {
        tickets.push(record.ticket.number());
    }
    assert_eq!(tickets, [2], "the epoch was stored before");
    assert_eq!(
        rig.online(),
        0,
        "the registration is visible before it is stored"
    );
}
