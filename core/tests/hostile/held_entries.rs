//! When a client acknowledges entries of the channel's log: every second time one came alone, the
//! acknowledgement waits for something to go with.

use chatapp_core::wire::{Cookie, Datagram, Frame, Header};
use chatapp_core::{Command, Disposition, DropReason, Endpoint, UnixSeconds};

use crate::client_rig::{Rig, bob, server, text};
use crate::people::SERVER_ID;

/// The interval is 500 ms.
const HELD_MS: u64 = 50;

fn entry(number: u32) -> Frame<'static> {
    Frame::Channel {
        number,
        from: "carol",
        incarnation: 0xca01,
        counter: number,
        kept: false,
        stamp: UnixSeconds(9),
        text: "hi",
    }
}

/// A client of which the next entry that comes alone is not acknowledged at once, and the number of
/// that entry.
fn client() -> (Rig, u32) {
    let mut rig = Rig::online();
    let first = waits_from(&mut rig, 1);
    (rig, first)
}

/// The number from this one on whose acknowledgement waits: every second one does, and the session
/// decides which.
fn waits_from(rig: &mut Rig, number: u32) -> u32 {
    if rig.id & 1 == u64::from(rig.next & 1) {
        return number;
    }
    hears(rig, number);
    assert_eq!(acknowledgements(rig), [rig.next]);
    number + 1
}

/// The server sends an entry, and it is shown.
fn hears(rig: &mut Rig, number: u32) {
    rig.tells(&[entry(number)]);
    assert_eq!(rig.events().len(), 1);
}

/// What the client acknowledges; it says nothing else.
fn acknowledgements(rig: &mut Rig) -> Vec<u32> {
    let said = rig.said();
    assert!(said.iter().all(|(_, frames)| frames.is_empty()));
    said.iter().map(|(header, _)| header.acknowledged).collect()
}

#[test]
fn an_entry_is_acknowledged_with_the_next_one() {
    let (mut rig, first) = client();
    for number in first..first + 20 {
        hears(&mut rig, number);
        let waits = (number - first).is_multiple_of(2);
        let all = if waits { vec![] } else { vec![rig.next] };
        assert_eq!(acknowledgements(&mut rig), all);
    }
}

#[test]
//= PROTOCOL.md#6.4
fn where_no_other_comes_the_acknowledgement_goes_alone() {
    let (mut rig, first) = client();
    hears(&mut rig, first);
    let due = rig.now.plus_millis(HELD_MS);
    assert_eq!(rig.client.poll_timeout(), Some(due));
    assert_eq!(acknowledgements(&mut rig), []);
    rig.now = rig.now.plus_millis(HELD_MS - 1);
    rig.client.handle_timeout(rig.now);
    assert_eq!(acknowledgements(&mut rig), []);
    rig.now = due;
    rig.client.handle_timeout(due);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
    // It went: nothing of it is left to do.
    assert!(rig.client.poll_timeout() > Some(due.plus_millis(HELD_MS)));
}

#[test]
fn what_the_client_says_takes_the_acknowledgement_along() {
    let (mut rig, first) = client();
    hears(&mut rig, first);
    rig.command(Command::SendAll { text: "hello" }).unwrap();
    let said = rig.said();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].0.acknowledged, rig.next);
    assert!(rig.client.poll_timeout() > Some(rig.now.plus_millis(HELD_MS)));
}

#[test]
fn entries_that_come_together_are_acknowledged_at_once() {
    let (mut rig, first) = client();
    rig.tells(&[entry(first), entry(first + 1)]);
    assert_eq!(rig.events().len(), 2);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
    // Nor do those wait of which the last would wait by itself.
    hears(&mut rig, first + 2);
    rig.pass(HELD_MS);
    rig.tells(&[entry(first + 3), entry(first + 4)]);
    assert_eq!(rig.events().len(), 2);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
}

#[test]
fn kept_entries_are_acknowledged_at_once() {
    let (mut rig, first) = client();
    let mut kept = entry(first);
    if let Frame::Channel { kept, .. } = &mut kept {
        *kept = true;
    }
    rig.tells(&[kept]);
    assert_eq!(rig.events().len(), 2);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
}

#[test]
fn direct_messages_are_acknowledged_at_once() {
    let mut rig = Rig::online();
    rig.send_to_bob("hello");
    let mut line = rig.meets_bob();
    rig.sent();
    for number in 0..4 {
        let header = Header {
            window: 32,
            first: number,
            acknowledged: 1,
            ..Header::default()
        };
        let datagram = line.writes(&header, &[text(number + 1, "hi")]);
        assert_eq!(rig.hands(bob(), &datagram), Disposition::Accepted);
        rig.events();
        assert_eq!(rig.sent().len(), 1);
    }
}

#[test]
fn who_asks_for_a_sign_of_life_gets_one() {
    let (mut rig, first) = client();
    let mut header = rig.header();
    header.probe = true;
    rig.next += 1;
    rig.tells_under(&header, &[entry(first)]);
    rig.events();
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
    // Also in the midst of waiting.
    let number = waits_from(&mut rig, first + 1);
    hears(&mut rig, number);
    let mut header = rig.header();
    header.probe = true;
    rig.tells_under(&header, &[]);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
}

