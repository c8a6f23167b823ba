//! When the server acknowledges: requests with their results, if these come soon, and everything
//! else at once.

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::Frame;
use chatapp_core::{Disposition, Endpoint, ServerConfig};

use crate::keeping::{post, store};
use crate::server_rig::{Member, Rig, Sent};

/// The server's interval is 500 ms.
const HELD_MS: u64 = 50;

/// Who has taken all that there was, on a path that has shown no loss for long.
fn settled(rig: &mut Rig) -> Member {
    let mut ann = rig.join(1, "ann");
    for query in 0..300 {
        let sent = rig.say(&mut ann, &[Frame::Lookup { query, name: "bob" }]);
        assert!(ann.hears(&sent));
    }
    rig.say(&mut ann, &[]);
    ann
}

/// All that the server sends before its store has answered.
fn transmits(rig: &mut Rig) -> Sent {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut sent = Sent::new();
    while let Some(transmit) = rig.server.poll_transmit(rig.now, &mut out) {
        sent.push((transmit.to, out[..transmit.len].to_vec()));
    }
    sent
}

/// What of it is for ann: what it acknowledges, and the frames.
fn sends(rig: &mut Rig, ann: &Member) -> Vec<(u32, Vec<String>)> {
    let read = ann.reads(&transmits(rig));
    read.into_iter()
        .map(|(header, frames)| (header.acknowledged, frames))
        .collect()
}

/// Ann says this, and the server takes it.
fn says(rig: &mut Rig, ann: &mut Member, frames: &[Frame<'_>]) -> u32 {
    let datagram = ann.writes(&ann.header(), frames);
    ann.next += u32::try_from(frames.len()).unwrap();
    assert_eq!(rig.judges(ann.address, &datagram), Disposition::Accepted);
    ann.next
}

#[test]
fn a_request_is_acknowledged_with_its_result() {
    let mut rig = Rig::with(ServerConfig::default());
    let mut ann = settled(&mut rig);
    let all = says(&mut rig, &mut ann, &[post(1, "hi")]);
    assert_eq!(sends(&mut rig, &ann), []);
    rig.store();
    let result = "Result { request: 1, outcome: Saved }".to_owned();
    assert_eq!(sends(&mut rig, &ann), [(all, vec![result])]);
}

#[test]
//= PROTOCOL.md#6.3
fn where_the_store_is_slow_the_acknowledgement_goes_alone() {
    let mut rig = Rig::with(ServerConfig::default());
    let mut ann = settled(&mut rig);
    let due = rig.now.plus_millis(HELD_MS);
    says(&mut rig, &mut ann, &[post(1, "hi")]);
    let first = rig.server.poll_persist().expect("a record").ticket;
    // What comes behind it waits no longer than that.
    rig.now = rig.now.plus_millis(HELD_MS / 2);
    let all = says(&mut rig, &mut ann, &[post(2, "hi")]);
    assert!(rig.server.poll_persist().is_some());
    assert_eq!(sends(&mut rig, &ann), []);
    assert_eq!(rig.server.poll_timeout(), Some(due));
    rig.now = due;
    rig.server.handle_timeout(due);
    assert_eq!(sends(&mut rig, &ann), [(all, vec![])]);
    rig.server.handle_stored(rig.now, first, Ok(()));
    let result = "Result { request: 1, outcome: Saved }".to_owned();
    assert_eq!(sends(&mut rig, &ann), [(all, vec![result])]);
}

#[test]
fn a_request_whose_outcome_is_known_is_answered_at_once() {
    let mut rig = Rig::with(ServerConfig::default());
    let mut ann = settled(&mut rig);
    // Nobody is called bob.
    let all = says(&mut rig, &mut ann, &[store(1, "hi")]);
    let result = "Result { request: 1, outcome: NoSuchClient }".to_owned();
    assert_eq!(sends(&mut rig, &ann), [(all, vec![result])]);
}

#[test]
fn what_has_no_result_or_comes_again_is_acknowledged_at_once() {
    let mut rig = Rig::with(ServerConfig::default());
    let mut ann = settled(&mut rig);
    // Nothing follows what clients do not say to servers.
    let text = Frame::Text {
        counter: 1,
        text: b"hi",
    };
    let all = says(&mut rig, &mut ann, &[post(1, "hi"), text]);
    assert_eq!(sends(&mut rig, &ann), [(all, vec![])]);

    let header = ann.header();
    let all = says(&mut rig, &mut ann, &[post(2, "hi")]);
    assert_eq!(sends(&mut rig, &ann), []);
    let again = ann.writes(&header, &[post(2, "hi")]);
    rig.judges(ann.address, &again);
    assert_eq!(sends(&mut rig, &ann)[0], (all, vec![]));
    // The path has lost something, as it seems: nothing is held on it.
    let all = says(&mut rig, &mut ann, &[post(3, "hi")]);
    assert_eq!(sends(&mut rig, &ann)[0], (all, vec![]));
}

#[test]
fn who_asks_for_a_sign_of_life_gets_one() {
    let mut rig = Rig::with(ServerConfig::default());
    let mut ann = settled(&mut rig);
    let all = says(&mut rig, &mut ann, &[post(1, "hi")]);
    asks(&mut rig, &mut ann, &[]);
    assert_eq!(sends(&mut rig, &ann), [(all, vec![])]);
    // Nor does it wait where a request comes right behind the question, or with it.
    asks(&mut rig, &mut ann, &[]);
    let all = says(&mut rig, &mut ann, &[post(2, "hi")]);
    assert_eq!(sends(&mut rig, &ann), [(all, vec![])]);
    asks(&mut rig, &mut ann, &[post(3, "hi")]);
    assert_eq!(sends(&mut rig, &ann), [(all + 1, vec![])]);
}

/// Ann asks for a sign of life, and says this.
fn asks(rig: &mut Rig, ann: &mut Member, frames: &[Frame<'_>]) {
    let mut header = ann.header();
    header.probe = true;
    ann.next += u32::try_from(frames.len()).unwrap();
    let datagram = ann.writes(&header, frames);
    assert_eq!(rig.judges(ann.address, &datagram), Disposition::Accepted);
}

#[test]
fn nobody_keeps_the_others_waiting() {
    let mut rig = Rig::with(ServerConfig::default());
    let mut ann = settled(&mut rig);
    let mut bob = rig.join(2, "bob");
    let sent = rig.pass(500);
    rig.listens(&mut ann, sent);
    for query in 0..300 {
        for member in [&mut ann, &mut bob] {
            let sent = rig.say(member, &[Frame::Lookup { query, name: "eve" }]);
            rig.listens(member, sent);
        }
    }
    says(&mut rig, &mut ann, &[post(1, "hi")]);
    rig.now = rig.now.plus_millis(HELD_MS / 5);
    let due = rig.now.plus_millis(HELD_MS);
    let all = says(&mut rig, &mut bob, &[post(1, "hi")]);
    // Ann asks for more, and for a sign of life, all the time.
    for request in 2..6 {
        rig.now = rig.now.plus_millis(HELD_MS / 5);
        asks(&mut rig, &mut ann, &[post(request, "hi")]);
    }
    rig.now = due;
    rig.server.handle_timeout(due);
    let sent = transmits(&mut rig);
    let to_bob = bob.reads(&sent);
    assert_eq!(to_bob[0].0.acknowledged, all);
    assert!(!ann.reads(&sent).is_empty());
}
