//! Delayed acknowledgements of the server: a request waits a short time for its result. All other
//! frames are acknowledged at once.

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::Frame;
use chatapp_core::{Disposition, Endpoint};

use crate::offline::{post, store};
use crate::server_rig::{Member, Rig, Sent};

/// The longest delay in ms; the server's interval is 500 ms.
const DELAY_MS: u64 = 50;

/// Registers ann, and exchanges frames until its path has shown no loss for a long time.
fn on_loss_free_path(rig: &mut Rig) -> Member {
    let mut ann = rig.join(1, "ann");
    for query in 0..300 {
        let sent = rig.say(&mut ann, &[Frame::Lookup { query, name: "bob" }]);
        assert!(ann.receive(&sent));
    }
    rig.say(&mut ann, &[]);
    ann
}

/// Returns all datagrams that the server sends before its store has answered.
fn sent_datagrams(rig: &mut Rig) -> Sent {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut sent = Sent::new();
    while let Some(transmit) = rig.server.poll_transmit(rig.now, &mut out) {
        sent.push((transmit.to, out[..transmit.len].to_vec()));
    }
    sent
}

/// Returns the acknowledgement and the frames of each datagram to ann.
fn sent_to(rig: &mut Rig, ann: &Member) -> Vec<(u32, Vec<String>)> {
    let read = ann.decrypt(&sent_datagrams(rig));
    read.into_iter()
        .map(|(header, frames)| (header.acknowledged, frames))
        .collect()
}

