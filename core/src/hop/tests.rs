//! One end of a session against a hand that plays the other.

use std::vec;
use std::vec::Vec;

use super::*;

const POLICY: RetryPolicy = RetryPolicy::DEFAULT;

/// The other side of a session that nothing is sealed in.
fn other(id: u64, window: u16) -> Other {
    Other {
        id,
        window,
        reset: [0; TAG_LEN],
    }
}

fn open_hop(frames: u32, window: u16) -> Hop {
    let mut hop = Hop::VACANT;
    hop.open(1, PackedAddress::VACANT);
    hop.opened(other(2, window), Session::VACANT);
    for _ in 0..frames {
        hop.enqueue();
    }
    hop
}

/// Sends what may go in one datagram of at most `fits` frames; returns the numbers.
fn send(hop: &mut Hop, fits: usize, now: u64) -> Vec<u32> {
    let first = hop.header(1, None).first;
    let mut numbers = Vec::new();
    while hop.may_send() && numbers.len() < fits {
        numbers.push(hop.position());
        hop.pushed();
    }
    hop.sent_data(
        first,
        Instant::from_millis(now),
        POLICY,
        &mut Stats::default(),
    );
    numbers
}

fn ack(hop: &mut Hop, acknowledged: u32, window: u16, gap: bool, now: u64) -> Result<u32, Drop> {
    let header = Header {
        acknowledged,
        window,
        gap,
        ..Header::default()
    };
    hop.take_header(
        &header,
        Instant::from_millis(now),
        POLICY,
        false,
        &mut Stats::default(),
    )
}

fn expire(hop: &mut Hop, now: u64) -> Expired {
    expire_after(hop, now, 0)
}

/// The caller was away until `woke_at`.
fn expire_after(hop: &mut Hop, now: u64, woke_at: u64) -> Expired {
    let (now, woke_at) = (Instant::from_millis(now), Instant::from_millis(woke_at));
    hop.expire(now, woke_at, POLICY, &mut Stats::default())
}

#[test]
fn silence_gets_six_datagrams_and_then_nothing() {
    let mut hop = open_hop(1, 32);
    let mut sent_at = vec![0];
    send(&mut hop, 16, 0);
    loop {
        let now = hop.deadline().unwrap().as_millis();
        if expire(&mut hop, now) == Expired::GaveUp {
            assert_eq!(now, POLICY.patience_ms());
            break;
        }
        assert_eq!(send(&mut hop, 16, now), [0]);
        sent_at.push(now);
    }
    assert_eq!(sent_at, [0, 500, 1_000, 1_500, 2_000, 2_500]);
}

#[test]
fn a_timed_repetition_is_one_datagram_and_progress_releases_the_rest() {
    let mut hop = open_hop(6, 32);
    assert_eq!(send(&mut hop, 2, 0), [0, 1]);
    assert_eq!(send(&mut hop, 2, 0), [2, 3]);
    assert_eq!(send(&mut hop, 2, 0), [4, 5]);
    assert_eq!(expire(&mut hop, 500), Expired::Waits);
    assert_eq!(send(&mut hop, 2, 500), [0, 1]);
    assert!(!hop.may_send(), "held until there is progress");
    assert_eq!(ack(&mut hop, 2, 32, false, 510), Ok(2));
    assert_eq!(send(&mut hop, 9, 510), [2, 3, 4, 5]);
}

#[test]
fn a_gap_report_repeats_at_once_and_only_once_a_flight() {
    let mut hop = open_hop(4, 32);
    send(&mut hop, 1, 0);
    send(&mut hop, 3, 0);
    assert_eq!(ack(&mut hop, 0, 32, true, 5), Ok(0));
    assert_eq!(send(&mut hop, 9, 5), [0, 1, 2, 3]);
    assert_eq!(ack(&mut hop, 0, 32, true, 6), Ok(0));
    assert!(!hop.may_send(), "the second report is about the same gap");
    assert_eq!(ack(&mut hop, 4, 32, false, 7), Ok(4));
    assert_eq!(hop.deadline(), None);
}

#[test]
fn a_closed_window_is_probed_and_reopens() {
    let mut hop = open_hop(3, 1);
    assert_eq!(send(&mut hop, 9, 0), [0]);
    assert_eq!(ack(&mut hop, 1, 0, false, 1), Ok(1));
    assert!(!hop.may_send());
    assert_eq!(expire(&mut hop, 501), Expired::Waits);
    assert_eq!(send(&mut hop, 9, 501), [1]);
    assert_eq!(ack(&mut hop, 1, 2, false, 502), Ok(0), "still in flight");
    assert_eq!(send(&mut hop, 9, 502), [2]);
}

#[test]
fn nonsense_is_refused_and_old_news_is_not() {
    let mut hop = open_hop(3, 8);
    send(&mut hop, 9, 0);
    assert_eq!(ack(&mut hop, 4, 8, false, 1), Err(Drop::BadAcknowledgement));
    assert_eq!(ack(&mut hop, 2, 8, false, 1), Ok(2));
    assert_eq!(ack(&mut hop, 1, 8, false, 1), Ok(0));
    assert_eq!(hop.outstanding(), 1);
}

#[test]
fn a_new_session_numbers_what_is_outstanding_again() {
    let mut hop = open_hop(5, 8);
    send(&mut hop, 9, 0);
    ack(&mut hop, 2, 8, false, 1).unwrap();
    hop.accept(
        7,
        PackedAddress::VACANT,
        other(8, 8),
        Session::VACANT,
        b"said",
    );
    assert_eq!(hop.handshake_message(), b"said");
    assert_eq!(hop.wants(), Wants::Accept);
    hop.sent_accept();
    assert_eq!(send(&mut hop, 9, 2), [0, 1, 2]);
}

#[test]
fn after_a_pause_one_retry_is_due_and_nobody_is_given_up() {
    let mut hop = open_hop(1, 8);
    send(&mut hop, 9, 0);
    for now in [500, 1_000, 1_500, 2_000, 2_500] {
        assert_eq!(expire(&mut hop, now), Expired::Waits);
        send(&mut hop, 9, now);
    }
    assert_eq!(
        expire_after(&mut hop, 100_000, 100_000),
        Expired::Waits,
        "its own sleep proves nothing"
    );
    assert_eq!(expire_after(&mut hop, 100_500, 100_000), Expired::GaveUp);
}

#[test]
fn a_timer_that_runs_late_under_load_still_counts() {
    let mut hop = open_hop(1, 8);
    send(&mut hop, 9, 0);
    for now in [2_000, 4_000, 6_000, 8_000, 10_000] {
        assert_eq!(expire(&mut hop, now), Expired::Waits);
        assert_eq!(send(&mut hop, 9, now), [0]);
    }
    assert_eq!(expire(&mut hop, 12_000), Expired::GaveUp);
}

#[test]
fn frames_are_taken_in_order_across_the_wrap() {
    let mut hop = open_hop(0, 8);
    hop.expected = u32::MAX;
    assert_eq!(hop.arrival(0), Arrival::Early);
    // Half of all numbers are ahead, the other half was here before.
    assert_eq!(hop.arrival(u32::MAX / 2 - 1), Arrival::Early);
    assert_eq!(hop.arrival(u32::MAX / 2), Arrival::Duplicate);
    assert_eq!(hop.arrival(u32::MAX), Arrival::Next);
    hop.took();
    assert_eq!(hop.arrival(u32::MAX), Arrival::Duplicate);
    assert_eq!(hop.arrival(0), Arrival::Next);
}
