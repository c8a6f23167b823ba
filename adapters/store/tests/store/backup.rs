//! Tests of backups, and of logs and files that do not belong together.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Desk, content, mail, name, scratch};
use chatapp_core::{ClientRecord, NameRecord, PublicKey, Record, UnixSeconds};
use chatapp_store::{
    Error, Memory, Options, Store, backup, check, forget_name, restore_backup, server_key,
    server_key_file,
};
use tempfile::TempDir;

/// Creates a room with a key and these messages; the server of it still runs.
fn room(folder: &Path, texts: &[&str]) -> Desk {
    server_key(folder, &[7; 32]).unwrap();
    let mut desk = Desk::open(folder, None).unwrap();
    let epoch = Record::Epoch {
        epoch: 1,
        serial: 0,
        log_next: 1,
    };
    assert!(desk.stores(epoch) && desk.stores(name("bob")));
    for (serial, text) in (1..).zip(texts) {
        assert!(desk.stores(mail(serial, "bob", "bob", text.as_bytes())));
    }
    desk
}

/// Returns all files in a folder, without the lock, and without what SQLite leaves beside a
/// database that it has read: the memory that it shares, and an empty log.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.is_file())
        .filter(|path| !path.ends_with("room.db-shm") && !path.ends_with("lock"))
        .filter(|path| !path.ends_with("room.db-wal") || path.metadata().unwrap().len() > 0)
        .map(|path| (path.clone(), hash(&fs::read(path).unwrap())))
        .collect()
}

/// Returns a short text that differs for different bytes.
fn hash(bytes: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{} bytes, {:x}", bytes.len(), hasher.finish())
}

/// Copies a folder as it is while its server runs, as if that server were killed now.
fn killed(folder: &Path) -> TempDir {
    let copy = scratch();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn texts(folder: &Path) -> Vec<String> {
    let lines = content(folder);
    let mail = lines.iter().filter(|line| line.starts_with("Mail"));
    mail.map(|line| line.rsplit(' ').next().unwrap().to_owned())
        .collect()
}

fn open(folder: &Path) -> Result<Store, Error> {
    Store::open(folder, &Options::default())
}

#[test]
fn copies_a_room_in_use() {
    let (folder, to) = (scratch(), scratch());
    let desk = room(folder.path(), &["one", "two"]);
    let report = backup(folder.path(), &to.path().join("deep/new")).unwrap();
    assert_eq!(report.waiting, 2);
    let again = backup(folder.path(), &to.path().join("deep/new")).unwrap_err();
    assert!(matches!(again, Error::Occupied { .. }), "{again}");
    drop(desk);
    let copy = to.path().join("deep/new");
    assert_eq!(files(&copy).len(), 2, "room.db and the key alone");
    #[cfg(unix)]
    for (path, mode) in [(copy.clone(), 0o700), (copy.join("room.db"), 0o600)] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode);
    }
    check(&copy).unwrap();
    assert_eq!(texts(&copy), ["one", "two"]);
    let key = |folder: &Path| fs::read(server_key_file(folder)).unwrap();
    assert_eq!(key(&copy), key(folder.path()));
}

#[test]
fn restores_an_older_room_after_a_kill() {
    let (folder, to) = (scratch(), scratch());
    let mut desk = room(folder.path(), &["old"]);
    let copy = to.path().join("copy");
    backup(folder.path(), &copy).unwrap();
    assert!(desk.stores(mail(2, "bob", "bob", b"new")));
    let left = killed(folder.path());
    let before = files(left.path());
    let refused = restore_backup(&copy, left.path(), false).unwrap_err();
    assert!(refused.to_string().contains("--force"), "{refused}");
    assert_eq!(files(left.path()), before, "nothing was touched");

    let restored = restore_backup(&copy, left.path(), true).unwrap();
    assert_eq!(restored.report.waiting, 1);
    assert_eq!(texts(left.path()), ["old"]);
    let epochs = content(left.path());
    assert!(!epochs[0].contains("epoch: 1,"), "{}", epochs[0]);
    // The replaced room is complete: it can be restored as well.
    let aside = restored.replaced.unwrap();
    fs::copy(server_key_file(&copy), server_key_file(&aside)).unwrap();
    assert_eq!(texts(&aside), ["old", "new"]);
}

