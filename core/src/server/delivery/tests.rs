use core::ops::RangeInclusive;
use std::vec::Vec;

use super::*;
use crate::address::PackedAddress;
use crate::crypto::{Entropy, Identity, PublicKey, Seed, SessionKeys, StaticKey, Suite};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::name::Name;
use crate::server::channel_log::{Appended, LogSlot};
use crate::server::in_flight::InFlightSlot;
use crate::server::mailboxes::{HandedOver, MailSlot};
use crate::server::name_slot::NameSlot;
use crate::server::origin::Origin;
use crate::server::process::SessionStart;
use crate::server::table::{ChangeSlot, NextPage};
use crate::time::UnixSeconds;
use crate::wire::{Header, Outcome, data};

const ALICE: u32 = 0;
const BOB: u32 = 1;
const TO_BOB: Parties = Parties {
    from: ALICE,
    to: BOB,
};
/// The first unacknowledged frame and the number in flight, for a client that has acknowledged all.
const FIRST: (u32, u32) = (5, 0);

/// Registers Alice and Bob; both are online in the table.
fn fill(roster: &mut Roster<'_>, table: &mut TableChanges<'_>) {
    for (slot, name) in [(ALICE, "alice"), (BOB, "bob")] {
        let inserted = roster.insert(Name::new(name).unwrap(), 1).unwrap();
        assert_eq!(inserted.slot, slot);
        let start = SessionStart {
            incarnation: 7,
            session_sequence: 1,
            key: PublicKey([1; 32]),
            address: PackedAddress::VACANT,
            cookie_issued_at_ms: 0,
        };
        let name = roster.at_mut(slot);
        name.begin_session(&start, 0);
        name.admit();
        name.settle();
        name.update_listing(table.add(slot, slot.into()));
    }
}

/// Runs a test with a room of Alice and Bob. Alice has sent Bob a stored message and posted an
/// entry. The table remembers two changes; `changes` changes of Bob follow the registrations.
fn with(changes: u32, test: impl FnOnce(Delivery<'_, '_>)) {
    let (mut names, mut cells) = ([NameSlot::VACANT; 2], [0; 4]);
    let key = Entropy::new(Suite::Noise, Seed::new(&mut [3; 32])).key();
    let mut roster = Roster::new(&mut names, &mut cells, key).unwrap();
    let mut slots = [ChangeSlot::VACANT; 2];
    let mut table = TableChanges::new(&mut slots, 1).unwrap();
    fill(&mut roster, &mut table);
    for order in 0..changes {
        let version = table.add(BOB, order.into());
        roster.at_mut(BOB).update_listing(version);
    }

    let (mut mails, mut words) = ([MailSlot::VACANT; 2], [0; 32]);
    let mut mail = Mailboxes::new(&mut mails, &mut words).unwrap();
    let mailbox = roster.at_mut(BOB).mailbox_mut();
    let stamp = UnixSeconds(1);
    let index = mail.restore(mailbox, 1, TO_BOB, Origin::VACANT, stamp, &[2; 80]);
    mail.on_stored(index.unwrap(), 1, mailbox);

    let (mut entries, mut words) = ([LogSlot::VACANT; 2], [0; 16]);
    let mut channel = ChannelLog::new(&mut entries, &mut words, 100, 0).unwrap();
    let entry = LogSlot::new(ALICE, Origin::VACANT, stamp, 0);
    assert!(matches!(
        channel.append(entry, "hi", UnixSeconds(u32::MAX)),
        Appended::Entry(1)
    ));
    channel.publish(1, 2, true);

    let mut in_flight = [InFlightSlot::VACANT; 8];
    test(Delivery {
        roster: &mut roster,
        mail: &mut mail,
        channel: &channel,
        table: &table,
        in_flight: &mut InFlight::new(&mut in_flight, 2).unwrap(),
        scratch: &mut [0; BODY_LEN_MAX],
        stats: &mut Stats::default(),
    });
}

/// Builds a datagram with `write`, and passes its frames to `read`.
fn datagram(write: impl FnOnce(&mut DataWriter<'_>), read: impl FnOnce(Vec<Frame<'_>>)) {
    let identity = Identity::new(StaticKey::new([1; 32]), None);
    let [mut to, mut from] = [(); 2].map(|()| SessionKeys::new(&[1; 32], &[1; 32]));
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = DataWriter::new(&mut out, 1, &Header::default());
    write(&mut writer);
    let len = writer.finish(&identity, &mut to);
    let (_, frames) = data::open(&identity, &mut from, &mut out[..len]).unwrap();
    read(frames.map(Result::unwrap).collect());
}

