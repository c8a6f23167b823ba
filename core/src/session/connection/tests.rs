//! Tests of one end of a session: the test plays the peer.

use std::vec;
use std::vec::Vec;

use super::*;

const POLICY: RetryPolicy = RetryPolicy::DEFAULT;

/// Returns the parameters of a peer.
fn other(id: u64, window: u16) -> PeerParameters {
    PeerParameters {
        id,
        window,
        reset: [0; TAG_LEN],
    }
}

fn open_session(frames: u32, window: u16) -> Connection {
    let mut connection = Connection::VACANT;
    connection.open(1, PackedAddress::VACANT);
    connection.opened(other(2, window), &SessionKeys::VACANT);
    for _ in 0..frames {
        connection.enqueue();
    }
    connection
}

/// Sends one datagram of at most `fits` frames; returns their numbers.
fn send(connection: &mut Connection, fits: usize, now: u64) -> Vec<u32> {
    let mut numbers = Vec::new();
    while connection.may_send() && numbers.len() < fits {
        numbers.push(connection.position());
        connection.pushed();
    }
    connection.sent_data(Instant::from_millis(now), POLICY, &mut Stats::default());
    numbers
}

/// Sends all permitted frames, in as many datagrams as needed.
fn send_all(connection: &mut Connection, now: u64) -> Vec<u32> {
    let mut numbers = Vec::new();
    while connection.may_send() {
        numbers.append(&mut send(connection, 16, now));
    }
    numbers
}

fn ack(
    connection: &mut Connection,
    acknowledged: u32,
    window: u16,
    nack: bool,
    now: u64,
) -> Result<u32, DropReason> {
    let peer_phase = connection.sender.phase();
    ack_of_phase(connection, acknowledged, window, nack, peer_phase, now)
}

fn ack_of_phase(
    connection: &mut Connection,
    acknowledged: u32,
    window: u16,
    nack: bool,
    peer_phase: bool,
    now: u64,
) -> Result<u32, DropReason> {
    let header = Header {
        acknowledged,
        window,
        nack,
        peer_phase,
        ..Header::default()
    };
    connection.take_header(
        &header,
        Instant::from_millis(now),
        POLICY,
        false,
        &mut Stats::default(),
    )
}

fn expire(connection: &mut Connection, now: u64) -> Expired {
    expire_after(connection, now, 0)
}

/// Expires the timer of a process that was stopped until `woke_at`.
fn expire_after(connection: &mut Connection, now: u64, woke_at: u64) -> Expired {
    let (now, woke_at) = (Instant::from_millis(now), Instant::from_millis(woke_at));
    connection.expire(now, woke_at, POLICY, &mut Stats::default())
}

#[test]
//= PROTOCOL.md#7.1
fn sends_six_datagrams_into_silence_and_gives_up() {
    let mut connection = open_session(1, 32);
    let mut sent_at = vec![0];
    send(&mut connection, 16, 0);
    loop {
        let now = connection.deadline().unwrap().as_millis();
        if expire(&mut connection, now) == Expired::GaveUp {
            assert_eq!(now, POLICY.patience_ms());
            break;
        }
        assert_eq!(send(&mut connection, 16, now), [0]);
        sent_at.push(now);
    }
    assert_eq!(sent_at, [0, 500, 1_000, 1_500, 2_000, 2_500]);
}

#[test]
fn repeats_one_datagram_by_timer_until_progress() {
    let mut connection = open_session(6, 32);
    assert_eq!(send(&mut connection, 2, 0), [0, 1]);
    assert_eq!(send(&mut connection, 2, 0), [2, 3]);
    assert_eq!(send(&mut connection, 2, 0), [4, 5]);
    assert_eq!(expire(&mut connection, 500), Expired::Waits);
    assert_eq!(send(&mut connection, 2, 500), [0, 1]);
    assert!(!connection.may_send(), "there is no progress yet");
    assert_eq!(ack(&mut connection, 2, 32, false, 510), Ok(2));
    assert_eq!(send_all(&mut connection, 510), [2, 3, 4, 5]);
}

#[test]
//= PROTOCOL.md#7.3
fn repeats_at_once_and_once_a_phase_by_a_gap_report() {
    let mut connection = open_session(4, 32);
    send(&mut connection, 1, 0);
    send(&mut connection, 3, 0);
    assert_eq!(ack_of_phase(&mut connection, 0, 32, true, false, 5), Ok(0));
    assert_eq!(send(&mut connection, 2, 5), [0, 1]);
    assert_eq!(send(&mut connection, 9, 5), [2, 3]);
    assert_eq!(ack_of_phase(&mut connection, 0, 32, true, false, 6), Ok(0));
    assert!(
        !connection.may_send(),
        "the second NACK is about the same gap"
    );
    assert_eq!(ack_of_phase(&mut connection, 0, 32, true, true, 7), Ok(0));
    assert_eq!(
        send_all(&mut connection, 7),
        [0, 1, 2, 3],
        "the retransmission was lost, too"
    );
    assert_eq!(ack(&mut connection, 4, 32, false, 8), Ok(4));
    assert_eq!(connection.deadline(), None);
}

