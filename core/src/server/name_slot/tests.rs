use core::net::SocketAddr;

use super::*;
use crate::containers::{List, Slots};
use crate::crypto::PublicKey;
use crate::server::channel_cursor::NextEntry;
use crate::server::channel_log::{Appended, ChannelLog, LogSlot};
use crate::server::listing::Listed;
use crate::server::name_list::NameList;
use crate::server::table::ChangeSlot;
use crate::time::UnixSeconds;

const ALICE: u32 = 0;
const BOB: u32 = 1;
const RETRY: RetryPolicy = RetryPolicy::DEFAULT;

fn session(incarnation: u64, session_sequence: u32) -> SessionStart {
    SessionStart {
        incarnation,
        session_sequence,
        key: PublicKey([1; 32]),
        address: address(1),
        cookie_issued_at_ms: 50,
    }
}

fn address(port: u16) -> PackedAddress {
    SocketAddr::from(([192, 0, 2, 1], port)).into()
}

fn origin(incarnation: u64, request: u32) -> Origin {
    Origin {
        incarnation,
        counter: 1,
        request,
    }
}

/// Returns the slot of Bob, online as process 7.
fn bob() -> NameSlot {
    let mut name = NameSlot::VACANT;
    name.replace(Name::new("bob").unwrap(), 1);
    name.begin_session(&session(7, 1), 0);
    name.admit();
    name.confirm();
    name.settle();
    assert!(name.on_stored());
    name
}

// ---- the slot ----

#[test]
fn keeps_the_links_of_a_replaced_name() {
    let mut slots = [bob(), NameSlot::VACANT];
    let mut slots = Slots::new(&mut slots).unwrap();
    let mut list = List::new(NameList::Reusable);
    list.push(&mut slots, 0);
    list.push(&mut slots, 1);
    slots.at_mut(0).replace(Name::new("carol").unwrap(), 5);
    assert!(list.contains(&slots, 0));
    let carol = slots.at(0);
    assert_eq!(carol.name(), "carol");
    assert_eq!(carol.channel().acked(), 5, "carol gets earlier entries");
    assert!(!carol.has_process(7) && !carol.membership().is_known());
    slots.at_mut(0).forget();
    assert_eq!(list.pop(&mut slots), Some(0));
    assert_eq!(list.pop(&mut slots), Some(1));
}

#[test]
fn keeps_the_slot_while_something_refers_to_it() {
    let mut name = bob();
    name.update_listing(3);
    name.refer();
    assert!(!name.may_be_replaced());
    name.forget();
    assert_eq!((name.name(), name.listing().version()), ("bob", 3));
    assert!(!name.has_process(7) && name.membership().is_gone());
    assert!(
        !name.may_be_replaced(),
        "a message still refers to the name"
    );
    name.release();
    assert!(name.may_be_replaced());
    name.begin_session(&session(8, 1), 0);
    assert!(!name.may_be_replaced(), "a process asks for the name");
}

// ---- sessions ----

#[test]
fn forgets_requests_of_a_replaced_process() {
    let mut name = bob();
    assert!(name.results_mut().note(1));
    name.begin_session(&session(7, 2), 0);
    assert!(
        !name.results_mut().note(1),
        "a repeated request counts as new"
    );
    name.begin_session(&session(8, 1), 0);
    assert!(name.results_mut().note(1));
    assert!(name.has_process(8) && name.process().was_evicted(7, false));
}

#[test]
fn ends_challenge_and_throttling_with_a_session() {
    let mut name = bob();
    let ask = |name: &mut NameSlot| name.challenge(9, true, Instant::ZERO, RETRY);
    assert_eq!(ask(&mut name), Ruling::Wait { probe: true });
    assert_eq!(ask(&mut name), Ruling::Wait { probe: false });
    name.on_heard();
    assert_eq!(ask(&mut name), Ruling::Taken);
    name.set_throttled(true);
    name.begin_session(&session(7, 2), 0);
    assert!(!name.is_throttled());
    assert_eq!(ask(&mut name), Ruling::Wait { probe: true });
}

#[test]
fn stays_online_while_its_process_renews() {
    let mut name = bob();
    name.begin_session(&session(7, 2), 4);
    assert!(name.membership().is_online());
    name.admit();
    assert_eq!(name.confirm(), Some(Admitted::Renewed));
    assert!(!name.on_stored(), "a renewed session was announced");
    let moved = SessionStart {
        address: address(2),
        ..session(7, 3)
    };
    name.begin_session(&moved, 4);
    name.admit();
    assert!(!name.on_stored(), "an address without proof was announced");
    name.confirm();
    assert!(name.on_stored(), "a new address was not announced");
    name.begin_session(&session(8, 1), 4);
    assert!(!name.membership().is_online());
    assert_eq!(name.membership().boundary(), 5);
}

