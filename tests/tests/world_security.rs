//! What an attacker cannot do, step by step: the promises of `core/SECURITY.md`, in the order in which they stand there.
//! That nobody shows what was not sent, no key is used twice under one number and no stranger gets more than it sent is
//! checked in all rooms of the simulator, by the model and the wiretap.

use std::net::SocketAddr;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::seal::{Correspondence, KEY_LEN, Letters, TAG_LEN};
use chatapp_core::wire::{Cookie, Datagram, Opening, Refusal};
use chatapp_core::{Drop, Endpoint, Identity, Instant, PublicKey, RateLimit, StaticKey};
use chatapp_tests::client_process::Ask;
use chatapp_tests::keys::{Holder, Keys};
use chatapp_tests::medium::{Captured, Forger};
use chatapp_tests::model::{NameId, ProcessId};
use chatapp_tests::plan::Plan;
use chatapp_tests::record::Stored;
use chatapp_tests::scene::Scene;

const ANN: NameId = 0;
const BOB: NameId = 1;
const CLEO: NameId = 2;

/// Kinds of datagrams, the second byte.
const COOKIE_REQUEST: u8 = 1;
const COOKIE: u8 = 2;
const HELLO: u8 = 3;
const CALL: u8 = 4;
const ACCEPT: u8 = 5;
const DATA: u8 = 8;

/// A cookie is good for two minutes.
const COOKIE_LIFE: u64 = 120_000;

fn attacker() -> Identity {
    Identity::new(StaticKey::new([66; KEY_LEN]), None)
}

fn public(holder: Holder) -> PublicKey {
    let keys = Plan::quiet(0).keys;
    keys.identity(holder).public()
}

fn stranger(number: u32) -> SocketAddr {
    let [_, a, b, c] = number.to_be_bytes();
    ([10, 66 + (a & 1), b, c], 6_000).into()
}

fn plain(datagram: &Datagram<'_>) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(&attacker(), &mut out);
    out[..len].to_vec()
}

/// A handshake with the server under the attacker's key.
fn hello(id: u64, cookie: Cookie, ephemeral: [u8; KEY_LEN]) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let opening = Opening::Hello(cookie);
    let server = public(Holder::Server);
    let len = opening.emit(id, &attacker(), &server, &ephemeral, &[1; 90], &mut out);
    out[..len].to_vec()
}

fn kinds(datagrams: &[Captured], kind: u8) -> Vec<Captured> {
    let mut kept = datagrams.to_vec();
    kept.retain(|datagram| datagram.bytes[1] == kind);
    kept
}

/// Two people who have talked: directly, to all, and while one of them was away.
fn after_a_conversation() -> (Scene, ProcessId, ProcessId) {
    let mut scene = Scene::new(3);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.moment();
    converse(&mut scene, ann, bob);
    (scene, ann, bob)
}

fn converse(scene: &mut Scene, ann: ProcessId, bob: ProcessId) {
    scene.send(ann, BOB, "hello");
    scene.moment();
    scene.send(bob, ANN, "hello, too");
    scene.post(ann, "to all");
    scene.moment();
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.send(ann, BOB, "for later");
    scene.moment();
    scene.ask(bob, Ask::Register);
    scene.moment();
    for process in [ann, bob] {
        assert!(!scene.shows(process).is_empty());
    }
}

// ---- 1: who proved nothing gets nothing, and costs nothing ----

#[test]
fn thousands_of_first_datagrams_of_strangers_leave_no_trace() {
    let (mut scene, ann, _) = after_a_conversation();
    let records = scene.world.journal.records().len();
    let server = scene.world.server.as_mut().unwrap();
    let usage = server.machine.look(|server| server.usage());
    let foreign = Cookie {
        issued_at_ms: 1,
        mac: 7,
    };
    let requests = [
        plain(&Datagram::CookieRequest { id: 9 }),
        hello(9, foreign, [5; KEY_LEN]),
        plain(&Datagram::Reset {
            echo: 9,
            token: [1; TAG_LEN],
        }),
    ];
    for number in 0..20_000 {
        let from = stranger(number);
        let mut request = requests[number as usize % requests.len()].clone();
        let sent = request.len();
        server.machine.with(|server| {
            server.handle_datagram(Instant::from_millis(500), from, &mut request);
            let mut out = [0; DATAGRAM_LEN_MAX];
            let got = server.poll_transmit(Instant::from_millis(500), &mut out);
            let got = got.map_or(0, |transmit| {
                assert_eq!(transmit.to, from);
                transmit.len
            });
            assert!(got <= sent, "{sent} bytes, and {got} in return");
            assert!(server.poll_persist().is_none());
        });
    }
    let server = scene.world.server.as_ref().unwrap();
    assert_eq!(server.machine.look(|server| server.usage()), usage);
    assert_eq!(scene.world.journal.records().len(), records);
    scene.send(ann, BOB, "as before");
    scene.moment();
    assert_eq!(scene.shows(ann), ["Delivered bob"]);
}

