//! Tests of two engines; a function call is the network between them.

use std::vec::Vec;

use super::*;
use crate::crypto::{Entropy, FIRST_PAYLOAD_MAX, Key, Seed, StaticKey};
use crate::session::ConnectionSlot;
use crate::session::connection::PeerParameters;
use crate::session::handshakes::{Request, Terms};
use crate::session::key_log::{KeyLog, KeySlot};
use crate::wire::{Answer, Frame, Hello};

const WINDOW: u16 = 8;
/// The slots of the session: at the initiator, and at the responder.
const ONE: u32 = 0;
const OTHER: u32 = 1;

/// Returns an address of the initiator, before (1) or after migration (2), or of the responder (3).
fn address(host: u8) -> SocketAddr {
    ([192, 0, 2, host], 5_000).into()
}

fn engine<'a>(
    slots: &'a mut [ConnectionSlot; 2],
    cells: &'a mut [u32; 8],
    number: u8,
    cookies: Option<Cookies>,
) -> Sessions<'a> {
    let identity = Identity::new(StaticKey::new([number; 32]), None);
    let entropy = Entropy::new(identity.suite(), Seed::new(&mut [number; 32]));
    let connections = Connections::new(slots, cells, 2, Key::new(1, 2), "cells").unwrap();
    let handshakes = Handshakes::new(identity, entropy);
    Sessions::new(
        connections,
        handshakes,
        Clock::new(RetryPolicy::DEFAULT),
        cookies,
    )
}

fn needs(is_ready: bool, asks_for_window: bool) -> Needs {
    Needs {
        is_ready,
        asks_for_window,
    }
}

/// Runs a test with an initiator, which has no cookies, and a responder.
fn with(test: impl FnOnce(&mut Sessions<'_>, &mut Sessions<'_>)) {
    let mut slots = [const { [ConnectionSlot::VACANT; 2] }; 2];
    let mut cells = [[0; 8]; 2];
    let ([one, other], [one_cells, other_cells]) = (&mut slots, &mut cells);
    let cookies = Cookies::new(Key::new(3, 4));
    test(
        &mut engine(one, one_cells, 1, None),
        &mut engine(other, other_cells, 2, Some(cookies)),
    );
}

/// Asks for a session; returns the request.
fn request(initiator: &mut Sessions<'_>, responder: &Sessions<'_>) -> Vec<u8> {
    let hello = Hello::Peer { to_incarnation: 7 };
    let recipient = (hello, responder.identity().public());
    initiator.request(ONE, address(3).into());
    initiator.offer(ONE, b"hello", &recipient);
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = initiator.emit_request(ONE, Some(&recipient), &mut out);
    out[..len].to_vec()
}

/// Accepts the request, without confirming it.
fn accept(responder: &mut Sessions<'_>, datagram: &[u8]) {
    let Ok(Datagram::PeerHello(call)) = responder.parse(address(1), datagram) else {
        panic!("no call");
    };
    let request = Request::from(&call);
    assert_eq!(responder.answer_again(address(1), request.id), None);
    let mut payload = [0; FIRST_PAYLOAD_MAX];
    let (reader, len) = responder.handshakes().read(&request, &mut payload).unwrap();
    assert_eq!(&payload[..len], b"hello");
    let terms = Terms {
        window: WINDOW,
        ..Terms::default()
    };
    let peer = PeerParameters {
        id: request.id,
        window: WINDOW,
        reset: [5; TAG_LEN],
    };
    let from = address(1).into();
    assert!(responder.accept(OTHER, from, peer, &request, reader, terms));
}

/// Reads the answer to the request.
fn complete(initiator: &mut Sessions<'_>, key: PublicKey, datagram: &[u8]) {
    let Ok(Datagram::Accept { to, message }) = initiator.parse(address(3), datagram) else {
        panic!("no answer");
    };
    let slot = initiator.find_from(address(3), to).unwrap();
    let recipient = (Hello::Peer { to_incarnation: 7 }, key);
    let completed = initiator.complete(slot, Some(&recipient), message);
    assert!(matches!(completed, Ok(Answer::Accepted(_))));
}

/// Opens a session between both.
fn open(initiator: &mut Sessions<'_>, responder: &mut Sessions<'_>) {
    let datagram = request(initiator, responder);
    accept(responder, &datagram);
    responder.at_mut(OTHER).confirm();
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = responder.emit_accept(OTHER, &mut out);
    complete(initiator, responder.identity().public(), &out[..len]);
}

