//! Calls between clients: floods from elsewhere, and others at whom a client is aimed.

use std::net::SocketAddr;

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Datagram, Hello};
use chatapp_simulator::client_process::Ask;
use chatapp_simulator::keys::Holder;
use chatapp_simulator::model::ProcessId;
use chatapp_simulator::scene::Scene;

use crate::{ANN, BOB, CLEO, COOKIE, PEER_HELLO, attacker, kinds, public, stranger};

/// Builds a call to bob that only bob can tell from a right one.
fn junk(id: u64, to_incarnation: u64) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let hello = Hello::Peer { to_incarnation };
    let (bob, ephemeral) = (public(Holder::Name(BOB)), [5; KEY_LEN]);
    let len = hello.emit(id, &attacker(), &bob, &ephemeral, &[1; 40], &mut out);
    out[..len].to_vec()
}

/// A room of three, in which ann has called bob. Returns the incarnation of bob's process.
fn room() -> (Scene, [ProcessId; 3], u64) {
    let mut scene = Scene::new(3);
    let all = [ANN, BOB, CLEO].map(|name| scene.join(name));
    scene.moment();
    scene.send(all[ANN], BOB, "hello");
    scene.moment();
    all.iter().for_each(|process| drop(scene.shows(*process)));
    let calls = kinds(&scene.overheard(), PEER_HELLO);
    let call = calls.iter().find(|call| call.to == scene.address(all[BOB]));
    let incarnation = call.unwrap().bytes[10..18].try_into().unwrap();
    (scene, all, u64::from_le_bytes(incarnation))
}

/// Sends 1,000 junk calls a second to bob for two seconds; meanwhile cleo sends bob a message.
fn flood(scene: &mut Scene, all: [ProcessId; 3], incarnation: u64, from: SocketAddr) {
    let bob = scene.address(all[BOB]);
    for number in 0..2_000 {
        if number == 1_000 {
            scene.send(all[CLEO], BOB, "through the flood");
        }
        scene.forge(from, bob, &junk(100 + number, incarnation));
        scene.pass(1);
    }
    let shown = scene.shows(all[CLEO]);
    assert_eq!(shown, ["Delivered bob"], "it did not go directly");
    assert_eq!(scene.shows(all[BOB]), ["cleo: through the flood"]);
}

#[test]
fn sends_directly_beside_junk_from_elsewhere() {
    let (mut scene, all, incarnation) = room();
    flood(&mut scene, all, incarnation, stranger(1));
    let sent = scene.overheard();
    assert!(sent.iter().all(|datagram| datagram.to != stranger(1)));
}

#[test]
fn sends_directly_beside_junk_from_a_member() {
    let (mut scene, all, incarnation) = room();
    let ann = scene.address(all[ANN]);
    flood(&mut scene, all, incarnation, ann);
}

/// Even if the junk seems to come from the caller itself.
#[test]
fn sends_directly_beside_junk_from_the_own_address() {
    let (mut scene, all, incarnation) = room();
    let cleo = scene.address(all[CLEO]);
    flood(&mut scene, all, incarnation, cleo);
    let cookies = kinds(&scene.overheard(), COOKIE);
    let from_bob = |it: &&chatapp_simulator::medium::Captured| {
        it.from == scene.address(all[BOB]) && it.to == cleo
    };
    assert!(cookies.iter().filter(from_bob).count() > 1_000);
    assert!(matches!(
        Datagram::parse(&attacker(), &cookies.iter().rfind(from_bob).unwrap().bytes),
        Ok(Datagram::Cookie { key: None, .. })
    ));
    // Without the flood, no cookie is needed.
    scene.pass(10_000);
    scene.ask(all[CLEO], Ask::Deregister);
    scene.moment();
    scene.ask(all[CLEO], Ask::Register);
    scene.moment();
    scene.shows(all[CLEO]);
    scene.send(all[CLEO], BOB, "later");
    scene.moment();
    assert_eq!(scene.shows(all[CLEO]), ["Delivered bob"]);
}