#[test]
fn spreads_frames_over_datagrams_on_a_lossy_path() {
    let mut connection = open_session(32, 32);
    let flight = |connection: &mut Connection| {
        let mut datagrams = Vec::new();
        while connection.may_send() {
            datagrams.push(send(connection, 100, 0).len());
        }
        datagrams
    };
    assert_eq!(flight(&mut connection), [32]);
    assert_eq!(ack(&mut connection, 0, 32, true, 0), Ok(0));
    assert_eq!(flight(&mut connection), [8, 8, 8, 8]);
}

#[test]
fn reports_a_gap_with_its_phase_until_it_is_filled() {
    let mut connection = open_session(0, 32);
    let reports = |connection: &Connection| {
        let header = connection.header(32, None);
        (header.nack, header.peer_phase)
    };
    connection.frames_came(false);
    assert_eq!(connection.arrival(1), Arrival::Early);
    assert_eq!(reports(&connection), (true, false));
    connection.frames_came(true);
    assert_eq!(
        reports(&connection),
        (false, true),
        "the frame was sent again"
    );
    assert_eq!(connection.arrival(1), Arrival::Early);
    assert_eq!(reports(&connection), (true, true));
    connection.frames_came(true);
    assert_eq!(connection.arrival(0), Arrival::Next);
    connection.took(false);
    assert!(reports(&connection).0, "the second frame was dropped");
    assert_eq!(connection.arrival(1), Arrival::Next);
    connection.took(false);
    assert!(!reports(&connection).0);
}

#[test]
//= PROTOCOL.md#7.3
fn shows_no_gap_behind_a_frame_without_room() {
    let mut connection = open_session(0, 32);
    connection.frames_came(false);
    assert_eq!(connection.arrival(0), Arrival::Next);
    assert_eq!(connection.arrival(1), Arrival::Early);
    assert!(!connection.header(32, None).nack);
    connection.took(true);
    assert_eq!(connection.arrival(2), Arrival::Early);
    assert!(!connection.header(32, None).nack);
    connection.took(false);
    assert_eq!(connection.arrival(3), Arrival::Early);
    assert!(connection.header(32, None).nack);
}

#[test]
fn requires_an_acknowledgement_by_the_first_frame() {
    let mut connection = open_session(0, 32);
    assert!(connection.took(true));
    assert!(!connection.took(false), "it is due already");
    let (now, policy) = (Instant::ZERO, RetryPolicy::DEFAULT);
    connection.sent_data(now, policy, &mut Stats::default());
    assert!(connection.took(false));
    connection.close();
    assert!(!connection.took(false), "the session is closed");
}

#[test]
//= PROTOCOL.md#6.2
fn shares_acknowledgements_on_a_clean_path() {
    let mut connection = open_session(0, 32);
    let mut acknowledgements = |numbers: &[u32]| {
        for number in numbers {
            connection.frames_came(false);
            if connection.arrival(*number) == Arrival::Next {
                connection.took(false);
            }
        }
        let mut count = 0;
        while connection.wants() == Wants::Data {
            send(&mut connection, 0, 0);
            count += 1;
        }
        count
    };
    assert_eq!(acknowledgements(&[0, 1, 2]), 1);
    assert_eq!(acknowledgements(&[4]), 1);
    assert_eq!(acknowledgements(&[3, 4]), 2);
    assert_eq!(acknowledgements(&[5, 6, 7, 8, 9]), 3);
    for number in 10..=257 {
        assert_eq!(acknowledgements(&[number]), 1);
    }
    assert_eq!(acknowledgements(&[258, 259, 260]), 1, "no loss since");
}

#[test]
fn doubles_cwnd_until_a_loss_and_halves_it_then() {
    let mut connection = open_session(1_000, 256);
    let mut acknowledged = 0;
    let mut flight = |connection: &mut Connection| {
        let sent = send_all(connection, 0).len();
        acknowledged += u32::try_from(sent).unwrap();
        assert_eq!(
            ack(connection, acknowledged, 256, false, 1),
            Ok(sent as u32)
        );
        sent
    };
    assert_eq!(
        [(); 4].map(|()| flight(&mut connection)),
        [32, 64, 128, 256]
    );
    assert_eq!(
        send_all(&mut connection, 2).len(),
        256,
        "the window of the peer is the limit"
    );
    let acked = connection.acked();
    ack(&mut connection, acked, 256, true, 3).unwrap();
    assert_eq!(send_all(&mut connection, 4).len(), 128);
    assert_eq!(ack(&mut connection, acked + 256, 256, false, 5), Ok(256));
    assert_eq!(send_all(&mut connection, 6).len(), 160, "n / 8");
}

