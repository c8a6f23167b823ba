//! Cookies, and requests that an attacker has recorded and sends again.

use chatapp_core::limits::COOKIE_REQUEST_LEN;
use chatapp_core::wire::{Cookie, Datagram, Frame, Refusal};
use chatapp_core::{Disposition, DropReason, Endpoint, Record, ServerConfig};

use crate::offline::name_record;
use crate::people::identity;
use crate::server_rig::{Rig, address, hello};

/// From its own address, and until the server restarts.
#[test]
fn accepts_a_cookie_for_two_minutes() {
    let mut other_life = Rig::in_room(ServerConfig::default(), None, 4);
    other_life.now = other_life.now.plus_millis(1_000);
    let foreign = other_life.cookie(address(1));
    let fresh = || {
        let mut rig = Rig::new();
        rig.drain();
        rig.now = rig.now.plus_millis(1_000);
        let cookie = rig.cookie(address(1));
        (rig, cookie)
    };
    let (_, cookie) = fresh();
    let at = |issued_at_ms| Cookie {
        issued_at_ms,
        ..cookie
    };
    for (number, shown, later_ms, good) in [
        (1, foreign, 0, false),
        (2, cookie, 0, false),
        (1, at(999), 0, false),
        (1, at(1_001), 0, false),
        (1, at(u64::MAX), 0, false),
        (1, cookie, 120_001, false),
        (1, cookie, 120_000, true),
    ] {
        let (mut rig, _) = fresh();
        rig.now = rig.now.plus_millis(later_ms);
        let request = rig.hello(&hello(1, "ann"), shown);
        let handled = rig.handle(address(number), &request);
        if good {
            assert_eq!(handled, Disposition::Accepted);
            continue;
        }
        // The client gets another cookie, and the server keeps no state.
        assert_eq!(handled, Disposition::Ignored(DropReason::NoCookie));
        let sent = rig.drain();
        let answer = Datagram::parse(&identity(""), &sent[0].1);
        assert!(matches!(answer, Ok(Datagram::Cookie { to: 1, .. })));
        assert!(sent.len() == 1 && sent[0].1.len() < request.len());
        assert_eq!((rig.server.usage().names.used, rig.records), (0, 1));
    }
}

#[test]
//= PROTOCOL.md#4.2
fn amplifies_nothing_before_the_address_is_proved() {
    let mut rig = Rig::new();
    rig.drain();
    let request = rig.plain(&Datagram::CookieRequest { id: 7 });
    assert_eq!(request.len(), COOKIE_REQUEST_LEN);
    for number in 0..1_000 {
        let sent = rig.give(address(number), &request);
        assert_eq!(sent.len(), 1);
        assert!(sent[0].1.len() < request.len());
    }
    // The server keeps no state of these requests.
    assert_eq!(rig.server.usage().names.used, 0);
    assert_eq!(rig.server.poll_timeout(), None);
    assert_eq!(rig.server.stats().drops(DropReason::NoCookie), 1_000);
    for len in 0..COOKIE_REQUEST_LEN {
        assert_eq!(rig.give(address(1), &request[..len]), []);
    }
}

