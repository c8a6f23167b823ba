//! Tests that the dissector decrypts the handshakes of `core/PROTOCOL.md` with the key log.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use chatapp_core::crypto::{HandshakeKey, Responder};
use chatapp_core::wire::Datagram;
use chatapp_core::{Identity, RoomKey, StaticKey};
use chatapp_wireshark::{Capture, KeyLog};
use tempfile::TempDir;

use crate::vectors::{Vector, has_fields, vectors};
use crate::{COMPLAINT, dissected};

/// Session id of all handshakes.
pub(crate) const SESSION: u64 = 0x99aa_bbcc_ddee_ff00;

/// Datagrams of the handshakes, and the vectors of their payloads.
const HANDSHAKES: [(&str, &str); 6] = [
    ("client-hello", "client-hello-payload"),
    ("client-hello-in-a-closed-room", "client-hello-payload"),
    ("peer-hello", "peer-hello-payload"),
    ("accept", "accept-payload"),
    ("accept-in-a-closed-room", "accept-payload"),
    ("peer-accept", "peer-accept-payload"),
];
/// A datagram to send first. The other session ids may look like another protocol, whose dissector
/// may get the first datagram. Once one was recognised, later ones between the same two belong to
/// ChatApp.
pub(crate) const BEFORE: &str = "unsupported";
/// Refused datagram, which has no payload vector.
const REFUSED: &str = "refused";

/// Returns a secret of the document: bytes that count up from the first.
fn counting(first: u8) -> [u8; 32] {
    std::array::from_fn(|at| first + u8::try_from(at).expect("there are 32"))
}

/// Returns the identities that answer these first messages.
pub(crate) fn answering() -> [(&'static str, Identity); 3] {
    let (server, bob) = (0x00, 0x40);
    let identity = |first, room| Identity::new(StaticKey::new(counting(first)), room);
    let room = RoomKey::new(counting(0xc0));
    [
        ("client-hello", identity(server, None)),
        (
            "client-hello-in-a-closed-room",
            identity(server, Some(room)),
        ),
        ("peer-hello", identity(bob, None)),
    ]
}

/// Returns the handshake keys of this first message and of its answer.
pub(crate) fn handshake_keys(identity: &Identity, first: &[u8]) -> Vec<HandshakeKey> {
    let (prologue, message) = match Datagram::parse(identity, first) {
        Ok(Datagram::ClientHello(hello)) => (hello.prologue, hello.message),
        Ok(Datagram::PeerHello(call)) => (call.prologue, call.message),
        other => panic!("{other:?}"),
    };
    let mut shown = Vec::new();
    Responder::handshake_keys(identity, prologue, message, &counting(0x80), |part| {
        shown.push(part);
    });
    shown
}

#[test]
fn decrypts_the_handshakes_of_the_document() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let (capture, key_log) = (
        folder.path().join("room.pcap"),
        folder.path().join("room.keys"),
    );
    let all = vectors();
    let called = |name: &str| -> &Vector {
        let found = all.iter().find(|vector| vector.name == name);
        found.unwrap_or_else(|| panic!("the document has {name}"))
    };
    let mut keys = KeyLog::new(fs::File::create(&key_log).unwrap());
    for (name, identity) in answering() {
        for HandshakeKey {
            ref key,
            ref transcript,
        } in handshake_keys(&identity, &called(name).bytes())
        {
            keys.handshake(SESSION, key, transcript).unwrap();
        }
    }
    let mut writer = Capture::new(fs::File::create(&capture).unwrap()).unwrap();
    let [from, to]: [SocketAddr; 2] = [
        ([192, 0, 2, 1], 4_119).into(),
        ([192, 0, 2, 7], 5_000).into(),
    ];
    let handshakes = HANDSHAKES.iter().map(|(name, _)| name);
    for name in [&BEFORE].into_iter().chain(handshakes).chain([&REFUSED]) {
        let datagram = called(name).bytes();
        writer.write(Duration::ZERO, from, to, &datagram).unwrap();
    }

    let Some(dissected) = dissected(&capture, &key_log) else {
        return;
    };
    let [_, others @ .., refused] = &dissected[..] else {
        panic!("there are datagrams");
    };
    assert_eq!(others.len(), HANDSHAKES.len());
    let alice = called("key-of-alice").bytes();
    let alice: String = alice.iter().map(|byte| format!("{byte:02x}")).collect();
    for ((name, payload), fields) in HANDSHAKES.iter().zip(others) {
        assert!(
            !fields.iter().any(|field| field.text.contains(COMPLAINT)),
            "{name}: {fields:#?}"
        );
        // A decrypted part has its own offsets.
        has_fields(called(payload), 0, fields);
        let key = fields
            .iter()
            .find_map(|field| field.text.strip_prefix("s: "));
        assert_eq!(key, (!name.contains("accept")).then_some(&*alice), "{name}");
    }
    for text in ["answer: refused (1)", "reason: foreign key (8)"] {
        assert!(
            refused.iter().any(|field| field.text == text),
            "{text}: {refused:#?}"
        );
    }
}
