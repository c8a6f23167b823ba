//! Tests that the store returns all records in a valid order, and removes the used ones.

use crate::common::{Desk, content, line, mail, name, post, scratch};
use crate::shim::Shim;
use chatapp_core::{
    Journal, Name, PublicKey, Record, Restriction, RestrictionKind, Subject, Ticket, UnixSeconds,
};
use chatapp_mio::{Clock, ServerLimits};
use chatapp_store::{Options, Report, Store};
use tempfile::TempDir;

#[test]
fn restores_names_first_and_the_rest_in_order() {
    let folder = TempDir::new().unwrap();
    let records = [
        Record::Epoch {
            epoch: u64::MAX,
            serial: 0,
            log_next: 1,
        },
        name("bob"),
        name("alice"),
        post(1, "alice", "one"),
        mail(1, "bob", "alice", b"two"),
        mail(2, "alice", "bob", &[0, 255, b'"', b'\'', 0]),
        post(3, "bob", "four"),
    ];
    let mut desk = Desk::open(folder.path(), None).unwrap();
    records.iter().for_each(|record| desk.submit(*record));
    assert!(records.iter().all(|_| desk.result()));
    drop(desk);

    let progress = |name| Record::Progress {
        name,
        handed_over: 0,
        log_next: 1,
    };
    let expected = [
        records[0],
        name("bob"),
        progress("bob"),
        name("alice"),
        progress("alice"),
        records[3],
        records[4],
        records[5],
        records[6],
    ];
    let expected: Vec<String> = expected.iter().map(line).collect();
    assert_eq!(content(folder.path()), expected);
}

#[test]
fn replaces_a_name_and_keeps_its_progress() {
    let folder = TempDir::new().unwrap();
    let mut desk = Desk::open(folder.path(), None).unwrap();
    assert!(desk.stores(name("bob")));
    assert!(desk.stores(mail(1, "bob", "bob", b"to myself")));
    assert!(desk.stores(mail(2, "bob", "bob", b"again")));
    assert!(desk.stores(Record::Progress {
        name: "bob",
        handed_over: 1,
        log_next: 9
    }));
    let Record::Name(mut later) = name("bob") else {
        unreachable!("it is a name");
    };
    later.registered = false;
    later.log_next = 2;
    assert!(desk.stores(Record::Name(later)));
    drop(desk);

    later.log_next = 9;
    // It left after the time that the test uses as the present.
    later.away_s = 0;
    let lines = content(folder.path());
    assert_eq!(lines[0], format!("{:?}", Record::Name(later)));
    assert!(
        lines[1].contains("handed_over: 1, log_next: 9"),
        "{lines:?}"
    );
    assert!(
        lines[2].contains("to myself") && lines[3].contains("again"),
        "the delivered message is no longer stored as proof: {lines:?}"
    );
    let report = Report::of(folder.path()).unwrap();
    assert_eq!(report.waiting, 1);
    assert!(!report.names[0].active);
}

#[test]
fn limits_the_channel_log() {
    let folder = TempDir::new().unwrap();
    let mut options = Options::default();
    options.log_entries = 3;
    let store = Store::open(folder.path(), &options).unwrap();
    let mut journal = store.into_journal(|| {}).unwrap();
    journal.store(Ticket::new(1), name("bob"));
    for number in 1..=10 {
        journal.store(
            Ticket::new(u64::from(number) + 1),
            post(number, "bob", "hi"),
        );
    }
    drop(journal);
    let left: Vec<String> = content(folder.path());
    let left: Vec<&String> = left
        .iter()
        .filter(|line| line.starts_with("Channel"))
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left[0].contains("number: 8"));
}

#[test]
fn restores_names_by_their_time_offline() {
    let folder = TempDir::new().unwrap();
    let mut desk = Desk::open(folder.path(), None).unwrap();
    let wall = Clock::new().wall();
    for (owner, registered, away_s) in [("ann", false, 10), ("bob", true, 0), ("cleo", false, 90)] {
        let Record::Name(mut record) = name(owner) else {
            unreachable!("it is a name");
        };
        (record.registered, record.away_s) = (registered, away_s);
        assert!(desk.stores(Record::Name(record)));
    }
    drop(desk);
    let mut store = Store::open(folder.path(), &Options::default()).unwrap();
    let mut absences = Vec::new();
    let later = UnixSeconds(wall.0 + 1_000);
    let taken = store.restore(later, |record| {
        if let Record::Name(name) = record {
            absences.push((name.name.to_owned(), name.registered, name.away_s));
        }
        Ok(())
    });
    taken.unwrap();
    let order: Vec<&str> = absences.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(order, ["cleo", "ann", "bob"]);
    for ((_, registered, away_s), expected) in absences.iter().zip([1_090, 1_010, 0]) {
        // The clock advanced a little before the records were written.
        assert!(expected - away_s <= 60, "{absences:?}");
        assert_eq!(*registered, expected == 0);
    }
}

