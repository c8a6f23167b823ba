//! Tests at a real terminal: the line being typed stays intact while messages arrive.
#![cfg(unix)]

mod conversation;
mod search;
mod texts;

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use chatapp_e2e::{BYE, Home, KEPT, Room, SAVED, Screen, TABLE, WELCOME, received_by};
use rustix::process::Signal;

const LEFT: &str = "\x1b[D";
const UP: &str = "\x1b[A";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_R: &str = "\x12";

#[test]
fn keeps_a_half_typed_line_and_its_cursor() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    alice.types("send bob Tea at fuor");
    alice.types(&LEFT.repeat(3));
    alice.types_at(">>> send bob Tea at f");
    for number in 0..40 {
        bob.types(&format!("send alice news {number}"));
    }
    alice.shows("bob: news 39");
    alice.types_at(">>> send bob Tea at f");
    alice.shows(">>> send bob Tea at fuor");
    // Swaps two characters, and sends the line.
    alice.types("\x1b[3~\x1b[Cu\r");
    bob.shows("alice: Tea at four");
    alice.shows(&received_by("bob"));
    let rows = alice.all_rows();
    for number in 0..40 {
        let row = format!(" bob: news {number}");
        assert_eq!(
            rows.iter().filter(|shown| shown.ends_with(&row)).count(),
            1,
            "{row}{alice}"
        );
    }
    assert_eq!(
        rows.iter()
            .filter(|row| row.contains("send bob Tea"))
            .count(),
        1,
        "{alice}"
    );
}

#[test]
fn completes_names_with_online_ones_first() {
    let room = Room::open();
    let [mut abe, _zoe] = room.join_all(["abe", "zoe"]);
    abe.types("dereg abe");
    abe.shows(BYE);
    let alice = Screen::join(room.address(), "alice", &[]);
    alice.types("ta\t");
    alice.types_at(">>> table ");
    alice.types("\x15se\t_\t");
    alice.types_at(">>> send_all ");
    alice.types("\x15send z\t");
    alice.types_at(">>> send zoe ");
    alice.types("\x15send \t\t");
    alice.waits_until("names in their order", |screen| {
        screen
            .rows(0, 80)
            .any(|row| row.split_whitespace().collect::<Vec<_>>() == ["alice", "zoe", "abe"])
    });
    alice.types("\x15/dereg a\t");
    alice.types_at(">>> /dereg alice ");
}

#[test]
fn stores_the_history_of_typed_lines_privately() {
    let room = Room::open();
    let (port, host) = (room.port.to_string(), "127.0.0.1");
    let arguments = ["-c", "Alice", host, &port, "0"];
    let mut alice = Screen::start(&arguments);
    alice.shows(TABLE);
    alice.types("send Alice first\r");
    alice.shows("Alice: first");
    alice.types(" send Alice secret\r");
    alice.shows("Alice: secret");
    alice.types(CTRL_D);
    assert_eq!(alice.ends(), 0);

    let file = alice.home().state().join("history/%41lice");
    let mode = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().expect("it is in a folder")), 0o700);

    let again = Screen::start_at(alice.home(), &arguments, &[]);
    again.shows(TABLE);
    again.types(UP);
    again.types_at(">>> send Alice first");
    again.types("\x15");
    again.types(CTRL_R);
    again.types("fir");
    again.shows("(reverse-i-search)`fir': send Alice first");
    again.types("\r");
    again.shows("Alice: first");

    let mut other = Screen::start(&["-c", "Bob", host, &port, "0", "--no-history"]);
    other.shows(TABLE);
    other.types("send Bob forget this\r");
    other.shows("Bob: forget this");
    other.types(CTRL_D);
    assert_eq!(other.ends(), 0);
    assert!(other.home().state().exists(), "keys are kept");
    assert!(!other.home().state().join("history").exists());
}

#[test]
fn takes_input_typed_ahead_exactly_once() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    let lines: String = (0..30).map(|n| format!("send bob line {n}\r")).collect();
    alice.types(&lines);
    for number in 0..30 {
        bob.shows(&format!("alice: line {number}"));
    }
    alice.types_at(">>> ");
    let rows = alice.all_rows();
    let typed: Vec<&String> = rows
        .iter()
        .filter(|row| row.contains("send bob line"))
        .collect();
    let expected: Vec<String> = (0..30).map(|n| format!(">>> send bob line {n}")).collect();
    assert_eq!(typed, expected.iter().collect::<Vec<_>>(), "{alice}");
}

/// If the terminal did, a key that ends the input could be lost between two lines.
#[test]
fn disables_canonical_mode_between_lines() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let looks = Cell::new(0_u32);
    for number in 0..40 {
        alice.types(&format!("send alice line {number}\r"));
        let shown = format!(" alice: line {number}");
        alice.waits_for(&shown, |alice| {
            // With pauses, because the mode of a terminal cannot be changed while it is read.
            for _ in 0..200 {
                assert!(!alice.edits_lines(), "at check {} {alice}", looks.get());
                looks.set(looks.get() + 1);
                std::thread::sleep(Duration::from_micros(10));
            }
            alice.all_rows().iter().any(|row| row.ends_with(&shown))
        });
    }
}