/// Fills a datagram until `room` bytes are left.
fn fill_up_to(writer: &mut DataWriter<'_>, room: RangeInclusive<usize>) {
    while !room.contains(&writer.room()) {
        let surplus = writer.room() - room.end();
        // A frame is up to six bytes longer than its text.
        let text = &[3; 32][..surplus.min(32).saturating_sub(6).max(1)];
        assert!(writer.push(&Frame::Text { counter: 1, text }));
    }
}

/// Adds a result for Bob.
fn decide(delivery: &mut Delivery<'_, '_>) {
    let results = delivery.roster.at_mut(BOB).results_mut();
    assert!(results.note(1));
    results.decide(1, Outcome::Saved);
}

#[test]
fn writes_a_result_until_it_is_acked() {
    with(0, |mut delivery| {
        decide(&mut delivery);
        let frame = SentFrame::Result(1);
        let result = Frame::Result {
            request: 1,
            outcome: Outcome::Saved,
        };
        let write = |writer: &mut DataWriter<'_>| {
            assert!(delivery.write_new(BOB, frame, FIRST, writer));
            assert_eq!(delivery.roster.at(BOB).results().next(), None);
            assert_eq!(delivery.in_flight.get(BOB, 5), frame);
            assert!(delivery.write_again(BOB, 5, writer));
            assert_eq!(delivery.stats.sent.frames(), 2);
        };
        datagram(write, |frames| assert_eq!(frames, [result; 2]));
        let origin = Origin {
            incarnation: 7,
            counter: 1,
            request: 1,
        };
        assert!(delivery.roster.at(BOB).may_repeat(origin));
        assert_eq!(delivery.on_acked(BOB, 5), Acked::Nothing);
        assert!(!delivery.roster.at(BOB).may_repeat(origin));
    });
}

#[test]
fn moves_no_cursor_for_a_frame_without_room() {
    with(0, |mut delivery| {
        decide(&mut delivery);
        let write = |writer: &mut DataWriter<'_>| {
            fill_up_to(writer, 0..=2);
            assert!(!delivery.write_new(BOB, SentFrame::Result(1), FIRST, writer));
        };
        datagram(write, |_| {});
        assert_eq!(delivery.roster.at(BOB).results().next(), Some(1));
        assert_eq!(delivery.in_flight.get(BOB, 5), SentFrame::Vacant);
        assert_eq!(delivery.stats.sent.frames(), 0);
    });
}

#[test]
fn delivers_a_message_and_its_receipt() {
    with(0, |mut delivery| {
        let write = |writer: &mut DataWriter<'_>| {
            assert!(delivery.write_new(BOB, SentFrame::Mail(0), FIRST, writer));
            assert_eq!(delivery.roster.at(BOB).mailbox().next(), None);
        };
        datagram(write, |frames| {
            let [Frame::Mail { from, kept, .. }] = frames[..] else {
                panic!("{frames:?}");
            };
            assert_eq!(
                (from, kept),
                ("alice", false),
                "the message counts as stored"
            );
        });
        assert_eq!(delivery.on_acked(BOB, 5), Acked::Message(0));
        assert_eq!(
            delivery.on_acked(BOB, 5),
            Acked::Nothing,
            "a message was delivered twice"
        );

        let receipts = delivery.roster.at_mut(ALICE).receipts_mut();
        let handed_over = delivery.mail.hand_over(0, receipts, true);
        assert_eq!(handed_over, HandedOver::Receipt);
        let receipt = Frame::Receipt {
            to: "bob",
            counter: 0,
        };
        let write = |writer: &mut DataWriter<'_>| {
            assert!(delivery.write_new(ALICE, SentFrame::Receipt(0), FIRST, writer));
            assert_eq!(delivery.roster.at(ALICE).receipts().next(), None);
        };
        datagram(write, |frames| assert_eq!(frames, [receipt]));
        assert_eq!(delivery.on_acked(ALICE, 5), Acked::Receipt(TO_BOB));
    });
}

