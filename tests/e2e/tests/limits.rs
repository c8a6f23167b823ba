//! Capacities of a server, rate limits per address, and their counters.

use chatapp_e2e::{Room, SAVED, TABLE, WELCOME, received_by};

#[test]
fn prints_the_capacities_of_a_server() {
    let mut room = Room::open_with(&["--names", "3", "--requests", "0"]);
    room.server.shows(
        "Limits: 3 names (4 for each key, 1024 for each address), 100000 stored messages (1000 for \
         each name, 20 % of them for each sender), 65536 channel messages (20 % for each sender). \
         Per second, each address has 10 registrations, unlimited requests and 512 KiB of text.",
    );
}

#[test]
fn refuses_new_names_in_a_full_room() {
    let room = Room::open_with(&["--names", "2"]);
    let [mut alice, _bob] = room.join_all(["alice", "bob"]);
    let mut carol = Room::start_client(room.address(), "carol", 0);
    carol.shows("[There is no room for another name. Use one of yours, or ask the operator.]");
    assert_eq!(carol.ends(), 4);
    alice.types("send bob hi");
    alice.shows(&received_by("bob"));
}

#[test]
fn reports_a_full_mailbox_with_limits() {
    let room = Room::open_with(&["--mailbox", "2", "--mail-share", "100"]);
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    bob.types("dereg bob");
    alice.shows(TABLE);
    for (text, line) in [
        ("one", SAVED),
        ("two", SAVED),
        (
            "three",
            "[Mailbox of bob is full; the message was not saved.]",
        ),
    ] {
        alice.types(&format!("send bob {text}"));
        alice.shows(line);
    }
}

#[test]
fn looks_up_names_beyond_a_small_table() {
    let room = Room::open();
    let mut others = room.join_all(["alice", "bob", "carol", "dave"]);
    let port = room.port.to_string();
    let arguments = ["-c", "erin", "127.0.0.1", &port, "0", "--peers", "2"];
    let mut erin = chatapp_e2e::Process::start(&arguments);
    erin.shows(WELCOME);
    for (name, other) in ["alice", "bob", "carol", "dave"].iter().zip(&mut others) {
        erin.types(&format!("send {name} hello"));
        erin.shows(&received_by(name));
        other.shows("erin: hello");
        other.types("send erin and to you");
        erin.shows(&format!("{name}: and to you"));
    }
}

#[test]
fn delays_requests_over_the_rate_limit() {
    let room = Room::open_with(&["--requests", "20"]);
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    // 80 at once, and then 20 a second.
    let lines: String = (0..100).map(|i| format!("send_all {i}\n")).collect();
    alice.is_piped(lines);
    for i in 0..100 {
        bob.shows(&format!("Channel_Message alice: {i}"));
    }
    alice.shows("[The server limits your rate; pending commands continue later.]");
}

#[test]
#[cfg(unix)]
fn shows_counters_on_request_and_on_a_signal() {
    use rustix::process::Signal;

    let mut room = Room::open();
    let [mut alice, _bob] = room.join_all(["alice", "bob"]);
    alice.types("send_all hi");
    alice.shows("[Message received by Server.]");
    room.server.types("stats");
    for words in [
        "clients: 2 online; names: 2 of 16384",
        "stored: 0 of 100000 messages (at most 1000 for each name), \
         1 of 65536 channel messages",
        "; frames: store 2, post 1",
        "given up: 0",
        "dropped: no-cookie 2",
    ] {
        room.server.logs(words);
    }
    room.server.is_sent(Signal::USR1);
    room.server.logs("clients: 2 online");
    room.server.types("dance");
    room.server
        .logs("The commands of a server are who, bans, kick, ban, unban, mute, unmute,");
    room.server.types("quit");
    assert_eq!(room.server.ends(), 0);
}
