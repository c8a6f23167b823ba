use core::net::SocketAddr;

use super::*;
use crate::address::PackedAddress;
use crate::crypto::PublicKey;
use crate::name::Name;

const NONE: Accepted = Accepted {
    serial: 0,
    log_next: 0,
};
const NOON: UnixSeconds = UnixSeconds(1_000);

fn subject(name: &str) -> Subject {
    Subject::Name(Name::new(name).unwrap())
}

fn restriction(kind: RestrictionKind, subject: Subject, until: Option<u32>) -> Restriction {
    Restriction {
        kind,
        subject,
        until: until.map(UnixSeconds),
    }
}

fn ban(subject: Subject, until: Option<u32>) -> Restriction {
    restriction(RestrictionKind::Ban, subject, until)
}

/// Runs a test with room for two restrictions.
fn with(test: impl FnOnce(&mut Restrictions<'_>)) {
    let mut slots = [const { RestrictionSlot::VACANT }; 2];
    let mut restrictions = Restrictions::new();
    restrictions.set_slots(&mut slots);
    test(&mut restrictions);
}

/// Returns until when a client at this address is banned.
fn banned(restrictions: &Restrictions<'_>, name: &str, key: u8, from: &str) -> Option<u32> {
    let address = PackedAddress::from(from.parse::<SocketAddr>().unwrap());
    let key = PublicKey([key; 32]);
    let client = Suspect {
        name,
        key: &key,
        address: &address,
    };
    restrictions.banned_until(client, NOON).map(|until| until.0)
}

/// Orders a restriction, and stores its record.
fn order(restrictions: &mut Restrictions<'_>, restriction: Restriction) -> OrderId {
    let id = restrictions.restrict(restriction, NONE, NOON).unwrap();
    assert!(restrictions.next_record().is_some());
    restrictions.on_stored(true, NOON);
    assert_eq!(restrictions.poll_result(), Some((id, Ok(()))));
    id
}

#[test]
fn bans_names_keys_and_sources() {
    with(|restrictions| {
        order(restrictions, ban(subject("bob"), None));
        let key = Subject::Key(PublicKey([7; 32]));
        order(restrictions, ban(key, Some(1_001)));
        let one = "192.0.2.1:1";
        assert_eq!(banned(restrictions, "bob", 1, one), Some(0));
        assert_eq!(banned(restrictions, "ann", 7, one), Some(1_001));
        assert_eq!(banned(restrictions, "bob", 7, one), Some(0), "the longest");
        assert_eq!(banned(restrictions, "ann", 1, one), None);
    });
    with(|restrictions| {
        let source = |text: &str| Subject::Source(text.parse().unwrap());
        order(restrictions, ban(source("2001:db8::1"), None));
        order(restrictions, ban(source("2001:db8::2"), Some(1_009)));
        let count = restrictions.in_force(NOON).count();
        assert_eq!(count, 1, "both are one network");
        assert_eq!(banned(restrictions, "x", 1, "[2001:db8::9]:5"), Some(1_009));
        assert_eq!(banned(restrictions, "x", 1, "[2001:db8:0:1::9]:5"), None);
        order(restrictions, ban(source("::ffff:192.0.2.1"), None));
        assert_eq!(banned(restrictions, "x", 1, "192.0.2.1:5"), Some(0));
        assert_eq!(banned(restrictions, "x", 1, "192.0.2.2:5"), None);
    });
}

#[test]
fn takes_effect_when_stored() {
    with(|restrictions| {
        let id = restrictions.restrict(ban(subject("bob"), None), NONE, NOON);
        let one = "192.0.2.1:1";
        assert_eq!(banned(restrictions, "bob", 1, one), None);
        let key = PublicKey::NONE;
        let held = |restrictions: &Restrictions<'_>, name| {
            restrictions.is_held(Suspect {
                name,
                key: &key,
                address: &PackedAddress::VACANT,
            })
        };
        assert!(held(restrictions, "bob") && !held(restrictions, "ann"));
        assert!(restrictions.next_after().is_some());
        restrictions.next_record();
        assert!(restrictions.next_after().is_none());
        assert_eq!(restrictions.on_stored(false, NOON), Effect::Nothing);
        let failed = Some((id.unwrap(), Err(StoreFailed)));
        assert_eq!(restrictions.poll_result(), failed);
        assert_eq!(banned(restrictions, "bob", 1, one), None);
        assert!(!held(restrictions, "bob"));
    });
}

#[test]
fn lifts_what_is_in_force() {
    with(|restrictions| {
        let (kind, bob) = (RestrictionKind::Ban, subject("bob"));
        let none = Err(OrderError::NotRestricted);
        assert_eq!(restrictions.lift(kind, &bob, NONE, NOON), none);
        order(restrictions, ban(bob.clone(), Some(1_001)));
        let mute = RestrictionKind::Mute;
        assert_eq!(restrictions.lift(mute, &bob, NONE, NOON), none);
        assert!(restrictions.lift(kind, &bob, NONE, NOON).is_ok());
        let lifts = matches!(restrictions.next_record(), Some(Record::Lift { .. }));
        assert!(lifts);
        assert_eq!(banned(restrictions, "bob", 1, "192.0.2.1:1"), Some(1_001));
        assert_eq!(restrictions.on_stored(true, NOON), Effect::Nothing);
        assert_eq!(banned(restrictions, "bob", 1, "192.0.2.1:1"), None);
    });
}

