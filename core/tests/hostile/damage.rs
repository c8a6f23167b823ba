//! Every bit of every kind of datagram is changed: nothing follows from it.

use std::net::SocketAddr;

use chatapp_core::Disposition;
use chatapp_core::wire::{Datagram, Header};

use crate::keeping::{post, store};
use crate::people::{SERVER_ID, identity, tag};
use crate::{caller, client_rig, lines, server_rig};

/// One side of the room, the same in every run, and what can be seen of it.
trait Side {
    fn takes(&mut self, from: SocketAddr, datagram: &[u8]) -> Disposition;
    fn sends(&mut self) -> Vec<(SocketAddr, Vec<u8>)>;
    /// What it shows, and the table.
    fn shows(&mut self) -> (Vec<String>, Vec<String>);
}

impl Side for server_rig::Rig {
    fn takes(&mut self, from: SocketAddr, datagram: &[u8]) -> Disposition {
        self.judges(from, datagram)
    }

    fn sends(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        self.drain()
    }

    fn shows(&mut self) -> (Vec<String>, Vec<String>) {
        let mut events = core::mem::take(&mut self.events);
        events.retain(|event| !event.starts_with("ForeignVersion"));
        let table = self.server.table().map(|row| format!("{row:?}"));
        (events, table.collect())
    }
}

impl Side for client_rig::Rig {
    fn takes(&mut self, from: SocketAddr, datagram: &[u8]) -> Disposition {
        self.hands(from, datagram)
    }

    fn sends(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        self.sent()
    }

    fn shows(&mut self) -> (Vec<String>, Vec<String>) {
        let mut events = self.events();
        events.extend(self.records());
        let table = self.client.table().map(|row| format!("{row:?}"));
        (events, table.collect())
    }
}

/// Whether this decides nothing: that something was not understood, or an unauthenticated refusal.
fn is_harmless(answer: &[u8]) -> bool {
    matches!(
        Datagram::parse(&identity(""), answer),
        Ok(Datagram::Unsupported { .. }
            | Datagram::Reset { .. }
            | Datagram::Cookie { .. }
            | Datagram::Refuse { .. })
    )
}

/// Gives the datagram that `prepare` ends with to one side as it is, and to another one with each
/// bit changed before: from then on both do the same, byte for byte. Whoever can make the tag anew,
/// as everybody can where it is public, changes something, too: `forged` bits between two that are
/// changed so, as each costs the receiver an effort that is limited.
fn nothing_follows<S: Side>(
    forged: Option<usize>,
    mut prepare: impl FnMut() -> (S, SocketAddr, Vec<u8>),
) {
    let (mut clean, from, datagram) = prepare();
    let (mut hurt, _, same) = prepare();
    assert_eq!(datagram, same, "the same in every run");
    let mut changed = Vec::new();
    for bit in 0..datagram.len() * 8 {
        let mut damaged = datagram.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        changed.push(damaged.clone());
        if forged.is_some_and(|step| bit % step == 0) && bit / 8 + 8 < damaged.len() {
            let end = damaged.len() - 8;
            let tag = tag(&damaged[..end]);
            damaged[end..].copy_from_slice(&tag);
            changed.push(damaged);
        }
    }
    let before = hurt.shows();
    assert_eq!(before, clean.shows());
    for damaged in &changed {
        let handled = hurt.takes(from, damaged);
        assert!(matches!(handled, Disposition::Ignored(_)), "{damaged:?}");
        for (to, answer) in hurt.sends() {
            assert!(to == from && answer.len() <= damaged.len());
            assert!(is_harmless(&answer), "{answer:?}");
        }
        assert_eq!(hurt.shows(), (Vec::new(), before.1.clone()));
    }
    let handled = clean.takes(from, &datagram);
    assert_eq!(hurt.takes(from, &datagram), handled);
    for _ in 0..3 {
        assert_eq!(hurt.shows(), clean.shows());
        assert_eq!(hurt.sends(), clean.sends());
    }
}

#[test]
fn of_a_request_for_a_cookie() {
    nothing_follows(None, || {
        let mut rig = server_rig::Rig::new();
        rig.drain();
        let request = rig.plain(&Datagram::CookieRequest { id: 7 });
        (rig, server_rig::address(1), request)
    });
}

#[test]
fn of_a_hello() {
    nothing_follows(Some(13), || {
        let mut rig = server_rig::Rig::new();
        rig.join(2, "bob");
        let request = rig.proven(server_rig::address(1), server_rig::hello(1, "ann"));
        (rig, server_rig::address(1), request)
    });
}

