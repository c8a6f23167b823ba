//! Lengths of the datagrams in a burst: all but the last are equal, so that an operating system
//! takes them at once.

use chatapp_core::Disposition;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Frame, Header};

use crate::client_rig::{Rig, bob};
use crate::server_rig;

/// Sends these texts to bob, which reads all of them. Returns the lengths of the datagrams and the
/// number of frames.
fn burst(texts: impl Iterator<Item = String>) -> (Vec<usize>, usize) {
    let mut rig = Rig::with_outbox(None, 64);
    rig.comes_online();
    rig.send_to_bob("hello");
    let line = rig.meets_bob();
    rig.sent();
    let arrived = Header {
        acknowledged: 1,
        window: 32,
        ..Header::default()
    };
    let answer = line.clone().encrypt(&arrived, &[]);
    rig.handle(bob(), &answer);
    rig.events();
    for text in texts {
        rig.send_to_bob(&text);
    }
    let sent = rig.sent();
    let lens = sent.iter().map(|(_, datagram)| datagram.len()).collect();
    let mut count = 0;
    for (to, datagram) in sent {
        assert_eq!(to, bob());
        let (header, frames) = line
            .decrypt(datagram, |frame| match frame {
                Frame::Text { counter, .. } => counter.to_string(),
                other => panic!("{other:?}"),
            })
            .expect("bob can read it");
        assert_eq!(header.first as usize, 1 + count);
        count += frames.len();
    }
    (lens, count)
}

#[test]
fn sends_a_burst_in_datagrams_of_equal_length() {
    let (lens, count) = burst((0..32).map(|number| "x".repeat(60 + number)));
    let (last, others) = lens.split_last().unwrap();
    assert!(others.len() >= 2 && *last < DATAGRAM_LEN_MAX, "{lens:?}");
    assert!(
        others.iter().all(|len| *len == DATAGRAM_LEN_MAX),
        "{lens:?}"
    );
    assert_eq!(count, 32);
}

#[test]
fn pads_no_datagram_by_more_than_an_eighth() {
    let (lens, count) = burst((0..4).map(|_| "x".repeat(700)));
    assert!(lens.iter().all(|len| *len < 900), "{lens:?}");
    assert_eq!((lens.len(), count), (4, 4));
}

#[test]
fn server_sends_bursts_of_equal_length() {
    let mut rig = server_rig::Rig::new();
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    let sent = rig.pass(500);
    rig.receive_all(&mut ann, sent);
    let text = "y".repeat(340);
    let posts: Vec<_> = (1..5)
        .map(|number| Frame::Post {
            request: number,
            counter: number,
            text: &text,
        })
        .collect();
    let mut header = ann.header();
    for half in posts.chunks(2) {
        let datagram = ann.encrypt(&header, half);
        header.first += 2;
        assert_eq!(rig.handle(ann.address, &datagram), Disposition::Accepted);
    }
    let sent = rig.drain();
    let to_bob: Vec<_> = sent
        .iter()
        .filter(|(to, _)| *to == bob.address)
        .map(|(_, datagram)| datagram.len())
        .collect();
    assert_eq!(to_bob.len(), 2);
    assert!(to_bob[0] == DATAGRAM_LEN_MAX && to_bob[1] < DATAGRAM_LEN_MAX);
    let received = rig.receive_all(&mut bob, sent);
    let messages = received.iter().filter(|frame| frame.starts_with("Channel"));
    assert_eq!(messages.count(), 4, "{received:?}");
}
