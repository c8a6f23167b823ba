//! A million first datagrams, forged and recorded: nobody can tell afterwards whether there were
//! any.

use std::net::SocketAddr;

use chatapp_core::RateLimit;
use chatapp_simulator::client_process::Ask;
use chatapp_simulator::plan::Plan;
use chatapp_simulator::record::Stored;
use chatapp_simulator::scene::Scene;

use crate::forged::Forged;
use crate::{ANN, BOB, CLEO, COOKIE_LIFE, converse, cookie_for, stranger};

/// How many there are.
const FLOOD: u32 = 1_000_000;

/// They come in so many parts, a second apart: a cookie that is good at the beginning is good at
/// the end.
const PARTS: u32 = 100;

/// Registers when all have come.
const DAVE: usize = 3;

#[test]
fn a_million_first_datagrams_leave_the_server_as_it_was() {
    let (flooded, quiet) = (story(FLOOD), story(0));
    let mut pairs = flooded.said.iter().zip(&quiet.said);
    let differs = pairs.position(|(one, other)| one != other);
    assert_eq!(differs, None, "the first datagram that is different");
    assert_eq!(flooded, quiet);
}

/// The view from outside on a room in which people chat.
#[derive(Debug, PartialEq)]
struct Story {
    /// The sent datagrams: time, source, destination.
    said: Vec<(u64, SocketAddr, SocketAddr, Vec<u8>)>,
    shown: Vec<Vec<String>>,
    stored: Vec<Stored>,
}

/// People chat while so many datagrams come; then a new client registers, and the server starts
/// again.
fn story(flood: u32) -> Story {
    let mut plan = Plan::quiet(4);
    // Requests from a forged address count against its owner, who registers later.
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
    // Recorded while its cookie is good.
    let cleo = scene.join(CLEO);
    let of_another = cookie_for(&mut scene, stranger(1));
    // The same address at another port is another one.
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
    let said = scene.overheard().into_iter();
    Story {
        said: said.map(|it| (it.at, it.from, it.to, it.bytes)).collect(),
        shown: shown.to_vec(),
        stored: scene.world.journal.records().to_vec(),
    }
}
