//! Delayed acknowledgements of a client for entries of the channel log. Of the entries that arrive
//! alone, it delays every second one.

use chatapp_core::wire::{Cookie, Datagram, Frame, Header};
use chatapp_core::{Command, Disposition, DropReason, Endpoint};

use crate::client_rig::{Rig, bob, entry_of_carol, server, text};
use crate::people::SERVER_ID;

/// The longest delay in ms; the interval is 500 ms.
const DELAY_MS: u64 = 50;

fn entry(number: u32) -> Frame<'static> {
    entry_of_carol(number, false)
}

/// Returns a client that delays the acknowledgement of the next entry that arrives alone, and the
/// number of that entry.
fn client() -> (Rig, u32) {
    let mut rig = Rig::online();
    let first = waits_from(&mut rig, 1);
    (rig, first)
}

/// Returns the next number whose acknowledgement the client delays. That is every second one, and
/// the session decides which.
fn waits_from(rig: &mut Rig, number: u32) -> u32 {
    if rig.id & 1 == u64::from(rig.next & 1) {
        return number;
    }
    show_entry(rig, number);
    assert_eq!(acknowledgements(rig), [rig.next]);
    number + 1
}

/// Sends an entry from the server, and shows it.
fn show_entry(rig: &mut Rig, number: u32) {
    rig.deliver(&[entry(number)]);
    assert_eq!(rig.events().len(), 1);
}

/// Returns the client's acknowledgements, and checks that it sends no frames.
fn acknowledgements(rig: &mut Rig) -> Vec<u32> {
    let sent = rig.sent_data();
    assert!(sent.iter().all(|(_, frames)| frames.is_empty()));
    sent.iter().map(|(header, _)| header.acknowledged).collect()
}

#[test]
fn acknowledges_an_entry_with_the_next_one() {
    let (mut rig, first) = client();
    for number in first..first + 20 {
        show_entry(&mut rig, number);
        let waits = (number - first).is_multiple_of(2);
        let all = if waits { vec![] } else { vec![rig.next] };
        assert_eq!(acknowledgements(&mut rig), all);
    }
}

#[test]
//= PROTOCOL.md#6.4
fn acknowledges_a_single_entry_after_the_delay() {
    let (mut rig, first) = client();
    show_entry(&mut rig, first);
    let due = rig.now.plus_millis(DELAY_MS);
    assert_eq!(rig.client.poll_timeout(), Some(due));
    assert_eq!(acknowledgements(&mut rig), []);
    rig.now = rig.now.plus_millis(DELAY_MS - 1);
    rig.client.handle_timeout(rig.now);
    assert_eq!(acknowledgements(&mut rig), []);
    rig.now = due;
    rig.client.handle_timeout(due);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
    // The acknowledgement was sent, so its timer has ended.
    assert!(rig.client.poll_timeout() > Some(due.plus_millis(DELAY_MS)));
}

#[test]
fn acknowledges_with_frames_of_the_client() {
    let (mut rig, first) = client();
    show_entry(&mut rig, first);
    rig.command(Command::SendAll { text: "hello" }).unwrap();
    let sent = rig.sent_data();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0.acknowledged, rig.next);
    assert!(rig.client.poll_timeout() > Some(rig.now.plus_millis(DELAY_MS)));
}

#[test]
fn acknowledges_entries_together_at_once() {
    let (mut rig, first) = client();
    rig.deliver(&[entry(first), entry(first + 1)]);
    assert_eq!(rig.events().len(), 2);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
    // The same holds if the last entry alone would be delayed.
    show_entry(&mut rig, first + 2);
    rig.pass(DELAY_MS);
    rig.deliver(&[entry(first + 3), entry(first + 4)]);
    assert_eq!(rig.events().len(), 2);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
}

#[test]
fn acknowledges_stored_entries_at_once() {
    let (mut rig, first) = client();
    let mut kept = entry(first);
    if let Frame::Channel { kept, .. } = &mut kept {
        *kept = true;
    }
    rig.deliver(&[kept]);
    assert_eq!(rig.events().len(), 2);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
}

#[test]
fn acknowledges_direct_messages_at_once() {
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
        let datagram = line.encrypt(&header, &[text(number + 1, "hi")]);
        assert_eq!(rig.handle(bob(), &datagram), Disposition::Accepted);
        rig.events();
        assert_eq!(rig.sent().len(), 1);
    }
}

