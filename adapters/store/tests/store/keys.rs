//! Tests of private keys in files, and of the known keys of peers.

use std::fs;

use chatapp_core::{ClientRecord, PublicKey, Shown, StaticKey};
use chatapp_store::{
    Error, Memory, client_key_file, forget_peer, forget_server, known_keys, make_room_key,
    own_names, own_servers, parse_key, private_key, room_key, server_key_file, verify_peer,
};
use tempfile::TempDir;

const HERE: &str = "localhost:4119";

fn folder() -> TempDir {
    TempDir::new().unwrap()
}

fn public(private: [u8; 32]) -> PublicKey {
    StaticKey::new(private).public()
}

#[test]
fn creates_one_key_for_each_name() {
    let folder = folder();
    let alice = client_key_file(folder.path(), "alice");
    assert_eq!(
        private_key(&alice, &[1; 32]).unwrap().public(),
        public([1; 32])
    );
    assert_eq!(
        private_key(&alice, &[2; 32]).unwrap().public(),
        public([1; 32]),
        "it stays"
    );
    let odd = client_key_file(folder.path(), "../Zo\u{eb}");
    private_key(&odd, &[3; 32]).unwrap();
    fs::write(alice.with_file_name(".left"), b"half").unwrap();
    assert_eq!(
        own_names(folder.path()).unwrap(),
        [
            ("../Zo\u{eb}".to_owned(), public([3; 32])),
            ("alice".to_owned(), public([1; 32]))
        ]
    );
    assert_eq!(own_servers(folder.path()).unwrap(), []);
    let inside = folder.path().join("server-4119");
    for (folder, fresh) in [(folder.path(), 4), (&*inside, 5)] {
        private_key(&server_key_file(folder), &[fresh; 32]).unwrap();
    }
    assert_eq!(
        own_servers(folder.path()).unwrap(),
        [
            (folder.path().to_owned(), public([4; 32])),
            (inside, public([5; 32]))
        ]
    );
}

#[test]
fn returns_one_key_to_concurrent_processes() {
    for _ in 0..20 {
        let folder = folder();
        let file = client_key_file(folder.path(), "alice");
        let keys: Vec<PublicKey> = std::thread::scope(|scope| {
            let start = |fresh| {
                let file = &file;
                scope.spawn(move || private_key(file, &[fresh; 32]).unwrap().public())
            };
            let started: Vec<_> = (1..9).map(start).collect();
            started
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
        let left = fs::read_dir(file.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "an incomplete file is left");
    }
}

#[cfg(unix)]
#[test]
fn protects_a_key_from_other_users() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let file = client_key_file(folder.path(), "alice");
    private_key(&file, &[1; 32]).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    for open in [0o640, 0o604, 0o666] {
        fs::set_permissions(&file, fs::Permissions::from_mode(open)).unwrap();
        let error = private_key(&file, &[1; 32]).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        let error = room_key(&file).unwrap_err();
        assert!(matches!(error, Error::Exposed { .. }), "{error}");
    }
}

/// Only root can give a file away.
#[cfg(unix)]
#[test]
fn rejects_a_key_of_another_user() {
    let folder = folder();
    let file = client_key_file(folder.path(), "alice");
    private_key(&file, &[1; 32]).unwrap();
    if std::os::unix::fs::chown(&file, Some(65_534), None).is_err() {
        assert!(std::env::var_os("CHATAPP_NO_SKIP").is_none());
        eprintln!("skipped: this user cannot give a file away");
        return;
    }
    for error in [
        private_key(&file, &[1; 32]).unwrap_err(),
        room_key(&file).unwrap_err(),
    ] {
        assert!(matches!(error, Error::NotOwned { .. }), "{error}");
        assert!(error.to_string().contains("belongs to another user"));
    }
}

#[test]
fn rejects_invalid_key_files() {
    let folder = folder();
    let file = client_key_file(folder.path(), "alice");
    private_key(&file, &[0xab; 32]).unwrap();
    let digits = "AB".repeat(32);
    fs::write(&file, format!("  {digits}\r\n")).unwrap();
    assert!(private_key(&file, &[1; 32]).is_ok(), "as people copy it");
    for content in ["", "ab", &digits[1..], &"xy".repeat(32), &"ab".repeat(100)] {
        fs::write(&file, content).unwrap();
        let error = private_key(&file, &[1; 32]).unwrap_err();
        assert!(matches!(error, Error::NoKey { .. }), "{error}");
        assert!(error.to_string().contains("64 hexadecimal"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), content);
        assert_eq!(parse_key(content), None);
    }
}

#[test]
fn creates_a_room_key_only_in_a_new_file() {
    let folder = folder();
    let file = folder.path().join("room.key");
    assert!(room_key(&file).is_err());
    make_room_key(&file, &[1; 32]).unwrap();
    assert!(room_key(&file).is_ok());
    let again = make_room_key(&file, &[2; 32]);
    assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "01".repeat(32) + "\n");
}

