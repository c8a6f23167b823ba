//! A million first datagrams, forged and recorded, leave no trace in the server.

use std::net::SocketAddr;

use chatapp_core::RateLimit;
use chatapp_simulator::client_process::Ask;
use chatapp_simulator::plan::Plan;
use chatapp_simulator::record::Stored;
use chatapp_simulator::scene::Scene;

use crate::forged::Forged;
use crate::{ANN, BOB, CLEO, COOKIE_LIFE, converse, cookie_for, stranger};

/// Number of first datagrams.
const FLOOD: u32 = 1_000_000;

/// Number of parts, which arrive a second apart. A cookie that is valid at the start is valid at
/// the end.
const PARTS: u32 = 100;

/// A client that registers after all parts.
const DAVE: usize = 3;

#[test]
fn is_unchanged_by_a_million_first_datagrams() {
    let (flooded, quiet) = (story(FLOOD), story(0));
    let mut pairs = flooded.datagrams.iter().zip(&quiet.datagrams);
    let differs = pairs.position(|(one, other)| one != other);
    assert_eq!(differs, None, "the first datagram that is different");
    assert_eq!(flooded, quiet);
}

/// The visible events of a room in which clients chat.
#[derive(Debug, PartialEq)]
struct Story {
    /// The sent datagrams: time, source, destination.
    datagrams: Vec<(u64, SocketAddr, SocketAddr, Vec<u8>)>,
    shown: Vec<Vec<String>>,
    stored: Vec<Stored>,
}

/// Lets clients chat while so many datagrams arrive. Then a new client registers, and the server
/// restarts.
fn story(flood: u32) -> Story {
    let mut plan = Plan::quiet(4);
    // Requests from a forged address use up the quota of its owner, which registers later.
    plan.sizes.rates.registrations = RateLimit {
        per_second: 1,
        burst: 4,
    };
    let mut scene = Scene::of(&plan);
    let (ann, bob) = (scene.join(ANN), scene.join(BOB));
    scene.moment();
    converse(&mut scene, ann, bob);
    let here = stranger(0);
    let of_earlier_life = cookie_for(&mut scene, here);
    scene.restart_server();
    let outdated = cookie_for(&mut scene, here);
    scene.pass(COOKIE_LIFE + 1);
    // Cleo's request is recorded while its cookie is valid.
    let cleo = scene.join(CLEO);
    let of_another = cookie_for(&mut scene, stranger(1));
    // The same host at another port is another address.
    let next_door = SocketAddr::new(stranger(1).ip(), stranger(1).port() + 1);
    let dave = scene.world.start_client(DAVE, None);
    let homes = [ann, bob, cleo, dave].map(|process| scene.address(process));

    let mut forged = Forged::default();
    forged.without_cookies(&homes);
    for cookie in [of_earlier_life, outdated] {
        forged.with_cookie(cookie, &[here]);
        forged.with_cookie(cookie, &homes);
    }
    forged.with_cookie(of_another, &[here, next_door]);
    forged.with_cookie(of_another, &homes);
    forged.with_invented_cookies(&homes);
    forged.recorded(&scene.overheard(), scene.world.server_address());

    for part in 0..PARTS {
        let share = flood / PARTS;
        forged.pour(&mut scene.world, part * share..(part + 1) * share);
        if part % 10 == 0 {
            converse(&mut scene, ann, bob);
        } else {
            scene.pass(1_000);
        }
    }
    scene.ask(dave, Ask::Register);
    scene.moment();
    converse(&mut scene, dave, bob);
    scene.restart_server();
    converse(&mut scene, ann, bob);
    scene.pass(30_000);
    let shown = [ann, bob, cleo, dave].map(|process| scene.shows(process));
    let overheard = scene.overheard().into_iter();
    Story {
        datagrams: overheard
            .map(|it| (it.at, it.from, it.to, it.bytes))
            .collect(),
        shown: shown.to_vec(),
        stored: scene.world.journal.records().to_vec(),
    }
}