// ---- 2: a cookie is for one address and a short time ----

#[test]
fn a_recorded_request_brings_only_a_cookie_from_elsewhere_and_later() {
    let (mut scene, ann, _) = after_a_conversation();
    scene.ask(ann, Ask::Deregister);
    scene.moment();
    let server = scene.world.server_address();
    let requests = kinds(&scene.overheard(), HELLO);
    let recorded = requests
        .iter()
        .find(|datagram| datagram.from == scene.address(ann));
    let recorded = recorded.unwrap().clone();
    let table = |scene: &Scene| {
        let server = scene.world.server.as_ref().unwrap();
        server.machine.look(|server| {
            let entries = server.table();
            entries
                .map(|entry| format!("{entry:?}"))
                .collect::<Vec<_>>()
        })
    };
    let before = table(&scene);
    let elsewhere = stranger(1);
    scene.forge(elsewhere, server, &recorded.bytes);
    scene.moment();
    let sent = scene.overheard();
    let answers: Vec<_> = sent.iter().filter(|it| it.to == elsewhere).collect();
    assert_eq!(answers.len(), 1);
    assert!(matches!(
        Datagram::parse(&attacker(), &answers[0].bytes),
        Ok(Datagram::Cookie { .. })
    ));
    let cookies = |scene: &Scene| {
        let mut sent = kinds(&scene.overheard(), COOKIE);
        sent.retain(|datagram| datagram.to == recorded.from);
        sent.len()
    };
    // A good cookie leads to the request itself, which is old; one that is not, to a new cookie.
    for (wait, answers) in [(0, 0), (COOKIE_LIFE + 1, 1)] {
        scene.pass(wait);
        let so_far = cookies(&scene);
        scene.forge(recorded.from, server, &recorded.bytes);
        scene.moment();
        assert_eq!(table(&scene), before);
        assert_eq!(cookies(&scene), so_far + answers);
    }
}

// ---- 3: a name belongs to a key ----

#[test]
fn nobody_gets_a_name_of_somebody_else_before_or_after_a_restart() {
    let (mut scene, ann, bob) = after_a_conversation();
    let steal = |scene: &mut Scene| {
        let thief = scene.world.start_thief(BOB);
        scene.ask(thief, Ask::Register);
        scene.pass(1);
        let before = scene.world.medium.trace.lines().len();
        scene.moment();
        let lines = scene.world.medium.trace.lines();
        assert!(!scene.runs(thief), "{:?}", &lines[before..]);
        let refused = format!("{thief}: Refused {{ reason: {:?} }}", Refusal::ForeignKey);
        assert!(lines.iter().any(|line| line.ends_with(&refused)));
    };
    steal(&mut scene);
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    steal(&mut scene);
    scene.send(ann, BOB, "for you alone");
    scene.moment();
    scene.restart_server();
    steal(&mut scene);
    scene.shows(bob);
    scene.ask(bob, Ask::Register);
    scene.moment();
    let shown = ["KeptMessages", "kept ann: for you alone", "TableUpdated"];
    assert_eq!(scene.shows(bob), shown);
}

// ---- 4: another key of the server ----

#[test]
fn nothing_is_said_to_a_server_with_another_key() {
    let (mut scene, ann, _) = after_a_conversation();
    scene.world.crash_client(ann);
    // From here on somebody else answers.
    scene.world.crash_server();
    scene.world.model.server_lies();
    let ann = scene.start(ANN);
    scene.pass(1);
    let (here, server) = (scene.address(ann), scene.world.server_address());
    let id = match kinds(&scene.overheard(), COOKIE_REQUEST).last() {
        Some(request) => u64::from_le_bytes(request.bytes[2..10].try_into().unwrap()),
        None => panic!("a client asks for a cookie first"),
    };
    let cookie = Cookie {
        issued_at_ms: 1,
        mac: 1,
    };
    let key = Some(attacker().public());
    scene.forge(
        server,
        here,
        &plain(&Datagram::Cookie {
            to: id,
            cookie,
            key,
        }),
    );
    scene.pass(30_000);
    assert!(!scene.runs(ann), "it ends");
    let said: Vec<_> = scene
        .overheard()
        .into_iter()
        .filter(|datagram| datagram.from == here)
        .map(|datagram| datagram.bytes[1])
        .collect();
    assert_eq!(said, [COOKIE_REQUEST]);
}

