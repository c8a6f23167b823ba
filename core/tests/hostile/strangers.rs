//! Datagrams that are not encrypted, and processes without the room key.

use std::net::SocketAddr;

use chatapp_core::crypto::{KEY_LEN, SessionKeys, TAG_LEN};
use chatapp_core::wire::{Answer, Cookie, DataWriter, Datagram, Header, Hello, Refusal, VERSION};
use chatapp_core::{Command, Disposition, DropReason, Endpoint, Identity, RoomKey, ServerConfig};

use crate::client_rig::{self, server};
use crate::lines::{self, answer};
use crate::people::{ROOM, SERVER_ID, identity, identity_in, key};
use crate::server_rig::{self, address};

const FINAL: [Refusal; 7] = [
    Refusal::NameTaken,
    Refusal::Evicted,
    Refusal::RoomFull,
    Refusal::NotStored,
    Refusal::BadName,
    Refusal::ForeignKey,
    Refusal::NotAllowed,
];

#[test]
fn believes_final_refusals_of_its_server_only() {
    for reason in FINAL {
        let mut rig = client_rig::Rig::new();
        rig.command(Command::Register { name: "alice" }).unwrap();
        let hello = rig.hello(key("server"));
        let Ok(Datagram::ClientHello(asked)) = Datagram::parse(&identity(""), &hello) else {
            panic!("not a ClientHello: {hello:?}")
        };
        let to = asked.id;
        assert_eq!(
            rig.give(server(), &Datagram::Refuse { to, reason }),
            Disposition::Ignored(DropReason::Unexpected)
        );
        assert_eq!((rig.events(), rig.sent()), (Vec::new(), Vec::new()));
        let (refused, _) = answer(&identity("server"), &hello, &Answer::Refused(reason));
        assert_eq!(rig.handle(server(), &refused), Disposition::Accepted);
        assert_eq!(rig.events(), [format!("Refused {{ reason: {reason:?} }}")]);
        assert_eq!(
            rig.command(Command::Register { name: "alice" }),
            Err(chatapp_core::CommandError::Ended)
        );
    }
}

#[test]
fn waits_after_an_unauthenticated_refusal() {
    let mut rig = client_rig::Rig::new();
    rig.command(Command::Register { name: "alice" }).unwrap();
    let hello = rig.hello(key("server"));
    let Ok(Datagram::ClientHello(asked)) = Datagram::parse(&identity(""), &hello) else {
        panic!("not a ClientHello: {hello:?}")
    };
    let to = asked.id;
    for reason in [Refusal::Wait, Refusal::RateExceeded] {
        // A server never sends these reasons under its key.
        let (authenticated, _) = answer(&identity("server"), &hello, &Answer::Refused(reason));
        assert_eq!(
            rig.handle(server(), &authenticated),
            Disposition::Ignored(DropReason::Unexpected)
        );
        let refusal = Datagram::Refuse { to, reason };
        assert_eq!(rig.give(server(), &refusal), Disposition::Accepted);
        assert_eq!(rig.sent(), []);
        rig.now = rig.now.plus_millis(500);
        rig.client.handle_timeout(rig.now);
        assert_eq!(
            rig.sent(),
            [(server(), hello.clone())],
            "the same ClientHello"
        );
    }
    assert_eq!(rig.events(), ["Throttled"]);
    let (accept, _) = answer(&identity("server"), &hello, &lines::server_accepts());
    assert_eq!(rig.handle(server(), &accept), Disposition::Accepted);
}

#[test]
fn ends_its_session_by_an_encrypted_close_only() {
    let mut rig = client_rig::Rig::online();
    let to = rig.id;
    for reason in FINAL {
        let refuse = Datagram::Refuse { to, reason };
        assert_eq!(
            rig.give(server(), &refuse),
            Disposition::Ignored(DropReason::Unexpected)
        );
    }
    let closed = |reason, rig: &client_rig::Rig| Header {
        closed: Some(reason),
        ..rig.header()
    };
    for reason in [Refusal::Wait, Refusal::NotMe, Refusal::RateExceeded] {
        let header = closed(reason, &rig);
        assert_eq!(
            rig.deliver_under(&header, &[]),
            Disposition::Ignored(DropReason::Unexpected)
        );
    }
    assert!(rig.client.is_registered());
    let header = closed(Refusal::Evicted, &rig);
    assert_eq!(rig.deliver_under(&header, &[]), Disposition::Accepted);
    assert_eq!(rig.events(), ["Refused { reason: Evicted }"]);
    assert_eq!(rig.client.poll_timeout(), None);
}

