//! Orders of the operator: they end what a squatter, a flooder and a mailbox filler do, when they
//! are stored and not before.

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Frame, Refusal};
use chatapp_core::{
    DenyEntry, Endpoint, Name, NameRecord, OrderError, Persist, Record, Restriction,
    RestrictionKind, RestrictionSlot, StoreFailed, Subject, UnixSeconds,
};

use crate::offline::name_record;
use crate::server_rig::{Member, Rig, Sent, address, hello, stored_message};

const NOW: UnixSeconds = UnixSeconds(1_000_000);
/// When a ban of an hour ends.
const IN_AN_HOUR: UnixSeconds = UnixSeconds(NOW.0 + 3_600);

fn rig() -> Rig {
    let mut rig = Rig::new();
    moderate(&mut rig);
    rig
}

fn moderate(rig: &mut Rig) {
    rig.server.moderate(vec![RestrictionSlot::VACANT; 4].leak());
    rig.server.handle_wall_clock(NOW);
}

fn name(text: &str) -> Subject {
    Subject::Name(Name::new(text).unwrap())
}

fn restriction(kind: RestrictionKind, subject: Subject) -> Restriction {
    Restriction {
        kind,
        subject,
        until: Some(IN_AN_HOUR),
    }
}

/// Orders a restriction, which is stored; returns the datagrams after it.
fn orders(rig: &mut Rig, kind: RestrictionKind, subject: Subject) -> Sent {
    let id = rig.server.restrict(restriction(kind, subject)).unwrap();
    let sent = rig.drain();
    assert_eq!(rig.server.poll_order(), Some((id, Ok(()))));
    sent
}

/// Returns the reasons in the last datagrams of the sessions of a member.
fn reasons(member: &Member, sent: &Sent) -> Vec<Refusal> {
    let all = member.decrypt(sent).into_iter();
    all.filter_map(|(header, _)| header.closed).collect()
}

fn post(request: u32) -> Frame<'static> {
    Frame::Post {
        request,
        counter: request,
        text: "spam",
    }
}

