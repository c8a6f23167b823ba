//! Quotas of a server: no key, address or sender takes the room of all others.

use std::net::SocketAddr;

use chatapp_core::wire::{Datagram, Frame, Refusal};
use chatapp_core::{DropReason, NameRecord, Record, ServerConfig, UnixSeconds};

use crate::offline::{mail_of_request, name_record, post};
use crate::people::key;
use crate::server_rig::{Member, NAMES, Request, Rig, hello, stored_message};

/// Returns an address of a network for documentation: no loopback address.
fn host(number: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number], port))
}

/// Creates a server with memory for 40 messages, 10 for one name, and as many log entries.
fn rig() -> Rig {
    let config = ServerConfig {
        mail_per_name: 10,
        names_per_source: 3,
        ..ServerConfig::default()
    };
    rig_with(config)
}

fn rig_with(config: ServerConfig) -> Rig {
    Rig::with_messages(config, None, 3, 40)
}

/// Registers a client with a key and an address of its own, which takes all datagrams.
fn joins(rig: &mut Rig, number: u8, name: &str) -> Member {
    let mut member = rig.enters_from(host(number, 1), hello(number.into(), name));
    let sent = rig.pass(500);
    rig.receive_all(&mut member, sent);
    member
}

/// Sends one frame, and returns the outcome of its request.
fn outcome(rig: &mut Rig, member: &mut Member, frame: Frame<'_>) -> String {
    let mut sent = rig.say(member, &[frame]);
    for _ in 0..4 {
        // Earlier datagrams were lost: the server sends them again.
        for frame in rig.receive_all(member, sent) {
            if let Some((_, outcome)) = frame.split_once("outcome: ") {
                return outcome.trim_end_matches(" }").to_owned();
            }
        }
        sent = rig.pass(500);
    }
    panic!("the server sends no result");
}

fn store<'a>(request: u32, to: &'a str, text: &str) -> Frame<'a> {
    Frame::Store {
        request,
        counter: request,
        tried: 0,
        bounce: false,
        to,
        ciphertext: stored_message(text),
    }
}

/// Sends messages until the server takes no more; returns how many it took.
fn fills<'a>(rig: &mut Rig, member: &mut Member, to: impl Fn(u32) -> &'a str) -> u32 {
    let mut saved = 0;
    for request in 1..=100 {
        match outcome(rig, member, store(request, to(request), "spam")).as_str() {
            "Saved" => saved += 1,
            "Full" => {}
            other => panic!("{other}"),
        }
    }
    saved
}

// ---- names ----

#[test]
//= PROTOCOL.md#15.3
fn limits_names_of_one_key_at_many_addresses() {
    let mut rig = rig();
    let names: Vec<String> = (0..NAMES).map(|number| format!("squat{number}")).collect();
    let mut answers = Vec::new();
    for (number, name) in (1..).zip(&names) {
        let request = Request {
            person: "mallory",
            ..hello(number.into(), name)
        };
        answers.push(rig.answer_to(host(number, 1), request).err());
    }
    let (taken, refused) = answers.split_at(4);
    assert_eq!(taken, [None; 4]);
    let full = |refusal: &Option<Refusal>| *refusal == Some(Refusal::RoomFull);
    assert!(refused.iter().all(full), "{refused:?}");
    let drops = rig.server.stats().drops(DropReason::TooManyNames);
    assert_eq!(drops, refused.len() as u64);
    joins(&mut rig, 99, "ann");
}

