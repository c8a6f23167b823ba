//! The order and the start of the messages and roster changes that the server sends to a client.

use chatapp_core::wire::Frame;
use chatapp_core::{Disposition, ServerConfig};

use crate::offline::{post, store};
use crate::server_rig::{Member, Rig, Sent, hello};

#[test]
fn believes_roster_versions_of_its_own_epoch_only() {
    for (later, version, restart) in [(0, 2, false), (0, 3, true), (1, 2, true)] {
        let mut rig = Rig::new();
        let ann = rig.join(1, "ann");
        rig.join(2, "bob");
        let mut again = hello(1, "ann");
        (again.id, again.hello.session_sequence) = (11, 2);
        again.hello.table_epoch = ann.table_epoch.wrapping_add(later);
        again.hello.table_version = version;
        let mut ann = rig.enters(1, again);
        let sent = rig.pass(500);
        let received = rig.receive_all(&mut ann, sent);
        let whole = format!("Page {{ version: 2, restart: {restart}, complete: true");
        assert_eq!(received.len(), 1);
        assert!(received[0].starts_with(&whole), "{received:?}");
    }
}

#[test]
fn sends_messages_and_changes_in_common_order() {
    let mut rig = Rig::new();
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    let mut cleo = rig.join(3, "cleo");
    for member in [&mut ann, &mut bob] {
        let sent = rig.pass(500);
        rig.receive_all(member, sent);
    }
    let leaves = cleo.encrypt(&cleo.header(), &[Frame::Leave { request: 1 }]);
    let bytes = ann.encrypt(&ann.header(), &[post(1, "before")]);
    let mut header = ann.header();
    header.first += 1;
    let said_later = ann.encrypt(&header, &[post(2, "after")]);
    // Bob gets nothing before the server has processed all three datagrams.
    for (from, datagram) in [
        (ann.address, bytes),
        (cleo.address, leaves),
        (ann.address, said_later),
    ] {
        assert_eq!(rig.handle(from, &datagram), Disposition::Accepted);
        rig.store();
    }
    let sent = rig.drain();
    let received = rig.receive_all(&mut bob, sent);
    assert_eq!(received.len(), 3, "{received:?}");
    assert!(received[0].contains(r#""before""#), "{received:?}");
    assert!(received[1].starts_with("Page"), "{received:?}");
    assert!(received[2].contains(r#""after""#), "{received:?}");
}

#[test]
fn restarts_no_whole_roster_for_earlier_changes() {
    let mut rig = Rig::new();
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    let sent = rig.pass(500);
    rig.receive_all(&mut ann, sent);
    // The roster changes more often than the server remembers. Ann loses all pages but the first.
    let (mut first, mut received) = (Vec::new(), Vec::new());
    for sequence in 2..40 {
        first.extend(rig.say(&mut bob, &[Frame::Leave { request: sequence }]));
        let mut request = hello(2, "bob");
        (request.id, request.hello.session_sequence) = (100 + u64::from(sequence), sequence);
        bob = rig.enters(2, request);
    }
    received.extend(ann.receive_one(&first));
    rig.say(&mut ann, &[]);
    for _ in 0..20 {
        let sent = rig.pass(500);
        received.extend(ann.receive_one(&sent));
        rig.say(&mut ann, &[]);
    }

    let emptied = format!("{:?}", Frame::EMPTIED_PAGE);
    assert_eq!(received[1..4], [emptied.clone(), emptied.clone(), emptied]);
    // The server cannot repeat the three lost pages. The next page begins the whole roster that it
    // sent behind them.
    let whole = received
        .iter()
        .position(|frame| frame.contains("restart: true"));
    assert_eq!(whole, Some(4), "{received:#?}");
}

#[test]
//= PROTOCOL.md#12.1
fn gives_a_new_name_the_last_entries_only() {
    for (recent, earlier) in [(0, 0), (2, 2), (9, 3)] {
        let mut rig = Rig::with(ServerConfig {
            recent_entries: recent,
            ..Rig::config()
        });
        let (mut ann, mut cleo) = (rig.join(1, "ann"), rig.join(3, "cleo"));
        rig.say(&mut cleo, &[Frame::Leave { request: 1 }]);
        for (request, text) in [(1, "one"), (2, "two"), (3, "three")] {
            rig.say(&mut ann, &[post(request, text)]);
        }
        let mut entries = |number, name, sequence| {
            let mut request = hello(number, name);
            request.hello.session_sequence = sequence;
            request.id += 100 * u64::from(sequence);
            let mut member = rig.enters(number.try_into().unwrap(), request);
            let sent = rig.pass(500);
            let mut received = rig.receive_all(&mut member, sent);
            received.retain(|frame| frame.starts_with("Channel"));
            assert!(received.iter().all(|frame| frame.contains("kept: true")));
            received
        };
        let new = entries(2, "bob", 1);
        assert_eq!(new.len(), earlier, "{new:?}");
        assert!(new.last().is_none_or(|last| last.contains(r#""three""#)));
        assert_eq!(entries(3, "cleo", 2).len(), 3, "a known name gets all");
        assert_eq!(entries(1, "ann", 2).len(), 0, "its own");
    }
}

/// A sender keeps the mailbox of a client full. The client still gets what it asks for.
#[test]
//= PROTOCOL.md#10.6
//= PROTOCOL.md#14.6
fn answers_a_client_whose_mailbox_is_never_empty() {
    let mut rig = Rig::with_messages(Rig::config(), None, 3, 40);
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    for member in [&mut ann, &mut bob] {
        let sent = rig.pass(500);
        rig.receive_all(member, sent);
    }
    // Bob acknowledges nothing of it at once.
    let mut received = Vec::new();
    let mut take = |bob: &mut Member, sent: &Sent| {
        let frames = bob.decrypt(sent).into_iter().flat_map(|(_, frames)| frames);
        received.extend(frames);
        bob.receive(sent);
    };
    for round in 0..12 {
        // As many as bob takes: once it is full, the mailbox does not get shorter.
        for number in 1..=4 {
            let sent = rig.say(&mut ann, &[store(4 * round + number, "hi")]);
            take(&mut bob, &sent);
            rig.receive_all(&mut ann, sent);
        }
        let sent = match round {
            0..4 => continue,
            4 => rig.say(&mut bob, &[post(1, "mine")]),
            _ => {
                let name = "ann";
                let lookup = Frame::Lookup { query: 2, name };
                let repeated = bob.encrypt(&bob.header(), &[lookup]);
                rig.give(bob.address, &repeated)
            }
        };
        take(&mut bob, &sent);
    }
    let place = |kind: &str| received.iter().position(|frame| frame.starts_with(kind));
    assert!(
        place("Result { request: 1").is_some_and(|at| at < 8),
        "{received:#?}"
    );
    // The 24 messages that were there before the Lookup came first.
    let found = place("Found { query: 2").expect("the answer");
    let before = received[..found]
        .iter()
        .filter(|frame| frame.starts_with("Mail"));
    assert!((24..=28).contains(&before.count()), "{received:#?}");
}

/// A message for a key with the id of none could not be told from one for the static key. It would
/// be refused for ever, and hold up all that its sender asks for.
#[cfg(feature = "medium-keys")]
#[test]
//= PROTOCOL.md#11.6
fn takes_no_medium_key_that_a_message_cannot_name() {
    let mut rig = Rig::new();
    let mut ann = rig.join(1, "ann");
    let sent = rig.pass(500);
    rig.receive_all(&mut ann, sent);
    let mut named = [7; 64];
    named[32..].fill(0);
    let mut unnamed = named;
    unnamed[..2].fill(0);
    let mut received = Vec::new();
    for (request, ciphertext) in [(1, &unnamed), (2, &named)] {
        let publication = Frame::Store {
            request,
            counter: request,
            tried: 0,
            bounce: false,
            to: "",
            ciphertext,
        };
        let sent = rig.say(&mut ann, &[publication]);
        received.extend(rig.receive_all(&mut ann, sent));
    }
    assert_eq!(received, ["Result { request: 2, outcome: Exists }"]);
}
