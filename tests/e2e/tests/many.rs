//! Heavy load: all messages arrive, in order, once, and every command ends with exactly one final
//! line.

use chatapp_e2e::{POSTED, Process, Relay, Room, SAVED, Weather, received_by};

fn pipes_numbers(client: &mut Process, command: &str, count: usize) {
    client.is_piped(
        (1..=count)
            .map(|number| format!("{command} line {number}\n"))
            .collect::<String>(),
    );
}

/// Checks, after its end, that `client` has shown all messages from this sender.
fn assert_showed_all_in_order(client: &mut Process, prefix: &str, count: usize) {
    client.closes_input();
    assert_eq!(client.ends(), 0);
    let expected: Vec<String> = (1..=count)
        .map(|number| format!("{prefix}: line {number}"))
        .collect();
    let shown: Vec<String> = client
        .lines()
        .into_iter()
        .filter(|line| line.starts_with(prefix))
        .collect();
    let wrong = expected
        .iter()
        .zip(&shown)
        .find(|(expected, shown)| expected != shown);
    assert_eq!(
        wrong, None,
        "the first message that is missing or out of order"
    );
    assert_eq!(shown.len(), expected.len());
}

#[test]
fn delivers_two_thousand_lines_in_order() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    pipes_numbers(&mut alice, "send bob", 2_000);
    assert_eq!(alice.ends(), 0);
    assert_eq!(alice.count(&received_by("bob")), 2_000);
    assert!(
        !alice.lines().iter().any(|line| line.starts_with("[No ACK")),
        "nothing had to go through the server"
    );
    bob.shows("alice: line 2000");
    assert_showed_all_in_order(&mut bob, "alice", 2_000);
}

#[test]
fn delivers_two_thousand_lines_both_ways() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    for (client, other) in [(&mut alice, "bob"), (&mut bob, "alice")] {
        for number in 1..=2_000 {
            client.types(&format!("send {other} line {number}"));
        }
    }
    for (client, other) in [(&mut alice, "bob"), (&mut bob, "alice")] {
        client.shows_all(&[format!("{other}: line 2000"), received_by(other)]);
    }
    for (client, other) in [(&mut alice, "bob"), (&mut bob, "alice")] {
        assert_showed_all_in_order(client, other, 2_000);
    }
}

#[test]
fn delivers_three_hundred_channel_messages() {
    let room = Room::open();
    let [mut alice, mut bob, mut carol, mut dave] =
        room.join_all(["alice", "bob", "carol", "dave"]);
    pipes_numbers(&mut alice, "send_all", 300);
    assert_eq!(alice.ends(), 0);
    assert_eq!(alice.count(POSTED), 300);
    for client in [&mut bob, &mut carol, &mut dave] {
        client.shows("Channel_Message alice: line 300");
        assert_showed_all_in_order(client, "Channel_Message alice", 300);
    }
}

#[test]
fn delivers_in_order_over_a_lossy_path() {
    let room = Room::open();
    let weather = Weather {
        loss_percent: 10,
        duplicate_percent: 10,
        delay_ms_max: 20,
    };
    let relay = Relay::before(room.address(), weather);
    let join = |name| Room::join_at(relay.address(), name, 0);
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(join);
    pipes_numbers(&mut alice, "send bob", 300);
    pipes_numbers(&mut carol, "send_all", 100);
    assert_eq!(alice.ends(), 0);
    assert_eq!(carol.ends(), 0);
    // Each message ends with one of these two lines, whatever its path.
    let settled = alice.count(&received_by("bob")) + alice.count(SAVED);
    assert_eq!(settled, 300);
    assert_eq!(carol.count(POSTED), 100);
    bob.shows_all(&["alice: line 300", "Channel_Message carol: line 100"]);
    assert_showed_all_in_order(&mut bob, "alice", 300);
    assert_showed_all_in_order(&mut bob, "Channel_Message carol", 100);
}

#[test]
fn acknowledges_nothing_beyond_a_blocked_display() {
    // Alice may fill bob's mailbox.
    let room = Room::open_with(&["--mail-share", "100"]);
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    // More than the buffers of bob's program and the pipe after it.
    let text = |number: usize| format!("{number:03} {}", "x".repeat(996));
    bob.is_watched(false);
    alice.is_piped(
        (0..400)
            .map(|number| format!("send bob {}\n", text(number)))
            .collect::<String>(),
    );
    assert_eq!(alice.ends(), 0);
    let received = alice.count(&received_by("bob"));
    assert!((1..400).contains(&received), "{received} were acknowledged");
    assert_eq!(
        received + alice.count(SAVED),
        400,
        "some commands have no final line"
    );
    bob.is_watched(true);
    for number in 0..400 {
        bob.shows(&format!("alice: {}", text(number)));
    }
    bob.closes_input();
    assert_eq!(bob.ends(), 0);
    let shown = bob
        .lines()
        .iter()
        .filter(|line| line.starts_with("alice: "))
        .count();
    assert_eq!(shown, 400);
}