#[test]
fn keeps_the_others_when_one_is_lifted_or_ends() {
    let one = "192.0.2.1:1";
    let mut slots = [const { RestrictionSlot::VACANT }; 3];
    let mut restrictions = Restrictions::new();
    restrictions.set_slots(&mut slots);
    assert!(restrictions.is_empty());
    for (name, until) in [("ann", Some(1_001)), ("bob", None), ("eve", None)] {
        order(&mut restrictions, ban(subject(name), until));
    }
    let lifted = restrictions.lift(RestrictionKind::Ban, &subject("bob"), NONE, NOON);
    assert!(lifted.is_ok());
    restrictions.next_record();
    restrictions.on_stored(true, NOON);
    for (name, until) in [("ann", Some(1_001)), ("bob", None), ("eve", Some(0))] {
        assert_eq!(banned(&restrictions, name, 1, one), until, "{name}");
    }
    // The ban of ann has ended: its slot serves another one.
    assert!(restrictions.place(ban(subject("dan"), None), UnixSeconds(1_001)));
    assert!(restrictions.place(ban(subject("fay"), None), UnixSeconds(1_001)));
    assert!(!restrictions.place(ban(subject("gus"), None), UnixSeconds(1_001)));
    for (name, until) in [("ann", None), ("eve", Some(0)), ("dan", Some(0))] {
        assert_eq!(banned(&restrictions, name, 1, one), until, "{name}");
    }
}

#[test]
fn says_when_it_is_full() {
    with(|restrictions| {
        order(restrictions, ban(subject("ann"), Some(1_001)));
        let waiting = restrictions.restrict(ban(subject("bob"), None), NONE, NOON);
        assert!(waiting.is_ok());
        let third = |restrictions: &mut Restrictions<'_>, now| {
            restrictions.restrict(ban(subject("eve"), None), NONE, now)
        };
        assert_eq!(third(restrictions, NOON), Err(OrderError::Full));
        let later = UnixSeconds(1_001);
        assert!(
            third(restrictions, later).is_ok(),
            "the first one has ended"
        );
        restrictions.next_record();
        restrictions.next_record();
        restrictions.on_stored(true, later);
        restrictions.on_stored(true, later);
        assert_eq!(restrictions.in_force(later).count(), 2);
    });
    // One that is in force, or waits for the store, can be changed in its place.
    with(|restrictions| {
        order(restrictions, ban(subject("ann"), Some(1_001)));
        let bob = restrictions.restrict(ban(subject("bob"), None), NONE, NOON);
        let again = restrictions.restrict(ban(subject("bob"), Some(1_003)), NONE, NOON);
        assert!(bob.is_ok() && again.is_ok());
        let ann = restrictions.restrict(ban(subject("ann"), Some(1_002)), NONE, NOON);
        assert!(ann.is_ok(), "{ann:?}");
        let mute = restriction(RestrictionKind::Mute, subject("ann"), None);
        let mute = restrictions.restrict(mute, NONE, NOON);
        assert_eq!(mute, Err(OrderError::Full), "a mute replaces no ban");
        for _ in 0..3 {
            restrictions.next_record();
            restrictions.on_stored(true, NOON);
        }
        let one = "192.0.2.1:1";
        assert_eq!(banned(restrictions, "ann", 1, one), Some(1_002));
        assert_eq!(banned(restrictions, "bob", 1, one), Some(1_003));
    });
    let refused = Restrictions::new().restrict(ban(subject("ann"), None), NONE, NOON);
    assert_eq!(refused, Err(OrderError::Full), "it has no memory");
}

#[test]
fn accepts_eight_orders_without_a_result() {
    with(|restrictions| {
        for slot in 0..8 {
            assert!(restrictions.forget(slot).is_ok());
        }
        assert_eq!(restrictions.forget(9), Err(OrderError::Busy));
        assert!(!restrictions.on_forgotten(9));
        assert!(restrictions.on_forgotten(3) && !restrictions.on_forgotten(3));
        assert_eq!(restrictions.forget(9), Err(OrderError::Busy));
        assert_eq!(restrictions.poll_result(), Some((OrderId::new(4), Ok(()))));
        assert!(restrictions.forget(9).is_ok());
    });
}

#[test]
fn restores_what_was_in_force() {
    with(|restrictions| {
        let mute = restriction(RestrictionKind::Mute, subject("bob"), None);
        let until = |until| ban(subject("bob"), Some(until));
        assert!(restrictions.restore(&until(1_001)) && restrictions.restore(&mute));
        assert!(restrictions.restore(&until(1_002)), "it replaces the first");
        assert!(!restrictions.restore(&ban(subject("ann"), None)), "full");
        assert!(restrictions.take_unchecked() && !restrictions.take_unchecked());
        assert_eq!(banned(restrictions, "bob", 1, "192.0.2.1:1"), Some(1_002));
        restrictions.restore_lift(RestrictionKind::Ban, &subject("bob"));
        assert_eq!(banned(restrictions, "bob", 1, "192.0.2.1:1"), None);
    });
}
