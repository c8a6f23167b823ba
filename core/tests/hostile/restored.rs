//! A server after a restart: requests with a pending outcome, and entry numbers that are missing.

use chatapp_core::{Disposition, NameRecord, Record, UnixSeconds};

use crate::offline::{ann_returns, mail_of_request, name_record, post, remembers_two_names, store};
use crate::server_rig::Rig;

/// Returns the outcomes of requests as a record has them: four bits for each, at the remainder of
/// its number.
fn outcomes(of: impl IntoIterator<Item = (u32, u128)>) -> u128 {
    of.into_iter()
        .map(|(request, code)| code << (request % 32 * 4))
        .sum()
}

const PENDING: u128 = 1;
const SAVED: u128 = 2;

#[test]
fn takes_a_pending_outcome_from_the_stored_message() {
    for (request, last) in [(1, 1), (1, 32), (9, 40), (40, 40)] {
        let mut rig = remembers_two_names(Rig::config());
        let saved = mail_of_request(request, 1, "bob");
        rig.server.restore(saved).unwrap();
        let later = mail_of_request(last, 2, "bob");
        rig.server.restore(later).unwrap();
        let record = NameRecord {
            last_request: last,
            outcomes: outcomes([(request, PENDING)]),
            ..name_record("ann")
        };
        rig.server.restore(Record::Name(record)).unwrap();
        let mut ann = ann_returns(&mut rig);
        let sent = rig.say(&mut ann, &[store(request, "hi")]);
        let received = rig.receive_all(&mut ann, sent);
        let saved = format!("Result {{ request: {request}, outcome: Saved }}");
        assert_eq!(received[0], saved, "{last}");
        assert_eq!(rig.server.usage().kept_messages.used, 2);
    }
}

#[test]
fn takes_no_outcome_from_an_older_request() {
    let mut rig = remembers_two_names(Rig::config());
    let saved = outcomes((1..=32).map(|request| (request, SAVED)));
    let pending = outcomes((2..=32).map(|request| (request, SAVED))) + outcomes([(33, PENDING)]);
    for (last_request, outcomes) in [(32, saved), (33, pending)] {
        let record = NameRecord {
            last_request,
            outcomes,
            ..name_record("ann")
        };
        rig.server.restore(Record::Name(record)).unwrap();
    }
    let mut ann = ann_returns(&mut rig);
    let sent = rig.say(&mut ann, &[store(33, "hi")]);
    let received = rig.receive_all(&mut ann, sent);
    assert_eq!(received, ["Result { request: 33, outcome: Saved }"]);
    // The request was lost with the server, and so was everything after it. The server does it now.
    assert_eq!(rig.server.usage().kept_messages.used, 1);
}

#[test]
fn takes_no_slot_for_a_forgotten_sender() {
    let mut rig = Rig::with(Rig::config());
    rig.server
        .restore(Record::Name(name_record("bob")))
        .unwrap();
    let handed_over = Record::Progress {
        name: "bob",
        handed_over: 1,
        log_next: 0,
    };
    rig.server.restore(handed_over).unwrap();
    // A store has a delivered message for a while, as a proof for ann.
    rig.server.restore(mail_of_request(1, 1, "bob")).unwrap();
    assert_eq!(rig.server.usage().names.used, 1);
    rig.server.restore(mail_of_request(2, 2, "bob")).unwrap();
    assert_eq!(rig.server.usage().names.used, 2);
}

const FIRST_ENTRY: Record<'static> = Record::Channel {
    number: 1,
    from: "bob",
    incarnation: 1,
    counter: 1,
    request: 1,
    stamp: UnixSeconds(1),
    text: "hi",
};

#[test]
fn stores_no_restored_record_again() {
    let mut rig = remembers_two_names(Rig::config());
    for record in [mail_of_request(1, 1, "bob"), FIRST_ENTRY] {
        rig.server.restore(record).unwrap();
    }
    let first = rig.server.poll_persist().unwrap();
    assert!(matches!(first.record, Record::Epoch { .. }));
    assert_eq!(rig.server.poll_persist(), None);
}

#[test]
fn stores_no_missing_log_entries() {
    let mut rig = remembers_two_names(Rig::config());
    // The store has entry 1, and bob has passed entries up to 3.
    rig.server.restore(FIRST_ENTRY).unwrap();
    let seen = Record::Progress {
        name: "bob",
        handed_over: 0,
        log_next: 4,
    };
    rig.server.restore(seen).unwrap();
    let mut ann = ann_returns(&mut rig);
    let datagram = ann.encrypt(&ann.header(), &[post(1, "next")]);
    assert_eq!(rig.handle(ann.address, &datagram), Disposition::Accepted);
    let mut numbers = Vec::new();
    while let Some(persist) = rig.server.poll_persist() {
        if let Record::Channel { number, text, .. } = persist.record {
            numbers.push((number, text.to_owned()));
        }
    }
    assert_eq!(numbers, [(4, "next".to_owned())]);
}

/// Bob has nine entries, and the log has room for eight. With the first entry the store loses a
/// proof, so the server stores another one.
#[test]
fn stores_nothing_of_a_forgotten_name() {
    for forgets in [false, true] {
        let mut rig = remembers_two_names(Rig::config());
        for number in 1..=9 {
            let entry = Record::Channel {
                number,
                from: "bob",
                incarnation: 1,
                counter: number,
                request: number,
                stamp: UnixSeconds(1),
                text: "hi",
            };
            rig.server.restore(entry).unwrap();
        }
        if forgets {
            let forget = Record::Forget {
                name: "bob",
                serial: 0,
                log_next: 10,
            };
            rig.server.restore(forget).unwrap();
        }
        let mut names = Vec::new();
        while let Some(persist) = rig.server.poll_persist() {
            if let Record::Name(record) = persist.record {
                names.push(record.name.to_owned());
            }
        }
        let expected: &[&str] = if forgets { &[] } else { &["bob"] };
        assert_eq!(names, expected);
    }
}
