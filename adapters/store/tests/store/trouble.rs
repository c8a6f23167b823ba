//! Tests of the errors of unusable stores, and that the store leaves such files unchanged.

use std::fs;
use std::path::Path;

use crate::common::{Desk, content, mail, name};
use crate::shim::Shim;
use chatapp_store::{Error, Options, Store};
use tempfile::TempDir;

fn refusal(folder: &Path) -> String {
    match Store::open(folder, &Options::default()) {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    }
}

/// Creates a store with one name in it.
fn filled() -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut desk = Desk::open(folder.path(), None).unwrap();
    assert!(desk.stores(name("alice")));
    folder
}

fn says_and_leaves_alone(folder: &Path, words: &str) {
    let file = folder.join("room.db");
    let before = fs::read(&file).unwrap();
    let message = refusal(folder);
    assert!(message.contains(words), "{message}");
    assert!(message.contains("room.db"), "{message}");
    assert_eq!(fs::read(&file).unwrap(), before, "not touched");
}

#[test]
fn refuses_a_store_in_use() {
    let folder = filled();
    let desk = Desk::open(folder.path(), None).unwrap();
    let message = refusal(folder.path());
    assert!(message.contains("a server uses"), "{message}");
    assert!(message.contains("--data-dir"), "{message}");
    drop(desk);
    assert_eq!(content(folder.path()).len(), 2);
}

#[test]
fn reports_a_damaged_header() {
    let folder = filled();
    let file = folder.path().join("room.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[..16].fill(b'x');
    fs::write(&file, &bytes).unwrap();
    says_and_leaves_alone(folder.path(), "is damaged");
    fs::write(&file, b"").unwrap();
    says_and_leaves_alone(folder.path(), "is damaged");
}

#[test]
fn reports_damage_inside_the_file() {
    let folder = filled();
    let file = folder.path().join("room.db");
    let mut bytes = fs::read(&file).unwrap();
    let page = 4_096;
    assert!(bytes.len() > 2 * page);
    bytes[page..2 * page].fill(0xa5);
    fs::write(&file, &bytes).unwrap();
    says_and_leaves_alone(folder.path(), "is damaged");
}

#[test]
fn reports_a_newer_schema_unchanged() {
    let folder = filled();
    let connection = rusqlite::Connection::open(folder.path().join("room.db")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    // A killed server leaves it so: the change is only in the write-ahead log.
    let copy = TempDir::new().unwrap();
    for file in ["room.db", "room.db-wal"] {
        fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
    }
    connection.close().unwrap();
    for folder in [folder.path(), copy.path()] {
        says_and_leaves_alone(
            folder,
            "was written by a newer ChatApp (schema 99, this one knows 5)",
        );
    }
    assert!(copy.path().join("room.db-wal").metadata().unwrap().len() != 0);
}

#[test]
fn reports_an_unreadable_old_schema_unchanged() {
    let folder = filled();
    let connection = rusqlite::Connection::open(folder.path().join("room.db")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection.close().unwrap();
    says_and_leaves_alone(
        folder.path(),
        "was written by an older ChatApp (schema 1, this one reads 2 and later): move it away",
    );
}

#[test]
fn reports_the_file_of_another_program() {
    let folder = TempDir::new().unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("room.db")).unwrap();
    connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
    connection.close().unwrap();
    says_and_leaves_alone(folder.path(), "belongs to another program");
}

#[test]
fn reports_an_impossible_folder() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let message = refusal(&file.join("room"));
    assert!(message.starts_with("cannot use "), "{message}");
}

#[test]
fn replaces_an_unfinished_store() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("room.new"), b"half").unwrap();
    fs::write(folder.path().join("room.new-journal"), b"half").unwrap();
    assert!(content(folder.path()).is_empty());
}

#[test]
fn recovers_from_a_full_disk() {
    for (code, words) in [
        (rusqlite::ffi::SQLITE_FULL, "full"),
        (rusqlite::ffi::SQLITE_IOERR_WRITE, "disk I/O error"),
        (rusqlite::ffi::SQLITE_READONLY, "readonly"),
    ] {
        let folder = filled();
        let shim = Shim::new();
        let mut desk = Desk::open(folder.path(), Some(shim.name())).unwrap();
        assert!(desk.stores(mail(1, "alice", "alice", b"before")));
        shim.fails_writes_with(code);
        for serial in 2..5 {
            assert!(!desk.stores(mail(serial, "alice", "alice", b"lost")));
            assert!(desk.failure().contains(words), "{}", desk.failure());
        }
        shim.fails_writes_with(0);
        assert!(desk.stores(mail(5, "alice", "alice", b"after")));
        drop(desk);
        let lines = content(folder.path());
        let texts = lines[2..]
            .iter()
            .map(|line| line.rsplit(' ').next().unwrap());
        assert_eq!(texts.collect::<Vec<_>>(), ["before", "after"]);
    }
}

#[cfg(unix)]
#[test]
fn reports_a_read_only_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = filled();
    let mode = |mode| {
        for path in [folder.path().join("room.db"), folder.path().to_owned()] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    mode(0o500);
    if fs::write(folder.path().join("probe"), b"").is_ok() {
        // The superuser may write everywhere; the end-to-end tests have a read-only file system for
        // that case.
        mode(0o700);
        return;
    }
    let message = refusal(folder.path());
    mode(0o700);
    assert!(message.starts_with("cannot use "), "{message}");
}

#[test]
fn distinguishes_errors_by_variant() {
    let folder = filled();
    let _desk = Desk::open(folder.path(), None).unwrap();
    let error = Store::open(folder.path(), &Options::default()).unwrap_err();
    assert!(matches!(error, Error::InUse { .. }));
}
