//! Backups of a room, and files that are refused without being touched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chatapp_e2e::{
    BYE, Home, POSTED, Process, Room, SAVED, SmallDisk, TABLE, free_port, is_stamped,
};
use tempfile::TempDir;

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a sane name")
}

/// Runs `ChatApp store` with these words; returns its exit code and its output.
fn store(words: &[&str]) -> (i32, String) {
    let mut process = Process::start(&[&["store"], words].concat());
    let code = process.ends();
    (code, [process.lines(), process.log()].concat().join("\n"))
}

/// Returns the content of all files in a folder, but for what SQLite leaves beside a database that
/// it has read: the memory that it shares, and an empty log.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.is_file() && !path.ends_with("room.db-shm"))
        .map(|path| (path.clone(), fs::read(&path).expect("a file")))
        .filter(|(path, bytes)| !path.ends_with("room.db-wal") || !bytes.is_empty())
        .collect()
}

/// Checks that a server does not start on this folder, says these words, and changes no file.
fn refuses_and_leaves_alone(folder: &Path, words: &[&str]) {
    let before = files(folder);
    let port = free_port().to_string();
    let mut server = Process::start(&["-s", &port, "--data-dir", text(folder)]);
    assert_eq!(server.ends(), 2);
    let line = server.logs("ChatApp: ");
    for words in words {
        assert!(line.contains(words), "{line}");
    }
    assert!(files(folder) == before, "a file was touched: {line}");
}

/// Sends a message to a name that is offline.
fn saves(client: &mut Process, words: &str) {
    client.types(&format!("send carol {words}"));
    client.shows(SAVED);
}

/// Opens a room in which carol is offline.
fn room_without_carol(folder: &Path) -> (Room, Process, Process) {
    let room = Room::open_in(folder, free_port());
    let [alice, mut carol] = room.join_all(["alice", "carol"]);
    carol.types("dereg carol");
    carol.shows(BYE);
    (room, alice, carol)
}