#[test]
fn on_a_path_that_lost_something_nothing_waits() {
    let (mut rig, first) = client();
    let header = rig.header();
    hears(&mut rig, first);
    assert_eq!(acknowledgements(&mut rig), []);
    // It comes again, as if the acknowledgement had been lost.
    rig.tells_under(&header, &[entry(first)]);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
    for number in first + 1..first + 5 {
        hears(&mut rig, number);
        assert_eq!(acknowledgements(&mut rig), [rig.next]);
    }
}

/// The server asks for a proof of the address.
fn asks_where_it_is(rig: &mut Rig) -> Cookie {
    let cookie = Cookie {
        issued_at_ms: 7,
        mac: 8,
    };
    let asked = Datagram::Cookie {
        to: rig.id,
        cookie,
        key: None,
    };
    assert_eq!(rig.give(server(), &asked), Disposition::Accepted);
    cookie
}

#[test]
fn who_has_to_prove_where_it_is_does_so_at_once() {
    let (mut rig, first) = client();
    hears(&mut rig, first);
    let cookie = asks_where_it_is(&mut rig);
    let said = rig.said();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].0.cookie, Some(cookie));
    assert_eq!(said[0].0.acknowledged, rig.next);
}

#[test]
fn an_entry_that_is_not_shown_yet_is_not_acknowledged_and_later_at_once() {
    let (mut rig, first) = client();
    rig.tells(&[entry(first)]);
    let said = rig.said();
    assert_eq!(said.len(), 1);
    assert_eq!(
        (said[0].0.acknowledged, said[0].0.window),
        (rig.next - 1, 0)
    );
    assert_eq!(rig.events().len(), 1);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
}

/// What the client acknowledges once it has shown an entry whose acknowledgement would wait, but
/// that this came before.
fn acknowledges_after(came: impl FnOnce(&mut Rig, u32, &Header)) -> (Vec<u32>, u32) {
    let (mut rig, first) = client();
    let header = rig.header();
    rig.tells(&[entry(first)]);
    came(&mut rig, first, &header);
    assert_eq!(rig.events().len(), 1);
    (acknowledgements(&mut rig), rig.next)
}

#[test]
fn what_asks_for_an_answer_gets_it_also_if_the_entry_before_it_is_shown_later() {
    let a_question = acknowledges_after(|rig, _, _| {
        let mut header = rig.header();
        header.probe = true;
        assert_eq!(rig.tells_under(&header, &[]), Disposition::Accepted);
    });
    let the_next_entry = acknowledges_after(|rig, first, _| {
        let header = rig.header();
        let dropped = rig.tells_under(&header, &[entry(first + 1)]);
        assert_eq!(dropped, Disposition::Ignored(DropReason::OutOfOrder));
    });
    let the_same_again = acknowledges_after(|rig, first, header| {
        let dropped = rig.tells_under(header, &[entry(first)]);
        assert_eq!(dropped, Disposition::Busy);
    });
    let the_next_after_it_was_told_to_wait = acknowledges_after(|rig, first, _| {
        assert_eq!(rig.said()[0].0.window, 0);
        let header = rig.header();
        rig.tells_under(&header, &[entry(first + 1)]);
    });
    for (all, next) in [
        a_question,
        the_next_entry,
        the_same_again,
        the_next_after_it_was_told_to_wait,
    ] {
        assert_eq!(all, [next]);
    }
    let (mut rig, first) = client();
    rig.tells(&[entry(first)]);
    let cookie = asks_where_it_is(&mut rig);
    assert_eq!(rig.events().len(), 1);
    let said = rig.said();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].0.cookie, Some(cookie));
}

#[test]
fn entries_that_came_one_by_one_before_it_could_answer_are_acknowledged_at_once() {
    let (mut rig, first) = client();
    for number in first..first + 3 {
        hears(&mut rig, number);
    }
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
}

#[test]
fn half_of_the_clients_begin_with_the_first_entry() {
    let waits = |seed| {
        let mut rig = Rig::with_seed(seed);
        rig.comes_online();
        hears(&mut rig, 1);
        acknowledgements(&mut rig).is_empty()
    };
    let waiting = (0..64).filter(|seed| waits(*seed)).count();
    assert!((16..48).contains(&waiting), "{waiting}");
}

#[test]
fn nothing_waits_longer_than_its_session() {
    let (mut rig, first) = client();
    hears(&mut rig, first);
    let due = rig.client.poll_timeout();
    let reset = Datagram::Reset {
        echo: SERVER_ID,
        token: rig.identity("server").reset_token(SERVER_ID),
    };
    assert_eq!(rig.give(server(), &reset), Disposition::Accepted);
    rig.sent();
    assert!(rig.client.poll_timeout() > due);
}

#[test]
fn a_window_of_one_frame_is_opened_again_at_once() {
    let mut rig = Rig::with_window(1);
    rig.comes_online();
    for number in 1..5 {
        hears(&mut rig, number);
        assert_eq!(acknowledgements(&mut rig), [rig.next]);
    }
}
