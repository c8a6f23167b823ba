//! A restart of the server is a pause for the clients in the room.

use chatapp_simulator::client_process::Ask;
use chatapp_simulator::model::NameId;
use chatapp_simulator::scene::Scene;

const ANN: NameId = 0;
const BOB: NameId = 1;
const CLEO: NameId = 2;

fn restart(scene: &mut Scene, pause: u64) {
    scene.world.crash_server();
    scene.pass(pause);
    let started = scene.world.start_server();
    scene.check(started);
}

/// After it, all clients are reached at once.
#[test]
fn hides_a_restart_from_all_clients() {
    let mut scene = Scene::new(3);
    let (ann, bob, cleo) = (scene.join(ANN), scene.join(BOB), scene.join(CLEO));
    scene.moment();
    for process in [ann, bob, cleo] {
        scene.shows(process);
    }
    restart(&mut scene, 10);
    scene.moment();
    for process in [ann, bob, cleo] {
        assert!(
            scene.shows(process).is_empty(),
            "a client noticed the restart"
        );
    }
    scene.post(ann, "hi all");
    scene.moment();
    assert_eq!(scene.shows(ann), ["Posted"]);
    for process in [bob, cleo] {
        assert_eq!(scene.shows(process), ["channel ann: hi all"]);
    }
}

#[test]
fn executes_commands_given_during_a_restart() {
    let mut scene = Scene::new(2);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.moment();
    for process in [ann, bob] {
        scene.shows(process);
    }
    scene.world.crash_server();
    scene.post(ann, "is there anybody?");
    restart(&mut scene, 2_400);
    scene.pass(600);
    assert_eq!(scene.shows(ann), ["Posted"]);
    assert_eq!(scene.shows(bob), ["channel ann: is there anybody?"]);
}

#[test]
fn reports_departures_and_arrivals_of_a_restart() {
    let mut scene = Scene::new(3);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.moment();
    for process in [ann, bob] {
        scene.shows(process);
    }
    scene.world.crash_server();
    let cleo = scene.start(CLEO);
    restart(&mut scene, 1_000);
    scene.pass(1_000);
    assert_eq!(scene.shows(cleo), ["Registered", "TableUpdated"]);
    for process in [ann, bob] {
        assert_eq!(scene.shows(process), ["TableUpdated"]);
    }
    scene.ask(bob, Ask::Deregister);
    restart(&mut scene, 10);
    scene.pass(1_000);
    assert_eq!(scene.shows(bob), ["Deregistered"]);
    assert_eq!(scene.shows(ann), ["TableUpdated"]);
}

#[test]
fn notices_the_return_of_a_server_it_gave_up() {
    let mut scene = Scene::new(1);
    let ann = scene.join(ANN);
    scene.world.crash_server();
    scene.post(ann, "nobody hears this");
    scene.pass(3_100);
    assert_eq!(
        scene.shows(ann),
        ["ServerNotResponding SendAll", "ServerSilent"]
    );
    restart(&mut scene, 0);
    scene.moment();
    let before = scene.world.now();
    scene.post(ann, "but this");
    scene.moment();
    assert_eq!(scene.shows(ann), ["ServerBack", "Posted"]);
    let server = scene.world.server_address();
    assert_eq!(
        scene.sent(scene.address(ann), server, before).first(),
        Some(&0)
    );
}
