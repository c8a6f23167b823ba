//! Clients whose address changes, perhaps without their knowledge, and attackers that repeat their
//! datagrams from elsewhere.

use std::net::SocketAddr;

use chatapp_core::wire::{Cookie, Datagram, Header, Status};
use chatapp_core::{Disposition, DropReason};

use crate::client_rig::{self, entry, news, server, text};
use crate::offline::post;
use crate::people::{BOB, identity};
use crate::server_rig::{Member, Rig, Sent, address};

/// Returns the cookie in the only answer to a datagram of `len` bytes.
fn asked(sent: &Sent, from: SocketAddr, member: &Member, len: usize) -> Cookie {
    let [(to, answer)] = &sent[..] else {
        panic!("not one answer: {sent:?}")
    };
    assert_eq!(*to, from);
    assert!(
        answer.len() <= len,
        "the answer is longer than the datagram"
    );
    match Datagram::parse(&identity(""), answer) {
        Ok(Datagram::Cookie {
            to,
            cookie,
            key: None,
        }) if to == member.id => cookie,
        other => panic!("{other:?}"),
    }
}

fn with(cookie: Cookie, member: &Member) -> Header {
    Header {
        cookie: Some(cookie),
        ..member.header()
    }
}

fn is_at(rig: &Rig, expected: SocketAddr) -> bool {
    let ann = rig.server.table().find(|row| row.name == "ann").unwrap();
    ann.online && ann.address == expected
}

#[test]
fn continues_a_session_at_a_proved_address() {
    let mut rig = Rig::new();
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    let sent = rig.pass(500);
    rig.receive_all(&mut bob, sent);
    // The shortest datagram, and one with a frame.
    let shortest = ann.encrypt(&ann.header(), &[]);
    let bytes = ann.encrypt(&ann.header(), &[post(1, "hi")]);
    let mut cookie = None;
    for datagram in [&shortest, &bytes] {
        let sent = rig.give(address(5), datagram);
        cookie = Some(asked(&sent, address(5), &ann, datagram.len()));
    }
    assert!(is_at(&rig, address(1)));
    let proof = ann.encrypt(&with(cookie.unwrap(), &ann), &[post(1, "hi")]);
    assert_eq!(rig.handle(address(5), &proof), Disposition::Accepted);
    assert!(
        is_at(&rig, address(1)),
        "the session moved before that was stored"
    );
    let sent = rig.drain();
    assert!(is_at(&rig, address(5)));
    ann.address = address(5);
    let received = ann
        .decrypt(&sent)
        .into_iter()
        .flat_map(|(_, frames)| frames);
    assert!(
        received.into_iter().any(|frame| frame.contains("Saved")),
        "{sent:?}"
    );
    let received = rig.receive_all(&mut bob, sent);
    assert!(received.iter().any(|frame| frame.starts_with("Page")));
    // The server takes nothing from the old address, and reports no departure or arrival.
    let late = ann.encrypt(&ann.header(), &[]);
    let sent = rig.give(address(1), &late);
    asked(&sent, address(1), &ann, late.len());
    assert_eq!(rig.events.len(), 2, "{:?}", rig.events);
}

#[test]
//= PROTOCOL.md#5.8
fn moves_no_session_to_an_attacker() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    let cookie = rig.cookie(address(5));
    let thief = rig.cookie(address(6));
    // The attacker sends ann's datagram before ann does. It cannot add its own cookie, because the
    // datagram is encrypted.
    let plain = ann.encrypt(&ann.header(), &[]);
    let sent = rig.give(address(6), &plain);
    asked(&sent, address(6), &ann, plain.len());
    // Ann's cookie does not prove the attacker's address.
    let proof = ann.encrypt(&with(cookie, &ann), &[]);
    let sent = rig.give(address(6), &proof);
    asked(&sent, address(6), &ann, proof.len());
    // Ann's own proof counts once, and only if no later datagram came before it.
    assert_eq!(
        rig.handle(address(5), &proof),
        Disposition::Ignored(DropReason::Replayed)
    );
    let early = ann.encrypt(&with(cookie, &ann), &[]);
    let late = ann.encrypt(&ann.header(), &[]);
    assert_eq!(rig.handle(ann.address, &late), Disposition::Accepted);
    assert_eq!(
        rig.handle(address(5), &early),
        Disposition::Ignored(DropReason::WrongAddress)
    );
    rig.drain();
    // A changed cookie proves nothing, nor does a cookie for another address.
    for cookie in [
        Cookie {
            mac: cookie.mac ^ 1,
            ..cookie
        },
        Cookie {
            issued_at_ms: cookie.issued_at_ms + 1,
            ..cookie
        },
        thief,
    ] {
        let proof = ann.encrypt(&with(cookie, &ann), &[]);
        assert_eq!(
            rig.handle(address(5), &proof),
            Disposition::Ignored(DropReason::WrongAddress)
        );
        rig.drain();
    }
    assert!(is_at(&rig, address(1)));
    // A copy of ann's proof has no effect from elsewhere.
    let proof = ann.encrypt(&with(cookie, &ann), &[]);
    assert_eq!(rig.handle(address(5), &proof), Disposition::Accepted);
    rig.drain();
    for from in [5, 6, 1] {
        assert_eq!(
            rig.handle(address(from), &proof),
            Disposition::Ignored(DropReason::Replayed)
        );
        assert_eq!(rig.drain(), []);
    }
    assert!(is_at(&rig, address(5)));
}

