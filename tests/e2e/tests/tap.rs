//! `ChatApp` on TAP devices, alone and together with programs on the kernel's network. Needs root
//! and `ip`.
#![cfg(target_os = "linux")]

use chatapp_e2e::{Machine, Namespaces, POSTED, SAVED, TABLE, WELCOME, no_ack_from, received_by};
use expect_test::expect_file;

use Machine::{Kernel, Tap};

/// All machines are behind a router.
fn chat_in_all_pairs(server: Machine) {
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
fn mixes_clients_at_a_server_on_a_tap_device() {
    chat_in_all_pairs(Tap);
}

#[test]
fn mixes_clients_at_a_server_on_sockets() {
    chat_in_all_pairs(Kernel);
}

#[test]
fn delivers_after_the_link_was_down() {
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

/// Creates a machine with a TAP device tap0, on whose link the kernel has addresses.
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
fn chats_between_kernel_and_tap_device() {
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

/// Each error names the command that fixes it.
#[test]
fn explains_errors_of_a_tap_device() {
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
        // Runs the program without the capability to use devices of other users.
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
fn ends_when_the_device_is_removed() {
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
