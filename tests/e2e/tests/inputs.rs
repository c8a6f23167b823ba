//! Input as editors, pipes and terminals deliver it: byte order marks, joiners, other encodings.

use std::fs;

use chatapp_e2e::{BYE, Home, Process, Room, TABLE, WELCOME, free_port, received_by};

const MARK: &str = "\u{feff}";

#[test]
fn takes_scripts_with_a_byte_order_mark() {
    let room = Room::open();
    let mut alice = room.join("alice");
    // Joined files have a mark in the middle, too.
    alice.is_piped(format!("{MARK}send alice one\r\n{MARK}send alice two\n"));
    alice.shows("alice: one");
    alice.shows("alice: two");
    assert_eq!(alice.ends(), 0);

    let port = room.port.to_string();
    let arguments = ["-c", "bob", "127.0.0.1", &port, "0", "--json"];
    let mut bob = Process::start(&arguments);
    bob.is_piped(format!(
        "{MARK}{{\"command\":\"send\",\"to\":\"bob\",\"text\":\"hi\"}}\n"
    ));
    assert_eq!(bob.ends(), 0);
    let lines = bob.lines().join("\n");
    assert!(lines.contains(r#""status":"delivered""#), "{bob}");
    assert!(!lines.contains("rejected"), "{bob}");
}

#[test]
fn takes_starts_with_a_byte_order_mark() {
    let port = free_port();
    let mut server = Process::start::<&str>(&[]);
    server.types(&format!("{MARK}ChatApp -s {port} --ephemeral"));
    server.shows_where("the start", |line| line.contains("The server starts!"));
    server.types(&format!("{MARK}quit"));
    assert_eq!(server.ends(), 0);
}

#[test]
fn takes_files_with_a_byte_order_mark() {
    let home = Home::new();
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::write(&path, format!("{MARK}{text}\r\n")).expect("a new home has room");
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("it was just written");
        path.into_os_string().into_string().expect("a sane name")
    };
    let key = file("room.key", &"5a".repeat(32));
    let allowed = file("allow", "alice");
    let options = ["--room-key", &key, "--allow-file", &allowed];
    let room = Room::open_with(&options);
    let port = room.port.to_string();
    let arguments = ["-c", "alice", "127.0.0.1", &port, "0", "--room-key", &key];
    let mut alice = Process::start(&arguments);
    alice.shows(WELCOME);
}

#[test]
fn waits_for_the_table_of_a_script() {
    let room = Room::open();
    let _bob = room.join("bob");
    let port = room.port.to_string();
    for (json, command) in [
        (&[][..], "table\n"),
        (&["--json"], "{\"command\":\"table\"}\n"),
    ] {
        let arguments = [&["-c", "alice", "127.0.0.1", &port, "0"], json].concat();
        let mut alice = Process::start_at(&Home::of("alice"), &arguments);
        alice.is_piped(command);
        assert_eq!(alice.ends(), 0);
        let lines = alice.lines();
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("bob ") || line.contains(r#"{"name":"bob""#)),
            "{alice}"
        );
    }
    // A second table, after the name has left, is that of the moment.
    let mut carol = room.join("carol");
    carol.types("dereg carol");
    carol.shows(BYE);
    carol.types("reg carol");
    carol.types("table");
    carol.shows(TABLE);
    carol.shows_where("carol's row", |line| {
        line.starts_with("carol") && line.ends_with("  online")
    });
}

#[test]
fn ends_a_table_of_a_script_without_a_server() {
    let port = free_port().to_string();
    let mut alice = Process::start(&["-c", "alice", "127.0.0.1", &port, "0"]);
    alice.is_piped("table\n");
    assert_eq!(alice.ends(), 3);
}

#[test]
fn shows_joiners_as_they_were_written() {
    let room = Room::open();
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    for text in [
        "نمی\u{200c}دانم",
        "👩\u{200d}🚀 at work",
        "क\u{94d}\u{200d}ष",
        "❤\u{fe0f}",
    ] {
        alice.types(&format!("send bob {text}"));
        bob.shows(&format!("alice: {text}"));
    }
    for (text, shown) in [
        ("a \u{200d}", r"a \u{200d}"),
        ("a\u{200c}\u{200c}b", r"a\u{200c}\u{200c}b"),
        ("a\u{3164}", r"a\u{3164}"),
        ("x\u{e0041}", r"x\u{e0041}"),
        ("x\u{2066}y", r"x\u{2066}y"),
    ] {
        alice.types(&format!("send bob {text}"));
        bob.shows(&format!("alice: {shown}"));
    }
}

/// Returns the column where the addresses begin, as a terminal counts.
fn address_column(line: &str) -> usize {
    let (before, _) = line.split_once("127.0.0.1").expect("an address");
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3000}'..) && c != '\u{308}';
    before
        .chars()
        .map(|c| match c {
            '\u{300}'..='\u{36f}' => 0,
            c if wide(c) => 2,
            _ => 1,
        })
        .sum()
}

#[test]
fn aligns_the_table_by_display_width() {
    let room = Room::open_with(&["--any-name"]);
    let _others = room.join_all(["名前の長い人", "Zoe\u{308}", "🦀", "한글"]);
    let mut alice = room.join("alice");
    alice.types("table");
    alice.types("send alice done");
    alice.shows(&received_by("alice"));
    let rows: Vec<String> = alice.lines();
    let columns: Vec<usize> = rows
        .iter()
        .filter(|line| line.contains("127.0.0.1"))
        .map(|line| address_column(line))
        .collect();
    assert_eq!(columns, [14; 5], "{alice}");
}
