//! `ChatApp` on TAP devices, alone and with others that use the kernel's network. Needs root and
//! `ip`.
#![cfg(target_os = "linux")]

use chatapp_e2e::{Machine, Namespaces, POSTED, SAVED, TABLE, WELCOME, no_ack_from, received_by};
use expect_test::expect_file;

use Machine::{Kernel, Tap};

/// Everybody is behind a router.
fn everybody_chats_with_everybody(server: Machine) {
    let Some(network) = Namespaces::with_machines(&[server, Tap, Kernel, Tap, Kernel]) else {
        return;
    };
    let names = ["ann", "ben", "cid", "dot"];
    let (_server, mut clients) = network.room(names, &[]);
    for (sender, from) in names.iter().enumerate() {
        for (recipient, to) in names.iter().enumerate() {
            clients[sender].types(&format!("send {to} from {from}"));
            let message = format!("{from}: from {from}");
            if sender == recipient {
                clients[sender].shows_all(&[message, received_by(to)]);
            } else {
                clients[recipient].shows(&message);
                clients[sender].shows(&received_by(to));
            }
        }
        clients[sender].types("send_all over here");
        clients[sender].shows(POSTED);
        for (recipient, _) in names.iter().enumerate().filter(|(to, _)| *to != sender) {
            clients[recipient].shows(&format!("Channel_Message {from}: over here"));
        }
    }
}

#[test]
fn every_kind_of_client_chats_with_every_kind_at_a_server_on_a_tap_device() {
    everybody_chats_with_everybody(Tap);
}

#[test]
fn every_kind_of_client_chats_with_every_kind_at_a_server_on_sockets() {
    everybody_chats_with_everybody(Kernel);
}

#[test]
fn a_link_that_was_down_carries_what_was_sent_meanwhile() {
    const BOB: u8 = 2;
    let Some(network) = Namespaces::with_machines(&[Tap; 3]) else {
        return;
    };
    let (_server, [mut alice, mut bob]) = network.room(["alice", "bob"], &[]);
    network.ip(BOB, "link set dev net1 down");
    alice.types("send bob are you there?");
    alice.shows(&no_ack_from("bob"));
    alice.shows(SAVED);
    network.ip(BOB, "link set dev net1 up");
    bob.types("send_all I was away");
    bob.shows_all(&["alice: are you there?", POSTED]);
    alice.shows("Channel_Message bob: I was away");
    bob.types("send alice again I am");
    bob.shows(&received_by("alice"));
    alice.shows("bob: again I am");
}

/// A machine with a TAP device of its own, tap0, on whose link the kernel has addresses, too.
fn machine_with_a_link() -> Option<Namespaces> {
    let network = Namespaces::with_machines(&[Tap])?;
    for arguments in [
        "tuntap add dev tap0 mode tap",
        "address add 192.168.69.1/24 dev tap0",
        "address add fd69::1/64 dev tap0 nodad",
        "link set dev tap0 up",
    ] {
        network.ip(0, arguments);
    }
    Some(network)
}

#[test]
fn a_machine_talks_to_its_own_tap_device_in_ipv4_and_ipv6() {
    let Some(network) = machine_with_a_link() else {
        return;
    };
    let addresses = ["--ip", "192.168.69.2/24", "--ip", "fd69::2/64"];
    let mut server = network.start_by(
        0,
        &[],
        &[&["-s", "4119", "--tap", "tap0"], &addresses[..]].concat(),
    );
    server.shows_where("its start", |line| line.contains("192.168.69.2:4119"));
    let join = |name, host| {
        let mut client = network.start_by(0, &[], &["-c", name, host, "4119", "0"]);
        client.shows(WELCOME);
        client.shows(TABLE);
        client
    };
    let (mut alice, mut bob) = (join("alice", "192.168.69.2"), join("bob", "fd69::2"));
    alice.shows(TABLE);
    alice.types("send_all in both");
    alice.shows(POSTED);
    bob.shows("Channel_Message alice: in both");
    bob.types("send alice through the server");
    bob.shows(SAVED);
    alice.shows("bob: through the server");
}

/// Each mistake says what to do about it.
#[test]
fn what_is_wrong_with_a_tap_device_is_explained() {
    let Some(network) = machine_with_a_link() else {
        return;
    };
    for arguments in [
        "tuntap add dev down0 mode tap",
        "tuntap add dev tun0 mode tun",
        "link set dev tun0 up",
        "tuntap add dev nobodys0 mode tap user nobody",
        "link set dev nobodys0 up",
        "tuntap add dev used0 mode tap",
        "link set dev used0 up",
    ] {
        network.ip(0, arguments);
    }
    let mut user = network.start_by(
        0,
        &[],
        &["-s", "4119", "--tap", "used0", "--ip", "10.0.0.2/8"],
    );
    user.shows_where("its start", |line| line.starts_with("The server starts!"));

    let at = |device: &'static str, ip: &'static str| ["-s", "4119", "--tap", device, "--ip", ip];
    let far = [
        "-c",
        "alice",
        "192.0.2.7",
        "4119",
        "0",
        "--tap",
        "tap0",
        "--ip",
        "192.168.69.2/24",
    ];
    let wrong: &[&[&str]] = &[
        &at("none0", "10.0.0.2/8"),
        &at("down0", "10.0.0.2/8"),
        &at("tun0", "10.0.0.2/8"),
        &at("nobodys0", "10.0.0.2/8"),
        &at("used0", "10.0.0.3/8"),
        &at("tap0", "192.168.69.1/24"),
        &at("tap0", "192.168.70.2/24"),
        &at("tap0", "192.168.69.0/24"),
        &[
            &at("tap0", "192.168.69.2/24")[..],
            &["--ip", "192.168.69.3/24"],
        ]
        .concat(),
        &[
            &at("tap0", "192.168.69.2/24")[..],
            &["--gateway", "192.168.70.1"],
        ]
        .concat(),
        &far,
        &["-s", "4119", "--tap", "tap0"],
        &["-s", "4119", "--ip", "10.0.0.2/8"],
        &["-s", "4119", "--tap", "tap0", "--ip", "10.0.0.2"],
        &[
            "-s",
            "4119",
            "--tap",
            "tap0",
            "--ip",
            "10.0.0.2/8",
            "--bind",
            "10.0.0.2",
        ],
    ];
    let mut answers = String::new();
    for arguments in wrong {
        // Without the right to use what belongs to others.
        let by = ["setpriv", "--bounding-set", "-net_admin"];
        let mut process = network.start_by(0, &by, arguments);
        let code = process.ends();
        assert_eq!(process.lines(), Vec::<String>::new(), "{process}");
        answers += &format!("$ ChatApp {}\n", arguments.join(" "));
        for line in process.log() {
            answers += &format!("{line}\n");
        }
        answers += &format!("exit code {code}\n\n");
    }
    expect_file!["../expected/wrong-taps.txt"].assert_eq(&answers);
}

#[test]
fn a_device_that_is_removed_ends_the_program() {
    let Some(network) = machine_with_a_link() else {
        return;
    };
    let mut server = network.start_by(
        0,
        &[],
        &["-s", "4119", "--tap", "tap0", "--ip", "192.168.69.2/24"],
    );
    server.shows_where("its start", |line| line.starts_with("The server starts!"));
    network.ip(0, "link delete dev tap0");
    assert_eq!(server.ends(), 1);
    server.logs("the device tap0 was removed");
}