#[test]
fn keeps_sent_messages_of_an_expired_name() {
    let folder = TempDir::new().unwrap();
    let mut desk = Desk::open(folder.path(), None).unwrap();
    let epoch = |serial, log_next| Record::Epoch {
        epoch: 3,
        serial,
        log_next,
    };
    for record in [
        epoch(0, 1),
        name("ann"),
        name("bob"),
        mail(1, "ann", "bob", b"from bob"),
        mail(2, "bob", "ann", b"to bob"),
        post(1, "bob", "posted"),
        Record::Forget {
            name: "bob",
            serial: 2,
            log_next: 2,
        },
    ] {
        assert!(desk.stores(record));
    }
    drop(desk);
    let lines = content(folder.path());
    assert_eq!(lines[0], format!("{:?}", epoch(2, 2)));
    let rest = lines[1..].join("\n");
    assert!(
        rest.contains("from bob") && rest.contains("posted"),
        "{rest}"
    );
    assert!(
        !rest.contains("to bob") && !rest.contains("name: \"bob\""),
        "{rest}"
    );
}

#[test]
fn syncs_once_for_a_submission() {
    let folder = scratch();
    let shim = Shim::new();
    let mut desk = Desk::open(folder.path(), Some(shim.name())).unwrap();
    // The write-ahead log begins with a sync of its own.
    assert!(desk.stores(name("bob")));
    let before = shim.syncs();
    for serial in 1..=64 {
        desk.submit(mail(serial, "bob", "bob", b"one of many"));
        assert!(
            !desk.has_result(),
            "records were stored before the submission"
        );
    }
    for _ in 1..=64 {
        assert!(desk.result());
    }
    assert_eq!(shim.syncs() - before, 1);
}

#[test]
fn migrates_a_store_of_the_previous_version() {
    let folder = TempDir::new().unwrap();
    let mut desk = Desk::open(folder.path(), None).unwrap();
    for record in [name("bob"), mail(1, "bob", "bob", b"old")] {
        assert!(desk.stores(record));
    }
    drop(desk);
    let expected = content(folder.path());
    let connection = rusqlite::Connection::open(folder.path().join("room.db")).unwrap();
    let as_it_was = "ALTER TABLE names DROP COLUMN medium_key; DROP TABLE restrictions; \
        CREATE INDEX mail_of ON mail (recipient); \
        PRAGMA user_version = 2;";
    connection.execute_batch(as_it_was).unwrap();

    assert_eq!(content(folder.path()), expected);
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 5);
    let indices = "SELECT count(*) FROM sqlite_schema WHERE name = 'mail_of'";
    let indices: i64 = connection.query_row(indices, [], |row| row.get(0)).unwrap();
    assert_eq!(indices, 0);
    connection.close().unwrap();
    let report = Report::of(folder.path()).unwrap();
    assert_eq!((report.waiting, report.names[0].waiting), (1, 1));
}

#[test]
fn keeps_restrictions_until_they_end_or_are_lifted() {
    let folder = TempDir::new().unwrap();
    let restriction = |kind, subject: &Subject, until: Option<u32>| Restriction {
        kind,
        subject: subject.clone(),
        until: until.map(UnixSeconds),
    };
    let (ban, mute) = (RestrictionKind::Ban, RestrictionKind::Mute);
    let bob = Subject::Name(Name::new("bob").unwrap());
    let key = Subject::Key(PublicKey([0xab; 32]));
    let source = Subject::Source("2001:db8::".parse().unwrap());
    let mut desk = Desk::open(folder.path(), None).unwrap();
    for it in [
        restriction(ban, &key, Some(1)),
        restriction(ban, &bob, Some(5)),
        restriction(ban, &bob, None),
        restriction(mute, &bob, None),
        restriction(mute, &key, Some(u32::MAX)),
        restriction(ban, &source, None),
    ] {
        assert!(desk.stores(Record::Restrict(&it)));
    }
    assert!(desk.stores(Record::Lift {
        kind: mute,
        subject: &bob
    }));
    drop(desk);
    let mut expected = [
        restriction(ban, &bob, None),
        restriction(mute, &key, Some(u32::MAX)),
        restriction(ban, &source, None),
    ]
    .map(|it| line(&Record::Restrict(&it)));
    let mut restored = content(folder.path());
    expected.sort();
    restored.sort();
    assert_eq!(restored, expected);
}

/// Withdrawn messages stay without their content: they prove that their requests were done.
#[test]
fn drops_the_content_of_withdrawn_messages() {
    let folder = TempDir::new().unwrap();
    let mut desk = Desk::open(folder.path(), None).unwrap();
    let records = [
        name("bob"),
        name("eve"),
        mail(1, "bob", "eve", b"one"),
        mail(2, "bob", "bob", b"two"),
        mail(3, "bob", "eve", b"three"),
        post(1, "eve", "one"),
        post(2, "bob", "two"),
        post(3, "eve", "three"),
    ];
    for record in records {
        assert!(desk.stores(record));
    }
    assert!(desk.stores(Record::Withdraw {
        name: "eve",
        serial: 2,
        log_next: 3,
    }));
    drop(desk);
    let restored = content(folder.path());
    for record in [
        mail(1, "bob", "eve", b""),
        records[3],
        records[4],
        post(1, "eve", ""),
        records[6],
        records[7],
    ] {
        assert!(restored.contains(&line(&record)), "{restored:?}");
    }
    let report = Report::of(folder.path()).unwrap();
    assert_eq!((report.waiting, report.names[0].waiting), (2, 2));
    assert_eq!(report.log_entries, 2);
}

#[test]
fn keeps_as_many_entries_as_a_default_server() {
    let limits = ServerLimits::default();
    assert_eq!(Options::default().log_entries, limits.log_entries);
}