#[test]
//= PROTOCOL.md#5.6
fn renews_its_session_at_once_after_a_reset() {
    let mut rig = client_rig::Rig::online();
    let reset = |token| Datagram::Reset {
        echo: SERVER_ID,
        token,
    };
    for token in [
        [0; TAG_LEN],
        identity("server").reset_token(SERVER_ID + 1),
        identity("bob").reset_token(SERVER_ID),
    ] {
        assert_eq!(
            rig.give(server(), &reset(token)),
            Disposition::Ignored(DropReason::BadTag)
        );
        assert_eq!(rig.sent(), []);
    }
    let token = identity("server").reset_token(SERVER_ID);
    assert_eq!(rig.give(server(), &reset(token)), Disposition::Accepted);
    rig.accepts();
    assert!(rig.client.is_registered());
}

/// In one room nobody learns the token for another one: the same key is in both.
#[test]
//= PROTOCOL.md#5.6
fn gives_away_no_token_of_another_room() {
    let token_in = |mut rig: client_rig::Rig| {
        let lost = lines::stray(77);
        let handled = rig.handle(client_rig::address(9), &lost);
        assert_eq!(handled, Disposition::Ignored(DropReason::UnknownSession));
        let sent = rig.sent();
        let datagram = sent.last().map(|(_, datagram)| datagram.clone())?;
        match Datagram::parse(&identity(""), &datagram) {
            Ok(Datagram::Reset { echo: 77, token }) => Some(token),
            other => panic!("{other:?}"),
        }
    };
    let mut here = identity("alice");
    here.join(&key("server"), true);
    let mut elsewhere = identity("alice");
    elsewhere.join(&key("mallory"), true);
    let (token, other) = (here.reset_token(77), elsewhere.reset_token(77));
    assert_ne!(token, other);
    assert_eq!(token_in(client_rig::Rig::online()), Some(token));
    // The key in a Cookie is only claimed: anybody could name the server of another room.
    let mut rig = client_rig::Rig::new();
    rig.command(Command::Register { name: "alice" }).unwrap();
    rig.hello(key("mallory"));
    assert_eq!(token_in(rig), None);
}

/// The command fails when the server answers no request.
#[test]
fn registers_again_after_its_session_was_lost() {
    for room in [None, Some(ROOM)] {
        let mut rig = client_rig::Rig::in_room(room);
        rig.command(Command::Register { name: "alice" }).unwrap();
        rig.accepts();
        assert_eq!(rig.events(), ["Registered"]);
        // The server loses its memory before it sends the roster. It answers neither in that
        // session nor in a new one.
        assert_eq!(rig.pass(3_000 + 2_999), [""; 0]);
        let [event] = &rig.pass(1)[..] else {
            panic!("not one event")
        };
        assert!(event.starts_with("ServerNotResponding"), "{event}");
    }
}

#[test]
fn fails_to_register_when_no_roster_arrives() {
    let mut rig = client_rig::Rig::new();
    rig.command(Command::Register { name: "alice" }).unwrap();
    rig.accepts();
    assert_eq!(rig.events(), ["Registered"]);
    assert_eq!(rig.pass(4_999), [""; 0]);
    rig.now = rig.now.plus_millis(1);
    rig.client.handle_timeout(rig.now);
    rig.accepts();
    let ended = rig.pass(60_000);
    assert!(ended[0].starts_with("ServerNotResponding"), "{ended:?}");
}

// ---- closed rooms ----