#[test]
fn acknowledges_a_probe_at_once() {
    let (mut rig, first) = client();
    let mut header = rig.header();
    header.probe = true;
    rig.next += 1;
    rig.deliver_under(&header, &[entry(first)]);
    rig.events();
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
    // A probe ends a delay, too.
    let number = waits_from(&mut rig, first + 1);
    show_entry(&mut rig, number);
    let mut header = rig.header();
    header.probe = true;
    rig.deliver_under(&header, &[]);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
}

#[test]
fn delays_nothing_on_a_lossy_path() {
    let (mut rig, first) = client();
    let header = rig.header();
    show_entry(&mut rig, first);
    assert_eq!(acknowledgements(&mut rig), []);
    // The entry arrives again, as if the acknowledgement was lost.
    rig.deliver_under(&header, &[entry(first)]);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
    for number in first + 1..first + 5 {
        show_entry(&mut rig, number);
        assert_eq!(acknowledgements(&mut rig), [rig.next]);
    }
}

/// Sends the client a Cookie for its session, so that it proves its address.
fn asks_for_proof(rig: &mut Rig) -> Cookie {
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
fn proves_its_address_at_once() {
    let (mut rig, first) = client();
    show_entry(&mut rig, first);
    let cookie = asks_for_proof(&mut rig);
    let sent = rig.sent_data();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0.cookie, Some(cookie));
    assert_eq!(sent[0].0.acknowledged, rig.next);
}

#[test]
fn acknowledges_an_entry_once_it_is_shown() {
    let (mut rig, first) = client();
    rig.deliver(&[entry(first)]);
    let sent = rig.sent_data();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].0.acknowledged, sent[0].0.window),
        (rig.next - 1, 0)
    );
    assert_eq!(rig.events().len(), 1);
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
}

/// Returns the acknowledgements of a client after it has shown an entry, and the expected number.
/// It would delay the acknowledgement, but `came` arrives before it shows the entry.
fn acknowledges_after(came: impl FnOnce(&mut Rig, u32, &Header)) -> (Vec<u32>, u32) {
    let (mut rig, first) = client();
    let header = rig.header();
    rig.deliver(&[entry(first)]);
    came(&mut rig, first, &header);
    assert_eq!(rig.events().len(), 1);
    (acknowledgements(&mut rig), rig.next)
}

#[test]
fn answers_at_once_though_an_entry_is_shown_late() {
    let a_question = acknowledges_after(|rig, _, _| {
        let mut header = rig.header();
        header.probe = true;
        assert_eq!(rig.deliver_under(&header, &[]), Disposition::Accepted);
    });
    let the_next_entry = acknowledges_after(|rig, first, _| {
        let header = rig.header();
        let dropped = rig.deliver_under(&header, &[entry(first + 1)]);
        assert_eq!(dropped, Disposition::Ignored(DropReason::OutOfOrder));
    });
    let the_same_again = acknowledges_after(|rig, first, header| {
        let dropped = rig.deliver_under(header, &[entry(first)]);
        assert_eq!(dropped, Disposition::Busy);
    });
    let the_next_after_it_was_told_to_wait = acknowledges_after(|rig, first, _| {
        assert_eq!(rig.sent_data()[0].0.window, 0);
        let header = rig.header();
        rig.deliver_under(&header, &[entry(first + 1)]);
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
    rig.deliver(&[entry(first)]);
    let cookie = asks_for_proof(&mut rig);
    assert_eq!(rig.events().len(), 1);
    let sent = rig.sent_data();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0.cookie, Some(cookie));
}

/// The client could not answer between the entries.
#[test]
fn acknowledges_a_burst_of_entries_at_once() {
    let (mut rig, first) = client();
    for number in first..first + 3 {
        show_entry(&mut rig, number);
    }
    assert_eq!(acknowledgements(&mut rig), [rig.next]);
}

#[test]
fn delays_the_first_entry_in_half_of_the_clients() {
    let waits = |seed| {
        let mut rig = Rig::with_seed(seed);
        rig.comes_online();
        show_entry(&mut rig, 1);
        acknowledgements(&mut rig).is_empty()
    };
    let waiting = (0..64).filter(|seed| waits(*seed)).count();
    assert!((16..48).contains(&waiting), "{waiting}");
}

#[test]
fn ends_a_delay_with_its_session() {
    let (mut rig, first) = client();
    show_entry(&mut rig, first);
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
fn reopens_a_window_of_one_frame_at_once() {
    let mut rig = Rig::with_window(1);
    rig.comes_online();
    for number in 1..5 {
        show_entry(&mut rig, number);
        assert_eq!(acknowledgements(&mut rig), [rig.next]);
    }
}
