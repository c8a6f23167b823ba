//! Dissects the capture of a real room.

use chatapp_e2e::{BYE, POSTED, Room, SAVED, TABLE, received_by};
use tempfile::TempDir;

use crate::{COMPLAINT, Field, dissected};

/// Uses Alice's own capture and key log, which contain messages of all kinds.
#[test]
fn decrypts_everything_with_the_key_log() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let at = |name: &str| folder.path().join(name);
    let (capture, keys) = (at("alice.pcap"), at("alice.keys"));
    let room = Room::open();
    let port = room.port.to_string();
    let options = [
        "--pcap",
        capture.to_str().expect("temporary folders have sane names"),
        "--keylog",
        keys.to_str().expect("temporary folders have sane names"),
    ];
    let client = ["-c", "alice", "127.0.0.1", &port, "0"];
    let mut alice = chatapp_e2e::Process::start(&[&client[..], &options].concat());
    alice.shows(TABLE);
    let mut bob = room.join("bob");
    alice.shows(TABLE);
    alice.types("send bob from alice, directly");
    alice.shows(&received_by("bob"));
    bob.types("send alice from bob, directly");
    bob.shows(&received_by("alice"));
    alice.types("send_all to everybody");
    alice.shows(POSTED);
    bob.types("dereg bob");
    bob.shows(BYE);
    alice.shows(TABLE);
    alice.types("send bob from alice, to be kept");
    alice.shows(SAVED);
    alice.types("dereg alice");
    alice.shows(BYE);
    bob.types("reg bob");
    bob.shows(TABLE);
    for text in ["from bob, kept", "from bob, kept as well"] {
        bob.types(&format!("send alice {text}"));
        bob.shows(SAVED);
    }
    alice.types("reg alice");
    alice.shows_where("both kept ones", |line| line.ends_with("kept as well"));
    alice.types("quit");
    assert_eq!(alice.ends(), 0);

    let Some(dissected) = dissected(&capture, &keys) else {
        return;
    };
    let all = || dissected.iter().flatten().map(|Field { text, .. }| &**text);
    assert!(!all().any(|text| text.contains(COMPLAINT)));
    for text in [
        "text: from alice, directly",
        "text: from bob, directly",
        "text: to everybody",
        "text: from alice, to be kept",
        "text: from bob, kept",
        "text: from bob, kept as well",
        "name: bob",
        "kind: CookieRequest (1)",
        "kind: Cookie (2)",
        "kind: ClientHello (3)",
        "kind: PeerHello (4)",
        "kind: Accept (5)",
        "name: alice",
        "from: alice",
        "from: bob",
        "answer: accepted (0)",
        "frame: Text (0)",
        "frame: Store (1)",
        "frame: Post (2)",
        "frame: Leave (3)",
        "frame: Result (5)",
        "frame: Receipt (6)",
        "frame: Mail (7)",
        "frame: Page (10)",
        "frame: MailDelta (14)",
    ] {
        assert!(all().any(|shown| shown == text), "{text}");
    }
    for fields in &dissected {
        let has = |text: &str| fields.iter().any(|field| field.text.starts_with(text));
        assert_eq!(has("kind: Data"), has("acknowledged: "), "{fields:#?}");
        let (asks, answers) = (
            has("kind: ClientHello") || has("kind: PeerHello"),
            has("kind: Accept"),
        );
        assert_eq!(asks, has("s: ") && has("session sequence: "), "{fields:#?}");
        assert_eq!(answers, has("answer: "), "{fields:#?}");
    }
}