#[test]
//= PROTOCOL.md#7.5
fn probes_a_closed_window_until_it_reopens() {
    let mut connection = open_session(3, 1);
    assert_eq!(send(&mut connection, 9, 0), [0]);
    assert_eq!(ack(&mut connection, 1, 0, false, 1), Ok(1));
    assert!(!connection.may_send());
    assert_eq!(expire(&mut connection, 501), Expired::Waits);
    assert_eq!(send(&mut connection, 9, 501), [1]);
    assert_eq!(
        ack(&mut connection, 1, 2, false, 502),
        Ok(0),
        "still in flight"
    );
    assert_eq!(send(&mut connection, 9, 502), [2]);
}

#[test]
fn refuses_invalid_acknowledgements_but_not_old_ones() {
    let mut connection = open_session(3, 8);
    send(&mut connection, 9, 0);
    assert_eq!(
        ack(&mut connection, 4, 8, false, 1),
        Err(DropReason::BadAcknowledgement)
    );
    assert_eq!(ack(&mut connection, 2, 8, false, 1), Ok(2));
    assert_eq!(ack(&mut connection, 1, 8, false, 1), Ok(0));
    assert_eq!(connection.outstanding(), 1);
}

#[test]
fn numbers_outstanding_frames_again_in_a_new_session() {
    let mut connection = open_session(5, 8);
    send(&mut connection, 9, 0);
    ack(&mut connection, 2, 8, false, 1).unwrap();
    connection.accept(
        7,
        PackedAddress::VACANT,
        other(8, 8),
        &SessionKeys::VACANT,
        b"message",
    );
    connection.confirm();
    assert_eq!(connection.handshake().message(), b"message");
    assert_eq!(connection.wants(), Wants::Accept);
    connection.sent_accept();
    assert_eq!(send(&mut connection, 9, 2), [0, 1, 2]);
}

#[test]
//= PROTOCOL.md#7.7
fn gives_nothing_up_after_a_pause_of_its_own() {
    let mut connection = open_session(1, 8);
    send(&mut connection, 9, 0);
    for now in [500, 1_000, 1_500, 2_000, 2_500] {
        assert_eq!(expire(&mut connection, now), Expired::Waits);
        send(&mut connection, 9, now);
    }
    assert_eq!(
        expire_after(&mut connection, 100_000, 100_000),
        Expired::Waits,
        "the process itself was stopped"
    );
    assert_eq!(
        expire_after(&mut connection, 100_500, 100_000),
        Expired::GaveUp
    );
}

#[test]
fn counts_a_timer_that_runs_late_under_load() {
    let mut connection = open_session(1, 8);
    send(&mut connection, 9, 0);
    for now in [2_000, 4_000, 6_000, 8_000, 10_000] {
        assert_eq!(expire(&mut connection, now), Expired::Waits);
        assert_eq!(send(&mut connection, 9, now), [0]);
    }
    assert_eq!(expire(&mut connection, 12_000), Expired::GaveUp);
}

/// Accepts frames until one is missing.
fn receive(connection: &mut Connection, numbers: &[u32]) {
    for number in numbers {
        match connection.arrival(*number) {
            Arrival::Next => {
                connection.took(false);
            }
            Arrival::Duplicate => {}
            Arrival::Early => break,
        }
    }
}

#[test]
fn waits_hardly_ever_for_its_timer_on_a_lossy_path() {
    let mut random = 1_u32;
    let mut is_lost = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        random >> 16 < 65_536 / 20
    };
    let (mut sender, mut recipient) = (open_session(32, 32), open_session(0, 32));
    let (mut now, mut timed, mut in_flight) = (0, 0, 0);
    let mut stats = Stats::default();
    let frames = if cfg!(miri) { 20_000 } else { 100_000 };
    while sender.acked() < frames {
        in_flight += 1;
        while sender.may_send() {
            let header = sender.header(32, None);
            let numbers = send(&mut sender, 16, now);
            if is_lost() {
                continue;
            }
            recipient.frames_came(header.phase);
            receive(&mut recipient, &numbers);
        }
        while recipient.wants() == Wants::Data {
            let header = recipient.header(32, None);
            send(&mut recipient, 0, now);
            if is_lost() {
                continue;
            }
            let at = Instant::from_millis(now);
            let newly = sender.take_header(&header, at, POLICY, false, &mut stats);
            (0..newly.unwrap()).for_each(|_| {
                sender.enqueue();
            });
        }
        if !sender.may_send() {
            now = sender.deadline().unwrap().as_millis();
            assert_eq!(expire(&mut sender, now), Expired::Waits);
            timed += 1;
        }
    }
    assert!(timed * 200 < in_flight, "{timed} of {in_flight}");
}