/// The secrets of the keys in a backup may be deleted.
#[test]
//= PROTOCOL.md#11.6
fn restores_no_medium_term_keys() {
    let (folder, to) = (scratch(), scratch());
    let mut desk = room(folder.path(), &[]);
    let Record::Name(bob) = name("bob") else {
        panic!("another record");
    };
    let medium_key = PublicKey([9; 32]);
    assert!(desk.stores(Record::Name(NameRecord { medium_key, ..bob })));
    drop(desk);
    let with_key = content(folder.path());
    assert!(
        with_key[1].contains("medium_key: PublicKey(09090909..)"),
        "{}",
        with_key[1]
    );
    let copy = to.path().join("copy");
    backup(folder.path(), &copy).unwrap();
    let restored = to.path().join("restored");
    restore_backup(&copy, &restored, false).unwrap();
    let without = content(&restored);
    assert!(
        without[1].contains("medium_key: PublicKey(00000000..)"),
        "{}",
        without[1]
    );
}

#[test]
fn refuses_to_restore_into_a_room_in_use() {
    let (folder, to) = (scratch(), scratch());
    let desk = room(folder.path(), &["old"]);
    let copy = to.path().join("copy");
    backup(folder.path(), &copy).unwrap();
    let error = restore_backup(&copy, folder.path(), true).unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    drop(desk);
    assert_eq!(texts(folder.path()), ["old"]);
}

/// Every way to make a copy, put back over the database of a killed server.
#[test]
fn refuses_a_log_of_another_database() {
    let sql = |folder: &Path, to: &Path| {
        let room = rusqlite::Connection::open(folder.join("room.db")).unwrap();
        let to = to.to_str().unwrap();
        room.execute("VACUUM INTO ?1", [to]).unwrap();
    };
    let own = |folder: &Path, to: &Path| {
        let copy = to.with_extension("folder");
        backup(folder, &copy).unwrap();
        fs::rename(copy.join("room.db"), to).unwrap();
    };
    let ways: [Way<'_>; 2] = [&sql, &own];
    for way in ways {
        let (folder, to) = (scratch(), scratch());
        let mut desk = room(folder.path(), &["old"]);
        let copy = to.path().join("copy.db");
        way(folder.path(), &copy);
        assert!(desk.stores(mail(2, "bob", "bob", b"new")));
        refuses_and_leaves_alone(&killed(folder.path()), &copy);
    }
    // A server was stopped, its file was copied, and it was killed later.
    let (folder, to) = (scratch(), scratch());
    drop(room(folder.path(), &["old"]));
    let copy = to.path().join("copy.db");
    fs::copy(folder.path().join("room.db"), &copy).unwrap();
    let mut desk = Desk::open(folder.path(), None).unwrap();
    assert!(desk.stores(mail(2, "bob", "bob", b"new")));
    refuses_and_leaves_alone(&killed(folder.path()), &copy);
}

/// A way to copy the database of a folder into a file.
type Way<'a> = &'a dyn Fn(&Path, &Path);

fn refuses_and_leaves_alone(left: &TempDir, copy: &Path) {
    let file = left.path().join("room.db");
    fs::copy(copy, &file).unwrap();
    let before = files(left.path());
    for error in [
        open(left.path()).unwrap_err(),
        check(left.path()).unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(message.contains("room.db-wal was not written"), "{message}");
    }
    assert_eq!(files(left.path()), before, "nothing was touched");
    // The advice of the message works.
    fs::rename(left.path().join("room.db-wal"), left.path().join("away")).unwrap();
    assert_eq!(texts(left.path()), ["old"]);
}

#[test]
fn refuses_a_log_without_its_database() {
    let folder = scratch();
    let _desk = room(folder.path(), &["one"]);
    let left = killed(folder.path());
    fs::remove_file(left.path().join("room.db")).unwrap();
    let before = files(left.path());
    let error = open(left.path()).unwrap_err();
    assert!(matches!(error, Error::ForeignLog { .. }), "{error}");
    assert_eq!(files(left.path()), before, "nothing was touched");
}

/// Its own log is no reason to refuse a database, however the process ended.
#[test]
fn accepts_its_own_log_after_each_kill() {
    let folder = scratch();
    let mut desk = room(folder.path(), &["1"]);
    let mut left = killed(folder.path());
    for serial in 2..9 {
        drop(desk);
        // A reader holds up the checkpoint of every second start.
        let reader = rusqlite::Connection::open(left.path().join("room.db")).unwrap();
        let all = "BEGIN; SELECT * FROM mail";
        if serial % 2 == 0 {
            reader.execute_batch(all).unwrap();
        }
        desk = Desk::open(left.path(), None).unwrap();
        assert!(desk.stores(mail(serial, "bob", "bob", serial.to_string().as_bytes())));
        let next = killed(left.path());
        drop(reader);
        left = next;
    }
    drop(desk);
    assert_eq!(texts(left.path()), ["1", "2", "3", "4", "5", "6", "7", "8"]);
}

#[test]
fn leaves_a_damaged_page_and_its_log_alone() {
    let folder = scratch();
    let _desk = room(folder.path(), &["one"]);
    let whole = killed(folder.path());
    drop(Desk::open(whole.path(), None).unwrap());
    let mut desk = Desk::open(whole.path(), None).unwrap();
    assert!(desk.stores(mail(2, "bob", "bob", b"two")));
    let pages = fs::metadata(whole.path().join("room.db")).unwrap().len() / 4_096;
    let mut refused = 0;
    for page in 1..pages as usize {
        let left = killed(whole.path());
        let file = left.path().join("room.db");
        let mut bytes = fs::read(&file).unwrap();
        bytes[page * 4_096..(page + 1) * 4_096].fill(0xa5);
        fs::write(&file, bytes).unwrap();
        let before = files(left.path());
        let checked = check(left.path());
        assert_eq!(files(left.path()), before, "the check touched it");
        match open(left.path()) {
            Err(error) => {
                assert!(matches!(error, Error::Damaged { .. }), "{error}");
                assert_eq!(files(left.path()), before, "page {page} was touched");
                assert!(checked.is_err());
                refused += 1;
            }
            // The log has a newer version of this page.
            Ok(_) => assert!(checked.is_ok()),
        }
    }
    assert!(refused > 0, "no page of {pages} was missed");
}

#[test]
fn refuses_a_room_without_its_key() {
    let (folder, to) = (scratch(), scratch());
    drop(room(folder.path(), &["one"]));
    fs::remove_file(server_key_file(folder.path())).unwrap();
    let before = files(folder.path());
    for error in [
        server_key(folder.path(), &[9; 32]).map(drop).unwrap_err(),
        check(folder.path()).map(drop).unwrap_err(),
        backup(folder.path(), &to.path().join("copy"))
            .map(drop)
            .unwrap_err(),
        restore_backup(folder.path(), &to.path().join("room"), false)
            .map(drop)
            .unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(message.contains("key is missing"), "{message}");
    }
    assert_eq!(files(folder.path()), before);
    assert_eq!(fs::read_dir(to.path()).unwrap().count(), 0);
}

#[test]
fn continues_an_interrupted_restore() {
    let (folder, to) = (scratch(), scratch());
    drop(room(folder.path(), &["one"]));
    let copy = to.path().join("copy");
    backup(folder.path(), &copy).unwrap();
    // The restore has moved the room aside, and then the power failed.
    fs::remove_file(folder.path().join("room.db")).unwrap();
    fs::write(folder.path().join("room.restored"), b"half").unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Unfinished { .. }), "{error}");
    restore_backup(&copy, folder.path(), false).unwrap();
    assert_eq!(texts(folder.path()), ["one"]);
}

