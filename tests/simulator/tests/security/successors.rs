//! A forgotten name that now belongs to another person, or to the same person with another key.

use chatapp_simulator::client_process::Ask;
use chatapp_simulator::model::ProcessId;
use chatapp_simulator::plan::Plan;
use chatapp_simulator::scene::Scene;

use crate::{ANN, BOB, CLEO, converse};

const KEEP_S: u32 = 5;
/// Time in ms after which the server forgets an offline name.
const KEEP: u64 = 5_000;

/// Creates a room in which ann and bob have talked, and cleo is online. Then bob leaves and loses
/// the key.
fn after_a_loss() -> (Scene, ProcessId, ProcessId) {
    let mut plan = Plan::quiet(3);
    plan.sizes.keep_s = KEEP_S;
    let mut scene = Scene::of(&plan);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    converse(&mut scene, ann, bob);
    let cleo = scene.join(CLEO);
    scene.ask(bob, Ask::Exit);
    scene.moment();
    scene.world.lose_key(BOB);
    scene.shows(ann);
    (scene, ann, cleo)
}

#[test]
fn refuses_a_new_key_until_the_name_is_forgotten() {
    let (mut scene, _, _) = after_a_loss();
    let bob = scene.start(BOB);
    scene.moment();
    assert!(
        !scene.runs(bob),
        "bob registered while the name had the lost key"
    );
    scene.pass(KEEP);
    let bob = scene.join(BOB);
    assert!(scene.runs(bob));
}

#[test]
fn sends_nothing_private_to_an_unknown_key() {
    let (mut scene, ann, cleo) = after_a_loss();
    scene.pass(KEEP);
    let bob = scene.join(BOB);
    scene.shows(ann);
    scene.send(ann, BOB, "for whom you were");
    scene.moment();
    assert_eq!(scene.shows(ann), ["ForeignKey bob"]);
    assert!(scene.shows(bob).is_empty());
    scene.send(bob, ANN, "it is me");
    scene.pass(KEEP);
    // Ann's client has the message, and does not show it.
    assert_eq!(
        scene.shows(bob),
        ["SentToServer ann", "Saved ann", "KeptDelivered 1 ann"]
    );
    assert_eq!(scene.shows(ann), ["NotShown bob: ForeignKey"]);
    assert_eq!(scene.world.model.missing(), []);
    // A client that did not know the old key talks to the new owner.
    scene.shows(cleo);
    scene.send(cleo, BOB, "hello");
    scene.moment();
    assert_eq!(scene.shows(cleo), ["Delivered bob"]);
    assert_eq!(scene.shows(bob), ["cleo: hello"]);
}

#[test]
fn announces_a_message_for_an_older_key() {
    let (mut scene, ann, _) = after_a_loss();
    scene.pass(KEEP - 500);
    // Ann does not learn that the server forgets the name.
    let server = scene.world.server_address();
    let way = (server, scene.address(ann));
    scene.world.medium.cuts.insert(way);
    scene.pass(1_000);
    let bob = scene.join(BOB);
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.send(ann, BOB, "are you still there?");
    scene.moment();
    scene.shows(bob);
    scene.ask(bob, Ask::Register);
    scene.moment();
    let shown = ["KeptMessages", "NotShown ann: Unreadable", "TableUpdated"];
    assert_eq!(scene.shows(bob), shown);
    scene.mend();
    scene.pass(KEEP);
    let events = scene.shows(ann);
    assert!(events.contains(&"Saved bob".to_owned()), "{events:?}");
    assert_eq!(scene.world.model.missing(), []);
}
