//! Channel messages from before a name was new in the room.

use chatapp_e2e::{Home, KEPT, POSTED, Room, TABLE, WELCOME, free_port, is_stamped};
use tempfile::TempDir;

/// Starts a client of this name, and checks that it shows these earlier messages of alice only.
fn shows_earlier(room: &Room, name: &str, texts: &[&str]) {
    let mut client = Room::start_client(room.address(), name, 0);
    client.shows(WELCOME);
    if !texts.is_empty() {
        client.shows(KEPT);
    }
    for text in texts {
        client.shows_where(text, |line| is_stamped(line, "Channel_Message alice", text));
    }
    client.shows(TABLE);
    client.types("send_all last");
    client.shows(POSTED);
    client.leaves();
    let earlier = client.lines();
    let earlier = earlier.iter().filter(|line| line.contains("alice: "));
    assert_eq!(earlier.count(), texts.len(), "{:?}", client.lines());
}

fn open(folder: &TempDir, port: u16, recent: &str) -> Room {
    let path = folder.path().to_str().expect("a sane name");
    Room::open_at(port, &["--data-dir", path, "--recent", recent])
}

#[test]
fn shows_new_names_the_last_messages_also_after_a_restart() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let mut room = open(&folder, free_port(), "3");
    let mut alice = room.join("alice");
    for text in ["one", "two", "three", "four"] {
        alice.types(&format!("send_all {text}"));
        alice.shows(POSTED);
    }
    shows_earlier(&room, "bob", &["two", "three", "four"]);
    // The last three are those of alice and bob now.
    room.server.is_killed();
    let mut room = open(&folder, room.port, "3");
    shows_earlier(&room, "carol", &["three", "four"]);
    room.server.is_killed();
    let room = open(&folder, room.port, "0");
    shows_earlier(&room, "dave", &[]);
    // A name that was away gets all that it missed, and nothing twice.
    let mut bob = room.start_from(&Home::of("bob"), "bob", &["--json"]);
    bob.shows_where("carol's message", |line| {
        line.contains(r#""from":"carol""#) && !line.contains(r#""kept_at":null"#)
    });
    bob.leaves();
    assert!(!bob.lines().iter().any(|line| line.contains("alice")));
    alice.leaves();
}
