//! Attackers that squat names, fill mailboxes and the channel log beside friends.

use chatapp_core::crypto::{KEY_LEN, TAG_LEN};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Answer, ClientHello, DataWriter, Datagram, Header, Hello};
use chatapp_core::{Identity, StaticKey};
use chatapp_simulator::client_process::Ask;
use chatapp_simulator::keys::Holder;
use chatapp_simulator::plan::Plan;
use chatapp_simulator::scene::Scene;

use crate::{ANN, BOB, CLEO, cookie_for, public};

/// Number of names that the server has room for.
const NAMES: usize = 12;

fn room() -> Scene {
    let mut plan = Plan::quiet(5);
    // The store takes any name with any key.
    plan.sizes.names = NAMES;
    plan.sizes.mail_per_name = 10;
    plan.sizes.log = 20;
    let mut scene = Scene::of(&plan);
    scene.world.falsify(|_| {});
    scene
}

/// Registers a name with this key from an address of its own.
fn squats(scene: &mut Scene, number: u32, key: u8) {
    // Not an address that the wiretap takes for one without a process: the attacker listens there.
    let here = ([10, 70, 0, number as u8], 6_000).into();
    let server = scene.world.server_address();
    let cookie = cookie_for(scene, here);
    let identity = Identity::new(StaticKey::new([key; KEY_LEN]), None);
    let name = format!("squat{number}");
    let hello = ClientHello {
        incarnation: u64::from(number) + 1,
        table_epoch: 0,
        table_version: 0,
        epoch: 0,
        mail_shown: 0,
        channel_shown: 0,
        table_capacity: 64,
        session_sequence: 1,
        window: 32,
        reset: [0; TAG_LEN],
        name: &name,
    };
    let mut payload = [0; DATAGRAM_LEN_MAX];
    let payload = postcard::to_slice(&hello, &mut payload).unwrap();
    let (id, ephemeral) = (u64::from(number) + 100, [number as u8 + 1; KEY_LEN]);
    let mut out = [0; DATAGRAM_LEN_MAX];
    let server_key = public(Holder::Server);
    let hello = Hello::Client(cookie);
    let len = hello.emit(id, &identity, &server_key, &ephemeral, payload, &mut out);
    scene.forge(here, server, &out[..len]);
    scene.pass(1);
    let accepts = scene.overheard().into_iter().rev();
    let accept = accepts.take(5).find(|datagram| datagram.to == here);
    if let Some(Ok(Datagram::Accept { to, message })) = accept
        .as_ref()
        .map(|it| Datagram::parse(&identity, &it.bytes))
        && let Some((mut session, Answer::Accepted(accept))) =
            Hello::Client(cookie).complete(to, &identity, &server_key, &ephemeral, payload, message)
    {
        // The server lists a name once it was heard.
        let header = Header {
            window: 32,
            ..Header::default()
        };
        let writer = DataWriter::new(&mut out, accept.id, &header);
        let len = writer.finish(&identity, &mut session);
        scene.forge(here, server, &out[..len]);
        scene.pass(1);
    }
}

// ---- 13: fair shares ----

#[test]
fn leaves_room_for_names_beside_squatters() {
    let mut scene = room();
    // Many addresses, one key.
    for number in 0..10 {
        squats(&mut scene, number, 100);
    }
    assert_eq!(scene.world.squatted(), 4);
    let _ann = scene.join(ANN);
    // Many addresses, and a key for each: the room is full.
    for number in 10..20 {
        squats(&mut scene, number, 100 + 8 * (number as u8 - 9));
    }
    assert_eq!(scene.world.squatted(), NAMES - 1);
    // The server notices that nobody is there. Their names make room.
    scene.pass(5_000);
    for name in [BOB, CLEO] {
        let process = scene.start(name);
        scene.pass(1_500);
        assert!(scene.runs(process));
        assert!(scene.world.known_names().contains(&name));
    }
    assert_eq!(scene.world.squatted(), NAMES - 3);
}

#[test]
fn leaves_room_for_friends_beside_attackers() {
    let mut scene = room();
    let [ann, bob, cleo] = [ANN, BOB, CLEO].map(|name| scene.join(name));
    scene.moment();
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    let results = |scene: &mut Scene, process, wanted: &str| {
        let shown = scene.shows(process);
        shown.iter().filter(|line| line.starts_with(wanted)).count()
    };
    // Cleo fills bob's mailbox.
    for _ in 0..5 {
        scene.send(cleo, BOB, "spam");
        scene.pass(4_000);
    }
    assert_eq!(results(&mut scene, cleo, "Saved bob"), 2);
    scene.send(ann, BOB, "a friend");
    scene.pass(4_000);
    assert_eq!(results(&mut scene, ann, "Saved bob"), 1);
    // Then cleo fills the channel log.
    for number in 0..15 {
        scene.post(ann, &format!("news {number}"));
        scene.moment();
    }
    for _ in 0..20 {
        scene.post(cleo, "spam");
        scene.moment();
    }
    // Cleo gets as many entries as ann keeps, and two more.
    assert_eq!(results(&mut scene, cleo, "NotPosted"), 9);
    scene.ask(bob, Ask::Register);
    scene.pass(1_000);
    let shown = scene.shows(bob).join("\n");
    assert!(shown.contains("a friend"), "{shown}");
    for number in 6..15 {
        assert!(shown.contains(&format!("news {number}")), "{shown}");
    }
}
