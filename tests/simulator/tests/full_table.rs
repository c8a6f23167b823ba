//! Rooms that fill the table of a client, and larger ones.

use chatapp_simulator::model::NameId;
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
