//! Acknowledged means written. If the output of a client does not take a message, its sender learns
//! that. Or the server stores it, and the next start shows it.
#![cfg(unix)]

mod ear;
mod hostile;

use std::time::Duration;

use chatapp_e2e::{Home, POSTED, Process, Room, SAVED, SmallDisk, TABLE, WELCOME, received_by};
use ear::{Ear, next_start};
use rustix::process::Signal;

/// Options of a server without rate limits.
const UNLIMITED: [&str; 4] = ["--text-kib", "0", "--requests", "0"];

/// Sends a message to the ear; returns whether its sender was told that it was received, and not
/// that the server has saved it.
fn is_received(sender: &mut Process, text: &str) -> bool {
    sender.types(&format!("send ear {text}"));
    let received = received_by("ear");
    let last = sender.shows_where("a final line", |line| line == received || line == SAVED);
    last == received
}

/// Returns what an ear with these options shows once it has the table.
fn table_line(options: &[&str]) -> &'static str {
    match options {
        [] => TABLE,
        _ => "\"table_updated\"",
    }
}

/// Sends messages to the ear until its output takes no more; returns how many it took.
fn fill(sender: &mut Process) -> usize {
    let long = "x".repeat(900);
    let refused = (0..1_000).find(|number| !is_received(sender, &format!("{long}<{number}>")));
    refused.expect("the output gets full")
}

#[test]
fn keeps_a_message_for_the_start_after_head() {
    for json in [&[][..], &["--json"]] {
        let room = Room::open();
        let mut al = room.join("al");
        let home = Home::of("ear");
        let mut ear = Ear::at_pipe(&home, &room, json);
        // As `head -2` does.
        ear.shows(table_line(json));
        ear.is_closed();
        al.shows(TABLE);
        assert!(!is_received(&mut al, "important"));
        assert_eq!(ear.ends(), Some(1));
        let mut ear = next_start(&home, &room);
        ear.shows_where("the message", |line| line.ends_with("important"));
    }
}

/// A terminal takes some messages, and then nobody reads it any more.
#[test]
fn counts_only_what_a_hung_terminal_took() {
    for is_killed in [true, false] {
        let room = Room::open_with(&UNLIMITED);
        let mut al = room.join("al");
        let home = Home::of("ear");
        let mut ear = Ear::at_terminal(&home, &room, &[]);
        ear.shows(WELCOME);
        al.shows(TABLE);
        let long = "x".repeat(700);
        let received: Vec<bool> = (0..40)
            .map(|number| is_received(&mut al, &format!("{long}<{number}>")))
            .collect();
        assert!(!received[39], "the terminal takes everything");
        if is_killed {
            ear.is_sent(Signal::KILL);
        } else {
            ear.is_closed();
        }
        ear.ends();
        let mut next = next_start(&home, &room);
        al.types("send ear end");
        next.shows_where("the end", |line| line.ends_with("end"));
        let later = next.lines().join("\n");
        for (number, received) in received.iter().enumerate() {
            let text = format!("x<{number}>");
            let (first, second) = (ear.has_shown(&text), later.contains(&text));
            assert!(first || second, "{number} is lost, received: {received}");
            assert!(
                first || !received,
                "{number} was received before it was shown"
            );
        }
    }
}

/// As above, but lines are typed at the terminal. The editor has taken a piece of the output from
/// the client, and cannot write it.
#[test]
fn counts_only_what_a_hung_editor_wrote() {
    let room = Room::open_with(&UNLIMITED);
    let home = Home::of("ear");
    let mut ear = Ear::at_editor(&home, &room, &[]);
    ear.shows(WELCOME);
    let names = ["al", "bo", "cy", "di", "ed", "fy"];
    let mut senders = room.join_all(names);
    ear.shows(TABLE);
    // Their messages come at the same time, so that a piece has several.
    let mut received = vec![false; names.len() * 20];
    let long = "x".repeat(300);
    for round in 0..20 {
        for (number, sender) in senders.iter_mut().enumerate() {
            sender.types(&format!(
                "send ear {long}<{}>",
                round * names.len() + number
            ));
        }
        for (number, sender) in senders.iter_mut().enumerate() {
            let yes = received_by("ear");
            let last = sender.shows_where("a final line", |line| line == yes || line == SAVED);
            received[round * names.len() + number] = last == yes;
        }
    }
    assert!(
        !received[received.len() - 1],
        "the terminal takes everything"
    );
    ear.is_sent(Signal::KILL);
    ear.ends();
    for (number, received) in received.iter().enumerate() {
        let is_shown = ear.has_shown(&format!("x<{number}>"));
        assert!(
            is_shown || !received,
            "{number} was received before it was shown"
        );
    }
}

