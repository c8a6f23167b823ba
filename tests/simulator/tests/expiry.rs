//! Names that are offline for longer than the server keeps them.

use chatapp_simulator::client_process::Ask;
use chatapp_simulator::model::{NameId, ProcessId};
use chatapp_simulator::plan::{Plan, Sizes};
use chatapp_simulator::scene::Scene;

const ANN: NameId = 0;
const BOB: NameId = 1;
const CLEO: NameId = 2;
const KEEP_S: u32 = 100;
const KEEP: u64 = 100_000;

fn scene(change: impl FnOnce(&mut Sizes)) -> Scene {
    let mut plan = Plan::quiet(3);
    plan.sizes.keep_s = KEEP_S;
    change(&mut plan.sizes);
    Scene::of(&plan)
}

fn leaves(scene: &mut Scene, process: ProcessId) {
    scene.ask(process, Ask::Deregister);
    scene.moment();
    assert_eq!(scene.shows(process).last().unwrap(), "Deregistered");
}

#[test]
fn forgets_an_offline_name_with_its_messages() {
    let mut scene = scene(|_| {});
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    leaves(&mut scene, bob);
    scene.send(ann, BOB, "waits in vain");
    scene.moment();
    scene.pass(KEEP - 1_000);
    scene.send(ann, BOB, "this, too");
    scene.moment();
    scene.shows(ann);
    scene.pass(2_000);
    assert_eq!(scene.shows(ann), ["TableUpdated"]);
    scene.send(ann, BOB, "nobody");
    scene.moment();
    assert_eq!(scene.shows(ann), ["NoSuchClient bob"]);
    assert_eq!(scene.world.known_names(), [ANN]);

    scene.ask(bob, Ask::Register);
    scene.moment();
    assert_eq!(
        scene.shows(bob),
        ["TableUpdated"],
        "a message for the forgotten name was kept"
    );
    scene.shows(ann);
    scene.send(ann, BOB, "welcome back");
    scene.moment();
    assert_eq!(scene.shows(ann), ["Delivered bob"]);
    assert_eq!(scene.shows(bob), ["ann: welcome back"]);
}

#[test]
fn keeps_names_that_return_and_messages_for_them() {
    let mut scene = scene(|_| {});
    let (ann, bob, cleo) = (scene.join(ANN), scene.join(BOB), scene.join(CLEO));
    leaves(&mut scene, ann);
    scene.pass(KEEP / 2);
    scene.send(bob, ANN, "from a name that will be forgotten");
    scene.post(bob, "to all");
    scene.moment();
    leaves(&mut scene, bob);
    scene.pass(KEEP / 4);
    scene.shows(ann);
    scene.ask(ann, Ask::Register);
    scene.moment();
    scene.shows(ann);
    leaves(&mut scene, cleo);
    scene.pass(KEEP / 4 * 3 + 2_000);
    // Bob is forgotten now, but cleo still gets bob's message.
    assert_eq!(scene.world.known_names(), [ANN, CLEO]);
    scene.shows(cleo);
    scene.ask(cleo, Ask::Register);
    scene.moment();
    assert_eq!(scene.world.known_names(), [ANN, CLEO]);
    assert!(!scene.shows(cleo).is_empty());
}

#[test]
fn forgets_an_offline_name_across_a_restart() {
    let mut scene = scene(|_| {});
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    leaves(&mut scene, ann);
    scene.send(bob, ANN, "still here?");
    scene.moment();
    leaves(&mut scene, bob);
    // Ann's offline time begins again; bob's continues.
    scene.ask(ann, Ask::Register);
    scene.world.crash_client(ann);
    scene.pass(KEEP - 2_000);
    scene.world.crash_server();
    scene.pass(4_000);
    let started = scene.world.start_server();
    scene.check(started);
    scene.moment();
    let known = scene.world.known_names();
    assert!(!known.contains(&BOB), "{known:?}");
}

#[test]
fn gives_the_slot_of_a_forgotten_name_to_the_next() {
    let mut scene = scene(|sizes| sizes.names = 2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.start(CLEO);
    scene.moment();
    assert_eq!(scene.world.known_names(), [ANN, BOB], "the room is full");
    leaves(&mut scene, bob);
    scene.pass(KEEP + 1_000);
    scene.shows(ann);
    let cleo = scene.join(CLEO);
    assert_eq!(scene.world.known_names(), [ANN, CLEO]);
    assert_eq!(scene.shows(ann), ["TableUpdated"]);
    scene.send(ann, CLEO, "hi");
    scene.send(ann, BOB, "hi");
    scene.moment();
    assert_eq!(scene.shows(cleo), ["ann: hi"]);
    let events = scene.shows(ann);
    assert!(
        events.contains(&"NoSuchClient bob".to_owned()),
        "{events:?}"
    );
}