#[test]
fn forgets_a_name_and_its_messages() {
    let folder = scratch();
    let mut desk = room(folder.path(), &["one", "two"]);
    assert!(desk.stores(name("ann")) && desk.stores(mail(3, "ann", "bob", b"three")));
    let error = forget_name(folder.path(), "bob").unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    drop(desk);
    assert_eq!(forget_name(folder.path(), "bob").unwrap(), 2);
    let error = forget_name(folder.path(), "bob").unwrap_err();
    assert!(matches!(error, Error::NoName { .. }), "{error}");
    assert_eq!(texts(folder.path()), ["three"]);
    assert_eq!(forget_name(folder.path(), "ann").unwrap(), 1);
    let lines = content(folder.path());
    assert!(lines[0].contains("serial: 3"), "{lines:?}");
    let mut store = open(folder.path()).unwrap();
    store.restore(UnixSeconds(0), |_| Ok(())).unwrap();
}

/// The state of a client has the same protection.
#[test]
fn refuses_a_foreign_log_of_a_client() {
    let folder = scratch();
    drop(Memory::open(folder.path(), "here:1", "al").unwrap());
    let memories = folder.path().join("clients/al@here%3a1");
    let file = memories.join("memory.db");
    let old = fs::read(&file).unwrap();
    let mut memory = Memory::open(folder.path(), "here:1", "al").unwrap();
    let key = ClientRecord::ServerKey(PublicKey([1; 32]));
    memory.note(key).unwrap();
    let left = scratch();
    let there = left.path().join("clients/al@here%3a1");
    fs::create_dir_all(&there).unwrap();
    for name in ["memory.db-wal", "lock"] {
        fs::copy(memories.join(name), there.join(name)).unwrap();
    }
    fs::write(there.join("memory.db"), old).unwrap();
    let error = Memory::open(left.path(), "here:1", "al").unwrap_err();
    assert!(matches!(error, Error::ForeignLog { .. }), "{error}");
}
