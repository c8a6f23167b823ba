//! Floods of calls, and servers that direct the calls of their clients at others.

use std::net::SocketAddr;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Cookie, Datagram, Header, Status};
use chatapp_core::{Disposition, DropReason, Endpoint};

use crate::caller::{accepted_session, call};
use crate::client_rig::{Rig, address, bob, entry, news, server, text};
use crate::lines::{bob_accepts, from_caller, plain};
use crate::people::{BOB, identity};

/// The host that a malicious server aims at.
fn victim() -> SocketAddr {
    ([192, 0, 2, 66], 53).into()
}

/// Returns the bytes that the client sends to an address.
fn bytes_to(to: SocketAddr, sent: &[(SocketAddr, Vec<u8>)]) -> usize {
    let there = sent.iter().filter(|(address, _)| *address == to);
    there.map(|(_, datagram)| datagram.len()).sum()
}

/// Lets time pass, while the server acknowledges all requests. Returns the bytes to an address.
fn pass(rig: &mut Rig, millis: u64, to: SocketAddr) -> usize {
    let end = rig.now.plus_millis(millis);
    let mut bytes = 0;
    loop {
        let sent = rig.sent();
        bytes += bytes_to(to, &sent);
        let line = rig.server.as_ref().unwrap();
        let requests = sent.into_iter().filter(|(to, _)| *to == server());
        let requests =
            requests.filter_map(|(_, datagram)| line.decrypt(datagram, |_| String::new()));
        let upto = requests.map(|(header, frames)| header.first + frames.len() as u32);
        if let Some(acknowledged) = upto.max() {
            let header = Header {
                acknowledged,
                ..rig.header()
            };
            assert_eq!(rig.deliver_under(&header, &[]), Disposition::Accepted);
        }
        rig.events();
        let Some(due) = rig.client.poll_timeout().filter(|due| *due <= end) else {
            break;
        };
        rig.now = due;
        rig.client.handle_timeout(due);
    }
    rig.now = end;
    bytes
}

/// Lists bob at this address.
fn list_bob(rig: &mut Rig, version: u32, incarnation: u64, at: SocketAddr) {
    let page = entry("bob", Status::Online, incarnation, at);
    rig.deliver(&[news(version, &page)]);
    rig.events();
}

#[test]
fn reads_no_call_of_an_unlisted_address() {
    let mut rig = Rig::online();
    for id in 0..1_000 {
        let forged = call(&rig, "mallory", 100 + id, &from_caller(1));
        let handled = rig.handle(address(9), &forged);
        assert_eq!(handled, Disposition::Ignored(DropReason::WrongAddress));
        assert_eq!(rig.sent(), []);
    }
    let called = call(&rig, "bob", 7, &from_caller(1));
    assert_eq!(rig.handle(bob(), &called), Disposition::Accepted);
}