#[test]
fn stores_keys_and_shown_messages_per_room() {
    let folder = folder();
    let (server, bob, carol) = (public([1; 32]), public([2; 32]), public([3; 32]));
    let shown = |process, channel, counter| {
        ClientRecord::Shown(Shown {
            process,
            channel,
            counter,
        })
    };
    let bob = ClientRecord::PeerKey {
        name: "bob",
        key: bob,
    };
    let carol = ClientRecord::PeerKey {
        name: "carol",
        key: carol,
    };
    let server_key = ClientRecord::ServerKey(server);
    let mut memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    for record in [
        bob,
        server_key,
        shown(7, false, 3),
        carol,
        shown(7, true, 9),
    ] {
        memory.note(record).unwrap();
    }
    let busy = Memory::open(folder.path(), HERE, "alice").unwrap_err();
    assert!(matches!(busy, Error::InUse { .. }));

    let expected: Vec<String> = [
        server_key,
        carol,
        bob,
        shown(7, false, 3),
        shown(7, true, 9),
    ]
    .iter()
    .map(|record| format!("{record:?}"))
    .collect();
    let remembered = || {
        let mut records = Vec::new();
        let beside = Memory::open_beside(folder.path(), HERE, "alice").unwrap();
        let left = beside.unwrap().restore(|record| {
            records.push(format!("{record:?}"));
            record != bob
        });
        (records, left.unwrap())
    };
    assert_eq!(remembered(), (expected.clone(), 1), "while it is in use");
    drop(memory);
    drop(Memory::open(folder.path(), "elsewhere:4119", "alice").unwrap());
    assert_eq!(remembered(), (expected, 1));

    let known = known_keys(folder.path()).unwrap();
    assert_eq!(known.len(), 2);
    assert_eq!(known[0].server, "elsewhere:4119");
    assert_eq!((known[0].server_key, known[0].peers.len()), (None, 0));
    assert_eq!(known[1].server_key, Some(server));
    let names: Vec<&str> = known[1].peers.iter().map(|peer| &*peer.name).collect();
    assert_eq!(names, ["bob", "carol"]);

    assert_eq!(forget_server(folder.path(), "elsewhere:4119").unwrap(), 0);
    assert_eq!(forget_peer(folder.path(), "dave").unwrap(), 0);
    // This must work whether a client runs or not.
    let memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    assert_eq!(forget_peer(folder.path(), "bob").unwrap(), 1);
    drop(memory);
    assert_eq!(forget_server(folder.path(), HERE).unwrap(), 1);
    let (records, _) = remembered();
    assert_eq!(records.len(), 3);
    assert_eq!(records[0], format!("{carol:?}"));
}

#[test]
fn reports_an_unusable_memory() {
    let folder = folder();
    drop(Memory::open(folder.path(), HERE, "alice").unwrap());
    let file = folder
        .path()
        .join("clients/alice@localhost%3a4119/memory.db");
    fs::write(&file, b"junk").unwrap();
    let error = Memory::open(folder.path(), HERE, "alice").unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"junk");
}

#[test]
fn keeps_first_key_until_it_is_forgotten() {
    let folder = folder();
    let [key, other] = [3, 4].map(|byte| PublicKey([byte; 32]));
    let bob = |key| ClientRecord::PeerKey { name: "bob", key };
    let beside = || Memory::open_beside(folder.path(), HERE, "alice").unwrap();
    assert!(beside().is_none(), "there is none yet");
    let mut memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    let mut beside = beside().unwrap();
    for (record, conflict) in [
        (bob(key), bob(other)),
        (ClientRecord::ServerKey(key), ClientRecord::ServerKey(other)),
    ] {
        assert_eq!(memory.note(record).unwrap(), None);
        assert_eq!(memory.note(record).unwrap(), None, "it is the same");
        assert_eq!(memory.note(conflict).unwrap(), Some(key));
        assert_eq!(beside.note(conflict).unwrap(), Some(key));
        assert_eq!(beside.note(record).unwrap(), None);
    }
    assert_eq!(forget_peer(folder.path(), "bob").unwrap(), 1);
    assert_eq!(beside.note(bob(other)).unwrap(), None);
    assert_eq!(memory.note(bob(key)).unwrap(), Some(other));
}

