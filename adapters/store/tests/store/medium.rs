//! The secrets of medium-term keys: kept for the next process, and overwritten when they go.

use std::fs;
use std::path::{Path, PathBuf};

use chatapp_core::crypto::MEDIUM_SECRET_LEN;
use chatapp_core::{MediumSecrets, PublicKey};
use chatapp_store::MediumFile;
use tempfile::TempDir;

const SERVER: PublicKey = PublicKey([7; 32]);

fn secrets(first: u8, second: u8) -> MediumSecrets {
    MediumSecrets::from_places([first, second].map(|byte| [byte; MEDIUM_SECRET_LEN]))
}

fn open(state: &Path) -> MediumFile {
    MediumFile::open(state, "Bob", &SERVER).unwrap()
}

/// Returns all files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = paths.flat_map(|path| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    });
    below.collect()
}

#[test]
fn overwrites_a_secret_that_is_deleted() {
    let state = TempDir::new().unwrap();
    let mut file = open(state.path());
    assert_eq!(file.read().unwrap(), &MediumSecrets::NONE);
    file.write(&secrets(1, 0)).unwrap();
    file.write(&secrets(1, 2)).unwrap();
    drop(file);
    let mut file = open(state.path());
    assert_eq!(file.read().unwrap(), &secrets(1, 2));
    file.write(&secrets(0, 2)).unwrap();
    assert_eq!(open(state.path()).read().unwrap(), &secrets(0, 2));
    let contents = files(state.path())
        .into_iter()
        .map(|file| fs::read(file).unwrap());
    for content in contents {
        assert!(!content.contains(&1), "a deleted secret is still there");
    }
}

#[test]
fn admits_one_writer_and_several_readers() {
    let state = TempDir::new().unwrap();
    let mut writer = open(state.path());
    let mut reader = open(state.path());
    assert!(!writer.is_shared() && reader.is_shared());
    writer.write(&secrets(1, 0)).unwrap();
    assert_eq!(reader.read().unwrap(), &secrets(1, 0));
    reader.write(&secrets(3, 3)).unwrap();
    assert_eq!(
        writer.read().unwrap(),
        &secrets(1, 0),
        "a reader has written"
    );
    let mut other = MediumFile::open(state.path(), "Bob", &PublicKey([8; 32])).unwrap();
    assert!(!other.is_shared());
    assert_eq!(
        other.read().unwrap(),
        &MediumSecrets::NONE,
        "it is of another room"
    );
}

#[test]
fn becomes_writer_once_the_other_has_ended() {
    let state = TempDir::new().unwrap();
    let mut first = open(state.path());
    first.write(&secrets(1, 0)).unwrap();
    let mut second = open(state.path());
    assert!(!second.take_over().unwrap() && second.is_shared());
    first.write(&secrets(1, 2)).unwrap();
    drop(first);
    std::thread::sleep(std::time::Duration::from_millis(1_050));
    assert!(second.take_over().unwrap() && !second.is_shared());
    assert!(open(state.path()).is_shared());
    // The place with the first secret is overwritten only if the latest content was read.
    second.write(&secrets(0, 2)).unwrap();
    assert_eq!(open(state.path()).read().unwrap(), &secrets(0, 2));
}

#[cfg(unix)]
#[test]
fn refuses_file_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let state = TempDir::new().unwrap();
    drop(open(state.path()));
    let file = files(state.path())
        .into_iter()
        .find(|file| file.ends_with("secrets"));
    let file = file.unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = MediumFile::open(state.path(), "Bob", &SERVER).unwrap_err();
    assert!(
        matches!(error, chatapp_store::Error::Exposed { .. }),
        "{error}"
    );
}