/// Returns one datagram of each kind, from a stranger with this identity to this side of the room.
fn all_kinds(stranger: &Identity, id: u64, cookie: Cookie, to: &Identity) -> Vec<Vec<u8>> {
    let message = &[7; 100][..];
    let mut all: Vec<Vec<u8>> = [
        Datagram::Unsupported {
            version: VERSION + 1,
            echo: id,
        },
        Datagram::CookieRequest { id },
        Datagram::Cookie {
            to: id,
            cookie,
            key: Some(stranger.public()),
        },
        Datagram::Accept { to: id, message },
        Datagram::Refuse {
            to: id,
            reason: Refusal::Wait,
        },
        Datagram::Reset {
            echo: id,
            token: stranger.reset_token(id),
        },
    ]
    .iter()
    .map(|datagram| lines::plain(stranger, datagram))
    .collect();
    let mut out = [0; 1_200];
    let calls = [Hello::Client(cookie), Hello::Peer { to_incarnation: id }];
    for hello in calls {
        let ephemeral = [9; KEY_LEN];
        let payload = [1; 90];
        let len = hello.emit(id, stranger, &to.public(), &ephemeral, &payload, &mut out);
        all.push(out[..len].to_vec());
    }
    let mut session = SessionKeys::new(&[1; KEY_LEN], &[2; KEY_LEN]);
    let len = DataWriter::new(&mut out, id, &Header::default()).finish(stranger, &mut session);
    all.push(out[..len].to_vec());
    let mut foreign = all[1].clone();
    foreign[0] = VERSION + 1;
    all.push(foreign);
    all
}

fn strangers() -> [Identity; 2] {
    let other_room = RoomKey::new([0x44; KEY_LEN]);
    [
        identity("mallory"),
        identity_in("mallory", Some(other_room)),
    ]
}

#[test]
fn server_answers_no_stranger_in_a_closed_room() {
    let mut rig = server_rig::Rig::in_room(ServerConfig::default(), Some(ROOM), 3);
    let mut ann = rig.join(1, "ann");
    let cookie = rig.cookie(address(2));
    rig.events.clear();
    let records = rig.records;
    let server = identity_in("server", Some(ROOM));
    for stranger in strangers() {
        for id in [7, ann.id, ann.server_id] {
            for datagram in all_kinds(&stranger, id, cookie, &server) {
                for from in [address(2), ann.address] {
                    let handled = rig.handle(from, &datagram);
                    assert!(matches!(handled, Disposition::Ignored(_)), "{datagram:?}");
                    assert_eq!(rig.drain(), [], "{datagram:?}");
                }
            }
        }
    }
    assert_eq!((rig.records, rig.online()), (records, 1));
    // A stranger that has only the key of the short tag fails in the handshake, too. Members keep
    // their sessions.
    let sent = rig.say(&mut ann, &[crate::offline::post(1, "hi")]);
    assert!(ann.receive(&sent));
    rig.join(3, "bob");
    assert_eq!(rig.online(), 2);
}

#[test]
fn client_answers_no_stranger_in_a_closed_room() {
    let mut rig = client_rig::Rig::in_room(Some(ROOM));
    rig.comes_online();
    let alice = identity_in("alice", Some(ROOM));
    let cookie = client_rig::COOKIE;
    for stranger in strangers() {
        for id in [7, rig.id, rig.incarnation, SERVER_ID] {
            for datagram in all_kinds(&stranger, id, cookie, &alice) {
                let from: [SocketAddr; 3] = [server(), client_rig::bob(), client_rig::address(9)];
                for from in from {
                    let handled = rig.handle(from, &datagram);
                    let refused = matches!(handled, Disposition::Ignored(_));
                    assert!(refused, "{datagram:?}");
                    assert_eq!((rig.sent(), rig.events()), (Vec::new(), Vec::new()));
                }
            }
        }
    }
    assert!(rig.client.is_registered());
    // The same holds while the client requests a session.
    let token = identity_in("server", Some(ROOM)).reset_token(SERVER_ID);
    let reset = Datagram::Reset {
        echo: SERVER_ID,
        token,
    };
    assert_eq!(rig.give(server(), &reset), Disposition::Accepted);
    let hello = rig.request(server());
    let Ok(Datagram::ClientHello(asked)) = Datagram::parse(&alice, &hello) else {
        panic!("not a ClientHello: {hello:?}")
    };
    for stranger in strangers() {
        for datagram in all_kinds(&stranger, asked.id, cookie, &alice) {
            let handled = rig.handle(server(), &datagram);
            assert!(matches!(handled, Disposition::Ignored(_)), "{datagram:?}");
            assert_eq!((rig.sent(), rig.events()), (Vec::new(), Vec::new()));
        }
    }
}