#[test]
fn limits_names_from_one_source() {
    let mut rig = rig();
    let mut register = |from, id, name| rig.answer_to(from, hello(id, name)).err();
    for (number, name) in (1..).zip(["one", "two", "three"]) {
        assert_eq!(register(host(7, number), number.into(), name), None);
    }
    let refused = register(host(7, 9), 9, "four");
    assert_eq!(refused, Some(Refusal::RoomFull));
    assert_eq!(register(host(8, 9), 10, "four"), None);
    // The holder of a key returns from everywhere.
    let mut again = hello(1, "one");
    (again.id, again.hello.session_sequence) = (11, 2);
    assert!(rig.answer_to(host(7, 20), again).is_ok());
    // Loopback addresses are not counted.
    for number in 20..29 {
        let name = format!("local{number}");
        let from = crate::server_rig::address(number);
        rig.answer_to(from, hello(number.into(), &name)).unwrap();
    }
}

#[test]
//= PROTOCOL.md#15.3
fn evicts_an_unused_name_of_a_source() {
    let mut rig = rig();
    for (number, name) in (1..).zip(["elsewhere", "one", "two", "three"]) {
        let from = host(if number == 1 { 8 } else { 7 }, number);
        let mut guest = rig.enters_from(from, hello(number.into(), name));
        rig.say(&mut guest, &[Frame::Leave { request: 1 }]);
    }
    let four = |rig: &mut Rig| rig.answer_to(host(7, 9), hello(9, "four"));
    assert_eq!(four(&mut rig), Err(Refusal::Wait));
    let forgotten = rig.events.last().map(String::as_str);
    assert_eq!(forgotten, Some(r#"Forgotten { name: "one" }"#));
    assert!(four(&mut rig).is_ok());
}

/// Registers a name for a moment.
fn visits(rig: &mut Rig, number: u8, name: &str) {
    let mut guest = rig.enters_from(host(number, 1), hello(number.into(), name));
    rig.say(&mut guest, &[Frame::Leave { request: 1 }]);
}

#[test]
//= PROTOCOL.md#9.9
fn evicts_unused_names_from_a_full_room() {
    let mut rig = rig();
    visits(&mut rig, 203, "dave");
    let (mut ann, mut bob) = (joins(&mut rig, 200, "ann"), joins(&mut rig, 201, "bob"));
    assert_eq!(outcome(&mut rig, &mut ann, store(1, "dave", "hi")), "Saved");
    assert_eq!(outcome(&mut rig, &mut bob, post(1, "hi")), "Saved");
    rig.say(&mut ann, &[Frame::Leave { request: 2 }]);
    rig.say(&mut bob, &[Frame::Leave { request: 2 }]);
    let guests: Vec<String> = (4..NAMES).map(|number| format!("guest{number}")).collect();
    for (number, name) in (1..).zip(&guests) {
        visits(&mut rig, number, name);
    }
    joins(&mut rig, 202, "carol");
    assert_eq!(rig.server.usage().names.used, NAMES as u32);
    // One name after the other makes room, the oldest first.
    for (number, (name, guest)) in (100..).zip(["x", "y"].into_iter().zip(&guests)) {
        let first = rig.answer_to(host(number, 1), hello(number.into(), name));
        assert_eq!(first, Err(Refusal::Wait));
        let forgotten = format!("Forgotten {{ name: {guest:?} }}");
        assert_eq!(rig.events.last(), Some(&forgotten));
        assert!(
            rig.answer_to(host(number, 1), hello(number.into(), name))
                .is_ok()
        );
    }
    for name in ["ann", "bob", "carol", "dave"] {
        assert!(rig.server.table().any(|row| row.name == name), "{name}");
    }
}

#[test]
fn evicts_one_name_for_many_that_wait() {
    let mut rig = rig();
    let guests: Vec<String> = (0..NAMES).map(|number| format!("guest{number}")).collect();
    for (number, name) in (1..).zip(&guests) {
        visits(&mut rig, number, name);
    }
    let names = ["x", "y", "z"];
    let asked = (100..).zip(names);
    let hellos: Vec<_> = asked
        .map(|(number, name)| {
            let from = host(number, 1);
            (from, rig.proven(from, hello(number.into(), name)))
        })
        .collect();
    for (from, hello) in hellos {
        let _ = rig.handle(from, &hello);
    }
    rig.drain();
    let forgotten = rig.events.iter().filter(|it| it.starts_with("Forgotten"));
    assert_eq!(forgotten.count(), 1);
    assert!(rig.answer_to(host(100, 1), hello(100, "x")).is_ok());
}

#[test]
fn refuses_new_names_if_all_were_used() {
    let mut rig = rig();
    let names: Vec<String> = (0..NAMES).map(|number| format!("guest{number}")).collect();
    for (number, name) in (1..).zip(&names) {
        let mut guest = joins(&mut rig, number, name);
        assert_eq!(outcome(&mut rig, &mut guest, post(1, "hi")), "Saved");
        rig.say(&mut guest, &[Frame::Leave { request: 2 }]);
    }
    let late = rig.answer_to(host(100, 1), hello(100, "late"));
    assert_eq!(late, Err(Refusal::RoomFull));
}

// ---- stored messages ----

#[test]
//= PROTOCOL.md#10.4
//= PROTOCOL.md#15.4
fn leaves_room_in_a_mailbox_for_a_friend() {
    let mut rig = rig();
    visits(&mut rig, 3, "bob");
    let mut mallory = joins(&mut rig, 1, "mallory");
    assert_eq!(fills(&mut rig, &mut mallory, |_| "bob"), 2);
    // Others may use the mailbox up to its last tenth, which is for senders with nothing in it.
    let mut saved = 2;
    for (number, name) in (10..).zip(["a", "b", "c", "d"]) {
        let mut other = joins(&mut rig, number, name);
        saved += fills(&mut rig, &mut other, |_| "bob");
    }
    assert_eq!(saved, 9);
    let mut ann = joins(&mut rig, 2, "ann");
    assert_eq!(outcome(&mut rig, &mut ann, store(1, "bob", "hi")), "Saved");
    assert_eq!(outcome(&mut rig, &mut ann, store(2, "bob", "hi")), "Full");
}

#[test]
fn leaves_memory_for_messages_of_others() {
    let mut rig = rig();
    let names: Vec<String> = (0..NAMES - 2).map(|number| format!("r{number}")).collect();
    for (number, name) in (10..).zip(&names) {
        visits(&mut rig, number, name);
    }
    let (mut mallory, mut ann) = (joins(&mut rig, 1, "mallory"), joins(&mut rig, 2, "ann"));
    let to = |request: u32| names[request as usize % names.len()].as_str();
    assert_eq!(fills(&mut rig, &mut mallory, to), 8);
    assert_eq!(outcome(&mut rig, &mut ann, store(1, "r0", "hi")), "Saved");
    // Long texts count by their length.
    let long = "x".repeat(1_000);
    let first = outcome(&mut rig, &mut ann, store(2, "r1", &long));
    let second = outcome(&mut rig, &mut ann, store(3, "r2", &long));
    assert_eq!([first.as_str(), &second], ["Saved", "Full"]);
}

#[test]
fn counts_receipts_that_are_not_acknowledged() {
    let mut rig = rig();
    let mut mallory = joins(&mut rig, 1, "mallory");
    let mut friends = [joins(&mut rig, 2, "x"), joins(&mut rig, 3, "y")];
    let sent = rig.pass(500);
    rig.receive_all(&mut friends[0], sent);
    let mut saved = 0;
    for request in 1..=100 {
        // Both accomplices acknowledge, and mallory acknowledges nothing.
        let to = ["x", "y"][request as usize % 2];
        let sent = rig.say(&mut mallory, &[store(request, to, "hi")]);
        for friend in &mut friends {
            let received = rig.receive_all(friend, sent.clone());
            let mail = received.iter().filter(|frame| frame.starts_with("Mail"));
            saved += mail.count();
        }
    }
    assert_eq!(saved, 8);
    assert_eq!(rig.server.usage().kept_messages.used, 8);
}

// ---- the channel ----

#[test]
//= PROTOCOL.md#12.1
fn keeps_young_entries_of_others_in_the_log() {
    let mut rig = rig();
    visits(&mut rig, 3, "bob");
    rig.server.handle_wall_clock(UnixSeconds(100_000));
    let texts: Vec<String> = (1..=33).map(|number| format!("news {number}")).collect();
    // Nobody has used up a share.
    for ((number, name), texts) in (11..).zip(["a", "b", "c", "d", "e"]).zip(texts.chunks(7)) {
        let mut other = joins(&mut rig, number, name);
        for (request, text) in (1..).zip(texts) {
            assert_eq!(outcome(&mut rig, &mut other, post(request, text)), "Saved");
        }
    }
    let mut mallory = joins(&mut rig, 1, "mallory");
    let spam = |rig: &mut Rig, mallory: &mut Member, requests: std::ops::Range<u32>| {
        let saved = requests.filter(|it| outcome(rig, mallory, post(*it, "spam")) == "Saved");
        saved.count()
    };
    // Mallory gets what is free, and one entry more to use up the share.
    assert_eq!(spam(&mut rig, &mut mallory, 1..100), 8);
    rig.server
        .handle_wall_clock(UnixSeconds(100_000 + 24 * 60 * 60));
    assert_eq!(
        spam(&mut rig, &mut mallory, 100..102),
        0,
        "a day is not over"
    );
    let mut again = hello(3, "bob");
    (again.id, again.hello.session_sequence) = (33, 2);
    let mut bob = rig.enters_from(host(3, 1), again);
    let sent = rig.pass(500);
    let received = rig.receive_all(&mut bob, sent).concat();
    assert!(received.contains("Skipped { count: 1 }"), "{received}");
    let missing: Vec<_> = texts[1..]
        .iter()
        .filter(|it| !received.contains(*it))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    rig.server
        .handle_wall_clock(UnixSeconds(100_001 + 24 * 60 * 60));
    assert_eq!(spam(&mut rig, &mut mallory, 102..104), 2, "old entries go");
}

#[test]
//= PROTOCOL.md#12.1
fn lets_a_few_talk_on_in_a_full_log() {
    let mut rig = rig();
    rig.server.handle_wall_clock(UnixSeconds(100_000));
    let mut ann = joins(&mut rig, 1, "ann");
    for request in 1..=20 {
        assert_eq!(outcome(&mut rig, &mut ann, post(request, "hi")), "Saved");
    }
    let mut bob = joins(&mut rig, 2, "bob");
    for request in 1..=21 {
        assert_eq!(outcome(&mut rig, &mut bob, post(request, "hi")), "Saved");
    }
    // Bob has more than ann now, whose entries are the oldest.
    assert_eq!(outcome(&mut rig, &mut bob, post(22, "hi")), "Full");
}

// ---- restarts ----

/// Returns a name of mallory that was stored.
fn squatted(name: &str) -> Record<'_> {
    Record::Name(NameRecord {
        address: host(7, 1),
        key: key("mallory"),
        previous: [7, 0, 0, 0],
        ..name_record(name)
    })
}

#[test]
fn keeps_quotas_after_a_restart() {
    let mut rig = rig();
    for name in ["s1", "s2", "s3", "bob"] {
        rig.server.restore(squatted(name)).unwrap();
    }
    rig.server
        .restore(Record::Name(name_record("ann")))
        .unwrap();
    for serial in 1..=2 {
        let saved = mail_of_request(serial as u32, serial, "bob");
        rig.server.restore(saved).unwrap();
    }
    let mallory = Request {
        person: "mallory",
        ..hello(9, "s5")
    };
    let by_key = rig.answer_to(host(8, 1), mallory);
    let by_source = rig.answer_to(host(7, 1), hello(10, "s5"));
    assert_eq!([by_key, by_source], [const { Err(Refusal::RoomFull) }; 2]);
    // A forgotten name counts no more.
    let forget = |name| Record::Forget {
        name,
        serial: 0,
        log_next: 0,
    };
    rig.server.restore(forget("s1")).unwrap();
    assert!(rig.answer_to(host(8, 1), mallory).is_ok());
    let mut ann = crate::offline::ann_returns(&mut rig);
    assert_eq!(outcome(&mut rig, &mut ann, store(3, "bob", "hi")), "Full");
}

#[test]
fn evicts_restored_names_that_were_never_used() {
    let mut rig = rig();
    let names: Vec<String> = (0..NAMES).map(|number| format!("guest{number}")).collect();
    for name in &names {
        let record = Record::Name(name_record(name));
        rig.server.restore(record).unwrap();
        // The first received a message, and the second had two processes.
        rig.server
            .restore(Record::Progress {
                name,
                handed_over: u64::from(name == "guest0"),
                log_next: 0,
            })
            .unwrap();
        if name == "guest1" {
            let again = NameRecord {
                previous: [7, 0, 0, 0],
                ..name_record(name)
            };
            rig.server.restore(Record::Name(again)).unwrap();
        }
    }
    assert_eq!(
        rig.answer_to(host(1, 1), hello(50, "late")),
        Err(Refusal::Wait)
    );
    assert_eq!(rig.events, [r#"Forgotten { name: "guest2" }"#]);
    assert!(rig.answer_to(host(1, 1), hello(50, "late")).is_ok());
}

// ---- registrations behind one NAT ----

/// Builds a ClientHello with a valid cookie that nobody can decrypt.
fn junk(rig: &mut Rig, from: SocketAddr) -> Vec<u8> {
    let mut junk = rig.proven(from, hello(66, "mallory"));
    let len = junk.len();
    junk[len - 30] ^= 1;
    let tag = crate::people::tag(&junk[..len - 8]);
    junk[len - 8..].copy_from_slice(&tag);
    junk
}

#[test]
//= PROTOCOL.md#15.1
fn registers_others_behind_a_nat_with_junk() {
    let mut rig = rig_with(ServerConfig::default());
    let ports = [1, 2, 3, 4];
    let junk = ports.map(|port| junk(&mut rig, host(1, port)));
    let mut registered = 0;
    for ms in 0..10_000_u64 {
        rig.now = rig.now.plus_millis(1);
        // 1,200 datagrams a second.
        for number in [ms * 6 / 5, ms * 6 / 5 + 1] {
            let place = (number % 4) as usize;
            if number % 6 != 0 || number.is_multiple_of(2) {
                rig.give(host(1, ports[place]), &junk[place]);
            }
        }
        if ms % 1_000 == 999 {
            let name = format!("guest{ms}");
            let from = host(1, 1_000 + ms as u16);
            let answer = rig.answer_to(from, hello(ms, &name));
            registered += u32::from(answer.is_ok());
        }
    }
    assert_eq!(registered, 10);
    let drops = rig.server.stats().drops(DropReason::BadTag);
    assert!(drops <= 2_400, "{drops} handshakes of junk were computed");
}

#[test]
fn admits_known_keys_while_new_names_are_limited() {
    let mut rig = rig();
    let _ann = joins(&mut rig, 1, "ann");
    let mut refused = None;
    for number in 0..400_u16 {
        let request = Request {
            person: "mallory",
            ..hello(1_000 + u64::from(number), "ann")
        };
        let answer = rig.answer_to(host(1, 1_000 + number), request);
        if answer == Err(Refusal::RateExceeded) {
            refused = Some(number);
            break;
        }
    }
    assert!(refused.is_some(), "the source has no quota");
    let mut again = hello(1, "ann");
    (again.id, again.hello.session_sequence) = (11, 2);
    assert!(rig.answer_to(host(1, 2), again).is_ok());
    let other = Datagram::CookieRequest { id: 1 };
    let other = rig.plain(&other);
    assert!(
        !rig.give(host(1, 3), &other).is_empty(),
        "cookies cost nothing"
    );
}
