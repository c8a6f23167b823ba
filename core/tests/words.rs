//! Texts of the core's values in logs and messages, and secrets that their debug output hides.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;

use chatapp_core::crypto::SessionKeys;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{DataWriter, Header, Refusal};
use chatapp_core::{
    Client, ClientConfig, ClientMemory, CommandError, CommandId, Departure, DropReason, EventLoop,
    Identity, Name, NameError, PublicKey, RestoreError, RetryPolicy, RoomKey, Seed, StaticKey,
    StorageError, StoreFailed, TransmitQueue, UnixSeconds,
};

fn assert_words<T: Display>(expected: &[(T, &str)]) {
    for (value, words) in expected {
        assert_eq!(value.to_string(), *words);
    }
}

#[test]
fn describes_mistakes_of_the_user() {
    assert_words(&[
        (NameError::Empty, "a name needs at least one character"),
        (
            NameError::TooLong(33),
            "a name has at most 32 bytes, this one has 33",
        ),
        (
            NameError::BadCharacter,
            "a name has no white space, control or invisible characters",
        ),
    ]);
    assert_words(&[
        (
            CommandError::Busy,
            "busy: wait for an earlier command to be settled",
        ),
        (
            CommandError::BadName(NameError::Empty),
            "a name needs at least one character",
        ),
        (CommandError::EmptyText, "the text is empty"),
        (
            CommandError::TextTooLong(1_001),
            "the text has 1001 bytes, the limit is 1000",
        ),
        (CommandError::NotYourName, "that is not your name"),
        (CommandError::Offline, "you are offline"),
        (
            CommandError::AlreadyRegistered,
            "you are registered already",
        ),
        (CommandError::TableFull, "the table of clients is full"),
        (CommandError::Ended, "this client has ended"),
        (
            CommandError::NumbersUsedUp,
            "all numbers for messages are used up: start the client again",
        ),
    ]);
}

#[test]
fn describes_answers_of_the_server() {
    assert_words(&[
        (Refusal::Wait, "the name is being checked"),
        (Refusal::NameTaken, "the name is active elsewhere"),
        (Refusal::Evicted, "another process took over the name"),
        (Refusal::RoomFull, "there is no room for another name"),
        (
            Refusal::NotStored,
            "the server could not store the registration",
        ),
        (Refusal::BadName, "the name is not valid"),
        (Refusal::NotMe, "that process is gone"),
        (
            Refusal::RateExceeded,
            "too many registrations from that address",
        ),
        (Refusal::ForeignKey, "the name belongs to another key"),
        (
            Refusal::NotAllowed,
            "the allow list does not contain the name with this key",
        ),
        (Refusal::Banned(UnixSeconds(0)), "banned by the operator"),
    ]);
    assert_words(&[
        (Departure::Left, "left"),
        (Departure::Silent, "does not respond"),
        (Departure::PutOut, "put out by the operator"),
        (Departure::Gone, "its process is gone"),
        (Departure::Evicted, "replaced by another process"),
        (Departure::NotAllowed, "not on the allow list any more"),
    ]);
}

#[test]
fn describes_mistakes_of_the_caller_and_its_store() {
    let error = |given| StorageError {
        part: "names",
        needed: 18,
        given,
    };
    assert_words(&[
        (
            error(10),
            "the storage for names is too small: 18 cells are needed, 10 were given",
        ),
        (
            error(19),
            "the storage for names is too large: 18 cells are usable, 19 were given",
        ),
    ]);
    assert_words(&[(StoreFailed, "the record could not be stored")]);
    assert_words(&[
        (
            RestoreError::Full,
            "the limits are too small for the stored records: raise them",
        ),
        (RestoreError::Inconsistent, "the records are inconsistent"),
    ]);
}

#[test]
fn gives_each_drop_reason_its_own_label() {
    let names: BTreeSet<&str> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), DropReason::ALL.len());
    for name in names {
        assert!(
            name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && name.len() > 3,
            "{name}"
        );
    }
    assert_eq!(DropReason::BadTag.name(), "bad-tag");
}

#[test]
fn shows_names_and_numbers_unchanged() {
    let name = Name::new("Zoë").unwrap();
    assert_eq!(name.to_string(), "Zoë");
    assert_eq!(format!("{name:?}"), "\"Zoë\"");
    assert_eq!(name.as_ref(), "Zoë");
    assert_eq!(CommandId::default().to_string(), "0");
    let key = PublicKey([0xa5; 32]);
    assert_eq!(key.to_string(), "a5".repeat(32));
    assert_eq!(format!("{key:?}"), "PublicKey(a5a5a5a5..)");
    assert!(!key.is_none() && PublicKey::NONE.is_none());
}

#[test]
fn orders_names_as_their_texts() {
    let texts = ["bob", "ann", "B", "ann", "anna"];
    let names: BTreeSet<Name> = texts
        .into_iter()
        .map(|text| Name::new(text).unwrap())
        .collect();
    let ordered: Vec<&str> = names.iter().map(Name::as_str).collect();
    assert_eq!(ordered, ["B", "ann", "anna", "bob"]);
    let names: HashSet<Name> = names.into_iter().collect();
    assert!(
        texts
            .iter()
            .all(|text| names.contains(&Name::new(text).unwrap()))
    );
    assert!(!names.contains(&Name::new("b").unwrap()));
}

#[test]
fn hides_secrets_in_debug_output() {
    assert_eq!(format!("{:?}", Seed::new(&mut [7; 32])), "Seed(..)");
    // Neither private keys nor values derived from them are ever printed.
    let (key, room) = (StaticKey::new([7; 32]), RoomKey::new([7; 32]));
    assert_eq!(format!("{key:?} {room:?}"), "StaticKey(..) RoomKey(..)");
    let identity = format!("{:?}", Identity::new(key, Some(room)));
    assert!(identity.contains("StaticKey(..)") && !identity.contains("7, 7"));
    let session = SessionKeys::new(&[7; 32], &[7; 32]);
    assert_eq!(
        format!("{session:?}"),
        "SessionKeys { next: 0, newest: 0, .. }"
    );
    assert_eq!(
        format!("{:?}", TransmitQueue::new()),
        "TransmitQueue { is_unsent: false, .. }"
    );
    assert_eq!(
        format!("{:?}", EventLoop::default()),
        "EventLoop { is_unread: false, flushed: Drained, .. }"
    );
    let mut out = [0; DATAGRAM_LEN_MAX];
    let writer = DataWriter::new(&mut out, 1, &Header::default());
    assert_eq!(format!("{writer:?}"), "DataWriter { len: 22, .. }");
    let mut memory = ClientMemory::<2, 1, 0, 1>::new();
    let config = ClientConfig::new(Name::new("ann").unwrap(), ([127, 0, 0, 1], 5_000).into());
    assert_eq!(config.retry, RetryPolicy::default());
    let identity = Identity::new(StaticKey::new([7; 32]), None);
    let client = Client::new(config, memory.storage(), identity, Seed::new(&mut [7; 32])).unwrap();
    assert_eq!(client.name().as_str(), "ann");
    assert_eq!(
        format!("{client:?}"),
        "Client { name: \"ann\", standing: Outside, .. }"
    );
}
