//! Attacks that must fail, step by step: the guarantees of `core/SECURITY.md`, with their numbers.
//!
//! In all rooms of the simulator, the model and the wiretap check more. No client shows a message
//! that was not sent, no key encrypts twice under one nonce, and no stranger gets more than it
//! sent.

mod calls;
mod changes;
mod first_datagrams;
mod forged;
mod medium_keys;
mod names;
mod quotas;
mod stored_messages;
mod strangers;
mod successors;

use std::net::SocketAddr;

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Cookie, Datagram, Hello};
use chatapp_core::{Identity, PublicKey, StaticKey};
use chatapp_simulator::client_process::Ask;
use chatapp_simulator::keys::Holder;
use chatapp_simulator::medium::Captured;
use chatapp_simulator::model::{NameId, ProcessId};
use chatapp_simulator::plan::Plan;
use chatapp_simulator::scene::Scene;

const ANN: NameId = 0;
const BOB: NameId = 1;
const CLEO: NameId = 2;

/// Kinds of datagrams, the second byte.
const COOKIE_REQUEST: u8 = 1;
const COOKIE: u8 = 2;
const CLIENT_HELLO: u8 = 3;
const PEER_HELLO: u8 = 4;
const ACCEPT: u8 = 5;
const DATA: u8 = 8;

/// The lifetime of a cookie, in ms.
const COOKIE_LIFE: u64 = 120_000;

fn attacker() -> Identity {
    Identity::new(StaticKey::new([66; KEY_LEN]), None)
}

fn public(holder: Holder) -> PublicKey {
    let keys = Plan::quiet(0).keys;
    keys.identity(holder).public()
}

fn stranger(number: u32) -> SocketAddr {
    let [_, a, b, c] = number.to_be_bytes();
    ([10, 66 + (a & 1), b, c], 6_000).into()
}

fn plain(datagram: &Datagram<'_>) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(&attacker(), &mut out);
    out[..len].to_vec()
}

/// Builds a ClientHello under the attacker's key.
fn hello(id: u64, cookie: Cookie, ephemeral: [u8; KEY_LEN]) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let hello = Hello::Client(cookie);
    let server = public(Holder::Server);
    let len = hello.emit(id, &attacker(), &server, &ephemeral, &[1; 90], &mut out);
    out[..len].to_vec()
}

/// Returns the cookie that the server gives to this address.
fn cookie_for(scene: &mut Scene, here: SocketAddr) -> Cookie {
    let server = scene.world.server_address();
    let request = plain(&Datagram::CookieRequest { id: 7 });
    scene.forge(here, server, &request);
    scene.pass(1);
    let sent = scene.overheard();
    let answer = sent.iter().rfind(|datagram| datagram.to == here).unwrap();
    match Datagram::parse(&attacker(), &answer.bytes) {
        Ok(Datagram::Cookie { cookie, .. }) => cookie,
        _ => panic!("{answer:?}"),
    }
}

fn kinds(datagrams: &[Captured], kind: u8) -> Vec<Captured> {
    let mut found = datagrams.to_vec();
    found.retain(|datagram| datagram.bytes[1] == kind);
    found
}

/// Creates a room in which ann and bob have sent messages: directly, to all, and while one of them
/// was offline.
fn after_a_conversation() -> (Scene, ProcessId, ProcessId) {
    let mut scene = Scene::new(3);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.moment();
    converse(&mut scene, ann, bob);
    (scene, ann, bob)
}

fn converse(scene: &mut Scene, ann: ProcessId, bob: ProcessId) {
    scene.send(ann, BOB, "hello");
    scene.moment();
    scene.send(bob, ANN, "hello, too");
    scene.post(ann, "to all");
    scene.moment();
    scene.ask(bob, Ask::Deregister);
    scene.moment();
    scene.send(ann, BOB, "for later");
    scene.moment();
    scene.ask(bob, Ask::Register);
    scene.moment();
    for process in [ann, bob] {
        assert!(!scene.shows(process).is_empty());
    }
}