#[test]
fn restores_a_backup_of_a_running_server() {
    let (folder, to) = (folder(), folder());
    let copy = to.path().join("backup");
    let (mut room, mut alice, mut carol) = room_without_carol(folder.path());
    saves(&mut alice, "old");
    let (code, said) = store(&["backup", text(folder.path()), text(&copy)]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2 names, 1 waiting messages"), "{said}");
    saves(&mut alice, "new");
    room.server.is_killed();
    let before = files(folder.path());
    let words = ["restore", text(&copy), text(folder.path())];
    let (code, said) = store(&words);
    assert!(code == 2 && said.contains("--force"), "{said}");
    assert!(files(folder.path()) == before, "nothing was touched");
    let (code, said) = store(&[&words[..], &["--force"]].concat());
    assert!(code == 0 && said.contains("replaced-1"), "{said}");
    let (code, said) = store(&["check", text(folder.path())]);
    assert!(code == 0 && said.contains("are sound"), "{said}");

    // These clients ran meanwhile. The server assigns the numbers after the backup again.
    let _room = Room::open_in(folder.path(), room.port);
    alice.types("send_all after the restore");
    alice.shows(POSTED);
    saves(&mut alice, "newer");
    carol.types("reg carol");
    for words in ["old", "newer"] {
        carol.shows_where(words, |line| is_stamped(line, "alice", words));
    }
    assert!(!carol.lines().iter().any(|line| line.ends_with(" new")));
}

#[test]
fn restores_a_backup_on_another_machine() {
    let (folder, to) = (folder(), folder());
    let (copy, there) = (to.path().join("backup"), to.path().join("new/place"));
    let (room, mut alice, mut carol) = room_without_carol(folder.path());
    saves(&mut alice, "hi");
    assert_eq!(store(&["backup", text(folder.path()), text(&copy)]).0, 0);
    let port = room.port;
    drop(room);
    let (code, said) = store(&["restore", text(&copy), text(&there)]);
    assert_eq!(code, 0, "{said}");
    // The key is the same: clients that know it stay.
    let _room = Room::open_in(&there, port);
    carol.types("reg carol");
    carol.shows_where("the message", |line| is_stamped(line, "alice", "hi"));
}

#[test]
fn refuses_a_backup_that_would_overwrite() {
    let (folder, to) = (folder(), folder());
    fs::write(to.path().join("theirs"), b"theirs").expect("a file");
    let room = Room::open_in(folder.path(), free_port());
    let (code, said) = store(&["backup", text(folder.path()), text(to.path())]);
    assert!(code == 2 && said.contains("not an empty folder"), "{said}");
    assert_eq!(files(to.path()).len(), 1);
    let copy = to.path().join("copy");
    assert_eq!(store(&["backup", text(folder.path()), text(&copy)]).0, 0);
    let (code, said) = store(&["restore", text(&copy), text(folder.path()), "--force"]);
    assert!(code == 2 && said.contains("a server uses"), "{said}");
    drop(room.join("alice"));
}

#[test]
fn leaves_no_half_backup_on_a_full_disk() {
    let Some(disk) = SmallDisk::of("16k") else {
        return;
    };
    let folder = folder();
    let _room = room_without_carol(folder.path());
    let copy = disk.path().join("copy");
    let (code, said) = store(&["backup", text(folder.path()), text(&copy)]);
    assert!(code == 2 && said.contains("full"), "{said}");
    let left = fs::read_dir(disk.path()).expect("a folder").count();
    assert_eq!(left, 0, "something is left");
    disk.is_remounted("size=1m");
    let (code, said) = store(&["backup", text(folder.path()), text(&copy)]);
    assert_eq!(code, 0, "{said}");
}

/// The copies that people make with `sqlite3` and with `cp`, put back with `cp`.
#[test]
fn refuses_a_stale_log_beside_a_copy() {
    let (folder, to) = (folder(), folder());
    let (mut room, mut alice, _carol) = room_without_carol(folder.path());
    let file = folder.path().join("room.db");
    let with_sqlite = to.path().join("sqlite.db");
    let (code, _) = store(&["backup", text(folder.path()), text(&to.path().join("own"))]);
    assert_eq!(code, 0);
    let mut copies = vec![to.path().join("own/room.db")];
    let script = "import sqlite3,sys; a,b=map(sqlite3.connect,sys.argv[1:]); a.backup(b)";
    let python = Command::new("python3")
        .args(["-c", script, text(&file), text(&with_sqlite)])
        .status();
    if python.is_ok_and(|status| status.success()) {
        copies.push(with_sqlite);
    }
    // The server is stopped, copied and started again.
    room.server.closes_input();
    #[cfg(unix)]
    {
        room.server.is_sent(rustix::process::Signal::TERM);
        assert_eq!(room.server.ends(), 0);
        let stopped = to.path().join("stopped.db");
        fs::copy(&file, &stopped).expect("a copy");
        copies.push(stopped);
        room = Room::open_in(folder.path(), room.port);
    }
    saves(&mut alice, "new");
    room.server.is_killed();
    let log = file.with_extension("db-wal");
    assert!(log.metadata().expect("the log is there").len() > 32);
    for copy in copies {
        fs::copy(&copy, &file).expect("a copy");
        let words = ["room.db-wal was not written for this", "store restore"];
        refuses_and_leaves_alone(folder.path(), &words);
        let (code, said) = store(&["check", text(folder.path())]);
        assert!(code == 2 && said.contains("was not written"), "{said}");
    }
    // The database was moved away, as another message advises, and its log was not.
    fs::remove_file(&file).expect("the file is there");
    refuses_and_leaves_alone(folder.path(), &["room.db-wal was not written for this"]);
}

#[test]
fn leaves_a_damaged_page_with_its_log_alone() {
    let folder = folder();
    let (mut room, mut alice, _carol) = room_without_carol(folder.path());
    saves(&mut alice, "one");
    room.server.is_killed();
    // Another start has put that into the file; the log has what came later.
    let mut room = Room::open_in(folder.path(), room.port);
    alice.types("send_all two");
    alice.shows(POSTED);
    room.server.is_killed();
    let file = folder.path().join("room.db");
    let whole = fs::read(&file).expect("the file is there");
    let mut refused = 0;
    for page in 1..whole.len() / 4_096 {
        let mut bytes = whole.clone();
        bytes[page * 4_096..][..4_096].fill(0xa5);
        fs::write(&file, &bytes).expect("the file can be written");
        // The log may have a newer version of a page; a server then uses it.
        if store(&["check", text(folder.path())]).0 == 2 {
            refuses_and_leaves_alone(folder.path(), &["is damaged"]);
            refused += 1;
        }
    }
    assert_ne!(refused, 0, "the log has all pages");
    // A log whose first page is damaged has no effect, and it stays nevertheless.
    fs::write(&file, &whole[..whole.len() - 4_096]).expect("the file can be written");
    let log = file.with_extension("db-wal");
    let mut bytes = fs::read(&log).expect("the log is there");
    bytes[32..].fill(0xa5);
    fs::write(&log, &bytes).expect("the log can be written");
    refuses_and_leaves_alone(folder.path(), &["is damaged"]);
}

#[test]
fn refuses_a_room_without_its_key() {
    let folder = folder();
    drop(room_without_carol(folder.path()));
    fs::remove_file(folder.path().join("key")).expect("the key is there");
    let words = ["key is missing", "put it back", "begin an empty room"];
    refuses_and_leaves_alone(folder.path(), &words);
    assert!(!folder.path().join("key").exists());
    let to = folder.path().join("copy");
    for words in [
        &["backup", text(folder.path()), text(&to)] as &[&str],
        &["check", text(folder.path())],
        &["restore", text(folder.path()), text(&to)],
    ] {
        let (code, said) = store(words);
        assert!(code == 2 && said.contains("key is missing"), "{said}");
    }
    assert!(!to.exists());
}

/// Fills a disk to each size around that of the files, for a program that starts there.
fn starts_again_once_there_is_room(arguments: &dyn Fn(&Path, u32) -> Vec<String>, started: &str) {
    let mut refused = 0;
    for kib in (4..160_u32).step_by(8) {
        let Some(disk) = SmallDisk::of(&format!("{kib}k")) else {
            return;
        };
        let arguments = arguments(disk.path(), kib);
        let home = Home::new();
        let mut first = Process::start_at(&home, &arguments);
        let begins = |line: &str| line.starts_with(started);
        if first.starts_or_ends(begins) {
            first.is_killed();
        } else {
            refused += 1;
        }
        disk.is_remounted("size=4m");
        let mut second = Process::start_at(&home, &arguments);
        second.shows_where(started, begins);
    }
    assert_ne!(refused, 0, "each disk had room");
}

#[test]
fn starts_a_client_after_a_full_disk() {
    let room = Room::open();
    let port = room.port.to_string();
    let arguments = |folder: &Path, kib: u32| {
        let name = format!("alice{kib}");
        let (host, folder) = ("127.0.0.1", text(folder));
        ["-c", &name, host, &port, "0", "--data-dir", folder]
            .map(str::to_owned)
            .to_vec()
    };
    starts_again_once_there_is_room(&arguments, TABLE);
}

#[test]
fn starts_a_server_after_a_full_disk() {
    let port = free_port().to_string();
    let arguments = |folder: &Path, _| {
        ["-s", &port, "--data-dir", text(folder)]
            .map(str::to_owned)
            .to_vec()
    };
    starts_again_once_there_is_room(&arguments, "The server starts!");
}

#[test]
fn forgets_a_name_in_a_stopped_room() {
    let folder = folder();
    let (mut room, mut alice, mut carol) = room_without_carol(folder.path());
    saves(&mut alice, "lost");
    let words = ["forget", text(folder.path()), "carol"];
    let (code, said) = store(&words);
    assert!(code == 2 && said.contains("a server uses"), "{said}");
    room.server.is_killed();
    let (code, said) = store(&words);
    assert!(code == 0 && said.contains("1 waiting messages"), "{said}");
    let (code, said) = store(&words);
    assert!(code == 2 && said.contains("has no name carol"), "{said}");
    let room = Room::open_in(folder.path(), room.port);
    carol.types("reg carol");
    carol.shows(TABLE);
    alice.types("send carol kept");
    carol.shows_where("the next message", |line| line.ends_with("kept"));
    assert!(!carol.lines().iter().any(|line| line.ends_with("lost")));
    drop(room);
}

/// A link may lead to a disk that is not mounted: the room is there, not here.
#[cfg(unix)]
#[test]
fn refuses_a_room_that_is_no_file() {
    use std::os::unix::fs::symlink;

    let folder = folder();
    drop(Room::open_in(folder.path(), free_port()));
    let [file, key] = ["room.db", "key"].map(|name| folder.path().join(name));
    let there = folder.path().join("there");
    fs::rename(&file, &there).expect("the room is there");
    symlink("/nowhere/room.db", &file).expect("a link");
    refuses_and_leaves_alone(folder.path(), &["cannot use", "room.db"]);
    assert!(file.is_symlink(), "the link is gone");
    let own = fs::read(&key).expect("the key is there");
    fs::remove_file(&key).expect("the key is there");
    refuses_and_leaves_alone(folder.path(), &["key is missing"]);
    let writes_key = |bytes: &[u8]| {
        fs::write(&key, bytes).expect("the folder is there");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&key, mode).expect("it was just written");
    };
    writes_key(b"");
    refuses_and_leaves_alone(folder.path(), &["is not a key"]);
    fs::remove_file(&key).expect("the key is there");
    let made = Command::new("mkfifo")
        .args(["-m", "600"])
        .arg(&key)
        .status();
    assert!(made.expect("mkfifo runs").success());
    refuses_and_leaves_alone(folder.path(), &["is not a key"]);
    fs::remove_file(&key).expect("the pipe is there");
    writes_key(&own);
    fs::remove_file(&file).expect("the link is there");
    fs::create_dir(&file).expect("the folder is there");
    refuses_and_leaves_alone(folder.path(), &["cannot use", "room.db"]);
    fs::remove_dir(&file).expect("it is empty");
    // A link to the room is as good as the room.
    symlink(&there, &file).expect("a link");
    drop(Room::open_in(folder.path(), free_port()));
}