/// Sends these frames from ann, and returns the number of the next frame.
fn send_frames(rig: &mut Rig, ann: &mut Member, frames: &[Frame<'_>]) -> u32 {
    let datagram = ann.encrypt(&ann.header(), frames);
    ann.next += u32::try_from(frames.len()).unwrap();
    assert_eq!(rig.handle(ann.address, &datagram), Disposition::Accepted);
    ann.next
}

#[test]
fn acknowledges_a_request_with_its_result() {
    let mut rig = Rig::with(Rig::config());
    let mut ann = on_loss_free_path(&mut rig);
    let all = send_frames(&mut rig, &mut ann, &[post(1, "hi")]);
    assert_eq!(sent_to(&mut rig, &ann), []);
    rig.store();
    let result = "Result { request: 1, outcome: Saved }".to_owned();
    assert_eq!(sent_to(&mut rig, &ann), [(all, vec![result])]);
}

#[test]
//= PROTOCOL.md#6.3
fn acknowledges_alone_when_the_store_is_slow() {
    let mut rig = Rig::with(Rig::config());
    let mut ann = on_loss_free_path(&mut rig);
    let due = rig.now.plus_millis(DELAY_MS);
    send_frames(&mut rig, &mut ann, &[post(1, "hi")]);
    let first = rig.server.poll_persist().expect("a record").ticket;
    // A later request does not extend the delay.
    rig.now = rig.now.plus_millis(DELAY_MS / 2);
    let all = send_frames(&mut rig, &mut ann, &[post(2, "hi")]);
    assert!(rig.server.poll_persist().is_some());
    assert_eq!(sent_to(&mut rig, &ann), []);
    assert_eq!(rig.server.poll_timeout(), Some(due));
    rig.now = due;
    rig.server.handle_timeout(due);
    assert_eq!(sent_to(&mut rig, &ann), [(all, vec![])]);
    rig.server.handle_stored(rig.now, first, Ok(()));
    let result = "Result { request: 1, outcome: Saved }".to_owned();
    assert_eq!(sent_to(&mut rig, &ann), [(all, vec![result])]);
}

#[test]
fn answers_at_once_when_the_outcome_is_known() {
    let mut rig = Rig::with(Rig::config());
    let mut ann = on_loss_free_path(&mut rig);
    // No client is called bob.
    let all = send_frames(&mut rig, &mut ann, &[store(1, "hi")]);
    let result = "Result { request: 1, outcome: NoSuchClient }".to_owned();
    assert_eq!(sent_to(&mut rig, &ann), [(all, vec![result])]);
}

/// The same holds for frames that arrive again.
#[test]
fn acknowledges_frames_without_result_at_once() {
    let mut rig = Rig::with(Rig::config());
    let mut ann = on_loss_free_path(&mut rig);
    // A Text frame has no result: clients never send it to servers.
    let text = Frame::Text {
        counter: 1,
        text: b"hi",
    };
    let all = send_frames(&mut rig, &mut ann, &[post(1, "hi"), text]);
    assert_eq!(sent_to(&mut rig, &ann), [(all, vec![])]);

    let header = ann.header();
    let all = send_frames(&mut rig, &mut ann, &[post(2, "hi")]);
    assert_eq!(sent_to(&mut rig, &ann), []);
    let again = ann.encrypt(&header, &[post(2, "hi")]);
    rig.handle(ann.address, &again);
    assert_eq!(sent_to(&mut rig, &ann)[0], (all, vec![]));
    // The path seems to have lost a datagram, so the server delays nothing on it.
    let all = send_frames(&mut rig, &mut ann, &[post(3, "hi")]);
    assert_eq!(sent_to(&mut rig, &ann)[0], (all, vec![]));
}

#[test]
fn acknowledges_a_probe_at_once() {
    let mut rig = Rig::with(Rig::config());
    let mut ann = on_loss_free_path(&mut rig);
    let all = send_frames(&mut rig, &mut ann, &[post(1, "hi")]);
    send_probe(&mut rig, &mut ann, &[]);
    assert_eq!(sent_to(&mut rig, &ann), [(all, vec![])]);
    // The same holds if a request follows the probe or comes with it.
    send_probe(&mut rig, &mut ann, &[]);
    let all = send_frames(&mut rig, &mut ann, &[post(2, "hi")]);
    assert_eq!(sent_to(&mut rig, &ann), [(all, vec![])]);
    send_probe(&mut rig, &mut ann, &[post(3, "hi")]);
    assert_eq!(sent_to(&mut rig, &ann), [(all + 1, vec![])]);
}

/// Sends a probe with these frames from ann.
fn send_probe(rig: &mut Rig, ann: &mut Member, frames: &[Frame<'_>]) {
    let mut header = ann.header();
    header.probe = true;
    ann.next += u32::try_from(frames.len()).unwrap();
    let datagram = ann.encrypt(&header, frames);
    assert_eq!(rig.handle(ann.address, &datagram), Disposition::Accepted);
}

#[test]
fn delays_no_client_for_the_requests_of_others() {
    let mut rig = Rig::with(Rig::config());
    let mut ann = on_loss_free_path(&mut rig);
    let mut bob = rig.join(2, "bob");
    let sent = rig.pass(500);
    rig.receive_all(&mut ann, sent);
    for query in 0..300 {
        for member in [&mut ann, &mut bob] {
            let sent = rig.say(member, &[Frame::Lookup { query, name: "eve" }]);
            rig.receive_all(member, sent);
        }
    }
    send_frames(&mut rig, &mut ann, &[post(1, "hi")]);
    rig.now = rig.now.plus_millis(DELAY_MS / 5);
    let due = rig.now.plus_millis(DELAY_MS);
    let all = send_frames(&mut rig, &mut bob, &[post(1, "hi")]);
    // Ann sends requests and probes all the time.
    for request in 2..6 {
        rig.now = rig.now.plus_millis(DELAY_MS / 5);
        send_probe(&mut rig, &mut ann, &[post(request, "hi")]);
    }
    rig.now = due;
    rig.server.handle_timeout(due);
    let sent = sent_datagrams(&mut rig);
    let to_bob = bob.decrypt(&sent);
    assert_eq!(to_bob[0].0.acknowledged, all);
    assert!(!ann.decrypt(&sent).is_empty());
}