#[test]
fn reads_keys_that_another_process_stores() {
    let folder = folder();
    let record = |name, byte| ClientRecord::PeerKey {
        name,
        key: PublicKey([byte; 32]),
    };
    let mut memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    memory.note(record("bob", 3)).unwrap();
    let mut beside = Memory::open_beside(folder.path(), HERE, "alice")
        .unwrap()
        .unwrap();
    let news = |memory: &mut Memory| {
        let mut names = Vec::new();
        memory
            .restore_news(|record| {
                names.push(format!("{record:?}"));
                true
            })
            .unwrap();
        names
    };
    news(&mut memory);
    news(&mut beside);
    assert_eq!(news(&mut beside), [""; 0], "nothing changed");
    beside.note(record("carol", 4)).unwrap();
    memory.note(record("dave", 5)).unwrap();
    beside.note_shown(&[]).unwrap();
    let expected = [record("carol", 4), record("dave", 5)].map(|record| format!("{record:?}"));
    assert_eq!(news(&mut memory), expected);
    assert_eq!(news(&mut beside), expected);
    assert_eq!(news(&mut memory), [""; 0]);
}

#[test]
fn remembers_verified_keys_until_forgotten() {
    let folder = folder();
    let [key, other] = [3, 4].map(|byte| PublicKey([byte; 32]));
    let bob = ClientRecord::PeerKey { name: "bob", key };
    let mut memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    memory.note(bob).unwrap();
    assert!(!memory.verify("bob", other).unwrap(), "it is another key");
    assert!(!memory.verify("carol", key).unwrap());
    assert!(memory.verified().unwrap().is_empty());
    assert!(memory.verify("bob", key).unwrap());
    assert!(memory.verified().unwrap().contains("bob"));
    drop(memory);
    let known = &known_keys(folder.path()).unwrap()[0];
    assert!(known.peers[0].is_verified);

    forget_peer(folder.path(), "bob").unwrap();
    let mut memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    memory.note(bob).unwrap();
    assert!(memory.verified().unwrap().is_empty());
    assert!(verify_peer(folder.path(), known, &known.peers[0]).unwrap());
    assert!(memory.verified().unwrap().contains("bob"));
}

#[test]
fn migrates_keys_of_the_version_before() {
    let folder = folder();
    let key = PublicKey([3; 32]);
    let bob = ClientRecord::PeerKey { name: "bob", key };
    let mut memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    memory.note(bob).unwrap();
    drop(memory);
    let file = folder
        .path()
        .join("clients/alice@localhost%3a4119/memory.db");
    let as_it_was = "ALTER TABLE peers DROP COLUMN verified; DROP TABLE ignored;
        PRAGMA user_version = 1;";
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch(as_it_was).unwrap();
    drop(connection);
    let known = &known_keys(folder.path()).unwrap()[0];
    assert_eq!(
        (known.peers[0].key, known.peers[0].is_verified),
        (key, false)
    );
    assert!(verify_peer(folder.path(), known, &known.peers[0]).unwrap());
    let memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    assert!(memory.verified().unwrap().contains("bob"));
}

/// Returns the ignored keys that a client gets from its stored state.
fn ignored(memory: &Memory) -> Vec<(String, PublicKey)> {
    let mut ignored = Vec::new();
    let take = |record: ClientRecord<'_>| {
        if let ClientRecord::Ignored { name, key } = record {
            ignored.push((name.to_owned(), key));
        }
        true
    };
    assert_eq!(memory.restore(take).unwrap(), 0);
    ignored
}

#[test]
fn remembers_ignored_keys_until_unignored() {
    let folder = folder();
    let [one, other] = [3, 4].map(|byte| PublicKey([byte; 32]));
    let mut memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    for (name, key) in [("bob", one), ("carol", other), ("robert", one)] {
        let stored = memory.note(ClientRecord::Ignored { name, key }).unwrap();
        assert_eq!(stored, None);
    }
    drop(memory);
    let mut memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    let both = [("bob".to_owned(), one), ("carol".to_owned(), other)];
    assert_eq!(ignored(&memory), both);
    assert_eq!(memory.restore(|_| false).unwrap(), 2, "no room for them");
    memory.unignore(one).unwrap();
    memory.unignore(one).unwrap();
    drop(memory);
    let memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    assert_eq!(ignored(&memory), both[1..]);
}

#[test]
fn ignores_after_a_migration() {
    let folder = folder();
    let key = PublicKey([3; 32]);
    let bob = ClientRecord::PeerKey { name: "bob", key };
    let mut memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    memory.note(bob).unwrap();
    drop(memory);
    let file = folder
        .path()
        .join("clients/alice@localhost%3a4119/memory.db");
    let as_it_was = "DROP TABLE ignored; PRAGMA user_version = 2;";
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch(as_it_was).unwrap();
    drop(connection);
    assert_eq!(known_keys(folder.path()).unwrap()[0].peers.len(), 1);
    let mut memory = Memory::open(folder.path(), HERE, "alice").unwrap();
    assert_eq!(ignored(&memory), []);
    let name = "bob";
    memory.note(ClientRecord::Ignored { name, key }).unwrap();
    assert_eq!(ignored(&memory), [("bob".to_owned(), key)]);
}
