//! A server that falls silent, and comes back.

use chatapp_core::{Command, Endpoint};

use crate::client_rig::Rig;

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

#[test]
fn reports_no_silence_outside_of_the_room() {
    let mut rig = Rig::new();
    rig.command(Command::Register { name: "alice" }).unwrap();
    let shown = rig.pass(64_000);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].starts_with("ServerNotResponding"), "{shown:?}");
    assert_eq!(rig.client.server_silent_since(), None);
}