/// Another party sends calls from bob's address, but does not receive there.
#[test]
//= PROTOCOL.md#4.2
fn accepts_a_call_with_proof_under_load() {
    let mut rig = Rig::online();
    let mut read = 0;
    let mut cookie = None;
    for id in 0..300 {
        let forged = call(&rig, "mallory", 100 + id, &from_caller(1));
        match rig.handle(bob(), &forged) {
            Disposition::Ignored(DropReason::ForeignKey) => read += 1,
            handled => assert_eq!(handled, Disposition::Ignored(DropReason::NoCookie)),
        }
        for (to, answer) in rig.sent() {
            assert!(to == bob() && answer.len() <= forged.len() / 4);
            match Datagram::parse(&identity(""), &answer) {
                Ok(Datagram::Cookie {
                    to,
                    cookie: sent,
                    key: None,
                }) if to == 100 + id => cookie = Some(sent),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(read, 20, "each costs operations on the curve");
    let Some(Cookie { mac, .. }) = cookie else {
        panic!("no cookie")
    };
    let called = call(&rig, "bob", mac ^ 7, &from_caller(1));
    assert_eq!(rig.handle(bob(), &called), Disposition::Accepted);
    // It is of no use at another address.
    let elsewhere = call(&rig, "bob", mac ^ 8, &from_caller(2));
    let handled = rig.handle(address(9), &elsewhere);
    assert_eq!(handled, Disposition::Ignored(DropReason::WrongAddress));
}

#[test]
//= PROTOCOL.md#4.2
fn repeats_a_call_with_the_proof() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let (id, first) = rig.call_to_bob();
    let cookie = Cookie {
        issued_at_ms: 1,
        mac: 0x0123_4567_89ab_cdef,
    };
    let asks = |to| {
        plain(
            &identity(""),
            &Datagram::Cookie {
                to,
                cookie,
                key: None,
            },
        )
    };
    let unknown = rig.handle(bob(), &asks(id ^ 1));
    assert_eq!(unknown, Disposition::Ignored(DropReason::UnknownSession));
    let elsewhere = rig.handle(address(9), &asks(id));
    assert_eq!(elsewhere, Disposition::Ignored(DropReason::UnknownSession));
    assert_eq!(rig.handle(bob(), &asks(id)), Disposition::Accepted);
    let (proved, second) = rig.call_to_bob();
    assert_eq!(proved >> 32, cookie.mac >> 32);
    assert_ne!(proved, cookie.mac, "half of it is random");
    assert_eq!(first.len(), second.len());
    // Asked again, it has no other proof.
    let again = rig.handle(bob(), &asks(proved));
    assert_eq!(again, Disposition::Ignored(DropReason::Unexpected));
    let (accept, _) = crate::lines::answer(&rig.identity("bob"), &second, &bob_accepts());
    assert_eq!(rig.handle(bob(), &accept), Disposition::Accepted);
}

#[test]
//= PROTOCOL.md#4.10
fn sends_three_requests_to_a_silent_address() {
    let mut rig = Rig::online();
    rig.send_to_bob("hi");
    let request = bytes_to(bob(), &rig.sent());
    assert_eq!(pass(&mut rig, 2_999, bob()), 2 * request);
    assert_eq!(rig.events(), [""; 0]);
    assert_eq!(pass(&mut rig, 2_000, bob()), 0);
}

/// The server lists the victim as bob, each time as another process, while a message waits.
#[test]
//= PROTOCOL.md#4.10
fn sends_bounded_bytes_to_the_calls_of_a_server() {
    let mut rig = Rig::with_outbox(None, 200);
    rig.comes_online();
    let mut bytes = 0;
    for version in 2..102 {
        list_bob(&mut rig, version, BOB + u64::from(version), victim());
        if version % 5 == 0 {
            rig.send_to_bob("hi");
        }
        bytes += pass(&mut rig, 300, victim());
    }
    // In 30 seconds: 8 calls at once, and one each ten seconds.
    let request = 160;
    assert!((1..=3 * request * 11).contains(&bytes), "{bytes}");
}

/// The server moves bob's session to the victim and back.
#[test]
//= PROTOCOL.md#4.10
fn sends_no_message_to_an_unproved_address() {
    let long = "x".repeat(900);
    let mut rig = Rig::with_outbox(None, 40);
    rig.comes_online();
    rig.send_to_bob("hi");
    let mut line = rig.meets_bob();
    rig.sent();
    let acknowledges = |acknowledged| Header {
        acknowledged,
        window: 32,
        ..Header::default()
    };
    let answer = line.encrypt(&acknowledges(1), &[]);
    rig.handle(bob(), &answer);
    rig.events();
    for _ in 0..8 {
        rig.send_to_bob(&long);
    }
    let direct = bytes_to(bob(), &rig.sent());
    assert!(direct > 7_000, "{direct}");
    let mut bytes = 0;
    for version in 2..62 {
        let at = if version % 2 == 0 { victim() } else { bob() };
        list_bob(&mut rig, version, BOB, at);
        bytes += pass(&mut rig, 200, victim());
        if at == bob() {
            let answer = line.encrypt(&acknowledges(1), &[]);
            rig.handle(bob(), &answer);
        }
    }
    assert!((1..=1_000).contains(&bytes), "{bytes}");
}

/// The server moves bob's session to the victim while the display holds bob's messages.
#[test]
//= PROTOCOL.md#4.10
fn acknowledges_nothing_at_an_unproved_address() {
    let mut rig = Rig::new();
    rig.comes_online();
    rig.send_to_bob("hi");
    let mut line = rig.meets_bob();
    rig.sent();
    let header = Header {
        acknowledged: 1,
        window: 32,
        ..Header::default()
    };
    let texts: Vec<_> = (1..9).map(|counter| text(counter, "hi")).collect();
    let datagram = line.encrypt(&header, &texts);
    rig.handle(bob(), &datagram);
    let receipts = rig.takes();
    assert_eq!(receipts.len(), 8);
    rig.sent();
    list_bob(&mut rig, 2, BOB, victim());
    for receipt in receipts {
        rig.writes(receipt);
        assert_eq!(bytes_to(victim(), &rig.sent()), 0);
    }
    // A datagram from there proves the address, and asks for what is due.
    let probe = Header {
        probe: true,
        first: 8,
        ..header
    };
    let datagram = line.encrypt(&probe, &[]);
    rig.handle(victim(), &datagram);
    assert!(bytes_to(victim(), &rig.sent()) > 0);
}

/// Another party may have sent the call of a colluding bob.
#[test]
//= PROTOCOL.md#4.10
fn sends_three_times_to_a_caller_before_it_confirms() {
    let long = "x".repeat(900);
    let mut rig = Rig::with_outbox(None, 40);
    rig.comes_online();
    rig.send_to_bob(&long);
    rig.meets_bob();
    for _ in 0..7 {
        rig.send_to_bob(&long);
    }
    assert!(bytes_to(bob(), &rig.sent()) > 7_000);
    let called = call(&rig, "bob", 7, &from_caller(1));
    assert_eq!(rig.handle(bob(), &called), Disposition::Accepted);
    let answers = rig.sent();
    let mut bytes = bytes_to(bob(), &answers);
    let mut line = accepted_session(&rig, "bob", 7, &from_caller(1), &answers[0].1);
    bytes += pass(&mut rig, 2_900, bob());
    assert!(bytes <= 3 * called.len(), "{bytes}");
    let confirms = Header {
        window: 32,
        ..Header::default()
    };
    let datagram = line.encrypt(&confirms, &[text(1, "hi")]);
    assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
    let bytes = bytes_to(bob(), &rig.sent());
    assert!(bytes > 7_000 && bytes < 9 * DATAGRAM_LEN_MAX, "{bytes}");
}
