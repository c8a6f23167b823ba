//! A client that is killed before its acknowledgement arrives, and started again.

use chatapp_tests::e2e::{
    Direction, POSTED, Process, Relay, Room, TABLE, WELCOME, Weather, free_port,
};
use tempfile::TempDir;

fn start(relay: &Relay, name: &str, port: u16, options: &[&str]) -> Process {
    let (ip, server) = (relay.address().ip().to_string(), relay.address().port());
    let (server, port) = (server.to_string(), port.to_string());
    let arguments = [&["-c", name, &ip, &server, &port], options].concat();
    let mut client = Process::start(&arguments);
    client.shows(WELCOME);
    client.shows(TABLE);
    client
}

#[test]
fn what_was_shown_is_not_shown_again_unless_nothing_is_kept() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let keeping: &[&str] = &["--data-dir", folder.path().to_str().expect("a sane name")];
    let forgetting: &[&str] = &["--ephemeral"];
    let mut alice = Room::join_at(relay.address(), "alice", 0);
    for (name, options, times) in [("bob", keeping, 0), ("carol", forgetting, 1)] {
        let port = free_port();
        let mut client = start(&relay, name, port, options);
        alice.shows(TABLE);
        relay.cut_for(Direction::ToServer, port);
        alice.types(&format!("send_all for {name}"));
        alice.shows(POSTED);
        client.shows(&format!("Channel_Message alice: for {name}"));
        // A message behind it is shown when the first one is remembered.
        client.types("table");
        client.shows_where("the table", |line| line.starts_with(name));
        client.is_killed();
        relay.mend();

        let mut client = start(&relay, name, port, options);
        alice.types(&format!("send_all end for {name}"));
        client.shows(&format!("Channel_Message alice: end for {name}"));
        let lines = client.lines();
        let again = lines
            .iter()
            .filter(|line| line.ends_with(&format!("> for {name}")));
        assert_eq!(again.count(), times, "{lines:?}");
        drop(client);
        alice.shows(POSTED);
    }
}

#[test]
fn two_processes_of_one_name_do_not_disturb_each_other() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let keeping: &[&str] = &["--data-dir", folder.path().to_str().expect("a sane name")];
    let mut first = start(&relay, "bob", 0, keeping);
    let (ip, server) = (relay.address().ip().to_string(), relay.address().port());
    let server = server.to_string();
    let arguments = [&["-c", "bob", &ip, &server, "0"], keeping].concat();
    let mut second = Process::start(&arguments);
    assert_eq!(
        second.ends(),
        4,
        "the name is taken, and nothing else is wrong"
    );
    first.types("send bob hi");
    first.shows("bob: hi");
}
