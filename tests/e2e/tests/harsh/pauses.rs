//! Processes that pause, as on a laptop that sleeps, and a server that loses its state.

use std::time::{Duration, Instant};

use chatapp_e2e::{POSTED, Process, Room, SAVED, SILENT, WELCOME, received_by};

use crate::talk::{assert_showed_all, finds_the_direct_path, numbers, shows_line, types_lines};

/// Lines of each kind that are in flight when a process stops, and that others send meanwhile.
const LINES: usize = 40;

#[test]
fn loses_nothing_while_a_client_pauses_1_s() {
    let room = pause_client(Duration::from_secs(1));
    assert!(!has_expelled(&room, "bob"), "{}", room.server);
}

#[test]
#[ignore = "takes 30 s"]
fn reconnects_after_a_client_pauses_10_s() {
    let room = pause_client(Duration::from_secs(10));
    assert!(has_expelled(&room, "bob"), "{}", room.server);
}

#[test]
#[ignore = "takes 2 min"]
fn reconnects_after_a_client_pauses_2_min() {
    let room = pause_client(Duration::from_secs(120));
    assert!(has_expelled(&room, "bob"), "{}", room.server);
}

/// Stops Bob's process in the middle of messages from and to Bob.
fn pause_client(pause: Duration) -> Room {
    let mut room = Room::open();
    let [mut alice, mut bob, mut carol] = room.join_all(["alice", "bob", "carol"]);
    types_lines(&mut alice, "send bob", LINES / 2);
    types_lines(&mut bob, "send alice", LINES);
    types_lines(&mut bob, "send_all", LINES);
    shows_line(&mut alice, "bob", 1);
    bob.stands_still();
    let stopped_at = Instant::now();
    for number in LINES / 2 + 1..=LINES {
        alice.types(&format!("send bob line {number}"));
    }
    types_lines(&mut carol, "send_all", LINES);
    types_lines(&mut carol, "send bob", LINES);
    types_lines(&mut carol, "send alice", LINES);
    shows_line(&mut alice, "carol", LINES);
    std::thread::sleep(pause.saturating_sub(stopped_at.elapsed()));
    bob.goes_on();

    for (client, senders) in [
        (
            &mut alice,
            &[
                "bob",
                "Channel_Message bob",
                "carol",
                "Channel_Message carol",
            ][..],
        ),
        (&mut bob, &["alice", "carol", "Channel_Message carol"]),
        (&mut carol, &["Channel_Message bob"]),
    ] {
        for sender in senders {
            shows_line(client, sender, LINES);
            assert_showed_all(client, sender, LINES);
        }
    }
    settles(&mut alice, &[&received_by("bob"), SAVED], LINES);
    settles(&mut bob, &[&received_by("alice"), SAVED], LINES);
    settles(
        &mut carol,
        &[&received_by("alice"), &received_by("bob"), SAVED],
        2 * LINES,
    );
    for client in [&mut bob, &mut carol] {
        settles(client, &[POSTED], LINES);
    }
    finds_the_direct_path(&mut alice, "bob");
    finds_the_direct_path(&mut bob, "alice");
    assert_all_online(&mut room, 3);
    room
}

#[test]
fn loses_nothing_while_the_server_pauses_1_s() {
    let (room, [_, bob]) = pause_server(Duration::from_secs(1));
    assert_eq!(bob.count(POSTED), LINES + 1, "{bob}");
    assert!(!has_expelled(&room, "bob"), "{}", room.server);
}

#[test]
#[ignore = "takes 40 s"]
fn reconnects_after_the_server_pauses_10_s() {
    pause_server(Duration::from_secs(10));
}

#[test]
#[ignore = "takes 2 min"]
fn reconnects_after_the_server_pauses_2_min() {
    pause_server(Duration::from_secs(120));
}

/// Stops the server while Bob sends to the channel; direct chat continues.
fn pause_server(pause: Duration) -> (Room, [Process; 2]) {
    let mut room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    types_lines(&mut bob, "send_all", LINES / 2);
    shows_line(&mut alice, "Channel_Message bob", 1);
    room.server.stands_still();
    let stopped_at = Instant::now();
    for number in LINES / 2 + 1..=LINES {
        bob.types(&format!("send_all line {number}"));
    }
    types_lines(&mut alice, "send bob", LINES);
    types_lines(&mut bob, "send alice", LINES);
    for (client, other) in [(&mut alice, "bob"), (&mut bob, "alice")] {
        shows_line(client, other, LINES);
        assert_showed_all(client, other, LINES);
    }
    std::thread::sleep(pause.saturating_sub(stopped_at.elapsed()));
    room.server.goes_on();

    // Bob's client settled each line, and Alice's client showed those that reached the server, in
    // order.
    let finals = [POSTED, SILENT];
    alice.types("send_all line 1");
    settles(&mut alice, &finals, 1);
    settles(&mut bob, &finals, LINES);
    bob.types("send_all line 1000");
    settles(&mut bob, &finals, LINES + 1);
    shows_line(&mut alice, "Channel_Message bob", 1_000);
    shows_line(&mut bob, "Channel_Message alice", 1);
    let received = numbers(&alice, "Channel_Message bob");
    assert!(received.is_sorted_by(|a, b| a < b), "{received:?}");
    assert!(received.len() >= bob.count(POSTED), "{alice}{bob}");
    settles(&mut alice, &[&received_by("bob")], LINES);
    settles(&mut bob, &[&received_by("alice")], LINES);
    assert_all_online(&mut room, 2);
    (room, [alice, bob])
}

#[test]
#[ignore = "takes 30 s"]
fn reconnects_after_the_server_lost_its_state() {
    let mut room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    let port = room.port.to_string();
    let small = ["-c", "carol", "127.0.0.1", &port, "0", "--peers", "1"];
    let mut carol = Process::start(&small);
    carol.shows(WELCOME);
    room.server.is_killed();
    let mut room = Room::open_at(room.port, &[]);
    let since = Instant::now();
    while room
        .server
        .log()
        .iter()
        .filter(|line| line.contains(" registered from "))
        .count()
        < 3
    {
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "{}{alice}{bob}{carol}",
            room.server
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    for (client, command, settled) in [
        (&mut alice, "send bob", received_by("bob")),
        (&mut bob, "send_all", POSTED.to_owned()),
        (&mut carol, "send alice", received_by("alice")),
    ] {
        client.types(&format!("{command} line 1"));
        client.shows(&settled);
    }
    shows_line(&mut bob, "alice", 1);
    shows_line(&mut carol, "Channel_Message bob", 1);
    shows_line(&mut alice, "carol", 1);
    assert_all_online(&mut room, 3);
}

/// Waits until this many commands have ended with one of these lines.
fn settles(client: &mut Process, finals: &[&str], count: usize) {
    let settled = |client: &Process| finals.iter().map(|line| client.count(line)).sum::<usize>();
    while settled(client) < count {
        client.shows_where("a final line", |line| finals.contains(&line));
    }
    assert_eq!(settled(client), count, "{client}");
}

fn assert_all_online(room: &mut Room, count: usize) {
    room.server.types("stats");
    room.server.logs(&format!("clients: {count} online"));
}

/// Returns whether the server has declared a client offline.
fn has_expelled(room: &Room, name: &str) -> bool {
    let departure = format!("{name} departed");
    room.server
        .log()
        .iter()
        .any(|line| line.contains(&departure))
}