// ---- 5: what was changed has no effect ----

/// Each bit of a datagram in turn is another.
fn every_bit(bytes: &[u8]) -> Vec<Vec<u8>> {
    let flip = |bit: usize| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    };
    (0..8 * bytes.len()).map(flip).collect()
}

#[test]
fn any_changed_bit_of_any_datagram_changes_nothing() {
    let run = |forger: Option<Forger>| {
        let mut scene = Scene::new(2);
        // Their entropy is drawn before anything can differ.
        let [ann, bob] = [ANN, BOB].map(|name| scene.world.start_client(name, None));
        scene.world.medium.forger = forger;
        for process in [ann, bob] {
            scene.ask(process, Ask::Register);
            scene.moment();
        }
        converse(&mut scene, ann, bob);
        // What a machine says of itself, apart from what it answers to what it does not understand.
        let mut said = scene.overheard();
        said.retain(|datagram| {
            [COOKIE_REQUEST, HELLO, CALL, ACCEPT, DATA].contains(&datagram.bytes[1])
        });
        let said: Vec<_> = said
            .into_iter()
            .map(|it| (it.at, it.from, it.bytes))
            .collect();
        let kinds = said.iter().map(|(_, _, bytes)| bytes[1]);
        let kinds: std::collections::BTreeSet<u8> = kinds.collect();
        assert_eq!(kinds.len(), 5, "all kinds were there");
        (said, scene.world.journal.records().to_vec())
    };
    let (changed, quiet) = (run(Some(every_bit)), run(None));
    let differs = changed
        .0
        .iter()
        .zip(&quiet.0)
        .position(|(one, other)| one != other);
    assert_eq!(differs, None, "the first datagram that is different");
    assert_eq!(changed.0.len(), quiet.0.len());
    assert_eq!(changed.1, quiet.1);
}

// ---- 6: what was recorded is not shown again ----

#[test]
fn a_recorded_conversation_is_never_shown_again() {
    let (mut scene, ann, bob) = after_a_conversation();
    let recorded = scene.overheard();
    let mut all = vec![ann, bob];
    let play = |scene: &mut Scene, all: &[ProcessId]| {
        scene.moment();
        all.iter().for_each(|process| drop(scene.shows(*process)));
        for datagram in &recorded {
            scene.forge(datagram.from, datagram.to, &datagram.bytes);
            scene.pass(1);
        }
        scene.pass(30_000);
        for process in all {
            let shown = scene.shows(*process);
            assert!(shown.iter().all(|line| !line.contains(": ")), "{shown:?}");
        }
    };
    play(&mut scene, &all);
    scene.restart_server();
    play(&mut scene, &all);
    for name in [ANN, BOB] {
        let before = all[name];
        let address = scene.address(before);
        scene.world.crash_client(before);
        // The next process is where the one before it was.
        let next = scene.world.start_client(name, Some(address));
        scene.ask(next, Ask::Register);
        all[name] = next;
    }
    play(&mut scene, &all);
    scene.send(all[ANN], BOB, "new");
    scene.moment();
    assert!(scene.shows(all[BOB]).contains(&"ann: new".to_owned()));
}

// ---- 7 and 8: a server that lies ----

/// Ann and bob have talked, bob is away, and ann has written to him; then the store is changed, and bob returns.
fn after_a_lie(change: impl FnMut(&mut Stored)) -> (Scene, [ProcessId; 2], Vec<String>) {
    let (mut scene, ann, bob) = after_a_conversation();
    let cleo = scene.join(CLEO);
    scene.send(cleo, ANN, "I am cleo");
    scene.moment();
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.shows(ann);
    scene.send(ann, BOB, "are you there?");
    scene.moment();
    assert_eq!(scene.shows(ann), ["SentToServer bob", "Saved bob"]);
    scene.world.crash_server();
    scene.world.falsify(change);
    let started = scene.world.start_server();
    scene.check(started);
    scene.pass(30_000);
    scene.shows(bob);
    scene.ask(bob, Ask::Register);
    scene.moment();
    let shown = scene.shows(bob);
    (scene, [ann, bob], shown)
}

