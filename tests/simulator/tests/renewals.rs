//! Sessions have a greatest age: they are renewed while people chat, and nobody notices.

use std::collections::BTreeMap;

use chatapp_simulator::model::NameId;
use chatapp_simulator::plan::Plan;
use chatapp_simulator::scene::Scene;

const ANN: NameId = 0;
const BOB: NameId = 1;

/// Kinds of datagrams.
const CLIENT_HELLO: u8 = 3;
const PEER_HELLO: u8 = 4;
const DATA: u8 = 8;

/// Time in ms for several round trips, but no retransmission.
const MOMENT: u64 = 20;

const HOUR: u64 = 3_600_000;

/// Returns a room of two on a network without delay, whose clients renew sessions after this time.
fn room(renew_ms: Option<u32>) -> (Scene, [usize; 2]) {
    let mut plan = Plan::quiet(2);
    plan.sizes.renew_ms = renew_ms.unwrap_or(plan.sizes.renew_ms);
    let mut scene = Scene::of(&plan);
    let people = [ANN, BOB].map(|name| scene.start(name));
    scene.pass(1_000);
    for process in people {
        scene.shows(process);
    }
    (scene, people)
}

/// Both send a message to each other and to all. Each arrives before any retransmission, also while
/// a session is renewed.
fn chat(scene: &mut Scene, [ann, bob]: [usize; 2], number: u64) {
    let text = format!("{number} from");
    scene.send(ann, BOB, &format!("{text} ann"));
    scene.send(bob, ANN, &format!("{text} bob"));
    scene.post(ann, &format!("{text} ann to all"));
    scene.pass(MOMENT);
    let shown = [ann, bob].map(|process| scene.shows(process));
    let sorted = shown.map(|mut lines| {
        lines.retain(|line| line.contains("from"));
        lines.sort();
        lines
    });
    assert_eq!(sorted[0], [format!("bob: {text} bob")]);
    let expected = [
        format!("ann: {text} ann"),
        format!("channel ann: {text} ann to all"),
    ];
    assert_eq!(sorted[1], expected);
}

/// Returns the number of sessions that were asked for by datagrams of this kind.
fn sessions(scene: &Scene, kind: u8) -> usize {
    let asked = scene.overheard().into_iter();
    let asked = asked.filter(|datagram| datagram.bytes[1] == kind);
    let ids = asked.map(|datagram| datagram.bytes[2..10].to_vec());
    ids.collect::<std::collections::BTreeSet<_>>().len()
}

/// Returns the longest time for which one session carried Data.
fn oldest(scene: &Scene) -> u64 {
    let mut first = BTreeMap::new();
    let ages = scene.overheard().into_iter().filter_map(|datagram| {
        let id = datagram.bytes[2..10].to_vec();
        let is_data = datagram.bytes[1] == DATA;
        is_data.then(|| datagram.at - *first.entry(id).or_insert(datagram.at))
    });
    ages.max().unwrap_or_default()
}

#[test]
//= PROTOCOL.md#5.9
fn renews_sessions_of_people_who_chat_for_hours() {
    let (mut scene, people) = room(None);
    for number in 0..40 {
        chat(&mut scene, people, number);
        scene.pass(HOUR / 12);
        for process in people {
            let lines = scene.shows(process);
            let is_report = |line: &String| line.contains("Delivered") || line.contains("Posted");
            assert!(lines.iter().all(is_report), "{lines:?}");
        }
    }
    assert!(sessions(&scene, CLIENT_HELLO) >= 2 * 6);
    assert!(sessions(&scene, PEER_HELLO) >= 6);
    assert!(oldest(&scene) <= HOUR / 2 + HOUR / 6, "{}", oldest(&scene));
}

#[test]
//= PROTOCOL.md#5.9
fn renews_an_idle_session_before_the_next_message() {
    let (mut scene, people) = room(None);
    chat(&mut scene, people, 0);
    scene.pass(2 * HOUR);
    for process in people {
        scene.shows(process);
    }
    let (hellos, calls) = (sessions(&scene, CLIENT_HELLO), sessions(&scene, PEER_HELLO));
    assert!(hellos >= 2 * 4, "those with the server are renewed by time");
    chat(&mut scene, people, 1);
    assert!(sessions(&scene, PEER_HELLO) > calls);
    assert!(oldest(&scene) <= HOUR / 2 + HOUR / 60, "{}", oldest(&scene));
}

#[test]
//= PROTOCOL.md#5.9
fn loses_and_repeats_nothing_in_dense_talk() {
    let (mut scene, people) = room(Some(3_000));
    for number in 0..1_000 {
        chat(&mut scene, people, number);
    }
    assert!(sessions(&scene, CLIENT_HELLO) >= 2 * 6);
    assert!(sessions(&scene, PEER_HELLO) >= 6);
}
