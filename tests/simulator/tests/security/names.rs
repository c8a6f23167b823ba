//! The owners of names, and the key of the server.

use chatapp_core::wire::{Cookie, Datagram, Refusal};
use chatapp_simulator::client_process::Ask;
use chatapp_simulator::scene::Scene;

use crate::{ANN, BOB, COOKIE_REQUEST, after_a_conversation, attacker, kinds, plain};

// ---- 3: a name belongs to a key ----

#[test]
fn gives_no_name_to_another_key_across_a_restart() {
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
fn sends_nothing_to_a_server_with_another_key() {
    let (mut scene, ann, _) = after_a_conversation();
    scene.world.crash_client(ann);
    // From now on another server answers.
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
    assert!(!scene.runs(ann), "the client still runs");
    let said: Vec<_> = scene
        .overheard()
        .into_iter()
        .filter(|datagram| datagram.from == here)
        .map(|datagram| datagram.bytes[1])
        .collect();
    assert_eq!(said, [COOKIE_REQUEST]);
}
