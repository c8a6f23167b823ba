//! Rooms that fill the table of a client, and larger ones.

use chatapp_simulator::client_process::Ask;
use chatapp_simulator::model::{NameId, ProcessId};
use chatapp_simulator::plan::Plan;
use chatapp_simulator::scene::Scene;

const ANN: NameId = 0;
const BOB: NameId = 1;
const CLEO: NameId = 2;

/// Longer than a client waits for answers.
const PATIENCE: u64 = 3_000;

/// A room for three, whose clients have tables for this number of names.
fn with_tables_for(names: usize) -> Scene {
    let mut plan = Plan::quiet(3);
    plan.sizes.peers = names;
    Scene::of(&plan)
}

/// Seconds after which an offline name is forgotten.
const KEEP_S: u32 = 100;
const KEEP: u64 = 100_000;
/// Longer than the time between two datagrams in which an idle client reports its version.
const KEEP_ALIVE: u64 = 25_000;

/// A room like that of [`with_tables_for`], which forgets names.
fn forgetful_with_tables_for(names: usize) -> Scene {
    let mut plan = Plan::quiet(3);
    plan.sizes.peers = names;
    plan.sizes.keep_s = KEEP_S;
    Scene::of(&plan)
}

fn leaves(scene: &mut Scene, process: ProcessId) {
    scene.ask(process, Ask::Deregister);
    scene.moment();
}

/// Cleo registers, and Ann writes before the news is there.
#[test]
fn writes_to_a_newcomer_of_a_full_table() {
    let mut scene = with_tables_for(2);
    let (ann, _bob) = (scene.join(ANN), scene.join(BOB));
    scene.moment();
    let server = scene.world.server_address();
    scene.cut(scene.address(ann), server);
    let cleo = scene.join(CLEO);
    scene.shows(ann);
    scene.shows(cleo);
    scene.send(ann, CLEO, "welcome");
    scene.mend();
    scene.pass(PATIENCE);
    let shown = scene.shows(ann);
    assert!(shown.contains(&"Delivered cleo".to_owned()), "{shown:?}");
    let shown = scene.shows(cleo);
    assert!(shown.contains(&"ann: welcome".to_owned()), "{shown:?}");
    // The name that gave its room is looked up, and so is a caller.
    scene.send(ann, BOB, "are you there?");
    scene.send(cleo, ANN, "thanks");
    scene.pass(PATIENCE);
    let shown = scene.shows(ann);
    assert!(shown.contains(&"Delivered bob".to_owned()), "{shown:?}");
    assert!(shown.contains(&"cleo: thanks".to_owned()), "{shown:?}");
}

/// The table is partial while it is not known that nobody has the name.
#[test]
fn has_the_whole_table_again_after_a_mistyped_name() {
    let mut scene = with_tables_for(2);
    let (ann, _bob) = (scene.join(ANN), scene.join(BOB));
    scene.moment();
    assert_eq!(scene.table(ann), ["ann", "bob"]);
    scene.send(ann, CLEO, "are you there?");
    assert_eq!(scene.table(ann).len(), 1);
    scene.pass(PATIENCE);
    let shown = scene.shows(ann);
    assert!(shown.contains(&"NoSuchClient cleo".to_owned()), "{shown:?}");
    assert_eq!(scene.table(ann), ["ann", "bob"]);
}

/// The only entry is that of the client itself.
#[test]
fn writes_to_others_with_a_table_for_one() {
    let mut scene = with_tables_for(1);
    let ann = scene.join(ANN);
    scene.moment();
    assert_eq!(scene.table(ann), ["ann"]);
    let bob = scene.join(BOB);
    scene.moment();
    scene.shows(ann);
    scene.shows(bob);
    scene.send(ann, BOB, "hello");
    scene.pass(PATIENCE);
    let shown = scene.shows(ann);
    assert!(shown.contains(&"Delivered bob".to_owned()), "{shown:?}");
    scene.send(bob, ANN, "hello yourself");
    scene.pass(PATIENCE);
    let shown = scene.shows(ann);
    assert!(
        shown.contains(&"bob: hello yourself".to_owned()),
        "{shown:?}"
    );
}

/// A room that was too large for the table of a client becomes small enough.
//= PROTOCOL.md#13.4
#[test]
fn gets_the_whole_table_once_it_fits_again() {
    let mut scene = forgetful_with_tables_for(2);
    let (_bob, cleo) = (scene.join(BOB), scene.join(CLEO));
    let ann = scene.join(ANN);
    scene.moment();
    assert_eq!(scene.table(ann), [""; 0], "the room does not fit");
    leaves(&mut scene, cleo);
    scene.pass(KEEP + KEEP_ALIVE);
    assert_eq!(scene.table(ann), ["ann", "bob"]);
}

/// The server has slots for names that are gone, but the table does not.
#[test]
fn has_the_whole_table_of_a_room_that_many_names_left() {
    let mut scene = forgetful_with_tables_for(2);
    let (_bob, cleo) = (scene.join(BOB), scene.join(CLEO));
    leaves(&mut scene, cleo);
    scene.pass(KEEP + KEEP_ALIVE);
    let ann = scene.join(ANN);
    scene.moment();
    assert_eq!(scene.table(ann), ["ann", "bob"]);
}