#[test]
fn an_honest_store_tells_the_truth() {
    let (_, _, shown) = after_a_lie(|_| {});
    assert_eq!(
        shown,
        ["KeptMessages", "kept ann: are you there?", "TableUpdated"]
    );
}

#[test]
fn a_letter_that_was_changed_is_not_shown() {
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail { letter, .. } = record {
            *letter.last_mut().unwrap() ^= 1;
        }
    });
    assert_eq!(
        shown,
        ["KeptMessages", "NotShown ann: Unreadable", "TableUpdated"]
    );
}

#[test]
fn a_letter_with_another_number_or_process_is_not_shown() {
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail { counter, .. } = record {
            *counter += 1;
        }
    });
    assert_eq!(
        shown,
        ["KeptMessages", "NotShown ann: Unreadable", "TableUpdated"]
    );
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail { incarnation, .. } = record {
            *incarnation += 1;
        }
    });
    assert_eq!(
        shown,
        ["KeptMessages", "NotShown ann: Unreadable", "TableUpdated"]
    );
}

#[test]
fn a_letter_in_the_name_of_somebody_else_is_not_shown() {
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail { from, .. } = record {
            *from = "cleo".to_owned();
        }
    });
    assert_eq!(
        shown,
        ["KeptMessages", "NotShown cleo: Unreadable", "TableUpdated"]
    );
}

#[test]
fn a_letter_under_another_key_than_its_senders_is_not_shown() {
    // Sealed by the book, but by somebody else: bob has talked to ann before.
    let bob = public(Holder::Name(BOB));
    let ephemeral = StaticKey::new([5; KEY_LEN]);
    let (_, _, shown) = after_a_lie(|record| {
        if let Stored::Mail {
            incarnation,
            counter,
            letter,
            ..
        } = record
        {
            let who = Correspondence {
                from: "ann",
                incarnation: *incarnation,
                to: "bob",
            };
            let (us, public) = (attacker(), ephemeral.public());
            let letters = Letters::to(&us, &bob, &[5; KEY_LEN], &public, who).unwrap();
            let mut text = b"#0 trust me".to_vec();
            let tag = letters.seal(&us, *counter, &mut text);
            *letter = [&us.public().0[..], &public.0, &text, &tag].concat();
        }
    });
    assert_eq!(
        shown,
        ["KeptMessages", "NotShown ann: ForeignKey", "TableUpdated"]
    );
}

#[test]
fn a_letter_for_somebody_else_is_not_shown() {
    let (mut scene, [ann, _], _) = after_a_lie(|record| {
        if let Stored::Mail { to, .. } = record {
            *to = "ann".to_owned();
        }
    });
    scene.pass(1_000);
    let shown = scene.shows(ann);
    assert!(
        shown.contains(&"NotShown ann: Unreadable".to_owned()),
        "{shown:?}"
    );
}

#[test]
fn a_server_that_swaps_a_key_is_caught_by_those_who_talked_before() {
    let (mut scene, [ann, bob], _) = after_a_lie(|record| {
        if let Stored::Name { name, key, .. } = record
            && name == "bob"
        {
            *key = attacker().public();
        }
    });
    assert!(!scene.runs(bob), "his own name is refused to him");
    scene.shows(ann);
    scene.send(ann, BOB, "a secret");
    scene.pass(10_000);
    assert_eq!(scene.shows(ann), ["ForeignKey bob"], "nothing is sent");
}

#[test]
fn what_people_write_is_nowhere_but_with_them() {
    let (mut scene, ann, bob) = after_a_conversation();
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.send(ann, BOB, "canary");
    scene.post(ann, "yellow");
    scene.moment();
    let holds = |bytes: &[u8], word: &str| {
        bytes
            .windows(word.len())
            .any(|part| part == word.as_bytes())
    };
    for record in scene.world.journal.records() {
        if let Stored::Mail { letter, .. } = record {
            assert!(!holds(letter, "canary") && !holds(letter, "for later"));
        }
    }
    let stored = format!("{:?}", scene.world.journal.records());
    assert!(
        stored.contains("yellow"),
        "the server knows what it tells to all"
    );
    assert!(!stored.contains("canary"));
    scene.ask(bob, Ask::Register);
    scene.moment();
    for datagram in scene.overheard() {
        for word in ["canary", "yellow", "hello", "for later", "to all"] {
            assert!(!holds(&datagram.bytes, word), "{word}: {datagram:?}");
        }
    }
}

// ---- 10: points that everybody shares zero with ----