#[test]
fn of_what_is_said_to_the_server() {
    nothing_follows(None, || {
        let mut rig = server_rig::Rig::new();
        rig.join(2, "bob");
        let mut ann = rig.join(1, "ann");
        let frames = [post(1, "for all"), store(2, "for bob")];
        let said = ann.writes(&ann.header(), &frames);
        (rig, ann.address, said)
    });
}

#[test]
fn of_a_reset() {
    nothing_follows(Some(1), || {
        let mut rig = server_rig::Rig::new();
        let ann = rig.join(1, "ann");
        let reset = rig.plain(&ann.reset());
        (rig, ann.address, reset)
    });
    nothing_follows(Some(1), || {
        let rig = client_rig::Rig::online();
        let reset = Datagram::Reset {
            echo: SERVER_ID,
            token: identity("server").reset_token(SERVER_ID),
        };
        let reset = lines::plain(&identity(""), &reset);
        (rig, client_rig::server(), reset)
    });
}

fn registering() -> client_rig::Rig {
    let mut rig = client_rig::Rig::new();
    let register = chatapp_core::Command::Register { name: "alice" };
    rig.command(register).unwrap();
    rig
}

#[test]
fn of_a_cookie() {
    nothing_follows(None, || {
        let mut rig = registering();
        let request = rig.request(client_rig::server());
        let Ok(Datagram::CookieRequest { id }) = Datagram::parse(&identity(""), &request) else {
            panic!("a request for a cookie: {request:?}")
        };
        let cookie = Datagram::Cookie {
            to: id,
            cookie: client_rig::COOKIE,
            key: Some(crate::people::key("server")),
        };
        let cookie = lines::plain(&identity(""), &cookie);
        (rig, client_rig::server(), cookie)
    });
}

#[test]
fn of_an_answer() {
    nothing_follows(None, || {
        let mut rig = registering();
        let hello = rig.hello(crate::people::key("server"));
        let said = lines::server_accepts();
        let (accept, _) = lines::answer(&identity("server"), &hello, &said);
        (rig, client_rig::server(), accept)
    });
    nothing_follows(None, || {
        let mut rig = client_rig::Rig::online();
        rig.send_to_bob("hi");
        let (_, call) = rig.call_to_bob();
        let said = lines::bob_accepts();
        let (accept, _) = lines::answer(&identity("bob"), &call, &said);
        (rig, client_rig::bob(), accept)
    });
}

#[test]
fn of_a_hint() {
    nothing_follows(None, || {
        let mut rig = client_rig::Rig::online();
        rig.send_to_bob("hi");
        let (to, _) = rig.call_to_bob();
        let refuse = Datagram::Refuse {
            to,
            reason: chatapp_core::wire::Refusal::NotMe,
        };
        let refuse = lines::plain(&identity(""), &refuse);
        (rig, client_rig::bob(), refuse)
    });
}

#[test]
fn of_what_another_version_says() {
    nothing_follows(None, || {
        let mut rig = registering();
        let request = rig.request(client_rig::server());
        let Ok(Datagram::CookieRequest { id }) = Datagram::parse(&identity(""), &request) else {
            panic!("a request for a cookie: {request:?}")
        };
        let unsupported = Datagram::Unsupported {
            version: 3,
            echo: id,
        };
        let unsupported = lines::plain(&identity(""), &unsupported);
        (rig, client_rig::server(), unsupported)
    });
}

#[test]
fn of_a_call() {
    nothing_follows(Some(13), || {
        let rig = client_rig::Rig::online();
        let call = caller::call(&rig, "bob", 7, &lines::from_caller(1));
        (rig, client_rig::bob(), call)
    });
}

#[test]
fn of_what_is_said_to_a_client() {
    nothing_follows(None, || {
        let mut rig = client_rig::Rig::online();
        let header = rig.header();
        let line = rig.server.as_mut().unwrap();
        let mail = client_rig::mail(1, 1, true);
        let said = line.writes(&header, &[mail, chatapp_core::wire::Frame::Partial]);
        (rig, client_rig::server(), said)
    });
    nothing_follows(None, || {
        let mut rig = client_rig::Rig::online();
        rig.send_to_bob("hi");
        let mut line = rig.meets_bob();
        rig.sent();
        let header = Header {
            acknowledged: 1,
            window: 32,
            ..Header::default()
        };
        let said = line.writes(&header, &[client_rig::text(1, "hello")]);
        (rig, client_rig::bob(), said)
    });
}

#[test]
fn of_the_end_of_a_session() {
    nothing_follows(None, || {
        let mut rig = client_rig::Rig::online();
        let header = Header {
            closed: Some(chatapp_core::wire::Refusal::Displaced),
            ..rig.header()
        };
        let line = rig.server.as_mut().unwrap();
        let said = line.writes(&header, &[]);
        (rig, client_rig::server(), said)
    });
}