#[test]
fn keeps_the_typed_line_across_a_stop() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    alice.types("send alice half");
    alice.types_at(">>> send alice half");
    alice.is_sent(Signal::STOP);
    // A shell changes the mode meanwhile.
    alice.is_set_for_a_shell();
    assert!(alice.echoes());
    alice.is_sent(Signal::CONT);
    alice.waits_until("the line again", |screen| {
        screen.contents().matches(">>> send alice half").count() == 1
            && screen.cursor_position().1 == 19
    });
    alice.waits_for("no echo", |alice| !alice.echoes());
    alice.types(" a line\r");
    alice.shows("alice: half a line");
    assert!(
        alice
            .all_rows()
            .contains(&">>> send alice half a line".to_owned()),
        "{alice}"
    );
}

#[test]
fn restores_the_terminal_on_a_second_signal() {
    let mut room = Room::open();
    let mut alice = Screen::join(room.address(), "alice", &[]);
    room.server.is_killed();
    alice.types("half a line");
    alice.types_at(">>> half a line");
    alice.is_sent(Signal::TERM);
    // Simultaneous signals count as one. Deregistration takes 3 s.
    std::thread::sleep(Duration::from_millis(300));
    alice.is_sent(Signal::TERM);
    assert_ne!(alice.ends(), 0);
    assert!(alice.echoes(), "{alice}");
}

#[test]
fn restores_the_terminal_after_every_end() {
    let room = Room::open();
    for (keys, signal) in [
        ("quit\r", None),
        ("half a line\x03", None),
        (CTRL_D, None),
        ("half a line", Some(Signal::TERM)),
    ] {
        let mut alice = Screen::join(room.address(), "alice", &[]);
        assert!(!alice.echoes());
        alice.types(keys);
        if let Some(signal) = signal {
            alice.types_at(">>> half a line");
            alice.is_sent(signal);
        }
        assert_eq!(alice.ends(), 0, "{keys:?}{alice}");
        alice.shows(BYE);
        assert!(alice.echoes(), "{keys:?}{alice}");
        assert!(!alice.picture().bracketed_paste(), "{keys:?}");
        alice.waits_until("cursor at the start of a row", |screen| {
            screen.cursor_position().1 == 0
        });
    }
}

#[test]
fn asks_before_it_sends_pasted_lines() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    let lines = "send bob one\nsend bob two\nsend bob three\n";
    alice.pastes(lines);
    alice.shows("send bob three");
    alice.types("\r");
    alice.shows("Send these 3 lines? [y/N]");
    alice.types("\r");
    alice.shows("[Nothing was sent.]");
    alice.types_at(">>> ");
    alice.pastes(lines);
    alice.types("\r");
    alice.waits_until("a question", |screen| {
        let (row, _) = screen.cursor_position();
        let rows: Vec<String> = screen.rows(0, 80).collect();
        rows[usize::from(row)].starts_with("Send these 3 lines?")
    });
    alice.types("y\r");
    for line in ["alice: one", "alice: two", "alice: three"] {
        assert_eq!(bob.shows_next(), line);
    }
    // A single line needs no confirmation, with or without a line end.
    alice.pastes("send bob four\n");
    alice.types("\r");
    bob.shows("alice: four");
}

#[test]
fn redraws_the_typed_line_after_a_resize() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    let text = "send bob a line that is longer than the terminal will be";
    alice.types(text);
    alice.types_at(&format!(">>> {text}"));
    alice.has_size(24, 40);
    alice.waits_until("the line in two rows", |screen| {
        let rows: Vec<String> = screen.rows(0, 40).collect();
        rows.iter()
            .any(|row| row.trim_end() == "the terminal will be")
    });
    bob.types("send alice news");
    alice.shows("bob: news");
    alice.has_size(24, 120);
    alice.types(" now\r");
    bob.shows("alice: a line that is longer than the terminal will be now");
}