#[test]
fn moves_the_channel_cursor_of_a_client() {
    with(0, |mut delivery| {
        let write = |writer: &mut DataWriter<'_>| {
            assert!(delivery.write_new(BOB, SentFrame::Log(1), FIRST, writer));
        };
        datagram(write, |frames| assert_eq!(frames.len(), 1));
        assert!(
            !delivery
                .roster
                .at(BOB)
                .channel()
                .is_behind(delivery.channel)
        );
        assert_eq!(delivery.roster.at(BOB).channel().acked(), 1);
        assert_eq!(delivery.on_acked(BOB, 5), Acked::Progress);
        assert_eq!(delivery.roster.at(BOB).channel().acked(), 2);

        delivery.roster.at_mut(BOB).channel_mut().jump_to(1);
        let skipped = SentFrame::Skipped { upto: 2, count: 1 };
        let write = |writer: &mut DataWriter<'_>| {
            assert!(delivery.write_new(BOB, skipped, FIRST, writer));
        };
        datagram(write, |frames| {
            assert_eq!(frames, [Frame::Skipped { count: 1 }]);
        });
        assert_eq!(delivery.on_acked(BOB, 5), Acked::Progress);
        assert_eq!(delivery.roster.at(BOB).channel().acked(), 2);
    });
}

// ---- the table ----

#[test]
fn ends_a_page_without_more_room() {
    with(0, |mut delivery| {
        let changes = SentFrame::Changes { from: 0, upto: 2 };
        let part = SentFrame::Changes { from: 0, upto: 1 };
        let write = |writer: &mut DataWriter<'_>| {
            // An entry takes about 50 bytes.
            fill_up_to(writer, 80..=110);
            assert!(delivery.write_new(BOB, changes, FIRST, writer));
            assert_eq!(delivery.in_flight.get(BOB, 5), part);
        };
        datagram(write, |frames| {
            let last = frames.last();
            let Some(Frame::Page { version: 1, .. }) = last else {
                panic!("{last:?}");
            };
        });
        let write = |writer: &mut DataWriter<'_>| {
            fill_up_to(writer, 40..=60);
            let rest = SentFrame::Changes { from: 1, upto: 2 };
            assert!(!delivery.write_new(BOB, rest, (5, 1), writer));
        };
        datagram(write, |_| {});
        assert_eq!(delivery.in_flight.get(BOB, 6), SentFrame::Vacant);
    });
}

#[test]
fn repeats_a_forgotten_page_as_an_empty_one() {
    with(4, |mut delivery| {
        let cursor = delivery.roster.at_mut(BOB).table_mut();
        cursor.begin(8, 5);
        let old = SentFrame::Changes { from: 1, upto: 2 };
        delivery.in_flight.set(BOB, 5, old);
        let write = |writer: &mut DataWriter<'_>| {
            assert!(delivery.write_again(BOB, 5, writer));
        };
        datagram(write, |frames| assert_eq!(frames, [Frame::EMPTIED_PAGE]));
        let whole = NextPage::Snapshot { from: 0, upto: 2 };
        let next = delivery.roster.at_mut(BOB).next_page(delivery.table, 2);
        assert_eq!(next, Some((0, whole)), "the whole table does not follow");
    });
}

#[test]
fn empties_earlier_snapshots_for_a_new_one() {
    with(0, |mut delivery| {
        let earlier = SentFrame::Snapshot { from: 0, upto: 1 };
        let whole = SentFrame::Snapshot { from: 0, upto: 2 };
        delivery.in_flight.set(BOB, 5, earlier);
        let write = |writer: &mut DataWriter<'_>| {
            assert!(delivery.write_new(BOB, whole, (5, 1), writer));
        };
        datagram(write, |frames| {
            let [
                Frame::Page {
                    restart, complete, ..
                },
            ] = frames[..]
            else {
                panic!("{frames:?}");
            };
            assert!(restart && complete);
        });
        assert_eq!(delivery.in_flight.get(BOB, 5), SentFrame::Emptied);
        assert_eq!(delivery.in_flight.get(BOB, 6), whole);
        assert_eq!(delivery.roster.at(BOB).table().since(), 2);
    });
}

#[test]
fn answers_a_lookup_from_the_table() {
    with(0, |mut delivery| {
        let found = SentFrame::Found {
            query: 3,
            slot: ALICE,
        };
        let write = |writer: &mut DataWriter<'_>| {
            assert!(delivery.write_new(BOB, found, FIRST, writer));
            delivery.roster.at_mut(ALICE).mark_gone();
            delivery.roster.at_mut(ALICE).update_listing(3);
            assert!(delivery.write_again(BOB, 5, writer));
        };
        datagram(write, |frames| {
            let [Frame::Found { query: 3, entry }, missing] = frames[..] else {
                panic!("{frames:?}");
            };
            assert_eq!(entry.name, "alice");
            assert_eq!(missing, Frame::Missing { query: 3 });
        });
        assert_eq!(delivery.on_acked(BOB, 5), Acked::Nothing);
    });
}
