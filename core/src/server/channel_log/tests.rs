//! Tests of the channel log.

use super::example::{ALICE, BOB, post, with_log};
use super::*;

fn append(log: &mut ChannelLog<'_>, entry: LogSlot, text: &str) -> Appended {
    log.append(entry, text, UnixSeconds(u32::MAX))
}

#[test]
fn evicts_the_oldest_stored_entry_for_a_new_one() {
    with_log(|log| {
        assert!(matches!(post(log), Appended::Entry(1)));
        let entry = LogSlot::new(BOB, Origin::VACANT, UnixSeconds(1), 0);
        assert!(matches!(append(log, entry, "2"), Appended::Entry(2)));
        let evicted = append(log, entry, "3");
        assert!(
            matches!(
                evicted,
                Appended::Evicted(Evicted {
                    sender: Some(ALICE),
                    lost: Some((1, _))
                })
            ),
            "{evicted:?}"
        );
        assert!(matches!(append(log, entry, "3"), Appended::Entry(3)));
        assert!(matches!(append(log, entry, "4"), Appended::Full));
    });
}

#[cfg(feature = "moderation")]
#[test]
fn withdraws_entries_of_one_sender() {
    with_log(|log| {
        post(log);
        let bobs = LogSlot::new(BOB, Origin::VACANT, UnixSeconds(1), 0);
        assert!(matches!(append(log, bobs, "2"), Appended::Entry(2)));
        log.publish(2, 2, true);
        log.withdraw(ALICE, 2);
        log.withdraw(BOB, 2);
        let scratch = &mut [0; 8];
        assert!(!log.get(1).unwrap().is_for(BOB));
        assert_eq!(log.build(1, "alice", 0, scratch), Frame::WITHDRAWN);
        let frame = log.build(2, "bob", 0, scratch);
        assert!(
            matches!(frame, Frame::Channel { text: "2", .. }),
            "{frame:?}"
        );
        // It still is the proof that the request of its sender took effect.
        let evicted = append(log, bobs, "3");
        assert!(matches!(evicted, Appended::Evicted(it) if it.lost.is_some()));
    });
}

#[cfg(feature = "quotas")]
#[test]
//= PROTOCOL.md#12.1
fn spares_young_entries_of_others() {
    with_log(|log| {
        post(log);
        post(log);
        let entry = |from| LogSlot::new(from, Origin::VACANT, UnixSeconds(1), 0);
        let unused = log.spared_since(0, UnixSeconds(2));
        let used = log.spared_since(1, UnixSeconds(SPARED_S + 1));
        assert_eq!(log.spared_since(1, UnixSeconds(0)), UnixSeconds(u32::MAX));
        assert!(matches!(log.append(entry(BOB), "3", used), Appended::Full));
        let own = log.append(entry(ALICE), "3", used);
        assert!(matches!(own, Appended::Evicted(_)), "an own entry");
        assert!(matches!(
            log.append(entry(BOB), "3", used),
            Appended::Entry(3)
        ));
        log.publish(3, 3, true);
        let old = log.spared_since(1, UnixSeconds(SPARED_S + 2));
        let old = log.append(entry(BOB), "4", old);
        assert!(matches!(old, Appended::Evicted(_)), "an old entry");
        post(log);
        let first = log.append(entry(BOB), "5", unused);
        assert!(matches!(first, Appended::Evicted(_)), "its first entry");
    });
}
