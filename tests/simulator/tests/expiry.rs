//! Names that are away for longer than the server keeps them.

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
fn a_name_that_is_away_for_long_is_forgotten_with_what_waits_for_it() {
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
    assert_eq!(scene.shows(bob), ["TableUpdated"], "nothing was kept");
    scene.shows(ann);
    scene.send(ann, BOB, "welcome back");
    scene.moment();
    assert_eq!(scene.shows(ann), ["Delivered bob"]);
    assert_eq!(scene.shows(bob), ["ann: welcome back"]);
}

#[test]
fn who_comes_back_in_time_is_kept_and_what_the_forgotten_said_stays() {
    let mut scene = scene(|_| {});
    let (ann, bob, cleo) = (scene.join(ANN), scene.join(BOB), scene.join(CLEO));
    leaves(&mut scene, ann);
    scene.pass(KEEP / 2);
    scene.send(bob, ANN, "from somebody who will be forgotten");
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
    // bob is forgotten now; the message from bob to cleo is still for cleo.
    assert_eq!(scene.world.known_names(), [ANN, CLEO]);
    scene.shows(cleo);
    scene.ask(cleo, Ask::Register);
    scene.moment();
    assert_eq!(scene.world.known_names(), [ANN, CLEO]);
    assert!(!scene.shows(cleo).is_empty());
}

#[test]
fn what_a_forgotten_name_sent_arrives_also_after_a_restart() {
    let mut scene = scene(|_| {});
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    leaves(&mut scene, ann);
    scene.send(bob, ANN, "still here?");
    scene.moment();
    leaves(&mut scene, bob);
    // ann's absence begins anew, bob's goes on.
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
fn the_place_of_a_forgotten_name_goes_to_the_next() {
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
    let told = scene.shows(ann);
    assert!(told.contains(&"NoSuchClient bob".to_owned()), "{told:?}");
}
