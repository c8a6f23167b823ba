//! Programs with another protocol version.

use std::net::{Ipv4Addr, UdpSocket};

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Datagram, VERSION};
use chatapp_core::{Identity, StaticKey};
use chatapp_e2e::{PATIENCE, POSTED, Room};

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a valid timeout");
    socket
}

/// Returns a new identity without a room key.
fn identity() -> Identity {
    Identity::new(StaticKey::new([1; 32]), None)
}

fn emit(datagram: Datagram<'_>) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(&identity(), &mut out);
    out[..len].to_vec()
}

#[test]
fn reports_another_server_version_with_exit_3() {
    let server = socket();
    let address = server.local_addr().expect("it is bound");
    let mut alice = Room::start_client(address, "alice", 0);
    let mut buffer = [0; DATAGRAM_LEN_MAX];
    let (len, from) = server.recv_from(&mut buffer).expect("the client asks");
    let Ok(Datagram::CookieRequest { id }) = Datagram::parse(&identity(), &buffer[..len]) else {
        panic!("the client asks for a cookie first");
    };
    let answer = emit(Datagram::Unsupported {
        version: VERSION + 1,
        echo: id,
    });
    server.send_to(&answer, from).expect("it can be answered");
    assert_eq!(alice.ends(), 3);
    let output = [alice.lines(), alice.log()].concat().join("\n");
    assert!(
        output.contains(&format!("version {}", VERSION + 1)),
        "{alice}"
    );
}

#[test]
fn answers_another_client_version_briefly() {
    let mut room = Room::open();
    let client = socket();
    let question = [&[VERSION + 1, 1], &[7; 198][..]].concat();
    client
        .send_to(&question, room.address())
        .expect("it can be sent");
    let mut buffer = [0; DATAGRAM_LEN_MAX];
    let (len, _) = client.recv_from(&mut buffer).expect("the server answers");
    let echo = u64::from_le_bytes([7; 8]);
    assert_eq!(
        Datagram::parse(&identity(), &buffer[..len]),
        Ok(Datagram::Unsupported {
            version: VERSION,
            echo
        })
    );
    room.server.logs("version");
    let mut alice = room.join("alice");
    alice.types("send_all all is well");
    alice.shows(POSTED);
}