#[test]
fn a_handshake_with_a_point_of_low_order_is_none() {
    let (mut scene, _, _) = after_a_conversation();
    let server = scene.world.server_address();
    let here = stranger(7);
    let request = plain(&Datagram::CookieRequest { id: 7 });
    scene.forge(here, server, &request);
    scene.pass(1);
    let sent = scene.overheard();
    let answer = sent.iter().rfind(|datagram| datagram.to == here).unwrap();
    let Ok(Datagram::Cookie { cookie, .. }) = Datagram::parse(&attacker(), &answer.bytes) else {
        panic!("{answer:?}")
    };
    let before = bad_tags(&scene);
    // The field elements 0 and 1, which have order 4 and 1 (RFC 7748, section 6.1).
    for element in [0, 1] {
        let mut bytes = hello(8, cookie, [5; KEY_LEN]);
        let point = &mut bytes[26..][..KEY_LEN];
        point.fill(0);
        point[0] = element;
        scene.forge(here, server, &chatapp_tests::attacker::tagged(bytes));
        scene.moment();
    }
    assert_eq!(bad_tags(&scene), before + 2);
}

fn bad_tags(scene: &Scene) -> u64 {
    let server = scene.world.server.as_ref().unwrap();
    server
        .machine
        .look(|server| server.stats().drops(Drop::BadTag))
}

// ---- 11: what half of a handshake costs ----

#[test]
fn thousands_of_half_open_handshakes_cost_what_the_limit_allows() {
    let mut plan = Plan::quiet(2);
    plan.sizes.rates.registrations = RateLimit {
        per_second: 2,
        burst: 8,
    };
    let mut scene = Scene::of(&plan);
    let ann = scene.join(ANN);
    let server = scene.world.server_address();
    let usage = |scene: &Scene| {
        let server = scene.world.server.as_ref().unwrap();
        server.machine.look(|server| server.usage())
    };
    let before = usage(&scene);
    let here = stranger(7);
    scene.forge(here, server, &plain(&Datagram::CookieRequest { id: 7 }));
    scene.pass(1);
    let sent = scene.overheard();
    let answer = sent.iter().rfind(|datagram| datagram.to == here).unwrap();
    let Ok(Datagram::Cookie { cookie, .. }) = Datagram::parse(&attacker(), &answer.bytes) else {
        panic!("{answer:?}")
    };
    let began = scene.world.now();
    let bad = bad_tags(&scene);
    for number in 0..3_000_u64 {
        // A key that is not the server's: it learns that by two multiplications on the curve.
        let mut bytes = hello(100 + number, cookie, [5; KEY_LEN]);
        bytes[30] ^= number as u8 | 1;
        scene.forge(here, server, &chatapp_tests::attacker::tagged(bytes));
        if number % 3 == 0 {
            scene.pass(1);
        }
    }
    let seconds = (scene.world.now() - began).div_ceil(1_000);
    let looked_at = bad_tags(&scene) - bad;
    assert!((1..=8 + 2 * seconds).contains(&looked_at), "{looked_at}");
    assert_eq!(usage(&scene), before);
    scene.post(ann, "still here");
    scene.moment();
    assert_eq!(scene.shows(ann), ["Posted"]);
}

// ---- a closed room ----

#[test]
fn a_closed_room_does_not_answer_strangers_at_all() {
    let mut plan = Plan::quiet(2);
    plan.keys = Keys {
        closed: true,
        ..plan.keys
    };
    let mut scene = Scene::of(&plan);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.moment();
    scene.shows(ann);
    scene.send(ann, BOB, "among us");
    scene.moment();
    assert_eq!(scene.shows(ann), ["Delivered bob"]);
    let cookie = Cookie {
        issued_at_ms: 1,
        mac: 1,
    };
    let mut data = vec![2, DATA];
    data.extend([7; 100]);
    let requests = [
        plain(&Datagram::CookieRequest { id: 7 }),
        hello(8, cookie, [5; KEY_LEN]),
        plain(&Datagram::Reset {
            echo: 7,
            token: [1; TAG_LEN],
        }),
        data,
        vec![9; 100],
    ];
    let targets = [
        scene.world.server_address(),
        scene.address(ann),
        scene.address(bob),
    ];
    for to in targets {
        for request in &requests {
            scene.forge(stranger(3), to, request);
        }
    }
    scene.pass(30_000);
    let sent = scene.overheard();
    assert!(sent.iter().all(|datagram| datagram.to != stranger(3)));
}
