//! Datagrams that were changed on their path, or recorded and sent again.

use std::collections::BTreeSet;

use chatapp_simulator::client_process::Ask;
use chatapp_simulator::medium::Forger;
use chatapp_simulator::model::ProcessId;
use chatapp_simulator::scene::Scene;

use crate::{
    ACCEPT, ANN, BOB, CLIENT_HELLO, COOKIE_REQUEST, DATA, PEER_HELLO, after_a_conversation,
    converse,
};

// ---- 5: a changed datagram has no effect ----

/// Returns copies of a datagram, each with another changed bit.
fn every_bit(bytes: &[u8]) -> Vec<Vec<u8>> {
    let flip = |bit: usize| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    };
    (0..8 * bytes.len()).map(flip).collect()
}

#[test]
//= PROTOCOL.md#17.3
fn ignores_each_changed_bit_of_all_datagrams() {
    let run = |forger: Option<Forger>| {
        let mut scene = Scene::new(2);
        // A client sees only when it is polled that its disk has a secret.
        scene.world.medium.sync_max = 0;
        // Both clients draw their entropy before the runs can differ.
        let [ann, bob] = [ANN, BOB].map(|name| scene.world.start_client(name, None));
        scene.world.medium.forger = forger;
        for process in [ann, bob] {
            scene.ask(process, Ask::Register);
            scene.moment();
        }
        converse(&mut scene, ann, bob);
        // The datagrams of all processes, without answers to datagrams that they do not understand.
        let mut said = scene.overheard();
        said.retain(|datagram| {
            [COOKIE_REQUEST, CLIENT_HELLO, PEER_HELLO, ACCEPT, DATA].contains(&datagram.bytes[1])
        });
        let said: Vec<_> = said
            .into_iter()
            .map(|it| (it.at, it.from, it.bytes))
            .collect();
        let kinds = said.iter().map(|(_, _, bytes)| bytes[1]);
        let kinds: BTreeSet<u8> = kinds.collect();
        assert_eq!(kinds.len(), 5, "a kind of datagram is missing");
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

// ---- 6: a recorded message is not shown again ----

#[test]
fn shows_no_recorded_conversation_again() {
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
        // The next process has the address of the one before it.
        let next = scene.world.start_client(name, Some(address));
        scene.ask(next, Ask::Register);
        all[name] = next;
    }
    play(&mut scene, &all);
    scene.send(all[ANN], BOB, "new");
    scene.moment();
    assert!(scene.shows(all[BOB]).contains(&"ann: new".to_owned()));
}
