//! Consecutive messages of one sender, which have one complete frame in each datagram: whatever
//! becomes of their datagrams, each is what it would be by itself.

use chatapp_core::wire::{Frame, Header};
use chatapp_core::{Disposition, DropReason, UnixSeconds};

use crate::client_rig::{self, mail, server};
use crate::keeping::{post, store};
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

/// MessageKey and entries of bob's, which come in two rows.
fn two_rows() -> Vec<Frame<'static>> {
    let mails = (1..5).map(|number| mail(number.into(), number, false));
    mails.chain((1..5).map(entry)).collect()
}

#[test]
fn rows_show_what_complete_frames_show() {
    let (mut together, mut apart) = (client_rig::Rig::online(), client_rig::Rig::online());
    together.tells(&two_rows());
    let shown = together.events();
    assert_eq!(shown.len(), 8);
    for (frame, shown) in two_rows().into_iter().zip(shown) {
        apart.tells(&[frame]);
        assert_eq!(apart.events(), [shown]);
    }
}

#[test]
fn of_a_repeated_row_only_what_is_new_is_shown() {
    // The first comes alone, those behind it are lost, and all are repeated.
    for taken in 0..8 {
        let (mut rig, mut apart) = (client_rig::Rig::online(), client_rig::Rig::online());
        let rows = two_rows();
        let header = rig.header();
        rig.tells(&rows[..taken]);
        assert_eq!(rig.events().len(), taken);
        let repeated = rig.tells_under(&header, &rows);
        let expected = [
            Disposition::Ignored(DropReason::Duplicate),
            Disposition::Accepted,
        ];
        assert_eq!(repeated, expected[usize::from(taken == 0)]);
        let shown = rig.events();
        assert_eq!(shown.len(), 8 - taken);
        for (frame, shown) in rows[taken..].iter().zip(shown) {
            apart.tells(&[*frame]);
            assert_eq!(apart.events(), [shown]);
        }
    }
}

#[test]
fn drops_a_changed_stored_message_alone() {
    for changed in 0..4 {
        let mut rig = client_rig::Rig::online();
        let mut frames = two_rows();
        if let Frame::Mail { ciphertext, .. } = &mut frames[changed] {
            *ciphertext = b"something else than a ciphertext";
        }
        rig.tells(&frames);
        let shown = rig.events();
        assert_eq!(shown.len(), 8);
        for (at, shown) in shown.iter().enumerate() {
            assert_eq!(shown.starts_with("NotShown"), at == changed, "{shown}");
        }
    }
}

#[test]
fn what_leaves_out_what_nothing_says_shows_nothing() {
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
        let datagram = rig.server.as_mut().unwrap().writes_bytes(plain);
        assert_eq!(rig.hands(server(), &datagram), Disposition::Accepted);
        rig.next += u32::try_from(frames.len()).unwrap();
        assert_eq!(rig.events().len(), shown);
    }
    assert_eq!(rig.client.stats().drops(DropReason::Malformed), 3);
    // The session goes on.
    rig.tells(&two_rows());
    assert_eq!(rig.events().len(), 8);
}

#[test]
fn what_a_server_repeats_begins_with_a_complete_frame() {
    for mails in [false, true] {
        let mut rig = server_rig::Rig::new();
        let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
        let sent = rig.pass(500);
        rig.listens(&mut ann, sent);
        if mails {
            rig.say(&mut bob, &[Frame::Leave { request: 1 }]);
        }
        let words = ["one", "two", "three", "four"];
        let said = (1..).zip(words).map(|(request, word)| match mails {
            true => store(request, word),
            false => post(request, word),
        });
        let mut sent = rig.say(&mut ann, &said.collect::<Vec<_>>());
        if mails {
            let mut again = hello(2, "bob");
            (again.id, again.hello.session_sequence) = (20, 2);
            bob = rig.enters(2, again);
            sent = rig.pass(500);
        }
        let told = bob.reads(&sent);
        assert_eq!(told.len(), 1, "one datagram: {told:?}");
        let told = &told[0].1;
        assert_eq!(told.len(), 4);
        // What was taken is acknowledged; what was sent behind it is lost each time.
        for taken in 0..4 {
            let frame = bob.hears_one(&sent).unwrap();
            assert_eq!(frame, told[taken], "{told:?}");
            assert!(frame.contains(words[taken]));
            let header = Header {
                probe: true,
                ..bob.header()
            };
            let said = bob.writes(&header, &[]);
            sent = rig.give(bob.address, &said);
            sent.extend(rig.pass(500));
        }
    }
}
