//! The three acceptance cases of the original program: on sockets, on TAP devices, and with a
//! server on a microcontroller.

use chatapp_e2e::{
    BYE, KEPT, POSTED, Process, Room, SAVED, SILENT, TABLE, is_stamped, no_ack_from, received_by,
};

#[test]
fn case_1_chats_leaves_and_returns() {
    let room = Room::open();
    case_1(room.join_all(XYZ));
}

#[test]
fn case_2_fails_without_server_and_recipient() {
    let mut room = Room::open();
    let clients = room.join_all(["x", "y"]);
    case_2(&mut room.server, clients);
}

#[test]
fn case_3_delivers_a_channel_message_once() {
    let room = Room::open();
    case_3(room.join_all(XYZ));
}

#[cfg(target_os = "linux")]
mod on_tap_devices {
    use chatapp_e2e::{Machine, Namespaces};

    use super::{XYZ, case_1, case_2, case_3};

    #[test]
    fn case_1_chats_leaves_and_returns() {
        if let Some(network) = Namespaces::with_machines(&[Machine::Tap; 4]) {
            let (_server, clients) = network.room(XYZ, &[]);
            case_1(clients);
        }
    }

    #[test]
    fn case_2_fails_without_server_and_recipient() {
        if let Some(network) = Namespaces::with_machines(&[Machine::Tap; 3]) {
            let (mut server, clients) = network.room(["x", "y"], &[]);
            case_2(&mut server, clients);
        }
    }

    #[test]
    fn case_3_delivers_a_channel_message_once() {
        if let Some(network) = Namespaces::with_machines(&[Machine::Tap; 4]) {
            let (_server, clients) = network.room(XYZ, &[]);
            case_3(clients);
        }
    }
}

#[cfg(target_os = "linux")]
mod with_a_board_as_server {
    use chatapp_e2e::Board;

    use super::{XYZ, case_1, case_2, case_3};

    #[test]
    fn case_1_chats_leaves_and_returns() {
        if let Some(room) = Board::open_room() {
            case_1(room.join_all(XYZ));
        }
    }

    #[test]
    fn case_2_fails_without_server_and_recipient() {
        if let Some(mut room) = Board::open_room() {
            let clients = room.join_all(["x", "y"]);
            case_2(&mut room.server, clients);
        }
    }

    #[test]
    fn case_3_delivers_a_channel_message_once() {
        if let Some(room) = Board::open_room() {
            case_3(room.join_all(XYZ));
        }
    }
}

const XYZ: [&str; 3] = ["x", "y", "z"];

fn case_1(mut clients: [Process; 3]) {
    let names = XYZ;
    for (sender, from) in names.iter().enumerate() {
        for (recipient, to) in names.iter().enumerate() {
            clients[sender].types(&format!("send {to} from {from} to {to}"));
            let message = format!("{from}: from {from} to {to}");
            if sender == recipient {
                clients[sender].shows_all(&[message, received_by(to)]);
            } else {
                clients[sender].shows(&received_by(to));
                clients[recipient].shows(&message);
            }
        }
    }

    let [x, y, z] = &mut clients;
    x.types("dereg x");
    assert_eq!(x.shows_next(), BYE);
    for (client, text) in [(&mut *y, "hello from y"), (z, "hello from z")] {
        client.shows(TABLE);
        client.types(&format!("send x {text}"));
        assert_eq!(client.shows_next(), no_ack_from("x"));
        assert_eq!(client.shows_next(), SAVED);
    }

    let [x, y, z] = &mut clients;
    x.types("reg x");
    assert_eq!(x.shows_next(), KEPT);
    let kept = [x.shows_next(), x.shows_next()];
    assert!(is_stamped(&kept[0], "y", "hello from y"), "{kept:?}");
    assert!(is_stamped(&kept[1], "z", "hello from z"), "{kept:?}");
    assert_eq!(x.shows_next(), TABLE);
    assert_eq!(y.shows_next(), TABLE);
    assert_eq!(z.shows_next(), TABLE);

    x.types("dereg x");
    assert_eq!(x.shows_next(), BYE);
    x.types("reg x");
    assert_eq!(x.shows_next(), TABLE, "the server delivered messages again");
}

fn case_2(server: &mut Process, [mut x, mut y]: [Process; 2]) {
    y.types("dereg y");
    y.shows(BYE);
    x.shows(TABLE);
    server.is_killed();

    x.types("send y hi");
    assert_eq!(x.shows_next(), no_ack_from("y"));
    assert_eq!(x.shows_next(), SILENT);
    assert_eq!(x.shows_next(), "[Message to y was not delivered.]");
}

fn case_3([mut x, mut y, mut z]: [Process; 3]) {
    x.types("send_all hello everybody");
    assert_eq!(x.shows_next(), POSTED);
    for client in [&mut y, &mut z] {
        assert_eq!(client.shows_next(), "Channel_Message x: hello everybody");
    }
    // A duplicate, or a copy to the sender, would arrive before this message.
    for client in [&mut x, &mut y, &mut z] {
        client.closes_input();
    }
    for client in [&mut x, &mut y, &mut z] {
        assert_eq!(client.ends(), 0);
    }
    let message = "Channel_Message x: hello everybody";
    assert_eq!(
        [x.count(message), y.count(message), z.count(message)],
        [0, 1, 1]
    );
}
