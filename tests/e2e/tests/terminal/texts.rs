//! Texts that are not plain: other encodings, wide names.

use chatapp_e2e::{Room, Screen, received_by};

use super::CTRL_D;

#[test]
fn stays_after_a_paste_that_is_not_utf8() {
    let room = Room::open();
    let mut alice = Screen::join(room.address(), "alice", &[]);
    let notices = |count| {
        alice.waits_until("the notices", |screen| {
            let rows = screen.rows(0, 80);
            rows.filter(|row| row.contains("[The line is not UTF-8; it was not sent.]"))
                .count()
                == count
        });
        alice.types_at(">>> ");
    };
    alice.types_bytes(b"\x1b[200~send alice caf\xe9 and tea\x1b[201~");
    notices(1);
    // The rest of the paste is no command of its own.
    alice.types_bytes(b"\x1b[200~send alice \xff\xfe\nsend alice surprise\nquit\n\x1b[201~\r");
    notices(2);
    // Without bracketed paste, and as typed in another encoding.
    alice.types_bytes(b"send alice Gr\xfc\xdfe\rquit\r");
    notices(3);
    // A paste of several times the queue of the terminal.
    let mut long = b"send alice \xe9".to_vec();
    long.extend(b"send alice surprise\r".repeat(2_000));
    alice.types_bytes(&long);
    notices(4);
    alice.types("send alice Grüße\r");
    alice.shows("alice: Grüße");
    alice.shows(&received_by("alice"));
    assert!(!alice.all_rows().iter().any(|row| row.contains("surprise")));
    alice.types(CTRL_D);
    assert_eq!(alice.ends(), 0);
}

#[test]
fn aligns_a_terminal_table_by_display_width() {
    let room = Room::open_with(&["--any-name"]);
    let _others = room.join_all(["名前の長い人", "Zoe\u{308}", "🦀"]);
    let alice = Screen::join(room.address(), "alice", &[]);
    alice.types("table\r");
    alice.waits_until("four aligned rows", |screen| {
        let cell = |row, column| {
            screen
                .cell(row, column)
                .map(|cell| cell.contents().to_owned())
        };
        let is_address = |row| {
            (0..9).all(|at| cell(row, 14 + at).as_deref() == "127.0.0.1".get(at.into()..=at.into()))
        };
        (0..24).filter(|row| is_address(*row)).count() == 4
    });
}