/// The proof is a part of an encrypted datagram.
#[test]
//= PROTOCOL.md#3.12
fn proves_its_address_to_its_server_only() {
    let mut rig = client_rig::Rig::online();
    let cookie = Cookie {
        issued_at_ms: 7,
        mac: 8,
    };
    let to = rig.id;
    let asks = |to| Datagram::Cookie {
        to,
        cookie,
        key: None,
    };
    for (from, asked) in [(client_rig::bob(), to), (server(), to ^ 1)] {
        assert_eq!(
            rig.give(from, &asks(asked)),
            Disposition::Ignored(DropReason::UnknownSession)
        );
    }
    // A Cookie with a key is for a new session, which the client did not request.
    let with_key = Datagram::Cookie {
        to,
        cookie,
        key: Some(crate::people::key("mallory")),
    };
    assert_eq!(
        rig.give(server(), &with_key),
        Disposition::Ignored(DropReason::Unexpected)
    );
    assert_eq!(rig.sent(), []);
    assert_eq!(rig.give(server(), &asks(to)), Disposition::Accepted);
    let sent = rig.sent_data();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].0.cookie, &sent[0].1[..]), (Some(cookie), &[][..]));
    assert_eq!(rig.sent_data().len(), 0, "the client sends the cookie once");
    assert!(rig.client.is_registered());
}

#[test]
fn keeps_its_session_with_a_peer_that_moves() {
    let mut rig = client_rig::Rig::online();
    rig.send_to_bob("hi");
    let mut line = rig.meets_bob();
    rig.sent();
    let moved = entry("bob", Status::Online, BOB, client_rig::address(2));
    rig.deliver(&[news(2, &moved)]);
    rig.events();
    let header = Header {
        acknowledged: 1,
        window: 32,
        ..Header::default()
    };
    let datagram = line.encrypt(&header, &[text(1, "from the train")]);
    assert_eq!(
        rig.handle(client_rig::bob(), &datagram),
        Disposition::Ignored(DropReason::WrongAddress)
    );
    assert_eq!(
        rig.handle(client_rig::address(2), &datagram),
        Disposition::Accepted
    );
    let shown = rig.events();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].contains("Delivered") && shown[1].contains("from the train"));
}

/// From IPv4 to IPv6.
#[test]
fn keeps_order_to_a_peer_that_changes_its_family() {
    let mut rig = client_rig::Rig::online();
    rig.send_to_bob("first");
    let mut line = rig.meets_bob();
    rig.sent();
    let elsewhere = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 6_001));
    let moved = entry("bob", Status::Online, BOB, elsewhere);
    rig.deliver(&[news(2, &moved)]);
    rig.events();
    rig.send_to_bob("second");
    // A probe, and then the messages: the peer has answered from there.
    let acknowledges = |acknowledged| Header {
        acknowledged,
        window: 32,
        ..Header::default()
    };
    for acknowledged in [1, 2] {
        let sent = rig.sent();
        let is_there = sent.iter().any(|(to, _)| *to == elsewhere);
        assert!(is_there || acknowledged == 2, "{sent:?}");
        let datagram = line.encrypt(&acknowledges(acknowledged), &[]);
        assert_eq!(rig.handle(elsewhere, &datagram), Disposition::Accepted);
        assert_eq!(rig.events().len(), 1, "it went to the server");
    }
}