#[test]
fn shows_all_once_after_a_stalled_pipe_is_read() {
    for json in [&[][..], &["--json"]] {
        let room = Room::open_with(&UNLIMITED);
        let [mut al, mut bo] = room.join_all(["al", "bo"]);
        let home = Home::of("ear");
        let mut ear = Ear::at_pipe(&home, &room, json);
        ear.shows(table_line(json));
        bo.shows(TABLE);
        let long = "x".repeat(900);
        // More than a pipe holds.
        for number in 0..150 {
            bo.types(&format!("send_all {long}<c{number}>"));
        }
        (0..150).for_each(|_| bo.shows(POSTED));
        let received = is_received(&mut al, "late<d0>");
        assert!(!received, "the pipe is full");
        ear.shows("<c149>");
        ear.shows("<d0>");
        let numbers = (0..150).map(|number| format!("<c{number}>"));
        for text in numbers.chain(["<d0>".to_owned()]) {
            assert_eq!(ear.count(&text), 1, "{text}");
        }
    }
}

#[test]
fn leaves_only_written_messages_behind() {
    let room = Room::open_with(&UNLIMITED);
    let mut al = room.join("al");
    let home = Home::of("ear");
    let mut ear = Ear::at_pipe(&home, &room, &[]);
    ear.shows(WELCOME);
    al.shows(TABLE);
    let sent = fill(&mut al);
    ear.is_sent(Signal::TERM);
    assert_eq!(ear.ends(), Some(1), "a message is not written");
    assert!(!ear.has_shown(&format!("x<{sent}>")));
    let mut next = next_start(&home, &room);
    next.shows_where("the last message", |line| {
        line.ends_with(&format!("x<{sent}>"))
    });
    let again = next
        .lines()
        .iter()
        .filter(|line| line.contains("x<"))
        .count();
    assert_eq!(again, 1, "a written message is shown again");
}

#[test]
fn keeps_what_a_full_disk_did_not_take() {
    let Some(disk) = SmallDisk::of("64k") else {
        return;
    };
    let room = Room::open_with(&UNLIMITED);
    let mut al = room.join("al");
    let home = Home::of("ear");
    let log = disk.path().join("log");
    let mut ear = Ear::at_file(&home, &room, &log);
    ear.shows(WELCOME);
    al.shows(TABLE);
    let sent = fill(&mut al);
    assert!(sent > 10, "the disk took too little");
    assert_eq!(ear.ends(), Some(1));
    for number in 0..sent {
        assert!(ear.has_shown(&format!("x<{number}>")), "{number}");
    }
    let mut next = next_start(&home, &room);
    let last = format!("x<{sent}>");
    next.shows_where("the last message", |line| line.ends_with(&last));
}

/// A reader that pauses for less than a retransmission costs nothing.
#[test]
fn acknowledges_once_a_slow_reader_has_read() {
    let room = Room::open_with(&UNLIMITED);
    let mut al = room.join("al");
    let home = Home::of("ear");
    let mut ear = Ear::at_pipe(&home, &room, &[]);
    ear.shows(WELCOME);
    al.shows(TABLE);
    let long = "x".repeat(900);
    for number in 0..100 {
        al.types(&format!("send ear {long}<{number}>"));
    }
    while !ear.has_shown("x<99>") {
        ear.reads(3_000);
        std::thread::sleep(Duration::from_millis(1));
    }
    (0..100).for_each(|_| al.shows(&received_by("ear")));
}
