//! Stored messages that are reported as delivered, when they are.

use chatapp_simulator::client_process::Ask;
use chatapp_simulator::model::NameId;
use chatapp_simulator::scene::Scene;

const ANN: NameId = 0;
const BOB: NameId = 1;
const CLEO: NameId = 2;

/// Time for all retries.
const PATIENCE: u64 = 3_000;

#[test]
fn tells_once_when_stored_messages_are_delivered() {
    let mut scene = Scene::new(3);
    scene.world.medium.sync_max = 0;
    let (ann, bob, cleo) = (scene.join(ANN), scene.join(BOB), scene.join(CLEO));
    for away in [bob, cleo] {
        scene.ask(away, Ask::Deregister);
    }
    scene.moment();
    for text in ["one", "two", "three"] {
        scene.send(ann, BOB, text);
        scene.send(ann, CLEO, text);
    }
    // The first one to each waits for its medium-term key.
    scene.pass(100);
    scene.shows(ann);
    for (process, name, expected) in [(cleo, CLEO, 3), (bob, BOB, 3), (bob, BOB, 1)] {
        scene.ask(process, Ask::Register);
        scene.pass(1_000);
        let mut shown = scene.shows(ann);
        shown.retain(|line| line != "TableUpdated");
        let to = if name == BOB { "bob" } else { "cleo" };
        assert_eq!(shown, [format!("KeptDelivered {expected} {to}")]);
        scene.ask(process, Ask::Deregister);
        scene.moment();
        scene.send(ann, name, "again");
        scene.pass(100);
        scene.shows(ann);
    }
}

#[test]
fn tells_of_messages_that_a_server_kept_over_a_crash() {
    let mut scene = Scene::new(2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.send(ann, BOB, "one");
    scene.moment();
    scene.restart_server();
    scene.send(ann, BOB, "two");
    scene.pass(PATIENCE);
    scene.shows(ann);
    scene.ask(bob, Ask::Register);
    scene.pass(PATIENCE);
    let mut shown = scene.shows(ann);
    shown.retain(|line| line != "TableUpdated");
    assert_eq!(shown, ["KeptDelivered 2 bob"]);
}
