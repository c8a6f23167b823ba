//! Disks that do not answer for a while: the room goes on, nothing counts as stored before it is,
//! and a signal ends every program. Needs a C compiler.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use chatapp_e2e::{
    Home, POSTED, Process, Room, SAVED, TABLE, WELCOME, binary, free_port, received_by,
};
use rustix::process::Signal;
use tempfile::TempDir;

/// Replaces the functions of the system that wait for the disk: they also wait while a file exists.
/// If a part of a path is given, only files with such a path wait.
const SHIM: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static int is_concerned(int fd) {
    const char *part = getenv("STALLED_PART");
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return !part || (readlink(link, path, sizeof path - 1) > 0 && strstr(path, part));
}
static void stall(int fd) {
    const char *file = getenv("STALLED_DISK");
    while (file && is_concerned(fd) && access(file, F_OK) == 0) usleep(5000);
}
int fsync(int fd) { stall(fd); return syscall(SYS_fsync, fd); }
int fdatasync(int fd) { stall(fd); return syscall(SYS_fdatasync, fd); }
"#;

/// A disk for some processes, which answers or does not.
struct Disk(TempDir);

impl Disk {
    /// Returns a disk that answers; `None`, with the reason on stderr, without a C compiler.
    fn new() -> Option<Self> {
        let disk = Self(TempDir::new().expect("a temporary folder can be made"));
        let source = disk.file("shim.c");
        fs::write(&source, SHIM).expect("the folder is new");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([disk.file("shim.so"), source])
            .status();
        if compiled.is_ok_and(|status| status.success()) {
            return Some(disk);
        }
        assert!(
            std::env::var_os("CHATAPP_NO_SKIP").is_none(),
            "there is no C compiler"
        );
        eprintln!("skipped: there is no C compiler");
        None
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn stalls(&self) {
        fs::write(self.file("stalled"), "").expect("the folder is there");
    }

    fn answers(&self) {
        fs::remove_file(self.file("stalled")).expect("it stalls");
    }

    /// Starts `ChatApp` on this disk.
    fn start(&self, home: &Home, arguments: &[&str]) -> Process {
        Process::start_command("ChatApp on a slow disk", self.command(), home, arguments)
    }

    /// Starts `ChatApp` on this disk, of which only files with this part in their paths stall.
    fn start_on_part(&self, part: &str, home: &Home, arguments: &[&str]) -> Process {
        let mut command = self.command();
        command.env("STALLED_PART", part);
        Process::start_command("ChatApp on a slow disk", command, home, arguments)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command
            .env("LD_PRELOAD", self.file("shim.so"))
            .env("STALLED_DISK", self.file("stalled"));
        command
    }

    /// Starts a server on this disk.
    fn serve(&self) -> Room {
        let port = free_port();
        let mut server = self.start(&Home::of_server(port), &["-s", &port.to_string()]);
        server.shows_where("its start", |line| line.starts_with("The server starts!"));
        Room { server, port }
    }
}

#[test]
fn chats_on_while_the_disk_of_a_server_stalls() {
    let Some(disk) = Disk::new() else { return };
    let room = disk.serve();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    disk.stalls();
    alice.types("send_all to all");
    alice.types("send bob to one");
    bob.shows("alice: to one");
    alice.shows(&received_by("bob"));
    assert_eq!(alice.count(POSTED), 0, "it is not stored: {alice}");
    assert_eq!(bob.count("Channel_Message alice: to all"), 0, "{bob}");
    disk.answers();
    alice.shows(POSTED);
    bob.shows("Channel_Message alice: to all");
}

/// The last records are not stored. Their senders know that.
#[test]
fn ends_a_server_whose_disk_stalls() {
    let Some(disk) = Disk::new() else { return };
    for (word, signal) in [("", Some(Signal::TERM)), ("quit", None)] {
        let mut room = disk.serve();
        let mut alice = room.join("alice");
        disk.stalls();
        alice.types("send_all hi");
        alice.types("send alice the request is on its way");
        alice.shows(&received_by("alice"));
        room.server.types(word);
        signal
            .into_iter()
            .for_each(|signal| room.server.is_sent(signal));
        assert_eq!(room.server.ends(), 1);
        room.server.logs("the disk does not answer");
        disk.answers();
        assert_eq!(alice.count(POSTED), 0, "{alice}");
    }
}

/// The first message of bob brings a key to remember. The client waits for its disk, and a signal
/// ends it nevertheless. The message is shown at the next start.
#[test]
fn ends_a_client_whose_disk_stalls() {
    let Some(disk) = Disk::new() else { return };
    let mut room = Room::open();
    let mut bob = room.join("bob");
    let port = room.port.to_string();
    let arguments = ["-c", "ear", "127.0.0.1", &port, "0", "--listen"];
    let home = Home::of("ear");
    let mut ear = disk.start(&home, &arguments);
    ear.shows(WELCOME);
    ear.shows(TABLE);
    bob.shows(TABLE);
    disk.stalls();
    bob.types("send ear hi");
    bob.shows(SAVED);
    ear.is_sent(Signal::TERM);
    assert_eq!(ear.ends(), 1, "{ear}");
    ear.logs("a key is not stored: the disk does not answer");
    // It has left the room in order.
    room.server.logs("ear departed: left");
    disk.answers();
    let mut ear = disk.start(&home, &arguments);
    ear.shows_where("the message", |line| line.ends_with("> hi"));
}

/// While a key waits for the disk, the client stays in the room, and what came after the key waits.
/// All of it is shown, once and in order, when the disk answers.
#[test]
fn stays_in_the_room_while_its_disk_stalls() {
    let Some(disk) = Disk::new() else { return };
    let room = Room::open();
    let [mut bob, mut carol, mut dave] = room.join_all(["bob", "carol", "dave"]);
    let port = room.port.to_string();
    let home = Home::of("ear");
    let mut ear = disk.start(&home, &["-c", "ear", "127.0.0.1", &port, "0"]);
    ear.shows(TABLE);
    bob.shows(TABLE);
    carol.shows(TABLE);
    disk.stalls();
    bob.types("send ear one");
    bob.shows(SAVED);
    carol.types("send_all two");
    carol.shows(POSTED);
    assert!(
        !ear.lines().iter().any(|line| line.ends_with("one")),
        "{ear}"
    );
    // The server and carol give dave up. By then, they would have given up a client that does not
    // answer, too.
    dave.is_killed();
    carol.types("send dave hello");
    carol.shows(SAVED);
    carol.types("send_all still there");
    carol.shows(POSTED);
    carol.types("table");
    carol.shows_where("ear online", |line| {
        line.starts_with("ear ") && line.ends_with("online")
    });
    disk.answers();
    ear.shows_where("the first message", |line| line.ends_with("one"));
    ear.shows_where("the second message", |line| line.ends_with("two"));
    for text in ["one", "two"] {
        let shown = ear
            .lines()
            .iter()
            .filter(|line| line.ends_with(text))
            .count();
        assert_eq!(shown, 1, "{text}: {ear}");
    }
}

/// The secret of a medium-term key waits for the disk, so its key is not published. Messages of
/// those whose keys are known do not wait.
#[test]
fn chats_on_while_a_secret_waits_for_the_disk() {
    let Some(disk) = Disk::new() else { return };
    let room = Room::open();
    let mut bob = room.join("bob");
    let port = room.port.to_string();
    let arguments = ["-c", "ear", "127.0.0.1", &port, "0"];
    let home = Home::of("ear");
    let mut ear = disk.start(&home, &arguments);
    ear.shows(TABLE);
    ear.types("send bob zero");
    ear.shows(&received_by("bob"));
    ear.leaves();
    fs::remove_dir_all(home.state().join("medium")).expect("the secrets were stored");
    bob.shows("ear: zero");

    disk.stalls();
    let mut ear = disk.start_on_part("/secrets", &home, &arguments);
    ear.shows(TABLE);
    ear.types("send bob one");
    bob.shows("ear: one");
    bob.types("send ear two");
    ear.shows("bob: two");
    bob.shows(&received_by("ear"));
    ear.is_sent(Signal::TERM);
    assert_eq!(ear.ends(), 0, "{ear}");
    disk.answers();
}

/// At first contact, the file of these secrets is opened before any message is taken: it may have
/// the secrets of an earlier process. A signal ends the client nevertheless.
#[test]
fn ends_at_first_contact_while_the_disk_stalls() {
    let Some(disk) = Disk::new() else { return };
    let mut room = Room::open();
    let port = room.port.to_string();
    let arguments = ["-c", "ear", "127.0.0.1", &port, "0", "--listen"];
    let home = Home::of("ear");
    disk.stalls();
    let mut ear = disk.start_on_part("/medium", &home, &arguments);
    room.server.logs("ear registered");
    ear.is_sent(Signal::TERM);
    assert_eq!(ear.ends(), 1, "{ear}");
    ear.logs("a key is not stored: the disk does not answer");
    disk.answers();
    let mut ear = disk.start(&home, &arguments);
    ear.shows(WELCOME);
}
