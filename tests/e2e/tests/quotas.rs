//! Quotas of a real server: one key, one sender and junk do not take the room of all others.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Cookie, Datagram, Hello};
use chatapp_core::{Identity, StaticKey};
use chatapp_e2e::{BYE, Home, KEPT, POSTED, Process, Room, SAVED, TABLE, WELCOME, is_stamped};

const NO_ROOM: &str = "[There is no room for another name. Use one of yours, or ask the operator.]";
const MAILBOX_FULL: &str = "[Mailbox of bob is full; the message was not saved.]";
const CHANNEL_FULL: &str = "[The channel is full; the message was not sent.]";

/// Starts a client under a name with mallory's key.
fn squats(room: &Room, name: &str) -> Process {
    let home = Home::with_key_of(name, "mallory");
    let port = room.port.to_string();
    Process::start_at(&home, &["-c", name, "127.0.0.1", &port, "0"])
}

#[test]
fn refuses_a_key_that_has_enough_names() {
    let mut room = Room::open_with(&["--names-per-key", "2"]);
    let mut taken = ["one", "two"].map(|name| squats(&room, name));
    taken.iter_mut().for_each(|client| client.shows(WELCOME));
    let mut third = squats(&room, "three");
    third.shows(NO_ROOM);
    assert_eq!(third.ends(), 4);
    room.server.logs("refused three from");
    room.join("ann");
    room.server.types("stats");
    room.server.logs("too-many-names 1");
}

#[test]
fn makes_room_of_names_that_were_never_used() {
    let mut room = Room::open_with(&["--names", "3"]);
    let mut ann = room.join("ann");
    for guest in ["first", "second"] {
        let mut guest = room.join(guest);
        guest.types("quit");
        guest.shows(BYE);
        assert_eq!(guest.ends(), 0);
        ann.shows(TABLE);
    }
    let mut bob = room.join("bob");
    room.server.logs("first was offline and has expired");
    bob.types("send_all hi");
    bob.shows(POSTED);
    ann.shows("Channel_Message bob: hi");
}

#[test]
fn keeps_room_in_a_mailbox_for_a_friend() {
    let room = Room::open_with(&["--mailbox", "10"]);
    let [mut bob, mut mallory, mut ann] = room.join_all(["bob", "mallory", "ann"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    for client in [&mut mallory, &mut ann] {
        client.shows(TABLE);
    }
    for line in [SAVED, SAVED, MAILBOX_FULL] {
        mallory.types("send bob spam");
        mallory.shows(line);
    }
    ann.types("send bob see you at eight");
    ann.shows(SAVED);
}

/// A log of ten entries, eight of them by one sender: another sender takes the oldest ones until it
/// holds more than the first.
#[test]
fn keeps_young_entries_of_others_in_the_log() {
    let room = Room::open_with(&["--channel", "10"]);
    let [mut bob, mut mallory, mut ann] = room.join_all(["bob", "mallory", "ann"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    for number in 0..8 {
        ann.types(&format!("send_all news {number}"));
        ann.shows(POSTED);
    }
    for line in [[POSTED; 6].as_slice(), &[CHANNEL_FULL; 2]].concat() {
        mallory.types("send_all spam");
        mallory.shows(line);
    }
    bob.types("reg bob");
    bob.shows(KEPT);
    for number in 4..8 {
        let text = format!("news {number}");
        bob.shows_where(&text, |line| is_stamped(line, "Channel_Message ann", &text));
    }
}

/// Returns a ClientHello with a valid cookie that the server cannot decrypt, and its socket.
fn junk(room: &Room) -> (UdpSocket, Vec<u8>) {
    let identity = Identity::new(StaticKey::new([7; KEY_LEN]), None);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.connect(room.address()).expect("loopback");
    let timeout = Some(Duration::from_secs(1));
    socket.set_read_timeout(timeout).expect("a timeout");
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = Datagram::CookieRequest { id: 1 }.emit(&identity, &mut out);
    socket.send(&out[..len]).expect("loopback");
    let len = socket.recv(&mut out).expect("the server answers");
    let Ok(Datagram::Cookie { cookie, .. }) = Datagram::parse(&identity, &out[..len]) else {
        panic!("the server answers with a cookie");
    };
    (socket, hello(&identity, cookie))
}

fn hello(identity: &Identity, cookie: Cookie) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let nobody = StaticKey::new([8; KEY_LEN]).public();
    let len = Hello::Client(cookie).emit(1, identity, &nobody, &[9; KEY_LEN], &[1; 90], &mut out);
    out[..len].to_vec()
}

#[test]
fn registers_a_client_beside_junk_from_its_address() {
    let room = Room::open();
    let (socket, junk) = junk(&room);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // More than the burst of registrations first, then 1,200 a second.
            for number in 0_u64.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let _ = socket.send(&junk);
                if number > 400 && number.is_multiple_of(6) {
                    thread::sleep(Duration::from_millis(5));
                }
            }
        });
        thread::sleep(Duration::from_millis(500));
        let mut ann = Room::start_client(room.address(), "ann", 0);
        let registered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            ann.shows(WELCOME);
        }));
        over.store(true, Ordering::Relaxed);
        assert!(registered.is_ok(), "{ann}");
    });
}
