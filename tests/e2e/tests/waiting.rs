//! Clients that start before their server, or before name servers answer.

use chatapp_e2e::{BYE, Process, Room, TABLE, WELCOME, free_port};
use serde_json::Value;

const TRYING: &str = "[The server does not respond. Trying again until it does.]";

fn start(port: u16, options: &[&str]) -> Process {
    let port = port.to_string();
    Process::start(&[&["-c", "alice", "127.0.0.1", &port, "0", "--wait"], options].concat())
}

#[test]
fn waits_for_a_server_that_starts_later() {
    let port = free_port();
    let mut piped = start(port, &[]);
    piped.is_piped("table\nsend alice hi\n");
    piped.shows(TRYING);
    let _room = Room::open_at(port, &[]);
    assert_eq!(piped.shows_next(), WELCOME);
    assert_eq!(piped.shows_next(), TABLE);
    piped.shows_where("its row", |line| line.ends_with("  online"));
    piped.shows("alice: hi");
    piped.shows(BYE);
    assert_eq!(piped.ends(), 0);
    assert_eq!(piped.count(TRYING), 1);
}

#[test]
fn waits_with_commands_of_the_command_line() {
    let port = free_port();
    let mut robot = start(port, &["--exec", "send alice hi", "--exec", "table"]);
    robot.shows(TRYING);
    let _room = Room::open_at(port, &[]);
    robot.shows("alice: hi");
    assert_eq!(robot.ends(), 0);
}

#[test]
fn reports_each_attempt_as_json() {
    let port = free_port();
    let mut alice = start(port, &["--json"]);
    let status = |line: &str, id: u32| {
        let object: Value = serde_json::from_str(line).expect("each line is an object");
        (object["id"] == id).then(|| object["status"].as_str().map(str::to_owned))?
    };
    alice.shows_where("a failure", |line| {
        status(line, 1).as_deref() == Some("server_not_responding")
    });
    let _room = Room::open_at(port, &[]);
    alice.shows_where("the registration", |line| {
        line.contains(r#""status":"registered""#)
    });
    alice.closes_input();
    assert_eq!(alice.ends(), 0);
}

#[cfg(unix)]
#[test]
fn ends_on_a_signal_while_waiting() {
    let mut alice = start(free_port(), &[]);
    alice.shows(TRYING);
    alice.is_sent(rustix::process::Signal::TERM);
    assert_eq!(alice.ends(), 3);
}

#[test]
fn ends_with_exit_3_if_no_name_server_helps() {
    // Neither an answer nor its absence makes this host known.
    let arguments = ["-c", "alice", "chat.invalid", "4119", "0"];
    let mut alice = Process::start(&arguments);
    assert_eq!(alice.ends(), 3);
    alice.logs("cannot find chat.invalid: ");
    let mut waiting = Process::start(&[&arguments[..], &["--wait"]].concat());
    waiting.logs("; trying again until it is found");
}
