//! Keys of closed sessions are not in the memory of a running client, nor files open to others.

use std::fs;
use std::path::Path;

use chatapp_e2e::{BYE, Home, Memory, Process, Room, TABLE, WELCOME, received_by};

fn path(path: &Path) -> &str {
    path.to_str().expect("a sane name")
}

/// Returns the keys of sessions in a key log: two for each session.
fn session_keys(log: &Path) -> Vec<Vec<u8>> {
    let log = fs::read_to_string(log).expect("a key log");
    let lines = log.lines().filter_map(|line| line.strip_prefix("SESSION "));
    let digits = lines.filter_map(|line| line.split(' ').nth(1));
    let byte = |pair: &[u8]| {
        let pair = str::from_utf8(pair).expect("digits");
        u8::from_str_radix(pair, 16).expect("digits")
    };
    digits
        .map(|digits| digits.as_bytes().chunks(2).map(byte).collect())
        .collect()
}

fn held(memory: &Memory, keys: &[Vec<u8>]) -> usize {
    keys.iter().filter(|key| memory.holds(key)).count()
}

fn join(name: &str, port: u16, options: &[&str]) -> Process {
    let port = port.to_string();
    let arguments = [&["-c", name, "127.0.0.1", &port, "0"], options].concat();
    let mut client = Process::start(&arguments);
    client.shows(WELCOME);
    client.shows(TABLE);
    client
}

/// The scanned client logs no keys: the logs of its peers have them.
#[test]
fn wipes_the_keys_of_closed_sessions() {
    let logs = Home::new();
    let [of_server, of_bob] = ["server.keys", "bob.keys"].map(|name| logs.path().join(name));
    let room = Room::open_with(&["--keylog", path(&of_server)]);
    let mut alice = join("alice", room.port, &[]);
    let with_server = session_keys(&of_server);
    let mut bob = join("bob", room.port, &["--keylog", path(&of_bob)]);
    alice.shows(TABLE);
    alice.types("send bob hi");
    bob.shows("alice: hi");
    alice.shows(&received_by("bob"));
    let mut keys = session_keys(&of_bob);
    let with_bob_alone = |key: &Vec<u8>| !session_keys(&of_server).contains(key);
    keys.retain(with_bob_alone);
    keys.extend(with_server);
    assert_eq!(keys.len(), 4, "two sessions, two directions");
    let Some(memory) = Memory::of(&alice) else {
        return;
    };
    assert_eq!(held(&memory, &keys), 4, "the sessions are open");

    alice.types("dereg alice");
    alice.shows(BYE);
    alice.types("reg alice");
    alice.shows(TABLE);
    let later = session_keys(&of_server);
    let later = &later[later.len() - 2..];
    let memory = Memory::of(&alice).expect("it worked before");
    assert_eq!(held(&memory, &keys), 0, "the sessions are closed");
    assert_eq!(held(&memory, later), 2, "another session is open");
}

#[cfg(unix)]
#[test]
fn writes_captures_and_key_logs_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let [capture, keys] = ["room.pcap", "room.keys"].map(|name| home.path().join(name));
    fs::write(&capture, "an older file").expect("a file");
    fs::set_permissions(&capture, fs::Permissions::from_mode(0o644)).expect("an own file");
    let options = ["--pcap", path(&capture), "--keylog", path(&keys)];
    let _room = Room::open_with(&options);
    for file in [capture, keys] {
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[cfg(unix)]
#[test]
fn refuses_a_room_key_that_others_can_access() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let key = home.path().join("room.key");
    let made = Process::start(&["keys", "new-room", path(&key)]).ends();
    assert_eq!(made, 0);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o666)).expect("an own file");
    let mut client = Process::start(&[
        "-c",
        "bob",
        "127.0.0.1",
        "4119",
        "0",
        "--room-key",
        path(&key),
    ]);
    assert_eq!(client.ends(), 2, "{client}");
    assert!(client.log().join("\n").contains("chmod 600"), "{client}");
}
