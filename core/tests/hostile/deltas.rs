//! Delta frames: of consecutive messages of one sender, each datagram has one complete frame. The
//! result is the same as without deltas, whatever is lost or repeated.

use chatapp_core::wire::{Frame, Header};
use chatapp_core::{Disposition, DropReason, UnixSeconds};

use crate::client_rig::{self, mail, server};
use crate::offline::{post, store};
use crate::people::BOB;
use crate::server_rig::{self, hello};

fn entry(number: u32) -> Frame<'static> {
    Frame::Channel {
        number,
        incarnation: BOB,
        counter: 100 + number,
        stamp: UnixSeconds(9),
        kept: false,
        from: "bob",
        text: "all",
    }
}

/// Returns stored messages and log entries from bob, which form two runs of deltas.
fn two_runs() -> Vec<Frame<'static>> {
    let mails = (1..5).map(|number| mail(number.into(), number, false));
    mails.chain((1..5).map(entry)).collect()
}

#[test]
fn shows_deltas_like_complete_frames() {
    let (mut together, mut apart) = (client_rig::Rig::online(), client_rig::Rig::online());
    together.deliver(&two_runs());
    let shown = together.events();
    assert_eq!(shown.len(), 8);
    for (frame, shown) in two_runs().into_iter().zip(shown) {
        apart.deliver(&[frame]);
        assert_eq!(apart.events(), [shown]);
    }
}

#[test]
fn shows_only_new_messages_of_a_repeated_run() {
    // Some frames arrive alone, those behind them are lost, and the server repeats all.
    for taken in 0..8 {
        let (mut rig, mut apart) = (client_rig::Rig::online(), client_rig::Rig::online());
        let rows = two_runs();
        let header = rig.header();
        rig.deliver(&rows[..taken]);
        assert_eq!(rig.events().len(), taken);
        let repeated = rig.deliver_under(&header, &rows);
        let expected = [
            Disposition::Ignored(DropReason::Duplicate),
            Disposition::Accepted,
        ];
        assert_eq!(repeated, expected[usize::from(taken == 0)]);
        let shown = rig.events();
        assert_eq!(shown.len(), 8 - taken);
        for (frame, shown) in rows[taken..].iter().zip(shown) {
            apart.deliver(&[*frame]);
            assert_eq!(apart.events(), [shown]);
        }
    }
}

#[test]
fn drops_a_changed_stored_message_alone() {
    for changed in 0..4 {
        let mut rig = client_rig::Rig::online();
        let mut frames = two_runs();
        if let Frame::Mail { ciphertext, .. } = &mut frames[changed] {
            *ciphertext = b"something else than a ciphertext";
        }
        rig.deliver(&frames);
        let shown = rig.events();
        assert_eq!(shown.len(), 8);
        for (at, shown) in shown.iter().enumerate() {
            assert_eq!(shown.starts_with("NotShown"), at == changed, "{shown}");
        }
    }
}

#[test]
fn drops_a_delta_without_a_complete_frame() {
    let mut rig = client_rig::Rig::online();
    let short_mail: &[u8] = &[14, 1, 1, 0, 0, 1, b'x'];
    let short_entry: &[u8] = &[15, 1, 1, 0, 0, 1, b'x'];
    let skipped: &[u8] = &[9, 0];
    for (frames, shown) in [
        (vec![short_mail], 0),
        (vec![short_entry], 0),
        (vec![skipped, short_entry], 1),
    ] {
        let first = u8::try_from(rig.next).unwrap();
        let plain = [&[0, 0, 32, first], &frames.concat()[..]].concat();
        let datagram = rig.server.as_mut().unwrap().encrypt_bytes(plain);
        assert_eq!(rig.handle(server(), &datagram), Disposition::Accepted);
        rig.next += u32::try_from(frames.len()).unwrap();
        assert_eq!(rig.events().len(), shown);
    }
    assert_eq!(rig.client.stats().drops(DropReason::Malformed), 3);
    // The session goes on.
    rig.deliver(&two_runs());
    assert_eq!(rig.events().len(), 8);
}

#[test]
fn repeats_from_a_complete_frame_on() {
    for mails in [false, true] {
        let mut rig = server_rig::Rig::new();
        let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
        let sent = rig.pass(500);
        rig.receive_all(&mut ann, sent);
        if mails {
            rig.say(&mut bob, &[Frame::Leave { request: 1 }]);
        }
        let words = ["one", "two", "three", "four"];
        let requests = (1..).zip(words).map(|(request, word)| match mails {
            true => store(request, word),
            false => post(request, word),
        });
        let mut sent = rig.say(&mut ann, &requests.collect::<Vec<_>>());
        if mails {
            let mut again = hello(2, "bob");
            (again.id, again.hello.session_sequence) = (20, 2);
            bob = rig.enters(2, again);
            sent = rig.pass(500);
        }
        let received = bob.decrypt(&sent);
        assert_eq!(received.len(), 1, "one datagram: {received:?}");
        let received = &received[0].1;
        assert_eq!(received.len(), 4);
        // Bob acknowledges one frame after the other, and loses those behind it each time.
        for taken in 0..4 {
            let frame = bob.receive_one(&sent).unwrap();
            assert_eq!(frame, received[taken], "{received:?}");
            assert!(frame.contains(words[taken]));
            let header = Header {
                probe: true,
                ..bob.header()
            };
            let datagram = bob.encrypt(&header, &[]);
            sent = rig.give(bob.address, &datagram);
            sent.extend(rig.pass(500));
        }
    }
}