#[test]
//= PROTOCOL.md#9.3
fn ignores_recorded_requests_of_registered_names() {
    let mut rig = Rig::new();
    let mut recorded = Vec::new();
    let mut register =
        |rig: &mut Rig, number: u16, id: u64, incarnation: u64, session_sequence: u32| {
            let mut request = hello(id, "ann");
            (request.hello.incarnation, request.hello.session_sequence) =
                (incarnation, session_sequence);
            let datagram = rig.proven(address(number), request);
            recorded.push((address(number), datagram.clone()));
            rig.enters(number, request);
            rig.now = rig.now.plus_millis(1);
            recorded.clone()
        };
    // A process registers twice, then five others follow. The server does not even remember the
    // first.
    register(&mut rig, 1, 1, 1, 1);
    let mut all = register(&mut rig, 1, 2, 1, 2);
    for process in 2..=6 {
        all = register(&mut rig, 1, 10 + process, process, 1);
    }
    rig.events.clear();
    let records = rig.records;
    let (latest, older) = all.split_last().unwrap();
    for (from, request) in older {
        let sent = rig.give(*from, request);
        // A process that was evicted lately gets an authenticated refusal. The others may ask again
        // with a new cookie.
        let is_answer = |(_, datagram): &(_, Vec<u8>)| {
            matches!(
                Datagram::parse(&identity(""), datagram),
                Ok(Datagram::Accept { .. } | Datagram::Cookie { .. })
            )
        };
        assert!(sent.iter().all(is_answer) && sent.len() <= 1, "{sent:?}");
    }
    assert!(rig.events.iter().all(|event| event.contains("Evicted")));
    assert_eq!((rig.records, rig.online()), (records, 1));
    assert_eq!(rig.server.stats().drops(DropReason::Replayed), 2);
    // The server answers the request of the open session again, as if the answer was lost.
    let once = rig.give(latest.0, &latest.1);
    assert_eq!(rig.give(latest.0, &latest.1), once);
    assert_eq!((rig.records, rig.online()), (records, 1));
}

#[test]
fn registers_nobody_by_a_recorded_request() {
    for (restarts, reason) in [(false, DropReason::Duplicate), (true, DropReason::NoCookie)] {
        let mut rig = Rig::new();
        let earlier = rig.proven(address(1), hello(1, "ann"));
        rig.give(address(1), &earlier);
        let mut again = hello(2, "ann");
        (again.hello.incarnation, again.hello.session_sequence) = (1, 2);
        let latest = rig.proven(address(1), again);
        let mut ann = rig.enters(1, again);
        rig.say(&mut ann, &[Frame::Leave { request: 1 }]);
        // Ann's process has ended and does not acknowledge the result.
        rig.pass(5_000);
        assert_eq!(rig.online(), 0);
        if restarts {
            rig = Rig::in_room(ServerConfig::default(), None, 4);
            let record = Record::Name(name_record("ann"));
            rig.server.restore(record).unwrap();
            rig.drain();
        }
        let records = rig.records;
        for request in [earlier, latest] {
            let handled = rig.handle(address(1), &request);
            assert_eq!(handled, Disposition::Ignored(reason));
            assert_eq!(rig.drain().len(), usize::from(restarts));
            assert_eq!((rig.records, rig.online()), (records, 0));
        }
    }
}

#[test]
fn reveals_nothing_to_a_request_from_elsewhere() {
    let mut rig = Rig::new();
    let request = rig.proven(address(1), hello(1, "ann"));
    rig.enters(1, hello(1, "ann"));
    let sent = rig.give(address(2), &request);
    assert_eq!(sent.len(), 1);
    let answer = Datagram::parse(&identity(""), &sent[0].1);
    assert!(matches!(answer, Ok(Datagram::Cookie { .. })));
    // Another cookie changes the prologue of the handshake, so the datagram is not ann's any more.
    let cookie = rig.cookie(address(2));
    let mut changed = request.clone();
    changed[10..18].copy_from_slice(&cookie.issued_at_ms.to_le_bytes());
    changed[18..26].copy_from_slice(&cookie.mac.to_le_bytes());
    let end = changed.len() - 8;
    let tag = crate::people::tag(&changed[..end]);
    changed[end..].copy_from_slice(&tag);
    assert_eq!(
        rig.handle(address(2), &changed),
        Disposition::Ignored(DropReason::WrongAddress),
        "the session exists"
    );
    changed[2] ^= 1;
    let tag = crate::people::tag(&changed[..end]);
    changed[end..].copy_from_slice(&tag);
    assert_eq!(
        rig.handle(address(2), &changed),
        Disposition::Ignored(DropReason::BadTag)
    );
    assert_eq!(rig.drain(), []);
    assert_eq!(
        rig.answer_to(address(2), hello(3, "ann")),
        Err(Refusal::Wait)
    );
}