#[test]
fn uses_colors_as_selected() {
    let room = Room::open();
    let (port, host) = (room.port.to_string(), "127.0.0.1");
    let mut bob = room.join("bob");
    let mut has_colors = |options: &[&str], environment: &[(&str, &str)]| {
        let arguments = [&["-c", "alice", host, &port, "0"], options].concat();
        let home = Home::of("alice");
        let mut alice = Screen::start_at(&home, &arguments, environment);
        alice.shows("[Client table updated.]");
        alice.types("send nobody hi\r");
        alice.shows("[Client nobody does not exist.]");
        bob.types("send alice private");
        bob.types("send_all to everybody");
        alice.shows("bob: private");
        alice.shows("Channel_Message bob: to everybody");
        alice.types("quit\r");
        assert_eq!(alice.ends(), 0);
        let bytes = String::from_utf8_lossy(&alice.bytes()).into_owned();
        let colored = bytes.matches("\x1b[3").count() > 0;
        (colored, alice)
    };
    let (colored, alice) = has_colors(&[], &[]);
    assert!(colored);
    let color_of = |text: &str, offset: usize| {
        let screen = alice.picture();
        let row = alice
            .rows()
            .iter()
            .position(|row| row.contains(text))
            .expect("it is on the screen");
        let column = alice.rows()[row].find(text).expect("it is there") + offset;
        let cell = screen.cell(row as u16, column as u16);
        let cell = cell.expect("the screen has this cell");
        (cell.fgcolor(), cell.bold(), cell.dim())
    };
    assert_eq!(color_of("[Client nobody", 0).0, vt100::Color::Idx(1), "red");
    assert!(color_of(">>> ", 4).2, "the time is dim");
    let (private, is_bold, _) = color_of("bob: private", 0);
    assert!(is_bold && private != vt100::Color::Default);
    let (channel, is_bold, _) = color_of("bob: to everybody", 0);
    assert!(
        channel == private && !is_bold,
        "a channel message must differ only in its weight"
    );

    for (options, environment, expected) in [
        (&["--color", "never"][..], &[][..], false),
        (&[], &[("NO_COLOR", "1")], false),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
        (&[], &[("TERM", "dumb")], false),
    ] {
        let (colored, _) = has_colors(options, environment);
        assert_eq!(colored, expected, "{options:?} {environment:?}");
    }
}

#[test]
fn combines_quick_table_changes_in_one_line() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    for _ in 0..10 {
        bob.types("dereg bob");
        bob.shows(BYE);
        bob.types("reg bob");
        bob.shows(TABLE);
    }
    bob.types("send alice done");
    alice.shows("bob: done");
    alice.types("table\r");
    alice.shows("127.0.0.1");
    let count = alice
        .all_rows()
        .iter()
        .filter(|row| row.contains(TABLE))
        .count();
    assert!((1..=10).contains(&count), "{count} of 21 lines{alice}");
}

#[test]
fn shows_name_address_status_and_time() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    bob.types("dereg bob");
    bob.shows(BYE);
    alice.waits_until("the news", |screen| {
        screen.contents().matches(TABLE).count() > 1
    });
    alice.types("/who\r");
    alice.waits_until("a table", |screen| {
        let rows: Vec<Vec<String>> = screen
            .rows(0, 80)
            .map(|row| row.split_whitespace().map(str::to_owned).collect())
            .collect();
        let is = |row: &[String], words: &[&str]| {
            row.len() == words.len()
                && row
                    .iter()
                    .zip(words)
                    .all(|(shown, word)| *word == "*" || shown == word)
        };
        rows.windows(3).any(|rows| {
            is(&rows[0], &["who", "where", "status", "since"])
                && is(&rows[1], &["alice", "(you)", "*", "online", "before"])
                && is(&rows[2], &["bob", "*", "offline", "*"])
                && rows[2][3].contains(':')
        })
    });
}

#[test]
fn reports_commands_that_take_long() {
    let mut room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    room.server.is_killed();
    alice.types("send_all hello\r");
    alice.shows("[Waiting for the server to reply.]");
    alice.shows("[Server not responding]");
}

#[test]
fn counts_many_stored_messages() {
    let room = Room::open_with(&["--mail-share", "100"]);
    let mut bob = room.join("bob");
    let mut alice = Screen::join(room.address(), "alice", &[]);
    alice.types("quit\r");
    assert_eq!(alice.ends(), 0);
    bob.shows(TABLE);
    for number in 0..250 {
        bob.types(&format!("send alice kept {number}"));
    }
    while bob.count(SAVED) < 250 {
        bob.shows(SAVED);
    }
    let port = room.port.to_string();
    let arguments = ["-c", "alice", "127.0.0.1", &port, "0"];
    let alice = Screen::start_at(alice.home(), &arguments, &[]);
    alice.shows("stored messages in all");
    let rows = alice.all_rows();
    for line in [
        WELCOME,
        KEPT,
        "[100 stored messages so far]",
        "[200 stored messages so far]",
        "[250 stored messages in all]",
    ] {
        assert!(rows.iter().any(|row| row.contains(line)), "{line}{alice}");
    }
}

#[test]
fn keeps_peer_text_from_driving_the_terminal() {
    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    bob.types("send alice a\u{1b}[2Jb\u{9b}31mc\u{7}d\u{202e}e\u{8}f");
    alice.shows(r"bob: a\u{1b}[2Jb\u{9b}31mc\u{7}d\u{202e}e\u{8}f");
    alice.shows(WELCOME);
    // Pasted text of the user must not control the terminal either.
    alice.pastes("send bob x\u{9b}2Jy\u{202e}z");
    alice.types_at(">>> send bob x2Jyz");
    alice.shows(WELCOME);
    alice.types(CTRL_C);
}

#[test]
fn suggests_a_command_for_a_wrong_one() {
    let room = Room::open();
    let mut alice = Screen::join(room.address(), "alice", &[]);
    alice.types("sned bob hi\r");
    alice.shows("[There is no command sned. Did you mean send?");
    alice.types("help\r");
    alice.shows("Tab completes");
    alice.types("/quit\r");
    assert_eq!(alice.ends(), 0);
}
