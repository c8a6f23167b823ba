//! Strangers: the answers that they get, and their cost.

use chatapp_core::crypto::{KEY_LEN, TAG_LEN};
use chatapp_core::wire::{Cookie, Datagram, VERSION};
use chatapp_core::{DropReason, RateLimit};
use chatapp_simulator::client_process::Ask;
use chatapp_simulator::keys::Keys;
use chatapp_simulator::plan::Plan;
use chatapp_simulator::scene::Scene;

use crate::{
    ANN, BOB, CLIENT_HELLO, COOKIE, COOKIE_LIFE, DATA, after_a_conversation, attacker, cookie_for,
    hello, kinds, plain, stranger,
};

// ---- 2: a cookie is valid for one address and a short time ----

#[test]
fn answers_a_recorded_request_with_a_cookie_at_most() {
    let (mut scene, ann, _) = after_a_conversation();
    scene.ask(ann, Ask::Deregister);
    scene.moment();
    let server = scene.world.server_address();
    let requests = kinds(&scene.overheard(), CLIENT_HELLO);
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
    // With a valid cookie, the server reads the request, which is outdated. With an expired one, it
    // sends a new cookie.
    for (wait, answers) in [(0, 0), (COOKIE_LIFE + 1, 1)] {
        scene.pass(wait);
        let so_far = cookies(&scene);
        scene.forge(recorded.from, server, &recorded.bytes);
        scene.moment();
        assert_eq!(table(&scene), before);
        assert_eq!(cookies(&scene), so_far + answers);
    }
}

// ---- 10: points of low order ----

#[test]
//= PROTOCOL.md#4.3
fn drops_a_handshake_with_a_point_of_low_order() {
    let (mut scene, _, _) = after_a_conversation();
    let server = scene.world.server_address();
    let here = stranger(7);
    let cookie = cookie_for(&mut scene, here);
    let before = bad_tags(&scene);
    // The field elements 0 and 1, which have order 4 and 1 (RFC 7748, section 6.1).
    for element in [0, 1] {
        let mut bytes = hello(8, cookie, [5; KEY_LEN]);
        let point = &mut bytes[26..][..KEY_LEN];
        point.fill(0);
        point[0] = element;
        scene.forge(here, server, &chatapp_simulator::attacker::tagged(bytes));
        scene.moment();
    }
    assert_eq!(bad_tags(&scene), before + 2);
}

fn bad_tags(scene: &Scene) -> u64 {
    let server = scene.world.server.as_ref().unwrap();
    server
        .machine
        .look(|server| server.stats().drops(DropReason::BadTag))
}

// ---- 11: the cost of half a handshake ----

#[test]
fn limits_the_cost_of_half_open_handshakes() {
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
    let cookie = cookie_for(&mut scene, here);
    let began = scene.world.now();
    let bad = bad_tags(&scene);
    for number in 0..3_000_u64 {
        // The server needs two multiplications on the curve to reject this key.
        let mut bytes = hello(100 + number, cookie, [5; KEY_LEN]);
        bytes[30] ^= number as u8 | 1;
        scene.forge(here, server, &chatapp_simulator::attacker::tagged(bytes));
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
fn answers_no_stranger_in_a_closed_room() {
    let mut plan = Plan::quiet(2);
    plan.keys = Keys {
        closed: true,
        ..plan.keys
    };
    let mut scene = Scene::of(&plan);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.moment();
    scene.shows(ann);
    scene.send(ann, BOB, "a private text");
    scene.moment();
    assert_eq!(scene.shows(ann), ["Delivered bob"]);
    let cookie = Cookie {
        issued_at_ms: 1,
        mac: 1,
    };
    let mut data = vec![VERSION, DATA];
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