fn store_for(to: &'static str, request: u32) -> Frame<'static> {
    Frame::Store {
        request,
        counter: request,
        tried: 0,
        bounce: false,
        to,
        ciphertext: stored_message("hi"),
    }
}

/// Says a frame, and returns what the member receives for it.
fn says(rig: &mut Rig, member: &mut Member, frame: Frame<'_>) -> String {
    let mut sent = rig.say(member, &[frame]);
    sent.extend(rig.pass(1_000));
    rig.receive_all(member, sent).join("\n")
}

/// All clients that are banned at once are told.
#[test]
//= PROTOCOL.md#9.11
//= PROTOCOL.md#9.10
fn puts_out_all_clients_of_a_banned_source() {
    let mut rig = rig();
    let squatters = [(1, "one"), (2, "two"), (3, "three")].map(|(n, name)| rig.join(n, name));
    let sent = orders(
        &mut rig,
        RestrictionKind::Ban,
        Subject::Source(address(1).ip()),
    );
    let banned = Refusal::Banned(IN_AN_HOUR);
    for squatter in &squatters {
        assert_eq!(reasons(squatter, &sent), [banned]);
    }
    assert_eq!(rig.online(), 0);
    let again = rig.answer_to(address(9), hello(9, "nine"));
    assert_eq!(again.err(), Some(banned));
    let elsewhere = "192.0.2.7:7".parse().unwrap();
    assert!(rig.answer_to(elsewhere, hello(10, "ten")).is_ok());
    rig.server.handle_wall_clock(IN_AN_HOUR);
    assert!(rig.answer_to(address(9), hello(11, "nine")).is_ok());
}

#[test]
//= PROTOCOL.md#9.11
fn stores_nothing_for_a_banned_name_or_of_a_muted_one() {
    let mut rig = rig();
    let (mut ann, mut mallory) = (rig.join(1, "ann"), rig.join(2, "mallory"));
    rig.join(3, "bob");
    orders(&mut rig, RestrictionKind::Ban, name("bob"));
    // All that was sent before counts as lost.
    let sent = rig.pass(600);
    rig.receive_all(&mut ann, sent.clone());
    rig.receive_all(&mut mallory, sent);
    let answer = says(&mut rig, &mut ann, store_for("bob", 1));
    assert!(answer.contains("NoSuchClient"), "{answer}");

    orders(&mut rig, RestrictionKind::Mute, name("mallory"));
    for (request, frame) in [(1, post(1)), (2, store_for("ann", 2))] {
        let answer = says(&mut rig, &mut mallory, frame);
        assert!(answer.contains("Muted"), "{request}: {answer}");
    }
    assert_eq!(rig.server.usage().channel_messages.used, 0);
    assert_eq!(rig.server.usage().kept_messages.used, 0);
    // A muted client still reads.
    let sent = rig.say(&mut ann, &[post(2)]);
    let heard = rig.receive_all(&mut mallory, sent).join("\n");
    assert!(heard.contains("spam"), "{heard}");
    let lifted = rig.server.lift(RestrictionKind::Mute, &name("mallory"));
    rig.drain();
    assert_eq!(rig.server.poll_order(), Some((lifted.unwrap(), Ok(()))));
    let answer = says(&mut rig, &mut mallory, post(3));
    assert!(!answer.contains("Muted"), "{answer}");
}

/// A deny list puts out those that are in the room, and keeps them out while they are on it.
#[test]
//= PROTOCOL.md#9.11
fn keeps_out_the_clients_of_a_deny_list() {
    let mut rig = rig();
    let (bob, eve) = (rig.join(1, "bob"), rig.join(2, "eve"));
    rig.join(3, "ann");
    let mut list = [name("bob"), Subject::Key(crate::people::key("eve"))].map(DenyEntry::new);
    list.sort();
    rig.server.set_deny_list(list.to_vec().leak());
    let sent = rig.drain();
    let banned = Refusal::Banned(UnixSeconds(0));
    assert_eq!(reasons(&bob, &sent), [banned]);
    assert_eq!(reasons(&eve, &sent), [banned]);
    assert_eq!(rig.online(), 1);
    let again = rig.answer_to(address(9), hello(9, "bob"));
    assert_eq!(again.err(), Some(banned));
    rig.server.set_deny_list(&[]);
    assert!(rig.answer_to(address(9), hello(10, "bob")).is_ok());
}

/// Nobody gets a withdrawn message that has not got it before, and all others arrive.
#[test]
//= PROTOCOL.md#9.11
fn withdraws_what_others_have_not_fetched() {
    let mut rig = rig();
    let (mut mallory, mut ann) = (rig.join(1, "mallory"), rig.join(2, "ann"));
    let sent = rig.pass(600);
    rig.receive_all(&mut mallory, sent.clone());
    rig.receive_all(&mut ann, sent);
    let mut bob = rig.join(3, "bob");
    says(&mut rig, &mut bob, Frame::Leave { request: 1 });
    let sent = rig.pass(600);
    rig.receive_all(&mut ann, sent);
    for (is_anns, request) in [(false, 1), (true, 1), (false, 2)] {
        let sender = if is_anns { &mut ann } else { &mut mallory };
        let sent = rig.pass(600);
        rig.receive_all(sender, sent);
        let answer = says(&mut rig, sender, store_for("bob", request));
        assert!(answer.contains("Saved"), "{request}: {answer}");
    }
    // The entry is on its way to ann, who does not get it.
    says(&mut rig, &mut mallory, post(3));
    assert_eq!(rig.server.usage().kept_messages.used, 3);
    assert_eq!(rig.server.withdraw("eve"), Err(OrderError::NoSuchName));
    let id = rig.server.withdraw("mallory").unwrap();
    rig.drain();
    assert_eq!(rig.server.poll_order(), Some((id, Ok(()))));
    assert_eq!(rig.server.usage().kept_messages.used, 1);
    let sent = rig.pass(600);
    let heard = rig.receive_all(&mut ann, sent).join("\n");
    assert!(!heard.contains("spam"), "{heard}");
    assert!(
        heard.contains(r#"Receipt { to: "", counter: 0 }"#),
        "{heard}"
    );
    says(&mut rig, &mut mallory, post(4));
    let sent = rig.pass(600);
    let heard = rig.receive_all(&mut ann, sent).join("\n");
    assert!(heard.contains("spam"), "it was not sent before: {heard}");
    let mut bob = rig.enters(4, hello(40, "bob"));
    let sent = rig.pass(600);
    let heard = rig.receive_all(&mut bob, sent).join("\n");
    assert_eq!(heard.matches("Mail {").count(), 1, "{heard}");
    assert!(heard.contains(r#"from: "ann""#), "{heard}");
}

/// Nothing is accepted between an order and its record, and a store that fails changes nothing.
#[test]
//= PROTOCOL.md#9.11
fn takes_effect_with_its_record() {
    let mut rig = rig();
    let mut mallory = rig.join(1, "mallory");
    let order = restriction(RestrictionKind::Ban, name("mallory"));
    let id = rig.server.restrict(order).unwrap();
    let datagram = mallory.encrypt(&mallory.header(), &[post(1)]);
    rig.handle(mallory.address, &datagram);
    assert_eq!(rig.server.usage().channel_messages.used, 0, "it was taken");
    assert_eq!(rig.online(), 1);
    rig.store_works = false;
    rig.drain();
    assert_eq!(rig.server.poll_order(), Some((id, Err(StoreFailed))));
    assert_eq!(rig.online(), 1);
    rig.store_works = true;
    rig.pass(2_000);
    let datagram = mallory.encrypt(&mallory.header(), &[post(1)]);
    rig.give(mallory.address, &datagram);
    assert_eq!(rig.server.usage().channel_messages.used, 1);
}

#[test]
//= PROTOCOL.md#9.11
fn holds_after_a_restart() {
    let mut rig = rig();
    let squatter = rig.join(1, "bob");
    let ban = restriction(RestrictionKind::Ban, name("bob"));
    rig.server.restrict(ban.clone()).unwrap();
    let mut restarted = Rig::in_room(Rig::config(), None, 4);
    moderate(&mut restarted);
    // The server crashed before the departure was stored.
    let mut registered = false;
    while let Some(Persist { ticket, record }) = rig.server.poll_persist() {
        match record {
            Record::Restrict(it) => assert_eq!(*it, ban),
            Record::Name(name) => registered |= name.registered,
            _ => {}
        }
        rig.server.handle_stored(rig.now, ticket, Ok(()));
    }
    assert!(!registered, "the departure is stored next");
    let record = NameRecord {
        registered: true,
        ..name_record("bob")
    };
    restarted.server.restore(Record::Name(record)).unwrap();
    restarted.server.restore(Record::Restrict(&ban)).unwrap();
    assert_eq!(restarted.online(), 1);
    restarted.server.handle_wall_clock(NOW);
    restarted.drain();
    assert_eq!(restarted.online(), 0);
    let again = restarted.answer_to(squatter.address, hello(7, "bob"));
    assert_eq!(again.err(), Some(Refusal::Banned(IN_AN_HOUR)));
    assert_eq!(restarted.server.restrictions().count(), 1);
}

/// Announcements come between the messages of clients, once to each, and no name has sent them.
#[test]
//= PROTOCOL.md#12.3
fn announces_to_all_in_order() {
    let mut rig = rig();
    let (mut ann, mut bob) = (rig.join(1, "ann"), rig.join(2, "bob"));
    // All that was sent before counts as lost.
    let sent = rig.pass(600);
    rig.receive_all(&mut ann, sent);
    says(&mut rig, &mut ann, post(1));
    let ids = ["closing at five", "bye"].map(|text| rig.server.announce_to_all(text).unwrap());
    let unstored = rig
        .server
        .poll_transmit(rig.now, &mut [0; DATAGRAM_LEN_MAX]);
    assert!(unstored.is_none(), "it is shown before it is stored");
    let sent = rig.drain();
    for id in ids {
        assert_eq!(rig.server.poll_order(), Some((id, Ok(()))));
    }
    let heard = rig.receive_all(&mut ann, sent).join("\n");
    assert_eq!(
        heard
            .matches(r#"from: "", text: "closing at five""#)
            .count(),
        1,
        "{heard}"
    );
    assert_eq!(heard.matches(r#"counter: 3, "#).count(), 1, "{heard}");
    let sent = rig.pass(600);
    let heard = rig.receive_all(&mut bob, sent).join("\n");
    let places = [r#"from: "ann""#, "closing at five", r#"text: "bye""#];
    let places = places.map(|part| heard.find(part).unwrap_or_else(|| panic!("{heard}")));
    assert!(places.is_sorted(), "{heard}");
}

#[test]
//= PROTOCOL.md#12.3
fn announces_again_after_a_restart() {
    let mut rig = rig();
    let mut ann = rig.join(1, "ann");
    let id = rig.server.announce_to_all("closing").unwrap();
    let mut stored = Vec::new();
    while let Some(Persist { ticket, record }) = rig.server.poll_persist() {
        if let Record::Channel { from, text, .. } = record {
            stored.push((from.to_owned(), text.to_owned()));
        }
        rig.server.handle_stored(rig.now, ticket, Ok(()));
    }
    assert_eq!(stored, [(String::new(), "closing".to_owned())]);
    assert_eq!(rig.server.poll_order(), Some((id, Ok(()))));
    rig.server
        .restore(Record::Channel {
            number: 2,
            from: "",
            incarnation: 1,
            counter: 2,
            request: 0,
            stamp: NOW,
            text: "restored",
        })
        .unwrap();
    let sent = rig.drain();
    let heard = rig.receive_all(&mut ann, sent).join("\n");
    assert!(heard.contains(r#"from: "", text: "restored""#), "{heard}");
}

/// The log makes room, and a store that fails leaves nothing.
#[test]
fn announces_in_a_full_log() {
    let mut rig = rig();
    let mut ann = rig.join(1, "ann");
    assert_eq!(rig.server.announce_to_all(""), Err(OrderError::BadText));
    let long = "x".repeat(1_001);
    assert_eq!(rig.server.announce_to_all(&long), Err(OrderError::BadText));
    for request in 1..=9 {
        says(&mut rig, &mut ann, post(request));
    }
    for _ in 0..8 {
        let _ = rig.server.announce_to_all("now").unwrap();
    }
    assert_eq!(rig.server.announce_to_all("now"), Err(OrderError::Busy));
    rig.store_works = false;
    rig.drain();
    let results: Vec<_> = std::iter::from_fn(|| rig.server.poll_order()).collect();
    assert_eq!(results.len(), 8);
    assert!(
        results
            .iter()
            .all(|(_, result)| *result == Err(StoreFailed))
    );
    rig.store_works = true;
    rig.server.announce_to_all("works").unwrap();
    let sent = rig.drain();
    let heard = rig.receive_all(&mut ann, sent).join("\n");
    assert!(heard.contains("works") && !heard.contains("now"), "{heard}");
}

#[test]
fn kicks_and_forgets() {
    let mut rig = rig();
    let (bob, mut ann) = (rig.join(1, "bob"), rig.join(2, "ann"));
    assert_eq!(rig.server.forget_name("bob"), Err(OrderError::InRoom));
    assert_eq!(rig.server.kick("eve"), Err(OrderError::NoSuchName));
    let id = rig.server.kick("bob").unwrap();
    let sent = rig.drain();
    assert_eq!(rig.server.poll_order(), Some((id, Ok(()))));
    let until = UnixSeconds(NOW.0 + 60);
    assert_eq!(reasons(&bob, &sent), [Refusal::Banned(until)]);
    assert_eq!(rig.server.kick("bob"), Err(OrderError::NotInRoom));
    rig.receive_all(&mut ann, sent);
    rig.server.handle_wall_clock(until);
    let answer = says(&mut rig, &mut ann, store_for("bob", 1));
    assert!(answer.contains("Saved"), "{answer}");
    let before = rig.server.table().count();
    let id = rig.server.forget_name("bob").unwrap();
    rig.drain();
    assert_eq!(rig.server.poll_order(), Some((id, Ok(()))));
    assert_eq!(rig.server.table().count(), before - 1);
    assert_eq!(rig.server.usage().kept_messages.used, 0);
    // Another key gets the name.
    let stranger = crate::server_rig::Request {
        person: "stranger",
        ..hello(8, "bob")
    };
    assert!(rig.answer_to(address(8), stranger).is_ok());
    assert_eq!(rig.server.key_of("eve"), None);
    assert!(rig.server.poll_timeout().is_some());
}

/// A client that moves to a banned address is put out there.
#[test]
fn follows_a_client_to_a_banned_address() {
    let mut rig = rig();
    let mut bob = rig.join(1, "bob");
    let there = "192.0.2.7:7".parse().unwrap();
    let cookie = rig.cookie(there);
    orders(
        &mut rig,
        RestrictionKind::Ban,
        Subject::Source("192.0.2.7".parse().unwrap()),
    );
    assert_eq!(rig.online(), 1);
    let header = chatapp_core::wire::Header {
        cookie: Some(cookie),
        ..bob.header()
    };
    let datagram = bob.encrypt(&header, &[]);
    rig.give(there, &datagram);
    assert_eq!(rig.online(), 0);
}