/// Builds a datagram with one frame, and with this cookie.
fn data(from: &mut Sessions<'_>, slot: u32, cookie: Option<Cookie>) -> (u64, Vec<u8>) {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let connection = from.at_mut(slot);
    connection.enqueue();
    let id = connection.remote_id();
    let mut header = connection.header(WINDOW, None);
    header.cookie = cookie;
    let mut writer = DataWriter::new(&mut out, id, &header);
    let frame = Frame::Text {
        counter: 1,
        text: b"hi",
    };
    assert!(writer.push(&frame));
    connection.pushed();
    let len = from.finish_data(slot, writer);
    (id, out[..len].to_vec())
}

fn reply(from: &mut Sessions<'_>) -> Option<Vec<u8>> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let transmit = from.emit_reply(&mut out)?;
    Some(out[..transmit.len].to_vec())
}

#[test]
fn opens_a_session_and_carries_frames() {
    with(|initiator, responder| {
        open(initiator, responder);
        let (id, mut datagram) = data(initiator, ONE, None);
        let received = responder.receive(address(1), id, &mut datagram).unwrap();
        assert_eq!((received.slot, received.moved), (OTHER, false));
        assert_eq!(received.frames.count(), 1);
        let header = received.header;
        assert_eq!(responder.take_header(OTHER, &header, true), Ok(0));
        responder.at_mut(OTHER).frames_came(header.phase);
        responder.at_mut(OTHER).took(false);
        let (id, mut datagram) = data(responder, OTHER, None);
        let received = initiator.receive(address(3), id, &mut datagram).unwrap();
        let header = received.header;
        assert_eq!(initiator.take_header(ONE, &header, false), Ok(1));
    });
}

#[test]
fn takes_no_data_before_it_is_confirmed() {
    with(|initiator, responder| {
        let datagram = request(initiator, responder);
        accept(responder, &datagram);
        let id = responder.at(OTHER).local_id();
        let received = responder.receive(address(1), id, &mut [0; 60]).err();
        assert_eq!(received, Some(DropReason::Unexpected));
        let remote_id = responder.at(OTHER).remote_id();
        let again =
            |responder: &mut Sessions<'_>, host| responder.answer_again(address(host), remote_id);
        assert_eq!(again(responder, 2), Some(Repeated::WrongAddress));
        assert_eq!(again(responder, 1), Some(Repeated::Unconfirmed(OTHER)));
        responder.at_mut(OTHER).confirm();
        assert_eq!(again(responder, 1), Some(Repeated::Answered(OTHER)));
    });
}

#[test]
fn answers_an_unknown_session_with_a_reset() {
    with(|initiator, responder| {
        open(initiator, responder);
        let token = initiator
            .identity()
            .reset_token(initiator.at(ONE).local_id());
        let (id, mut datagram) = data(responder, OTHER, None);
        initiator.change(ONE, Connection::close);
        let received = initiator.receive(address(3), id, &mut datagram);
        assert_eq!(received.err(), Some(DropReason::UnknownSession));
        let reset = reply(initiator).unwrap();
        let parsed = responder.parse(address(1), &reset);
        assert_eq!(parsed, Ok(Datagram::Reset { echo: id, token }));
        assert_eq!(reply(initiator), None, "once");
    });
}

#[test]
fn believes_a_reset_by_its_token_alone() {
    with(|initiator, responder| {
        open(initiator, responder);
        let id = responder.at(OTHER).remote_id();
        let take = |host, id, token| responder.take_reset(address(host), id, &[token; TAG_LEN]);
        assert_eq!(take(1, id, 5), Ok(OTHER));
        assert_eq!(take(1, id, 6), Err(DropReason::BadTag));
        assert_eq!(take(2, id, 5), Err(DropReason::WrongAddress));
        assert_eq!(take(1, id + 1, 5), Err(DropReason::UnknownSession));
    });
}

#[test]
fn moves_a_session_only_with_a_cookie() {
    with(|initiator, responder| {
        open(initiator, responder);
        let (id, mut datagram) = data(initiator, ONE, None);
        let received = responder.receive(address(2), id, &mut datagram).unwrap();
        assert!(received.moved && !responder.migrate(address(2), &received));
        let challenge = reply(responder).unwrap();
        let Ok(Datagram::Cookie { cookie, .. }) = initiator.parse(address(3), &challenge) else {
            panic!("no cookie");
        };
        let (id, mut datagram) = data(initiator, ONE, Some(cookie));
        let received = responder.receive(address(2), id, &mut datagram).unwrap();
        assert!(responder.migrate(address(2), &received));
        assert_eq!(*responder.at(OTHER).remote(), address(2).into());
    });
}

