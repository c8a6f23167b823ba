//! Searches the memory of the server for private texts, on both ways that they can take.

use chatapp_e2e::{
    BYE, Direction, KEPT, Memory, POSTED, Relay, Room, SAVED, TABLE, Weather, no_ack_from,
    received_by,
};

/// Each text is one word, so that no part of it can hide.
const DIRECT: &str = "canary-that-flew-directly";
const SENT_ON: &str = "canary-that-the-server-sent-on";
const KEPT_AND_FETCHED: &str = "canary-that-was-kept-and-fetched";
const STILL_KEPT: &str = "canary-that-is-still-kept";
/// A channel message, which the server's memory contains while a client is offline.
const FOR_ALL: &str = "parrot-that-waits-for-carol";

#[test]
fn leaves_no_private_text_in_the_server() {
    let room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let [mut alice, mut bob, mut carol] =
        Room::join_all_at(relay.address(), ["alice", "bob", "carol"]);
    alice.types(&format!("send bob {DIRECT}"));
    bob.shows(&format!("alice: {DIRECT}"));
    alice.shows(&received_by("bob"));

    relay.cut(Direction::BetweenClients);
    alice.types(&format!("send bob {SENT_ON}"));
    alice.shows(&no_ack_from("bob"));
    alice.shows(SAVED);
    bob.shows_where("what the server sent on", |line| line.ends_with(SENT_ON));
    relay.mend();

    for (client, name) in [(&mut bob, "bob"), (&mut carol, "carol")] {
        client.types(&format!("dereg {name}"));
        client.shows(BYE);
        alice.shows(TABLE);
    }
    for (name, text) in [("bob", KEPT_AND_FETCHED), ("carol", STILL_KEPT)] {
        alice.types(&format!("send {name} {text}"));
        alice.shows(SAVED);
    }
    bob.types("reg bob");
    bob.shows(KEPT);
    bob.shows_where("what was kept", |line| line.ends_with(KEPT_AND_FETCHED));
    bob.shows(TABLE);
    bob.types(&format!("send_all {FOR_ALL}"));
    bob.shows(POSTED);
    alice.shows(&format!("Channel_Message bob: {FOR_ALL}"));

    let Some(memory) = Memory::of(&room.server) else {
        return;
    };
    for text in [FOR_ALL, "alice", "carol"] {
        assert!(memory.holds(text.as_bytes()), "the memory lacks {text:?}");
    }
    for text in [DIRECT, SENT_ON, KEPT_AND_FETCHED, STILL_KEPT, "canary-that"] {
        assert!(
            !memory.holds(text.as_bytes()),
            "the memory contains {text:?}"
        );
    }
    carol.types("reg carol");
    carol.shows_where("what is still kept", |line| line.ends_with(STILL_KEPT));
}