#[test]
fn repeats_unacked_entries_after_a_session() {
    let mut slots = [LogSlot::VACANT; 2];
    let mut log = ChannelLog::new(&mut slots, &mut [], 100, 0).unwrap();
    let entry = LogSlot::new(ALICE, Origin::VACANT, UnixSeconds(1), 0);
    assert!(matches!(
        log.append(entry, "hi", UnixSeconds(u32::MAX)),
        Appended::Entry(1)
    ));
    log.publish(1, 2, true);
    let mut name = bob();
    assert!(name.results_mut().note(1));
    name.decide(origin(7, 1), Outcome::Saved);
    name.channel_mut().on_sent(1);
    assert_eq!(name.channel_mut().next(&log, BOB), None);
    name.end_session();
    let first = NextEntry::Entry {
        number: 1,
        order: 2,
    };
    assert_eq!(name.channel_mut().next(&log, BOB), Some(first));
    // The client repeats its requests for results.
    assert_eq!(name.results().next(), None);
    assert!(!name.results_mut().note(1));
    assert_eq!(name.results().next(), Some(1));
}

#[test]
fn stores_a_move_only_of_a_client_in_the_room() {
    let mut name = bob();
    assert!(name.on_moved(address(2)));
    assert!(name.on_stored(), "the move was not announced");
    assert_eq!(name.leave(), Left::Registered);
    assert!(name.on_stored());
    assert!(!name.on_moved(address(3)));
    assert!(!name.on_stored());
    assert_eq!(name.process().address(), address(3));
}

#[test]
fn counts_seconds_offline_after_it_left() {
    let mut name = bob();
    let now = Instant::from_millis(90_000);
    assert_eq!(name.offline_s(now), 0);
    name.leave();
    assert_eq!(name.offline_s(now), 90);
}

// ---- requests and the table ----

#[test]
fn decides_requests_of_its_own_process_only() {
    let mut name = bob();
    assert!(name.results_mut().note(1));
    assert!(!name.decide(origin(6, 1), Outcome::Saved));
    assert_eq!(name.results().next(), None);
    assert!(name.decide(origin(7, 1), Outcome::Saved));
    assert_eq!(name.results().next(), Some(1));
    assert!(name.may_repeat(origin(7, 1)) && !name.may_repeat(origin(6, 1)));
    name.expire();
    assert!(
        !name.may_repeat(origin(7, 1)),
        "a request of an expiring name was repeated"
    );
}

#[test]
fn returns_a_leave_result_once_stored() {
    let mut name = bob();
    name.results_mut().note_leave(1);
    assert_eq!(name.leave(), Left::Registered);
    assert_eq!(name.results().next(), None);
    assert!(name.on_stored());
    assert_eq!(name.results().next(), Some(1));
}

#[test]
fn gets_no_page_before_it_is_listed_online() {
    let mut changes = [ChangeSlot::VACANT; 2];
    let mut table = TableChanges::new(&mut changes, 1).unwrap();
    let mut name = bob();
    name.table_mut().begin(8, 0);
    assert_eq!(name.next_page(&table, 2), None);
    name.update_listing(table.add(BOB, 1));
    assert_eq!(name.entry().address, address(1));
    let whole = NextPage::Snapshot { from: 0, upto: 2 };
    assert_eq!(name.next_page(&table, 2), Some((0, whole)));
}

// ---- the store ----

#[test]
fn restores_the_name_that_its_record_describes() {
    let mut name = bob();
    name.begin_session(&session(8, 3), 0);
    name.admit();
    assert!(!name.record(99, Instant::ZERO).registered, "unconfirmed");
    name.confirm();
    assert!(name.results_mut().note(4));
    name.decide(origin(8, 4), Outcome::Full);
    name.channel_mut().jump_to(6);
    let record = name.record(99, Instant::ZERO);
    assert_eq!((record.session, record.registered), (99, true));
    let mut restored = NameSlot::VACANT;
    restored.replace(Name::new("bob").unwrap(), 1);
    restored.restore(&record);
    assert_eq!(restored.record(99, Instant::ZERO), record);
    assert!(restored.process().was_evicted(7, false));
    assert!(restored.membership().is_online());
}

#[test]
fn restores_requests_of_the_same_process_only() {
    let mut name = bob();
    (1..=2).for_each(|request| assert!(name.results_mut().note(request)));
    let record = name.record(0, Instant::ZERO);
    for (proof, is_new) in [(7, false), (6, true)] {
        let mut restored = bob();
        restored.restore_request(origin(proof, 2));
        restored.restore(&record);
        assert_eq!(restored.results_mut().note(2), is_new, "proved by {proof}");
    }
}

#[test]
fn restores_progress_that_is_ahead_only() {
    let mut name = bob();
    name.restore_progress(5, 6);
    name.restore_progress(4, 3);
    let progress = Record::Progress {
        name: "bob",
        handed_over: 5,
        log_next: 6,
    };
    assert_eq!(name.progress(), progress);
}
