//! A person ignores a name, step by step, in virtual time.

use chatapp_simulator::client_process::Ask;
use chatapp_simulator::model::NameId;
use chatapp_simulator::scene::Scene;

const ANN: NameId = 0;
const BOB: NameId = 1;
const CLEO: NameId = 2;

/// Time after which a client gives up the direct path.
const PATIENCE: u64 = 3_000;

#[test]
fn tells_an_ignored_sender_only_what_is_so() {
    let mut scene = Scene::new(3);
    let (ann, bob, cleo) = (scene.join(ANN), scene.join(BOB), scene.join(CLEO));
    scene.send(ann, BOB, "before");
    scene.moment();
    scene.ask(bob, Ask::Ignore(ANN));
    for process in [ann, bob, cleo] {
        scene.shows(process);
    }
    scene.send(ann, BOB, "unwanted");
    scene.post(ann, "unwanted");
    scene.pass(2 * PATIENCE + 500);
    let told = scene.shows(ann);
    let expected = [
        "Posted",
        "SentToServer bob",
        "Saved bob",
        "KeptDelivered 1 bob",
    ];
    assert_eq!(told, expected);
    assert_eq!(scene.shows(bob), [""; 0]);
    assert_eq!(scene.shows(cleo), ["channel ann: unwanted"]);
    // Bob's next process remembers it.
    scene.world.crash_client(bob);
    let bob = scene.join(BOB);
    scene.send(ann, BOB, "unwanted");
    scene.pass(2 * PATIENCE + 500);
    assert!(
        !scene
            .shows(bob)
            .iter()
            .any(|line| line.contains("unwanted"))
    );
    scene.ask(bob, Ask::Unignore(ANN));
    scene.send(ann, BOB, "welcome");
    scene.pass(2 * PATIENCE);
    assert!(scene.shows(bob).contains(&"ann: welcome".to_owned()));
}
