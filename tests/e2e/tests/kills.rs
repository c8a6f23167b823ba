//! Kills the server again and again under load: each message that was reported saved or posted is
//! delivered, once, in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chatapp_e2e::{BYE, POSTED, Process, Room, SAVED, SILENT, free_port};
use tempfile::TempDir;

const SEED: u64 = 5;
/// Offline names whose messages are stored; a mailbox has room for 1,000.
const AWAY: [&str; 12] = [
    "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11",
];

#[test]
fn delivers_across_twenty_kills() {
    survives(20);
}

#[test]
#[ignore = "takes minutes"]
fn delivers_across_two_hundred_kills() {
    survives(200);
}

fn survives(kills: usize) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let mut room = Room::open_in(folder.path(), free_port());
    let [mut alice, mut bob, mut carol] = room.join_all(["alice", "bob", "carol"]);
    let mut away: Vec<Process> = AWAY.iter().map(|name| room.join(name)).collect();
    for (client, name) in away.iter_mut().zip(AWAY) {
        client.types(&format!("dereg {name}"));
        client.shows(BYE);
    }

    let stop = AtomicBool::new(false);
    let (saved, posted) = std::thread::scope(|scope| {
        let stop = Stop(&stop);
        let sender = scope.spawn(|| sends(&mut alice, stop.0));
        let poster = scope.spawn(|| posts(&mut bob, stop.0));
        let mut random = fastrand::Rng::with_seed(SEED);
        for _ in 0..kills {
            std::thread::sleep(Duration::from_millis(random.u64(0..250)));
            room.server.is_killed();
            room = Room::open_in(folder.path(), room.port);
        }
        std::thread::sleep(Duration::from_millis(200));
        stop.now();
        (
            sender.join().expect("the thread of alice does not panic"),
            poster.join().expect("the thread of bob does not panic"),
        )
    });
    println!(
        "{} saved, {} posted, {kills} kills",
        saved.len(),
        posted.len()
    );
    assert!(
        saved.len() > kills && posted.len() > kills,
        "there was load"
    );

    for (place, (client, name)) in away.iter_mut().zip(AWAY).enumerate() {
        client.types(&format!("reg {name}"));
        client.types(&format!("send {name} end"));
        client.shows(&format!("{name}: end"));
        let mine: Vec<usize> = saved
            .iter()
            .copied()
            .filter(|number| number % AWAY.len() == place)
            .collect();
        assert_arrived(&mine, &numbers(client, "alice: <"), name);
        assert_arrived(&posted, &numbers(client, "Channel_Message bob: <"), name);
    }
    bob.types("send_all 999999999");
    bob.shows(POSTED);
    for client in [&mut alice, &mut carol] {
        client.shows("Channel_Message bob: 999999999");
        let mut seen = numbers(client, "Channel_Message bob: ");
        assert_eq!(seen.pop(), Some(999_999_999));
        assert_arrived(&posted, &seen, "the online client");
    }
}

/// Stops the threads in any case: a scope waits for them even if a restart failed.
struct Stop<'a>(&'a AtomicBool);

impl Stop<'_> {
    fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.now();
    }
}

/// Sends to the offline names, one message after the other; returns those that were reported saved.
fn sends(client: &mut Process, stop: &AtomicBool) -> Vec<usize> {
    let mut saved = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        client.types(&format!("send {} {number}", AWAY[number % AWAY.len()]));
        let line = client.shows_where("a final line", |line| {
            line == SAVED || line.ends_with("not saved.]") || line.ends_with("not delivered.]")
        });
        if line == SAVED {
            saved.push(number);
        }
    }
    saved
}

/// Posts one message after the other; returns those that were reported received by the server.
fn posts(client: &mut Process, stop: &AtomicBool) -> Vec<usize> {
    let mut posted = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        client.types(&format!("send_all {number}"));
        let line = client.shows_where("a final line", |line| {
            line == POSTED || line == SILENT || line.ends_with("not sent.]")
        });
        if line == POSTED {
            posted.push(number);
        }
    }
    posted
}

/// Returns the numbers after this prefix, with or without a time, in the order in which they were
/// shown.
fn numbers(client: &Process, prefix: &str) -> Vec<usize> {
    let lines = client.lines();
    let texts = lines.iter().filter_map(|line| line.strip_prefix(prefix));
    let texts = texts.map(|text| text.rsplit("> ").next().unwrap_or(text));
    texts.filter_map(|text| text.parse().ok()).collect()
}

/// Checks that all promised messages were shown, in order, and none twice.
fn assert_arrived(promised: &[usize], seen: &[usize], name: &str) {
    let disorder = seen.windows(2).find(|pair| pair[0] >= pair[1]);
    assert_eq!(
        disorder, None,
        "{name} showed a message twice or out of order"
    );
    let missing = promised.iter().find(|number| !seen.contains(number));
    assert_eq!(missing, None, "{name} did not show a promised message");
}
