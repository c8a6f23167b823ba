//! `ChatApp ping`: a server answers a program without a name.

use std::net::UdpSocket;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Datagram, VERSION};
use chatapp_core::{Identity, StaticKey};
use chatapp_e2e::{Home, Process, Room, free_port};

fn ping(port: u16, more: &[&str]) -> Process {
    let port = port.to_string();
    let mut ping = Process::start(&[&["ping", "127.0.0.1", &port], more].concat());
    ping.ends();
    ping
}

#[test]
fn answers_a_ping_without_a_name() {
    let mut room = Room::open();
    let mut text = ping(room.port, &[]);
    assert_eq!(text.ends(), 0, "{text}");
    let line = text.lines().concat();
    let start = format!("The server at 127.0.0.1:{} answers in ", room.port);
    let end = format!(" ms. It has protocol version {VERSION}.");
    assert!(line.starts_with(&start) && line.ends_with(&end), "{line}");

    let mut json = ping(room.port, &["--json"]);
    assert_eq!(json.ends(), 0, "{json}");
    let object: serde_json::Value = serde_json::from_str(&json.lines().concat()).expect("JSON");
    assert_eq!(object["answers"], true);
    assert_eq!(object["version"], VERSION);
    assert_eq!(object["address"], format!("127.0.0.1:{}", room.port));
    assert!(
        object["round_trip_ms"].as_f64().is_some_and(|ms| ms > 0.0),
        "{object}"
    );

    let mut bound = ping(room.port, &["--bind", "127.0.0.1"]);
    assert_eq!(bound.ends(), 0, "{bound}");
    for (ip, words) in [
        ("::1", "127.0.0.1 has no address that --bind can reach"),
        ("192.0.2.1", "does not respond: "),
    ] {
        let mut elsewhere = ping(room.port, &["--bind", ip]);
        assert_eq!(elsewhere.ends(), 1, "{elsewhere}");
        elsewhere.logs(words);
    }

    // Nothing is left of it, and the answers were shorter than the requests.
    room.server.types("stats");
    room.server.logs("clients: 0 online; names: 0 of");
    let traffic = |line: String| -> u64 {
        let (_, rest) = line.split_once("3 datagrams, ").expect("three pings");
        let (bytes, _) = rest.split_once(' ').expect("a number");
        bytes.parse().expect("a number")
    };
    let received = traffic(room.server.logs("received: "));
    let sent = traffic(room.server.logs("sent: "));
    assert!(sent <= received, "{sent} bytes for {received}");
}

#[test]
fn fails_a_ping_without_an_answer() {
    for more in [&[] as &[&str], &["--json"]] {
        let mut closed = ping(free_port(), more);
        assert_eq!(closed.ends(), 1, "{closed}");
        closed.logs("does not respond");
        if !more.is_empty() {
            closed.shows_where("the reason", |line| {
                line.starts_with(r#"{"answers":false,"#)
            });
        }
    }
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let mut hung = ping(silent.local_addr().expect("its port").port(), &[]);
    assert_eq!(hung.ends(), 1, "{hung}");
    let mut lost = Process::start(&["ping", "no-such-host.invalid", "4119"]);
    assert_eq!(lost.ends(), 1, "{lost}");
    lost.logs("cannot find no-such-host.invalid");
    let mut wrong = Process::start(&["ping", "127.0.0.1"]);
    assert_eq!(wrong.ends(), 2, "{wrong}");
}

#[test]
fn answers_only_members_of_a_closed_room() {
    let home = Home::new();
    let [key, other] = ["room.key", "other.key"].map(|name| {
        let file = home
            .path()
            .join(name)
            .to_str()
            .expect("a sane name")
            .to_owned();
        assert_eq!(Process::start(&["keys", "new-room", &file]).ends(), 0);
        file
    });
    let room = Room::open_with(&["--room-key", &key]);
    for (more, code) in [
        (&[] as &[&str], 1),
        (&["--room-key", &other], 1),
        (&["--room-key", &key], 0),
    ] {
        let mut answer = ping(room.port, more);
        assert_eq!(answer.ends(), code, "{answer}");
    }
}

/// A server of another version answers, and is of no use to this program.
#[test]
fn names_the_version_of_another_server() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("its port").port();
    let answers = std::thread::spawn(move || {
        let mut request = [0; 2_000];
        let (_, from) = server.recv_from(&mut request).expect("a request");
        let unsupported = Datagram::Unsupported {
            version: 77,
            echo: u64::from_le_bytes(request[2..10].try_into().expect("eight bytes")),
        };
        let identity = Identity::new(StaticKey::new([1; 32]), None);
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = unsupported.emit(&identity, &mut out);
        server.send_to(&out[..len], from).expect("it leaves");
    });
    let mut other = ping(port, &[]);
    assert_eq!(other.ends(), 1, "{other}");
    other.logs(&format!(
        "has protocol version 77, this program has version {VERSION}"
    ));
    answers.join().expect("it has answered");
}