#[test]
fn keeps_the_address_of_a_session_without_cookies() {
    with(|initiator, responder| {
        open(initiator, responder);
        let (id, mut datagram) = data(responder, OTHER, None);
        let received = initiator.receive(address(2), id, &mut datagram);
        assert_eq!(received.err(), Some(DropReason::WrongAddress));
    });
}

#[test]
fn refuses_a_request_under_its_key() {
    with(|initiator, responder| {
        let datagram = request(initiator, responder);
        let Ok(Datagram::PeerHello(call)) = responder.parse(address(1), &datagram) else {
            panic!("no call");
        };
        let request = Request::from(&call);
        let mut payload = [0; FIRST_PAYLOAD_MAX];
        let (reader, _) = responder.handshakes().read(&request, &mut payload).unwrap();
        responder.refuse(address(1), &request, reader, Refusal::RoomFull);
        let refused = reply(responder).unwrap();
        let Ok(Datagram::Accept { message, .. }) = initiator.parse(address(3), &refused) else {
            panic!("no answer");
        };
        let key = responder.identity().public();
        let recipient = (Hello::Peer { to_incarnation: 7 }, key);
        let answer = initiator.complete(ONE, Some(&recipient), message);
        assert_eq!(answer, Ok(Answer::Refused(Refusal::RoomFull)));
        let other = (recipient.0, initiator.identity().public());
        let answer = initiator.complete(ONE, Some(&other), message);
        assert_eq!(answer.err(), Some(DropReason::BadTag));
        let none = initiator.complete(ONE, None, message);
        assert_eq!(none.err(), Some(DropReason::Unexpected));
    });
}

#[test]
fn repeats_a_request_until_it_gives_up() {
    with(|initiator, responder| {
        request(initiator, responder);
        initiator.reschedule(ONE, |_| needs(false, false));
        for _ in 0..5 {
            initiator.advance(initiator.next_deadline().unwrap());
            assert_eq!(initiator.expire_next(), Some((ONE, Expired::Waits)));
            let len = initiator.emit_request(ONE, None, &mut [0; DATAGRAM_LEN_MAX]);
            assert_ne!(len, 0);
            initiator.reschedule(ONE, |_| needs(false, false));
            assert_eq!(initiator.expire_next(), None);
        }
        initiator.advance(initiator.next_deadline().unwrap());
        assert_eq!(initiator.expire_next(), Some((ONE, Expired::GaveUp)));
        assert_eq!(initiator.stats().give_ups, 1);
    });
}

#[test]
fn flushes_a_delayed_acknowledgement_in_time() {
    with(|initiator, responder| {
        open(initiator, responder);
        responder.at_mut(OTHER).require_ack();
        responder.delay_ack(OTHER);
        responder.reschedule(OTHER, |_| needs(false, true));
        assert!(!responder.has_output());
        let due = Instant::from_millis(50);
        assert_eq!(responder.next_deadline(), Some(due));
        assert_eq!(responder.flush_next(), None);
        responder.advance(due);
        assert_eq!(responder.flush_next(), Some(OTHER));
        responder.reschedule(OTHER, |_| needs(true, true));
        assert_eq!(responder.pop_ready(), Some(OTHER));
        assert_eq!(responder.next_deadline(), None);
    });
}

#[test]
fn logs_the_keys_of_both_sides() {
    let mut keys = [const { [KeySlot::VACANT; 8] }; 2];
    let [one, other] = &mut keys;
    let mut slots = [const { [ConnectionSlot::VACANT; 2] }; 2];
    let mut cells = [[0; 8]; 2];
    let ([one_slots, other_slots], [one_cells, other_cells]) = (&mut slots, &mut cells);
    let mut initiator = engine(one_slots, one_cells, 1, None);
    let mut responder = engine(other_slots, other_cells, 2, None);
    *initiator.handshakes().key_log() = KeyLog::new(one);
    *responder.handshakes().key_log() = KeyLog::new(other);
    open(&mut initiator, &mut responder);
    let drain = |sessions: &mut Sessions<'_>| {
        let keys = core::iter::from_fn(|| sessions.handshakes().key_log().pop());
        let mut keys: Vec<_> = keys.map(|key| std::format!("{key:?}")).collect();
        keys.sort();
        keys
    };
    let keys = drain(&mut initiator);
    assert_eq!(
        keys.len(),
        5,
        "three of the handshake and two of the session"
    );
    assert_eq!(keys, drain(&mut responder));
}
