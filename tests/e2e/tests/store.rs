//! A server that is killed and restarted with its store.

use std::fs;
use std::path::Path;
use std::process::Command;

use chatapp_e2e::{
    BYE, KEPT, POSTED, Process, Room, SAVED, SmallDisk, TABLE, free_port, is_stamped, no_ack_from,
    received_by,
};
use tempfile::TempDir;

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

#[test]
fn restores_saved_messages_after_a_kill() {
    let folder = folder();
    let mut room = Room::open_in(folder.path(), free_port());
    let [mut alice, mut bob, mut carol] = room.join_all(["alice", "bob", "carol"]);
    carol.types("dereg carol");
    carol.shows(BYE);
    alice.shows(TABLE);
    alice.types("send carol hi");
    alice.shows(SAVED);
    bob.types("send_all hello");
    bob.shows(POSTED);
    alice.shows("Channel_Message bob: hello");
    room.server.is_killed();

    let _room = Room::open_in(folder.path(), room.port);
    carol.types("reg carol");
    carol.shows(KEPT);
    carol.shows_where("alice's message", |line| is_stamped(line, "alice", "hi"));
    carol.shows_where("bob's message", |line| {
        is_stamped(line, "Channel_Message bob", "hello")
    });
    carol.shows(TABLE);
    carol.types("send_all back");
    carol.shows(POSTED);
    for (client, times) in [(&mut alice, 1), (&mut bob, 0)] {
        client.shows("Channel_Message carol: back");
        assert_eq!(client.count("Channel_Message bob: hello"), times, "no more");
    }
}

#[test]
fn reports_a_store_in_use() {
    let folder = folder();
    let path = folder.path().to_str().expect("a sane name");
    let room = Room::open_in(folder.path(), free_port());
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    for number in 0..2 {
        alice.types(&format!("send bob {number}"));
        alice.shows(&no_ack_from("bob"));
        alice.shows(SAVED);
    }
    let mut report = Process::start(&["store", path]);
    assert_eq!(report.ends(), 0);
    let lines = report.lines();
    assert!(
        lines[0].starts_with("alice  active   0 waiting  127.0.0.1:"),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("bob    offline  2 waiting  127.0.0.1:"),
        "{lines:?}"
    );
    assert!(
        lines[2].ends_with(
            "room.db: 2 names, 2 waiting messages, 0 channel messages, 174 bytes in them"
        ),
        "{lines:?}"
    );
    let mut report = Process::start(&["store", "--json", path]);
    assert_eq!(report.ends(), 0);
    let line = report.shows_next();
    for part in [
        r#""schema":5,"names":[{"name":"alice","active":true,"#,
        r#"{"name":"bob","active":false,"#,
        r#""waiting":2}],"waiting":2,"log_entries":0,"content_bytes":174}"#,
    ] {
        assert!(line.contains(part), "{line}");
    }
    let nothing = folder.path().join("nothing");
    let mut report = Process::start(&["store", nothing.to_str().expect("a sane name")]);
    assert_eq!(report.ends(), 2);
    report.logs("there is no store");
}

