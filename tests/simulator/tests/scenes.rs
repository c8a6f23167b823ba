//! Scenes in a room, step by step, in virtual time: the rules that people can rely on.

use chatapp_core::RateLimit;
use chatapp_simulator::client_process::Ask;
use chatapp_simulator::display::Flow;
use chatapp_simulator::model::NameId;
use chatapp_simulator::plan::{Plan, Sizes};
use chatapp_simulator::scene::Scene;

const ANN: NameId = 0;
const BOB: NameId = 1;
const CLEO: NameId = 2;

/// The first transmission and five retries, 500 ms apart.
const SIX: [u64; 6] = [0, 500, 1_000, 1_500, 2_000, 2_500];
/// The client waits one more interval after the last transmission.
const PATIENCE: u64 = 3_000;

fn tight(clients: usize, change: impl FnOnce(&mut Sizes)) -> Scene {
    let mut plan = Plan::quiet(clients);
    change(&mut plan.sizes);
    Scene::of(&plan)
}

// ---- limits ----

#[test]
fn delays_requests_above_the_share_and_loses_none() {
    let mut scene = tight(2, |sizes| {
        sizes.rates.requests = RateLimit {
            per_second: 4,
            burst: 3,
        };
    });
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.shows(ann);
    scene.shows(bob);
    for number in 0..12 {
        scene.post(ann, &number.to_string());
    }
    scene.pass(200);
    assert_eq!(
        scene.shows(ann),
        ["Posted", "Posted", "Posted", "Throttled"]
    );
    assert_eq!(scene.shows(bob).len(), 3);
    scene.pass(2_000);
    let meanwhile = scene.shows(ann).len();
    assert!((6..=9).contains(&meanwhile), "{meanwhile} more in 2 s");
    scene.pass(1_000);
    scene.shows(ann);
    let rest = scene.shows(bob);
    assert_eq!(rest.len(), 9);
    assert_eq!(rest.last().unwrap(), "channel ann: 11");
    // The next delay is reported again.
    for number in 12..16 {
        scene.post(ann, &number.to_string());
    }
    scene.pass(200);
    assert!(scene.shows(ann).contains(&"Throttled".to_owned()));
}

#[test]
fn delays_a_registration_above_the_share() {
    let mut scene = tight(3, |sizes| {
        sizes.sources = 1;
        sizes.rates.registrations = RateLimit {
            per_second: 1,
            burst: 1,
        };
    });
    let (ann, bob, cleo) = (scene.start(ANN), scene.start(BOB), scene.start(CLEO));
    scene.pass(500);
    let counts = [ann, bob, cleo].map(|process| scene.shows(process));
    let waiting = counts.iter().filter(|lines| **lines == ["Throttled"]);
    assert_eq!(waiting.count(), 2, "{counts:?}");
    scene.pass(5_000);
    for process in [ann, bob, cleo] {
        scene.send(process, ANN, "here");
    }
    scene.pass(1_000);
    for process in [ann, bob, cleo] {
        let lines = scene.shows(process);
        assert!(lines.contains(&"Delivered ann".to_owned()), "{lines:?}");
    }
}

// ---- silence ----

#[test]
fn sends_six_requests_to_register_without_an_answer() {
    let mut scene = Scene::new(1);
    scene.world.crash_server();
    let ann = scene.start(ANN);
    let server = scene.world.server_address();
    scene.pass(PATIENCE - 1);
    assert!(scene.shows(ann).is_empty());
    scene.pass(1);
    assert_eq!(scene.shows(ann), ["ServerNotResponding Register"]);
    scene.pass(10 * PATIENCE);
    assert_eq!(scene.sent(scene.address(ann), server, 0), SIX);
}

#[test]
fn sends_a_message_six_times_to_a_silent_server() {
    let mut scene = Scene::new(1);
    let ann = scene.join(ANN);
    let server = scene.world.server_address();
    scene.cut(scene.address(ann), server);
    let asked_at = scene.world.now();
    scene.post(ann, "anybody?");
    scene.pass(PATIENCE);
    let silence = ["ServerNotResponding SendAll", "ServerSilent"];
    assert_eq!(scene.shows(ann), silence);
    assert_eq!(scene.sent(scene.address(ann), server, asked_at), SIX);
}

