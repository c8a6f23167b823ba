//! Changes each bit of each kind of datagram: the recipient ignores all of them.

use std::net::SocketAddr;

use chatapp_core::Disposition;
use chatapp_core::wire::{Datagram, Header};

use crate::offline::{post, store};
use crate::people::{SERVER_ID, identity, tag};
use crate::{caller, client_rig, lines, server_rig};

/// One side of the room, the same in every run, and its visible state.
trait Side {
    fn takes(&mut self, from: SocketAddr, datagram: &[u8]) -> Disposition;
    fn sends(&mut self) -> Vec<(SocketAddr, Vec<u8>)>;
    /// Returns its new events and its roster.
    fn shows(&mut self) -> (Vec<String>, Vec<String>);
}

impl Side for server_rig::Rig {
    fn takes(&mut self, from: SocketAddr, datagram: &[u8]) -> Disposition {
        self.handle(from, datagram)
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
        self.handle(from, datagram)
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

/// Returns whether an answer decides nothing: it needs no session and is not authenticated.
fn is_harmless(answer: &[u8]) -> bool {
    matches!(
        Datagram::parse(&identity(""), answer),
        Ok(Datagram::Unsupported { .. }
            | Datagram::Reset { .. }
            | Datagram::Cookie { .. }
            | Datagram::Refuse { .. })
    )
}

/// Gives the last datagram of `prepare` to one side as it is. Another side first gets it with each
/// bit changed. From then on both sides do the same, byte for byte.
///
/// Everybody can compute the short tag of an open room. So each bit whose number is a multiple of
/// `forged` is also changed under a new tag. These are few, because each costs the recipient a part
/// of a limited budget.
fn ignores_all_changes<S: Side>(
    forged: Option<usize>,
    mut prepare: impl FnMut() -> (S, SocketAddr, Vec<u8>),
) {
    let (mut clean, from, datagram) = prepare();
    let (mut hurt, _, same) = prepare();
    assert_eq!(datagram, same, "`prepare` is not repeatable");
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
fn ignores_a_damaged_cookie_request() {
    ignores_all_changes(None, || {
        let mut rig = server_rig::Rig::new();
        rig.drain();
        let request = rig.plain(&Datagram::CookieRequest { id: 7 });
        (rig, server_rig::address(1), request)
    });
}

#[test]
fn ignores_a_damaged_client_hello() {
    ignores_all_changes(Some(13), || {
        let mut rig = server_rig::Rig::new();
        rig.join(2, "bob");
        let request = rig.proven(server_rig::address(1), server_rig::hello(1, "ann"));
        (rig, server_rig::address(1), request)
    });
}

#[test]
fn ignores_damaged_data_to_the_server() {
    ignores_all_changes(None, || {
        let mut rig = server_rig::Rig::new();
        rig.join(2, "bob");
        let mut ann = rig.join(1, "ann");
        let frames = [post(1, "for all"), store(2, "for bob")];
        let datagram = ann.encrypt(&ann.header(), &frames);
        (rig, ann.address, datagram)
    });
}

#[test]
fn ignores_a_damaged_reset() {
    ignores_all_changes(Some(1), || {
        let mut rig = server_rig::Rig::new();
        let ann = rig.join(1, "ann");
        let reset = rig.plain(&ann.reset());
        (rig, ann.address, reset)
    });
    ignores_all_changes(Some(1), || {
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
fn ignores_a_damaged_cookie() {
    ignores_all_changes(None, || {
        let mut rig = registering();
        let request = rig.request(client_rig::server());
        let Ok(Datagram::CookieRequest { id }) = Datagram::parse(&identity(""), &request) else {
            panic!("not a CookieRequest: {request:?}")
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
fn ignores_a_damaged_accept() {
    ignores_all_changes(None, || {
        let mut rig = registering();
        let hello = rig.hello(crate::people::key("server"));
        let payload = lines::server_accepts();
        let (accept, _) = lines::answer(&identity("server"), &hello, &payload);
        (rig, client_rig::server(), accept)
    });
    ignores_all_changes(None, || {
        let mut rig = client_rig::Rig::online();
        rig.send_to_bob("hi");
        let (_, call) = rig.call_to_bob();
        let payload = lines::bob_accepts();
        let (accept, _) = lines::answer(&identity("bob"), &call, &payload);
        (rig, client_rig::bob(), accept)
    });
}

#[test]
fn ignores_a_damaged_refuse() {
    ignores_all_changes(None, || {
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
fn ignores_a_damaged_unsupported() {
    ignores_all_changes(None, || {
        let mut rig = registering();
        let request = rig.request(client_rig::server());
        let Ok(Datagram::CookieRequest { id }) = Datagram::parse(&identity(""), &request) else {
            panic!("not a CookieRequest: {request:?}")
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
fn ignores_a_damaged_peer_hello() {
    ignores_all_changes(Some(97), || {
        let rig = client_rig::Rig::online();
        let call = caller::call(&rig, "bob", 7, &lines::from_caller(1));
        (rig, client_rig::bob(), call)
    });
}

#[test]
fn ignores_damaged_data_to_a_client() {
    ignores_all_changes(None, || {
        let mut rig = client_rig::Rig::online();
        let header = rig.header();
        let line = rig.server.as_mut().unwrap();
        let mail = client_rig::mail(1, 1, true);
        let datagram = line.encrypt(&header, &[mail, chatapp_core::wire::Frame::Partial]);
        (rig, client_rig::server(), datagram)
    });
    ignores_all_changes(None, || {
        let mut rig = client_rig::Rig::online();
        rig.send_to_bob("hi");
        let mut line = rig.meets_bob();
        rig.sent();
        let header = Header {
            acknowledged: 1,
            window: 32,
            ..Header::default()
        };
        let datagram = line.encrypt(&header, &[client_rig::text(1, "hello")]);
        (rig, client_rig::bob(), datagram)
    });
}

#[test]
fn ignores_a_damaged_end_of_a_session() {
    ignores_all_changes(None, || {
        let mut rig = client_rig::Rig::online();
        let header = Header {
            closed: Some(chatapp_core::wire::Refusal::Evicted),
            ..rig.header()
        };
        let line = rig.server.as_mut().unwrap();
        let datagram = line.encrypt(&header, &[]);
        (rig, client_rig::server(), datagram)
    });
}
