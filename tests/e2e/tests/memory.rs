//! A client that is killed before its acknowledgement arrives, and restarted.

use chatapp_e2e::{
    Direction, Home, POSTED, Process, Relay, Room, TABLE, WELCOME, Weather, free_port,
};

fn start(relay: &Relay, home: &Home, name: &str, port: u16) -> Process {
    let (ip, server) = (relay.address().ip().to_string(), relay.address().port());
    let (server, port) = (server.to_string(), port.to_string());
    let mut client = Process::start_at(home, &["-c", name, &ip, &server, &port]);
    client.shows(WELCOME);
    client.shows(TABLE);
    client
}

#[test]
fn shows_once_unless_the_state_is_lost() {
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let mut alice = Room::join_at(relay.address(), "alice", 0);
    for (name, is_lost, times) in [("bob", false, 0), ("carol", true, 1)] {
        let port = free_port();
        let home = Home::new();
        let mut client = start(&relay, &home, name, port);
        alice.shows(TABLE);
        relay.cut_for(Direction::ToServer, port);
        alice.types(&format!("send_all for {name}"));
        alice.shows(POSTED);
        client.shows(&format!("Channel_Message alice: for {name}"));
        // The next message is shown only after the first one is stored as shown.
        client.types("table");
        client.shows_where("the table", |line| line.starts_with(name));
        client.is_killed();
        relay.mend();

        if is_lost {
            std::fs::remove_dir_all(home.state().join("clients")).expect("it was there");
        }
        let mut client = start(&relay, &home, name, port);
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
fn isolates_two_processes_of_one_name() {
    let home = Home::new();
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let mut first = start(&relay, &home, "bob", 0);
    let (ip, server) = (relay.address().ip().to_string(), relay.address().port());
    let server = server.to_string();
    let mut second = Process::start_at(&home, &["-c", "bob", &ip, &server, "0"]);
    assert_eq!(
        second.ends(),
        4,
        "the name is taken, and nothing else is wrong"
    );
    first.types("send bob hi");
    first.shows("bob: hi");
}