#[test]
fn uses_the_private_state_folder_by_default() {
    let room = Room::open();
    drop(room.join("alice"));
    let file = room
        .server
        .home()
        .path()
        .join(format!("chatapp/server-{}/room.db", room.port));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for file in [
            file.clone(),
            file.with_extension("db-wal"),
            file.with_file_name("lock"),
        ] {
            let mode = file
                .metadata()
                .expect("the file is there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
        let folder = file.parent().expect("a file is in a folder");
        let mode = folder
            .metadata()
            .expect("the folder is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    assert!(file.metadata().expect("the file is there").len() != 0);
}

#[test]
fn writes_nothing_with_ephemeral() {
    let port = free_port().to_string();
    let mut server = Process::start(&["-s", &port, "--ephemeral"]);
    server.shows_where("its start", |line| line.starts_with("The server starts!"));
    let mut alice = Process::start(&["-c", "alice", "127.0.0.1", &port, "0", "--ephemeral"]);
    alice.shows(TABLE);
    alice.types("send alice hi");
    alice.shows(&received_by("alice"));
    for process in [&server, &alice] {
        let left = fs::read_dir(process.home().path());
        assert_eq!(left.expect("a home").count(), 0, "the process wrote files");
    }
}

/// Checks that a server with its store in this folder, or in one below it, reports why it does not
/// start.
fn refuses_to_start(folder: &Path, words: &str) {
    let port = free_port().to_string();
    let path = folder.to_str().expect("a sane name");
    let mut server = Process::start(&["-s", &port, "--data-dir", path]);
    assert_eq!(server.ends(), 2);
    assert_eq!(server.lines(), Vec::<String>::new());
    let line = server.logs("ChatApp: ");
    assert!(line.contains(words) && line.contains(path), "{line}");
}

#[test]
fn refuses_a_second_server_on_a_store() {
    let folder = folder();
    let _room = Room::open_in(folder.path(), free_port());
    refuses_to_start(folder.path(), "a server uses");
}

#[test]
fn leaves_an_unusable_store_unchanged() {
    let folder = folder();
    drop(Room::open_in(folder.path(), free_port()));
    let file = folder.path().join("room.db");
    let whole = fs::read(&file).expect("the file is there");
    // Offset of the schema version in an SQLite file.
    const VERSION_AT: usize = 63;
    for (at, byte, words) in [
        (0, b's', "is damaged"),
        (VERSION_AT, 77, "was written by a newer ChatApp (schema 77"),
    ] {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        fs::write(&file, &bytes).expect("the file can be written");
        fs::remove_file(file.with_extension("db-wal")).unwrap_or_default();
        refuses_to_start(folder.path(), words);
        assert_eq!(fs::read(&file).expect("the file is there"), bytes);
    }
}

#[test]
fn reports_a_full_disk_until_it_has_room() {
    let Some(disk) = SmallDisk::of("2m") else {
        return;
    };
    let mut room = Room::open_in(disk.path(), free_port());
    let [mut alice, mut bob, mut carol] = room.join_all(["alice", "bob", "carol"]);
    carol.types("dereg carol");
    carol.shows(BYE);
    alice.shows(TABLE);
    let ballast = disk.path().join("ballast");
    let full = fs::write(&ballast, vec![1; 4 << 20]);
    assert!(full.is_err(), "the disk is full now");

    for _ in 0..3 {
        alice.types("send carol lost");
        alice.shows("[The server could not store the message to carol; it was not saved.]");
    }
    bob.types("send_all lost");
    bob.shows("[The server could not store the message; it was not sent.]");
    // Functions that need no disk continue.
    alice.types("send bob hi");
    alice.shows(&received_by("bob"));
    bob.shows("alice: hi");
    room.server
        .logs("the store failed, nothing is saved: database or disk is full");

    fs::remove_file(ballast).expect("the ballast can be removed");
    alice.types("send carol kept");
    alice.shows(SAVED);
    bob.types("send_all kept");
    bob.shows(POSTED);
    room.server.logs("the store works again");
    let failures = room.server.log();
    let failures = failures
        .iter()
        .filter(|line| line.contains("the store failed"));
    assert_eq!(
        failures.count(),
        1,
        "the log does not report the failure once"
    );
    carol.types("reg carol");
    carol.shows_where("what was kept", |line| is_stamped(line, "alice", "kept"));
    carol.shows_where("what was kept", |line| {
        is_stamped(line, "Channel_Message bob", "kept")
    });
    assert!(!carol.lines().iter().any(|line| line.ends_with("lost")));
    room.server.is_killed();
}

#[test]
fn reports_a_read_only_disk() {
    let Some(disk) = SmallDisk::of("2m") else {
        return;
    };
    let mut room = Room::open_in(disk.path(), free_port());
    drop(room.join("alice"));
    room.server.is_killed();
    disk.is_remounted("ro");
    refuses_to_start(disk.path(), "Read-only file system");
}

#[test]
fn expires_names_after_the_keep_time() {
    let mut room = Room::open_with(&["--keep", "1s"]);
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    alice.shows(TABLE);
    room.server.logs("bob was offline and has expired");
    alice.shows(TABLE);
    alice.types("send bob hi");
    alice.shows("[Client bob does not exist.]");
    bob.types("reg bob");
    bob.shows(TABLE);
    assert_eq!(bob.count(KEPT), 0);
}

/// Another program reads the room while the server runs, and closes it. It must not take the
/// server's log away.
#[test]
fn keeps_messages_after_another_program_looked() {
    const LOOK: &str = "import sqlite3, sys
room = sqlite3.connect(sys.argv[1])
print(room.execute('SELECT count(*) FROM channel').fetchone()[0])
room.close()";

    let folder = folder();
    let mut room = Room::open_in(folder.path(), free_port());
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    alice.types("send_all before");
    alice.shows(POSTED);
    let file = folder.path().join("room.db");
    let look = Command::new("python3")
        .args(["-c", LOOK])
        .arg(&file)
        .output();
    let Ok(look) = look else {
        assert!(std::env::var_os("CHATAPP_NO_SKIP").is_none(), "no python3");
        eprintln!("skipped: there is no python3");
        return;
    };
    let looked = String::from_utf8_lossy(&look.stdout);
    assert_eq!(
        looked.trim(),
        "1",
        "{}",
        String::from_utf8_lossy(&look.stderr)
    );
    alice.types("send_all after");
    alice.shows(POSTED);
    room.server.is_killed();
    let room = Room::open_in(folder.path(), room.port);
    bob.types("reg bob");
    for text in ["before", "after"] {
        bob.shows_where(text, |line| is_stamped(line, "Channel_Message alice", text));
    }
    drop(room);
}

/// Runs `ChatApp store` with these words as a user who may only read; `None` if that user cannot
/// run the program.
#[cfg(unix)]
fn store_as_reader(words: &[&str]) -> Option<(Option<i32>, String)> {
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65_534;

    let mut command = Command::new(chatapp_e2e::binary());
    command.arg("store").args(words);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let Ok(output) = command.output() else {
        assert!(std::env::var_os("CHATAPP_NO_SKIP").is_none(), "no reader");
        eprintln!("skipped: a user who may only read cannot start the program");
        return None;
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    Some((output.status.code(), text))
}

#[cfg(unix)]
#[test]
fn shows_a_store_to_a_user_who_may_only_read() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    let allow = |path: &Path, mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, mode).expect("it belongs to this user");
    };
    allow(folder.path(), 0o755);
    let data = folder.path().join("a room%");
    let words = data.to_str().expect("a sane name");
    let mut room = Room::open_in(&data, free_port());
    let mut alice = room.join("alice");
    alice.types("send_all hi");
    alice.shows(POSTED);
    room.server.types("quit");
    assert_eq!(room.server.ends(), 0);
    allow(&data.join("room.db"), 0o444);
    allow(&data, 0o555);
    for arguments in [&[words][..], &["show", words], &["--json", words]] {
        let Some((code, text)) = store_as_reader(arguments) else {
            return;
        };
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("alice"), "{text}");
    }
    // A folder that cannot be entered is not one without a store.
    allow(&data, 0o000);
    let (code, text) = store_as_reader(&[words]).expect("it ran before");
    allow(&data, 0o755);
    assert_eq!(code, Some(2));
    assert!(text.contains("Permission denied"), "{text}");
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // SQLite gives the files beside the database its permissions.
    allow(&data.join("room.db"), 0o600);
    let mut room = Room::open_in(&data, free_port());
    let mut alice = room.join("alice");
    alice.types("send_all again");
    alice.shows(POSTED);
    allow(&data.join("room.db"), 0o644);
    allow(&data.join("room.db-wal"), 0o644);
    let (code, text) = store_as_reader(&[words]).expect("it ran before");
    assert_eq!(code, Some(2));
    assert!(text.contains("room.db-wal, which only the owner"), "{text}");
    room.server.is_killed();
}
