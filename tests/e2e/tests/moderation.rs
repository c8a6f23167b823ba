//! Orders of a real operator: one order ends what a squatter, a mailbox filler or a flooder does.
//! It holds after a restart, and a friend's messages arrive meanwhile.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chatapp_e2e::{
    BANNED, BYE, Home, POSTED, Process, Room, SAVED, TABLE, WELCOME, admin, free_port, key_of,
    orders,
};
use tempfile::TempDir;

const MUTED: &str = "[The operator of the server has muted you; the message was not sent.]";

/// Starts a client under a name with mallory's key.
fn squats(room: &Room, name: &str) -> Process {
    let home = Home::with_key_of(name, "mallory");
    let port = room.port.to_string();
    Process::start_at(&home, &["-c", name, "127.0.0.1", &port, "0"])
}

#[test]
fn ends_squatting_filling_and_flooding_with_one_order_each() {
    let folder = TempDir::new().expect("a folder");
    let room = Room::open_in(folder.path(), free_port());
    let [mut ann, mut bob, mut filler] = room.join_all(["ann", "bob", "filler"]);
    let mut squatters = ["one", "two"].map(|name| {
        let mut squatter = squats(&room, name);
        squatter.shows(WELCOME);
        squatter
    });
    bob.types("dereg bob");
    bob.shows(BYE);
    ann.types("send_all anybody there?");
    filler.types("send_all spam");
    filler.shows(POSTED);
    filler.types("send bob spam");
    filler.shows(SAVED);

    let who = orders(folder.path(), "who --json");
    let key = key_of(&who, "one");
    orders(folder.path(), &format!("ban key {key}"));
    for squatter in &mut squatters {
        squatter.shows(BANNED);
        assert_eq!(squatter.ends(), 4);
    }
    orders(folder.path(), "mute filler");
    filler.types("send_all spam");
    filler.shows(MUTED);
    filler.types("send bob spam");
    filler.shows(MUTED);
    ann.types("send bob see you at eight");
    ann.shows(SAVED);

    let mut room = reopened(room, folder.path());
    let mut again = squats(&room, "three");
    again.shows(BANNED);
    assert_eq!(again.ends(), 4);
    filler.types("send_all spam");
    filler.shows(MUTED);
    ann.types("send_all still here");
    filler.shows("Channel_Message ann: still here");
    room.server.types("bans");
    room.server.logs("2 bans and mutes");
    orders(folder.path(), "unmute filler");
    filler.types("send_all sorry");
    filler.shows(POSTED);
}

/// Stops a server, and starts it again in its folder.
fn reopened(mut room: Room, folder: &Path) -> Room {
    room.server.types("quit");
    assert_eq!(room.server.ends(), 0);
    Room::open_in(folder, room.port)
}

/// An announcement is shown once, in order, also by those that come back, and after a restart.
#[test]
fn announces_a_text_to_all() {
    let folder = TempDir::new().expect("a folder");
    let mut room = Room::open_in(folder.path(), free_port());
    let [mut ann, mut bob] = room.join_all(["ann", "bob"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    ann.types("send_all before");
    ann.shows(POSTED);
    room.server.types("announce the room closes  at five");
    room.server.logs("The announcement is in the channel.");
    ann.shows("[From the server: the room closes  at five]");
    let room = reopened(room, folder.path());
    orders(folder.path(), "announce bye");
    ann.shows("[From the server: bye]");
    bob.types("reg bob");
    for (part, end) in [
        ("Channel_Message ann: <", "> before"),
        ("[From the server: <", "> the room closes  at five]"),
        ("[From the server: <", "> bye]"),
    ] {
        bob.shows_where(end, |line| line.starts_with(part) && line.ends_with(end));
    }
    let home = Home::of("carol");
    let port = room.port.to_string();
    let mut carol = Process::start_at(&home, &["--json", "-c", "carol", "127.0.0.1", &port, "0"]);
    carol.shows_where("the table", |line| line.contains("table_updated"));
    orders(folder.path(), "announce hi");
    carol.shows_where("an announcement", |line| {
        line.starts_with(r#"{"event":"announcement","message_id":""#)
            && line.ends_with(r#"","text":"hi","kept_at":null}"#)
    });
    let (_, code) = admin(folder.path(), "announce");
    assert_eq!(code, 2);
}

/// A name whose key is lost: the operator frees it for another key.
#[test]
fn frees_a_name_for_another_key() {
    let folder = TempDir::new().expect("a folder");
    let mut room = Room::open_in(folder.path(), free_port());
    let mut bob = room.join("bob");
    let (output, code) = admin(folder.path(), "forget bob");
    assert_eq!(code, 1);
    assert!(
        output.contains("Not done: the client is in the room"),
        "{output}"
    );
    room.server.types("kick bob");
    room.server
        .logs("bob is put out, and stays out for a minute.");
    bob.shows_where("the end of the ban", |line| {
        line.starts_with("[The operator of the server has banned you from this room until 2")
    });
    assert_eq!(bob.ends(), 4);
    orders(folder.path(), "forget bob");
    orders(folder.path(), "unban bob");
    let mut stranger = squats(&room, "bob");
    stranger.shows(WELCOME);
    stranger.shows(TABLE);
}

#[test]
fn answers_scripts_with_exit_codes() {
    let folder = TempDir::new().expect("a folder");
    let (_, code) = admin(folder.path(), "who");
    assert_eq!(code, 2, "no server runs there");
    let room = Room::open_in(folder.path(), free_port());
    let socket = folder.path().join("admin");
    let mode = socket.metadata().expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for (order, wanted) in [
        ("who", 0),
        ("bans", 0),
        ("stats --json", 0),
        ("ban nobody 1h", 0),
        ("unban nobody", 0),
        ("unban nobody", 1),
        ("kick nobody", 1),
        ("dance", 2),
        ("ban key 12", 2),
    ] {
        let (output, code) = admin(folder.path(), order);
        assert_eq!(code, wanted, "{order}: {output}");
    }
    let copy = TempDir::new().expect("a folder");
    let to = copy.path().join("copy");
    orders(folder.path(), &format!("backup {}", to.display()));
    assert!(to.join("room.db").exists());
    reopened(room, folder.path());
}
