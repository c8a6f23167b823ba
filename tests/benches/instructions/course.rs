//! Runs all cases.

use chatapp_core::crypto::{Handshake, KEY_LEN, Responder, TAG_LEN};
use chatapp_core::{Command, Endpoint as _};

use crate::case::{BURST, Case};
use crate::room::{ALICE, BOB, ERIN, GONE, Room, SERVER, SMALL, identity};

/// Number of repetitions of each case.
const ROUNDS: usize = 16;

/// Runs all cases several times in a room with this many clients.
pub(crate) fn go_through_all(clients: usize) {
    let mut room = Room::with_clients(clients);
    for round in 0..ROUNDS {
        cryptography(u8::try_from(round).unwrap_or(0));
        through_the_server(&mut room, clients, round);
        directly(&mut room);
        away_and_back(&mut room);

        room.now = room.now.plus_millis(20_000);
        room.clients[ALICE].handle_timeout(room.now);
        room.drive(ALICE);
        room.measure(Case::KeepAlive, SERVER);
        room.settle();
    }
    room.command(
        ALICE,
        Command::SendAll {
            text: "hello, everybody",
        },
    );
    room.measure(Case::Post, SERVER);
    room.settle();
}

/// Sends a message that the server stores, and one to a name that the client must look up.
fn through_the_server(room: &mut Room, clients: usize, round: usize) {
    let away = format!("client{GONE}");
    room.command(
        ALICE,
        Command::Send {
            to: &away,
            text: "for later",
        },
    );
    room.measure(Case::Store, SERVER);
    room.measure_nothing(ALICE);
    room.measure(Case::Acknowledgement, SERVER);
    room.settle();

    // A name that is not in its table, if the room is larger than the table.
    let other = format!(
        "client{}",
        SMALL + 1 + (clients - SMALL - 2) * round / ROUNDS
    );
    room.command(
        ERIN,
        Command::Send {
            to: &other,
            text: "hello",
        },
    );
    room.measure(Case::Lookup, SERVER);
    room.settle();
}

/// Sends messages from client to client.
fn directly(room: &mut Room) {
    room.command(
        ALICE,
        Command::Send {
            to: "client1",
            text: "hello",
        },
    );
    room.settle();
    room.command(
        ALICE,
        Command::Send {
            to: "client1",
            text: "hello again",
        },
    );
    room.measure(Case::Text, BOB);
    room.measure(Case::TextAcknowledgement, ALICE);
    room.settle();
    Case::Exchange.run(&mut || room.exchange(1));
    Case::Burst.run(&mut || room.exchange(BURST));
}

/// Lets a client leave and return.
fn away_and_back(room: &mut Room) {
    room.command(ERIN, Command::Deregister { name: "client2" });
    room.settle();
    room.command(ERIN, Command::Register { name: "client2" });
    while room.is_busy() {
        room.measure(Case::Return, SERVER);
        room.measure_nothing(ERIN);
        if room.clients[ERIN].is_registered() {
            break;
        }
    }
    room.settle();
}

/// Performs a handshake, and exchanges one datagram in its session.
fn cryptography(round: u8) {
    let (client, server) = (identity([1; KEY_LEN]), identity([2; KEY_LEN]));
    let (mut first, mut second, mut payload) = ([0; 512], [0; 512], [0; 112]);
    let (mut first_len, mut second_len) = (0, 0);
    let (mut near, mut far) = (None, None);
    let asked = Handshake {
        identity: &client,
        remote: &server.public(),
        prologue: b"what stands in front",
        ephemeral: &[round + 1; KEY_LEN],
        payload: &[7; 96],
    };
    Case::First.run(&mut || first_len = asked.first(&mut first).expect("there is room"));
    Case::Second.run(&mut || {
        let message = &first[..first_len];
        let read = Responder::read(&server, asked.prologue, message, &mut payload);
        let (responder, _) = read.expect("it is for this server");
        let ephemeral = [round + 100; KEY_LEN];
        let answered = responder.answer(&server, &ephemeral, &[8; 80], &mut second);
        let (session, len) = answered.expect("there is room");
        (far, second_len) = (Some(session), len);
    });
    Case::Complete.run(&mut || {
        let read = asked.complete(&second[..second_len], &mut payload);
        near = read.map(|(session, _)| session);
    });
    let (mut near, mut far) = near.zip(far).expect("both have the session");
    let mut body = [round; 128];
    let mut tag = [0; TAG_LEN];
    Case::Seal.run(&mut || tag = client.seal(&mut near, b"front", &mut body));
    for (case, at) in [(Case::ForgedStart, 0), (Case::ForgedEnd, TAG_LEN - 1)] {
        let (mut body, mut tag) = (body, tag);
        tag[at] ^= 1;
        case.run(&mut || assert!(!server.open(&mut far, 0, b"front", &mut body, &tag)));
    }
    Case::Open.run(&mut || assert!(server.open(&mut far, 0, b"front", &mut body, &tag)));
    assert_eq!(body, [round; 128]);
}
