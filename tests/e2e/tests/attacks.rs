//! The attacks of one party, against a real server: squatting, filling and flooding. Messages of
//! friends arrive meanwhile, an order ends each, and it stays ended after a restart.
#![cfg(target_os = "linux")]

use std::path::Path;

use chatapp_e2e::crowd::{Crowd, Member};
use chatapp_e2e::{
    BANNED, BYE, Home, PATIENCE, POSTED, Room, SAVED, admin, free_port, is_stamped, key_of, orders,
};
use tempfile::TempDir;

/// Addresses of the squatter. It has one key, and a name at each of them.
const ADDRESSES: usize = 57;

/// Starts a server in a folder, with these options.
fn open(folder: &Path, port: u16, options: &[&str]) -> Room {
    let folder = folder.to_str().expect("temporary folders have sane names");
    Room::open_at(port, &[&["--data-dir", folder], options].concat())
}

/// Stops a server, and starts it again.
fn reopen(mut room: Room, folder: &Path, options: &[&str]) -> Room {
    room.server.types("quit");
    assert_eq!(room.server.ends(), 0);
    open(folder, room.port, options)
}

/// Lets the squatter ask for a name at each address, until each is answered.
fn squats(room: &Room, is_answered: impl Fn(&Member) -> bool) -> Crowd {
    let mut crowd = Crowd::with_one_key(room.address(), [7; 32]).expect("an event queue");
    for _ in 0..ADDRESSES {
        crowd.joins(8).expect("a socket");
    }
    assert!(waits(&mut crowd, is_answered), "not all are answered");
    crowd
}

fn waits(crowd: &mut Crowd, is_done: impl Fn(&Member) -> bool) -> bool {
    let all = |crowd: &mut Crowd| crowd.members.iter().all(&is_done);
    crowd.works_until(PATIENCE, all).expect("an event queue")
}

#[test]
fn ends_a_squatter_with_many_addresses() {
    let folder = TempDir::new().expect("a folder");
    let options = ["--names-per-key", "0", "--registrations", "0"];
    let room = open(folder.path(), free_port(), &options);
    let [mut ann, mut bob] = room.join_all(["ann", "bob"]);
    let mut crowd = squats(&room, |member| member.client.is_registered());
    ann.types("send_all still here");
    bob.shows("Channel_Message ann: still here");

    let key = key_of(&orders(folder.path(), "who --json"), "member0");
    orders(folder.path(), &format!("ban key {key}"));
    assert!(waits(&mut crowd, |member| member.failed != 0));
    ann.types("send bob gone");
    bob.shows("ann: gone");

    let room = reopen(room, folder.path(), &options);
    let crowd = squats(&room, |member| member.failed != 0);
    assert!(
        crowd
            .members
            .iter()
            .all(|member| !member.client.is_registered())
    );
    let who = orders(folder.path(), "who");
    assert!(who.ends_with("59 names, 2 online"), "{who}");
    drop(room.join("carol"));
}

/// A deny file holds in the same way, also for those that are in the room when it is read again.
#[test]
fn keeps_out_the_clients_of_a_deny_file() {
    let folder = TempDir::new().expect("a folder");
    let list = folder.path().join("out");
    let write = |text: &str| std::fs::write(&list, text).expect("a file");
    write("# nobody yet\n");
    let options = ["--deny-file", list.to_str().expect("a sane name")];
    let room = open(folder.path(), free_port(), &options);
    let [mut ann, mut mallory] = room.join_all(["ann", "mallory"]);
    write("mallory   # spam\n");
    let answer = orders(folder.path(), "reload");
    assert_eq!(answer, "the deny list is reloaded: 1 entry");
    mallory.shows(BANNED);
    assert_eq!(mallory.ends(), 4);
    ann.types("send mallory hi");
    ann.shows("[Client mallory does not exist.]");

    write("mallory\nkey 12\n");
    let (answer, code) = admin(folder.path(), "reload");
    assert_eq!(code, 1);
    let mistake = "out, line 2: A key has 64 hexadecimal digits.";
    assert!(answer.contains(mistake), "{answer}");
    let mut again = Room::start_client(room.address(), "mallory", 0);
    again.shows(BANNED);
    assert_eq!(again.ends(), 4);

    write("mallory\n");
    let mut room = reopen(room, folder.path(), &options);
    let mut again = Room::start_client(room.address(), "mallory", 0);
    assert_eq!(again.ends(), 4);
    write("");
    room.server.types("reload");
    room.server.logs("the deny list is reloaded: 0 entries");
    drop(room.join("mallory"));
}

/// One party fills a mailbox and floods the channel. It is banned, and its messages are taken back
/// from those that have not fetched them.
#[test]
fn ends_filling_and_flooding_and_takes_it_back() {
    let folder = TempDir::new().expect("a folder");
    let options = ["--mailbox", "20", "--channel", "50"];
    let room = open(folder.path(), free_port(), &options);
    let [mut ann, mut bob, mut mallory] = room.join_all(["ann", "bob", "mallory"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    for number in 0..20 {
        mallory.types(&format!("send bob spam {number}"));
    }
    mallory.shows("[Mailbox of bob is full; the message was not saved.]");
    ann.types("send bob see you at eight");
    ann.shows(SAVED);
    for number in 0..100 {
        mallory.types(&format!("send_all spam {number}"));
    }
    ann.shows("Channel_Message mallory: spam 99");
    ann.types("send_all still here");
    ann.shows(POSTED);

    orders(folder.path(), "ban mallory");
    mallory.shows(BANNED);
    assert_eq!(mallory.ends(), 4);
    let answer = orders(folder.path(), "withdraw mallory");
    let done = "The messages of mallory that others have not fetched are withdrawn.";
    assert_eq!(answer, done);

    let room = reopen(room, folder.path(), &options);
    let mut again = Room::start_client(room.address(), "mallory", 0);
    again.shows(BANNED);
    assert_eq!(again.ends(), 4);
    bob.types("reg bob");
    let sent = |sender, text| move |line: &str| is_stamped(line, sender, text);
    bob.shows_where("ann's message", sent("ann", "see you at eight"));
    bob.shows_where("ann's entry", sent("Channel_Message ann", "still here"));
    ann.types("send bob hi");
    bob.shows("ann: hi");
    let shown = bob.lines();
    assert!(shown.iter().all(|line| !line.contains("spam")), "{shown:?}");
    let (_, code) = admin(folder.path(), "withdraw nobody");
    assert_eq!(code, 1);
    let other = Home::of("carol");
    drop(room.join_from(&other, "carol", &[]));
}