/// Bob's process crashes. Ann's client then tries to reach it, with a session or to open one, and
/// after 3 s asks the server to store the message. An address that never answered gets less.
fn try_a_lost_peer(has_session: bool, expected: &[u64]) {
    let mut scene = Scene::new(2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    if has_session {
        scene.send(ann, BOB, "hello");
        scene.moment();
    }
    let there = scene.address(bob);
    scene.world.crash_client(bob);
    scene.shows(ann);
    let asked_at = scene.world.now();
    scene.send(ann, BOB, "are you there?");
    scene.pass(PATIENCE + 100);
    assert_eq!(scene.shows(ann), ["SentToServer bob", "Saved bob"]);
    assert_eq!(scene.sent(scene.address(ann), there, asked_at), expected);
}

#[test]
fn calls_a_lost_peer_three_times_then_asks_the_server() {
    try_a_lost_peer(false, &SIX[..3]);
}

#[test]
fn sends_a_message_six_times_to_a_silent_peer() {
    try_a_lost_peer(true, &SIX);
}

// ---- the three acceptance cases ----

#[test]
fn lets_three_clients_chat_leave_and_return() {
    let mut scene = Scene::new(3);
    let all = [scene.join(ANN), scene.join(BOB), scene.join(CLEO)];
    let names = ["ann", "bob", "cleo"];
    scene.moment();
    all.iter().for_each(|process| drop(scene.shows(*process)));
    for (sender, from) in all.iter().zip(names) {
        for (recipient, to) in names.iter().enumerate() {
            scene.send(*sender, recipient, "hi");
            scene.moment();
            let shown = scene.shows(all[recipient]);
            assert_eq!(shown[0], format!("{from}: hi"));
            let events = if *sender == all[recipient] {
                shown[1..].to_vec()
            } else {
                scene.shows(*sender)
            };
            assert_eq!(events, [format!("Delivered {to}")]);
        }
    }
    let [ann, bob, cleo] = all;
    scene.ask(ann, Ask::Deregister);
    scene.moment();
    assert_eq!(scene.shows(ann), ["Deregistered"]);
    for process in [bob, cleo] {
        assert_eq!(scene.shows(process), ["TableUpdated"]);
        scene.send(process, ANN, "where are you?");
        scene.moment();
        assert_eq!(scene.shows(process), ["SentToServer ann", "Saved ann"]);
    }
    scene.ask(ann, Ask::Register);
    scene.moment();
    let events = [
        "KeptMessages",
        "kept bob: where are you?",
        "kept cleo: where are you?",
        "TableUpdated",
    ];
    assert_eq!(scene.shows(ann), events);
    for process in [bob, cleo] {
        let events = ["KeptDelivered 1 ann", "TableUpdated"];
        assert_eq!(scene.shows(process), events);
    }
    for ask in [Ask::Deregister, Ask::Register] {
        scene.ask(ann, ask);
        scene.moment();
    }
    assert_eq!(scene.shows(ann), ["Deregistered", "TableUpdated"]);
}

#[test]
fn sends_through_the_server_to_an_offline_client() {
    let mut scene = Scene::new(2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.ask(bob, Ask::Exit);
    scene.moment();
    scene.world.crash_server();
    scene.shows(ann);
    scene.send(ann, BOB, "hi");
    scene.pass(PATIENCE);
    let lost = ["SentToServer bob", "NotDelivered bob", "ServerSilent"];
    assert_eq!(scene.shows(ann), lost);
}

#[test]
fn shows_a_channel_message_once_to_all_others() {
    let mut scene = Scene::new(3);
    let all = [scene.join(ANN), scene.join(BOB), scene.join(CLEO)];
    scene.moment();
    all.iter().for_each(|process| drop(scene.shows(*process)));
    scene.post(all[ANN], "hi all");
    scene.moment();
    assert_eq!(scene.shows(all[ANN]), ["Posted"]);
    for process in [all[BOB], all[CLEO]] {
        assert_eq!(scene.shows(process), ["channel ann: hi all"]);
    }
}

// ---- order and loss ----

#[test]
fn shows_stored_messages_before_direct_ones() {
    let mut scene = Scene::new(2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.send(ann, BOB, "kept");
    scene.moment();
    scene.shows(bob);
    scene.ask(bob, Ask::Register);
    for text in ["one", "two", "three"] {
        scene.send(ann, BOB, text);
        scene.pass(1);
    }
    scene.moment();
    let mut shown = scene.shows(bob);
    shown.retain(|line| line.contains("ann"));
    let messages: Vec<_> = shown
        .iter()
        .filter_map(|line| line.split(": ").nth(1))
        .collect();
    assert_eq!(messages, ["kept", "one", "two", "three"], "{shown:?}");
    scene.shows(ann);
    scene.send(ann, BOB, "four");
    scene.moment();
    assert_eq!(scene.shows(ann), ["Delivered bob"], "directly again");
}

#[test]
fn keeps_order_when_the_direct_path_returns() {
    let mut scene = Scene::new(2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.cut(scene.address(ann), scene.address(bob));
    scene.send(ann, BOB, "one");
    scene.pass(PATIENCE - 100);
    scene.send(ann, BOB, "two");
    scene.mend();
    scene.pass(200);
    scene.send(ann, BOB, "three");
    scene.pass(PATIENCE);
    let mut shown = scene.shows(bob);
    shown.retain(|line| line.contains("ann"));
    assert_eq!(shown, ["ann: one", "ann: two", "ann: three"]);
}

#[test]
fn reports_a_full_mailbox_and_stores_no_more() {
    let mut scene = tight(2, |sizes| (sizes.mail_per_name, sizes.share) = (2, 100));
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.shows(bob);
    scene.shows(ann);
    for text in ["one", "two", "three"] {
        scene.send(ann, BOB, text);
        scene.moment();
    }
    let events: Vec<_> = scene
        .shows(ann)
        .into_iter()
        .filter(|line| !line.starts_with("SentToServer"))
        .collect();
    assert_eq!(events, ["Saved bob", "Saved bob", "MailboxFull bob"]);
    scene.ask(bob, Ask::Register);
    scene.moment();
    let events = [
        "KeptMessages",
        "kept ann: one",
        "kept ann: two",
        "TableUpdated",
    ];
    assert_eq!(scene.shows(bob), events);
}

#[test]
fn counts_channel_messages_dropped_from_the_log() {
    let mut scene = tight(2, |sizes| sizes.log = 3);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.shows(bob);
    for text in ["1", "2", "3", "4", "5"] {
        scene.post(ann, text);
        scene.moment();
    }
    scene.ask(bob, Ask::Register);
    scene.moment();
    let shown = [
        "ChannelDropped 2",
        "KeptMessages",
        "kept channel ann: 3",
        "kept channel ann: 4",
        "kept channel ann: 5",
        "TableUpdated",
    ];
    assert_eq!(scene.shows(bob), shown);
}

#[test]
fn acknowledges_nothing_while_the_display_is_full() {
    let mut scene = Scene::new(2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.shows(ann);
    let full = scene.world.set_display(bob, Flow::Full);
    assert_eq!(full, Ok(()));
    scene.send(ann, BOB, "hi");
    scene.pass(PATIENCE + 100);
    assert_eq!(scene.shows(ann), ["SentToServer bob", "Saved bob"]);
    assert!(scene.shows(bob).is_empty());
    let free = scene.world.set_display(bob, Flow::Writes);
    assert_eq!(free, Ok(()));
    scene.pass(PATIENCE);
    let mut shown = scene.shows(bob);
    shown.retain(|line| line.contains("ann"));
    assert_eq!(shown, ["ann: hi"]);
}

#[test]
fn shows_at_the_next_start_what_a_dead_display_took() {
    let mut scene = Scene::new(2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.shows(ann);
    scene.send(ann, BOB, "written");
    scene.moment();
    assert_eq!(scene.shows(ann), ["Delivered bob"]);
    let stalled = scene.world.set_display(bob, Flow::Stalls);
    assert_eq!(stalled, Ok(()));
    scene.send(ann, BOB, "taken");
    scene.pass(PATIENCE + 100);
    assert_eq!(scene.shows(ann), ["SentToServer bob", "Saved bob"]);
    scene.world.crash_client(bob);
    let bob = scene.start(BOB);
    scene.pass(PATIENCE);
    let mut shown = scene.shows(bob);
    shown.retain(|line| line.contains("ann"));
    assert_eq!(shown, ["kept ann: taken"]);
}

// ---- names and sessions ----

#[test]
fn reaches_all_clients_with_a_small_roster() {
    let mut scene = tight(4, |sizes| sizes.peers = 2);
    let all: Vec<_> = (0..4).map(|name| scene.join(name)).collect();
    for (sender, process) in all.iter().enumerate() {
        for to in (0..4).filter(|to| *to != sender) {
            scene.shows(*process);
            scene.send(*process, to, "hi");
            // A peer that does not know its caller looks it up, and is called again.
            scene.pass(600);
            let events = scene.shows(*process);
            assert!(
                events.iter().any(|line| line.starts_with("Delivered")),
                "{sender} to {to}: {events:?}"
            );
        }
    }
}

#[test]
fn refuses_a_name_in_use_while_its_holder_answers() {
    let mut scene = Scene::new(1);
    let holder = scene.join(ANN);
    let rival = scene.start(ANN);
    scene.pass(PATIENCE);
    assert!(!scene.runs(rival), "the refused rival still runs");
    assert!(scene.runs(holder));
    scene.post(holder, "still here");
    scene.moment();
    assert_eq!(scene.shows(holder), ["Posted"]);
}

#[test]
fn evicts_a_silent_holder_for_good() {
    let mut scene = Scene::new(1);
    let holder = scene.join(ANN);
    let server = scene.world.server_address();
    scene.cut(scene.address(holder), server);
    let heir = scene.start(ANN);
    scene.pass(2 * PATIENCE);
    assert_eq!(scene.shows(heir), ["Registered", "TableUpdated"]);
    scene.mend();
    scene.pass(30_000);
    assert!(!scene.runs(holder), "the evicted holder still runs");
    assert!(scene.shows(heir).is_empty());
    scene.post(heir, "mine");
    scene.moment();
    assert_eq!(scene.shows(heir), ["Posted"]);
}

#[test]
fn delivers_both_messages_of_simultaneous_calls() {
    let mut scene = Scene::new(2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.moment();
    scene.shows(ann);
    scene.send(ann, BOB, "hi bob");
    scene.send(bob, ANN, "hi ann");
    scene.pass(600);
    for (process, message, other) in [(ann, "bob: hi ann", "bob"), (bob, "ann: hi bob", "ann")] {
        let mut shown = scene.shows(process);
        shown.sort();
        assert_eq!(shown, [format!("Delivered {other}"), message.to_owned()]);
    }
}

#[test]
fn restores_a_room_after_a_server_crash() {
    let mut scene = Scene::new(2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.ask(bob, Ask::Exit);
    scene.moment();
    scene.send(ann, BOB, "later");
    // It waits for the medium-term key of bob, and a channel message would not.
    scene.moment();
    scene.post(ann, "all");
    scene.moment();
    scene.world.crash_server();
    let restarted = scene.world.start_server();
    assert_eq!(restarted, Ok(()));
    let bob = scene.start(BOB);
    scene.moment();
    let shown = [
        "Registered",
        "KeptMessages",
        "kept ann: later",
        "kept channel ann: all",
        "TableUpdated",
    ];
    assert_eq!(scene.shows(bob), shown);
}

#[test]
fn chats_through_the_server_between_address_families() {
    const ZOE: NameId = 4;
    let mut scene = Scene::new(5);
    let (ann, zoe) = (scene.join(ANN), scene.join(ZOE));
    assert!(scene.address(ann).is_ipv4() && scene.address(zoe).is_ipv6());
    scene.moment();
    scene.shows(ann);
    scene.send(ann, ZOE, "hi");
    scene.moment();
    let events = ["SentToServer Zoë", "Saved Zoë", "KeptDelivered 1 Zoë"];
    assert_eq!(scene.shows(ann), events);
    assert_eq!(scene.shows(zoe), ["ann: hi"]);
}
