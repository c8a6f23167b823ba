//! A person who takes names, keys and memory to another machine in one file.

use std::fs;
use std::path::Path;

use chatapp_e2e::{Home, KEPT, Process, Room, SAVED, TABLE, is_stamped, received_by};

const PASSPHRASE: &str = "correct horse battery";

/// Writes a passphrase to a file in a home folder, and returns its path.
fn passphrase(home: &Home, words: &str) -> String {
    let file = home.path().join("passphrase");
    fs::write(&file, format!("{words}\n")).expect("the file can be written");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&file, mode).expect("it was just written");
    }
    text(&file)
}

fn text(path: &Path) -> String {
    path.to_str().expect("a sane name").to_owned()
}

/// Exports the names of one home folder or imports them into it.
fn moves(home: &Home, action: &str, file: &str, words: &str) -> (i32, String) {
    let with = passphrase(home, words);
    Process::run(home, &["keys", action, file, "--passphrase-file", &with])
}

#[test]
fn takes_keys_and_waiting_messages_along() {
    let room = Room::open();
    let (old, new) = (Home::new(), Home::new());
    let mut alice = room.join_from(&old, "alice", &[]);
    let mut bob = room.join("bob");
    alice.types("send bob hi");
    alice.shows(&received_by("bob"));
    let file = text(&old.path().join("alice.export"));
    let (code, said) = moves(&old, "export", &file, PASSPHRASE);
    assert!(code != 0 && said.contains("use"), "{said}");
    alice.leaves();
    bob.shows(TABLE);
    bob.types("send alice later");
    bob.shows(SAVED);

    let (code, said) = moves(&old, "export", &file, PASSPHRASE);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("has alice. Import it"), "{said}");
    let (code, said) = moves(&new, "import", &file, PASSPHRASE);
    assert_eq!((code, said.as_str()), (0, "alice is here now."));

    let mut alice = room.start_from(&new, "alice", &[]);
    alice.shows(KEPT);
    alice.shows_where("bob's message", |line| is_stamped(line, "bob", "later"));
    alice.shows(TABLE);
    alice.types("send bob back");
    alice.shows(&received_by("bob"));
    bob.shows("alice: back");
    alice.leaves();
    let known = |line: &String| !line.contains("First contact");
    assert!(alice.lines().iter().all(known), "{alice}");
}

#[test]
fn refuses_what_would_lose_or_reveal_a_key() {
    let room = Room::open();
    let (old, new) = (Home::new(), Home::new());
    room.join_from(&old, "alice", &[]).leaves();
    let file = text(&old.path().join("alice.export"));
    for (home, action, words, part) in [
        (&old, "export", "short", "10 characters or more"),
        (&new, "export", PASSPHRASE, "there are no names in"),
        (&old, "import", PASSPHRASE, "alice.export cannot be read"),
        (&old, "export", PASSPHRASE, "has alice"),
        (&old, "export", PASSPHRASE, "alice.export exists"),
        (&new, "import", "wrong horse battery", "another passphrase"),
    ] {
        let (code, said) = moves(home, action, &file, words);
        assert!(said.contains(part), "{action} with {words:?}: {said}");
        assert_eq!(code, if part == "has alice" { 0 } else { 2 }, "{said}");
    }
    let exported = fs::read(&file).expect("it was exported");
    let other = text(&new.path().join("passphrase"));
    assert!(moves(&new, "import", &other, PASSPHRASE).1.contains("made"));
    for len in [0, 20, exported.len() - 1] {
        fs::write(&file, &exported[..len]).expect("it can be cut");
        assert_eq!(moves(&new, "import", &file, PASSPHRASE).0, 2, "{len} bytes");
    }
    fs::write(&file, &exported).expect("it can be written");
    room.join_from(&new, "alice2", &[]).leaves();
    room.start_from(&new, "alice", &[]).ends();
    let (code, said) = moves(&new, "import", &file, PASSPHRASE);
    assert!(code != 0 && said.contains("nothing was changed"), "{said}");
}

#[cfg(unix)]
#[test]
fn asks_for_the_passphrase_at_a_terminal() {
    use std::os::unix::fs::PermissionsExt;

    use chatapp_e2e::Screen;

    let room = Room::open();
    let (old, new) = (Home::new(), Home::new());
    room.join_from(&old, "alice", &[]).leaves();
    let file = text(&old.path().join("alice.export"));
    let Some(mut screen) = Screen::start_controlled(&old, &["keys", "export", &file]) else {
        return;
    };
    for prompt in ["Passphrase:", "The same again:"] {
        screen.shows(prompt);
        screen.waits_for("the end of the echo", |screen| !screen.echoes());
        screen.types(&format!("{PASSPHRASE}\r"));
    }
    screen.shows("Import it on the other machine");
    assert_eq!(screen.ends(), 0);
    let shown = String::from_utf8_lossy(&screen.bytes()).into_owned();
    assert!(!shown.contains("horse"), "{shown}");
    let mode = fs::metadata(&file).expect("it was exported").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    assert_eq!(moves(&new, "import", &file, PASSPHRASE).0, 0);
}

#[cfg(unix)]
#[test]
fn refuses_passphrase_that_others_can_read() {
    let home = Home::of("alice");
    let file = text(&home.path().join("alice.export"));
    fs::write(&file, [&b"ChatApp export 1\n"[..], &[0; 16]].concat()).expect("a new file");
    let with = passphrase(&home, PASSPHRASE);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&with, mode).expect("it was just written");
    let (code, said) = Process::run(
        &home,
        &["keys", "import", &file, "--passphrase-file", &with],
    );
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("chmod 600"), "{said}");
}
