//! A server that falls silent, and comes back.

use chatapp_core::wire::Status;
use chatapp_core::{Command, Disposition, Endpoint, Instant};

use crate::client_rig::{Rig, address, entry, whole_table};

/// Waits until the client asks the silent server again, and accepts.
fn answers(rig: &mut Rig) {
    rig.now = rig.client.poll_timeout().unwrap();
    rig.client.handle_timeout(rig.now);
    rig.accepts();
}

#[test]
fn reports_a_silent_server_once() {
    let mut rig = Rig::online();
    let heard = rig.now;
    assert_eq!(rig.client.server_silent_since(), None);
    // Three keep-alives fail.
    assert_eq!(rig.pass(64_000), ["ServerSilent"]);
    assert_eq!(rig.client.server_silent_since(), Some(heard));
    answers(&mut rig);
    assert_eq!(rig.events(), ["ServerBack"]);
    assert_eq!(rig.client.server_silent_since(), None);
    let heard = rig.now;
    assert_eq!(
        rig.pass(24_000),
        ["ServerSilent"],
        "the next silence is new"
    );
    assert_eq!(rig.client.server_silent_since(), Some(heard));
}

#[test]
fn reports_silence_after_the_failed_requests() {
    let mut rig = Rig::online();
    rig.command(Command::SendAll { text: "hi" }).unwrap();
    let shown = rig.pass(3_000);
    assert!(shown[0].starts_with("ServerNotResponding"), "{shown:?}");
    assert_eq!(shown[1..], ["ServerSilent"]);
    answers(&mut rig);
    assert_eq!(rig.events(), ["ServerBack"]);
}

/// The server gives a session up if its datagrams are lost for 3 s. An Accept that comes through
/// just then opens a session that the server no longer has.
#[test]
fn asks_soon_for_the_first_roster() {
    let mut rig = Rig::new();
    rig.command(Command::Register { name: "alice" }).unwrap();
    rig.accepts();
    assert_eq!(rig.events(), ["Registered"]);
    for due_ms in [0, 2_000] {
        rig.client.handle_timeout(rig.now);
        assert_eq!(rig.now, Instant::ZERO.plus_millis(due_ms));
        let sent = rig.sent_data();
        assert!(sent.len() == 1 && sent[0].0.probe, "{sent:?}");
        let header = rig.header();
        assert_eq!(rig.deliver_under(&header, &[]), Disposition::Accepted);
        rig.now = rig.client.poll_timeout().unwrap();
    }
    rig.now = Instant::ZERO.plus_millis(2_000);
    // The roster comes: from then on, a keep-alive every 20 s is enough.
    let page = entry("alice", Status::Online, 0xa, address(0));
    rig.deliver(&[whole_table(1, &page)]);
    assert_eq!(rig.events(), ["TableUpdated"]);
    rig.sent();
    rig.pass(2_600);
    assert_eq!(
        rig.client.poll_timeout(),
        Some(Instant::ZERO.plus_millis(22_000))
    );
}

#[test]
fn reports_no_silence_outside_of_the_room() {
    let mut rig = Rig::new();
    rig.command(Command::Register { name: "alice" }).unwrap();
    let shown = rig.pass(64_000);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].starts_with("ServerNotResponding"), "{shown:?}");
    assert_eq!(rig.client.server_silent_since(), None);
}
