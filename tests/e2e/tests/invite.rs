//! Invitations: one line takes a person into a room, without trust on first use.

use chatapp_e2e::{Home, Process, Room, WELCOME, free_port};
use chatapp_store::create_file;
use tempfile::tempdir;

/// Returns the line of an invitation that a program prints, and its exit code.
fn invite(home: &Home, arguments: &[&str]) -> (i32, String) {
    let (exit, printed) = Process::run(home, &[&["invite"], arguments].concat());
    let line = printed.lines().find(|line| line.starts_with("chatapp:"));
    (exit, line.unwrap_or_default().to_owned())
}

#[test]
fn takes_a_person_into_a_closed_room() {
    let folder = tempdir().unwrap();
    let key_file = folder.path().join("room.key");
    let key = key_file.to_str().unwrap();
    let operator = Home::of("operator");
    assert_eq!(Process::run(&operator, &["keys", "new-room", key]).0, 0);
    let port = free_port();
    let room = Room::open_at(port, &["--room-key", key]);
    let text = port.to_string();
    let host = ["127.0.0.1", &text];
    let (exit, _) = invite(&operator, &host);
    assert_eq!(exit, 2, "no key is known");
    let closed = [&host[..], &["--room-key", key]].concat();
    let (exit, line) = invite(room.server.home(), &closed);
    assert_eq!((exit, line.split(',').count()), (0, 4));
    // From the command line, and from a file.
    let file = folder.path().join("invitation.txt");
    create_file(&file, format!("{line}\n").as_bytes()).unwrap();
    let from_file = format!("@{}", file.display());
    let mut alice = Process::start_at(&Home::of("alice"), &["join", &line, "alice"]);
    alice.shows(WELCOME);
    let mut bob = Process::start_at(&Home::of("bob"), &["join", &from_file, "bob", "--json"]);
    bob.shows_where("the registration", |line| line.contains("\"registered\""));
    // A member invites others.
    let (exit, again) = invite(alice.home(), &closed);
    assert_eq!((exit, again), (0, line.clone()));
    alice.leaves();
    bob.leaves();
    // Another server has another key: nothing is sent to it.
    let other = Home::of("carol");
    let mut digits = line.rsplit(',');
    let (secret, server_key) = (digits.next().unwrap(), digits.next().unwrap());
    let forged = format!(
        "chatapp:127.0.0.1,{port},{},{secret}",
        "0".repeat(server_key.len())
    );
    let (exit, _) = Process::run(&other, &["join", &forged, "carol"]);
    assert_eq!(exit, 5);
}

#[test]
fn shows_an_invitation_as_a_code() {
    let room = Room::open();
    let port = room.port.to_string();
    let arguments = ["invite", "--qr", "127.0.0.1", &port];
    let (exit, printed) = Process::run(room.server.home(), &arguments);
    assert_eq!(exit, 0);
    let code: Vec<&str> = printed
        .lines()
        .filter(|line| line.contains(['\u{2580}', '\u{2584}', '\u{2588}']))
        .collect();
    assert!(code.len() > 15, "{printed}");
    let (exit, _) = Process::run(room.server.home(), &["join", "chatapp:host", "alice"]);
    assert_eq!(exit, 2);
}

#[cfg(unix)]
#[test]
fn refuses_room_key_that_others_can_access() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::of("alice");
    let file = home.path().join("invitation.txt");
    let from_file = format!("@{}", file.display());
    let key = "ab".repeat(32);
    let line = format!("chatapp:127.0.0.1,{},{key},{key}\n", free_port());
    create_file(&file, line.as_bytes()).unwrap();
    for mode in [0o640, 0o602] {
        set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let (exit, said) = Process::run(&home, &["join", &from_file, "alice"]);
        assert_eq!(exit, 2, "{said}");
        assert!(said.contains("chmod 600"), "{said}");
    }
    // Without a room key, it is no secret. No server is there.
    std::fs::write(&file, line.replace(&format!(",{key}\n"), "\n")).unwrap();
    assert_eq!(Process::run(&home, &["join", &from_file, "alice"]).0, 3);
}
