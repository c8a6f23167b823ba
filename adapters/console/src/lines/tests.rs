//! Tests of every line.

extern crate std;
use super::*;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use chatapp_core::{CommandId, MessageId, NameError, PublicKey};

const WORDING: Wording<'_> = Wording {
    name: "alice",
    utc_offset: |_| 3_600,
};

#[cfg(feature = "moderation")]
const MUTED_TEXT: &str = "[The operator of the server has muted you; the message was not sent.]";

fn lines(event: ClientEvent<'_>) -> Vec<String> {
    let wording = Wording { ..WORDING };
    wording.event(&event).map(|line| line.to_string()).collect()
}

fn status(status: MessageStatus) -> Vec<String> {
    lines(ClientEvent::MessageStatus {
        id: CommandId::default(),
        to: "bob",
        status,
    })
}

fn silent(request: Request) -> Vec<String> {
    lines(ClientEvent::ServerNotResponding {
        id: CommandId::default(),
        request,
    })
}

fn message(channel: bool, kept_at: Option<u32>) -> Vec<String> {
    let kept_at = kept_at.map(UnixSeconds);
    lines(ClientEvent::Message {
        from: "bob",
        id: MessageId::default(),
        text: "hi  all\u{1b}[2J",
        channel,
        kept_at,
        sent_at: None,
        receipt: None,
    })
}

#[test]
fn words_the_room() {
    let id = CommandId::default();
    assert_eq!(
        lines(ClientEvent::Registered),
        ["[Welcome, You are registered.]"]
    );
    assert_eq!(
        lines(ClientEvent::TableUpdated),
        ["[Client table updated.]"]
    );
    assert_eq!(lines(ClientEvent::KeptMessages), ["[You have messages]"]);
    assert_eq!(
        lines(ClientEvent::Throttled),
        ["[The server limits your rate; pending commands continue later.]"]
    );
    assert_eq!(
        lines(ClientEvent::Deregistered { id }),
        ["[You are Offline. Bye.]"]
    );
    assert_eq!(
        lines(ClientEvent::Offline { id }),
        ["[You are Offline. Use reg alice first.]"]
    );
    assert_eq!(
        lines(ClientEvent::ChannelDropped {
            count: 12,
            receipt: None,
        }),
        ["[12 older channel messages were dropped.]"]
    );
}

#[test]
fn words_messages() {
    assert_eq!(message(false, None), [r"bob: hi  all\u{1b}[2J"]);
    assert_eq!(
        message(true, None),
        [r"Channel_Message bob: hi  all\u{1b}[2J"]
    );
    assert_eq!(
        message(false, Some(1_648_150_292)),
        [r"bob: <2022-03-24 20:31:32> hi  all\u{1b}[2J"]
    );
    assert_eq!(
        message(true, Some(1_648_150_292)),
        [r"Channel_Message bob: <2022-03-24 20:31:32> hi  all\u{1b}[2J"]
    );
}

#[test]
fn words_messages_that_are_not_shown() {
    let not_shown = |channel, reason| {
        lines(ClientEvent::NotShown {
            from: "bob",
            channel,
            reason,
            receipt: None,
        })
    };
    for (channel, what) in [
        (false, "a message under that name is"),
        (true, "messages to all under that name are"),
    ] {
        let line = format!(
            "[The key of bob has changed: {what} not shown. If bob confirms the change, leave, \
             type `ChatApp keys forget name bob`, and return.]"
        );
        assert_eq!(not_shown(channel, NotShownReason::ForeignKey), [line]);
    }
    assert_eq!(
        not_shown(false, NotShownReason::Unreadable),
        [
            "[A message from bob is not shown: it was encrypted for another key than yours, or \
             modified.]"
        ]
    );
    assert_eq!(
        not_shown(false, NotShownReason::PinsFull),
        ["[A message is not shown from bob: the pin store is full. \
             `ChatApp keys forget name <NAME>` makes room.]"]
    );
}

#[test]
fn words_a_server_with_another_key() {
    let key = PublicKey([1; 32]);
    assert_eq!(
        lines(ClientEvent::ServerKeyChanged { key }),
        ["[The key of the server has changed: nothing was sent to it.]"]
    );
}

#[test]
fn escapes_a_text_that_begins_like_a_time() {
    let shown = |text, kept_at| {
        let event = ClientEvent::Message {
            from: "bob",
            id: MessageId::default(),
            text,
            channel: false,
            kept_at,
            sent_at: None,
            receipt: None,
        };
        lines(event).concat()
    };
    let imitated = "<2022-03-24 20:31:32> hi";
    assert_eq!(shown(imitated, None), r"bob: \u{3c}2022-03-24 20:31:32> hi");
    assert_eq!(
        shown("hi", Some(UnixSeconds(1_648_150_292))),
        format!("bob: {imitated}")
    );
    let sender = "<sent 2022-03-24 20:31:32> hi";
    assert_eq!(
        shown(sender, None),
        r"bob: \u{3c}sent 2022-03-24 20:31:32> hi"
    );
    for text in [
        "<sent 3>",
        "<3",
        "<",
        "<b>",
        "<2022",
        "<1000 euros",
        "hi <2022-03-24",
    ] {
        assert_eq!(shown(text, None), format!("bob: {text}"));
    }
}

#[test]
fn words_the_result_of_a_message() {
    use MessageStatus::*;
    assert_eq!(status(Delivered), ["[Message received by bob.]"]);
    assert_eq!(
        status(SentToServer),
        ["[No ACK from bob, message sent to server.]"]
    );
    assert_eq!(
        status(Saved),
        ["[Messages received by the server and saved]"]
    );
    assert_eq!(status(Exists), ["[Client bob exists!!]"]);
    assert_eq!(
        status(MailboxFull),
        ["[Mailbox of bob is full; the message was not saved.]"]
    );
    assert_eq!(status(NoSuchClient), ["[Client bob does not exist.]"]);
    assert_eq!(
        status(NotStored),
        ["[The server could not store the message to bob; it was not saved.]"]
    );
    assert_eq!(
        status(ForeignKey),
        [
            "[The key of bob has changed: nothing was sent. If bob confirms the change, leave, \
             type `ChatApp keys forget name bob`, and return.]"
        ]
    );
    assert_eq!(
        status(NotDelivered),
        [
            "[Server not responding]",
            "[Message to bob was not delivered.]"
        ]
    );
}

#[test]
fn words_the_result_of_a_channel_message() {
    let id = CommandId::default();
    assert_eq!(
        lines(ClientEvent::Posted { id }),
        ["[Message received by Server.]"]
    );
    assert_eq!(
        lines(ClientEvent::NotPosted {
            id,
            store_failed: false
        }),
        ["[The channel is full; the message was not sent.]"]
    );
    assert_eq!(
        lines(ClientEvent::NotPosted {
            id,
            store_failed: true
        }),
        ["[The server could not store the message; it was not sent.]"]
    );
}

#[cfg(feature = "moderation")]
#[test]
fn words_a_mute() {
    let id = CommandId::default();
    assert_eq!(status(MessageStatus::Muted), [MUTED_TEXT]);
    assert_eq!(lines(ClientEvent::Muted { id }), [MUTED_TEXT]);
}

#[test]
fn words_a_silent_server() {
    assert_eq!(
        lines(ClientEvent::ServerSilent),
        ["[The server is silent. Direct messages still work; the table may be out of date.]"]
    );
    assert_eq!(lines(ClientEvent::ServerBack), ["[The server is back.]"]);
    assert_eq!(silent(Request::SendAll), ["[Server not responding]"]);
    assert_eq!(silent(Request::Register), ["[Server not responding]"]);
    assert_eq!(
        silent(Request::Deregister),
        ["[Server not responding]", "[Exiting]"]
    );
}

#[test]
fn words_refusals() {
    let refused = |reason| lines(ClientEvent::Refused { reason });
    #[cfg(feature = "moderation")]
    for (until, text) in [
        (
            0,
            "[The operator of the server has banned you from this room.]",
        ),
        (
            1_648_150_292,
            "[The operator of the server has banned you from this room until 2022-03-24 20:31:32.]",
        ),
    ] {
        let until = UnixSeconds(until);
        assert_eq!(refused(Refusal::Banned(until)), [text]);
    }
    assert_eq!(
        refused(Refusal::ForeignKey),
        ["[The name alice belongs to another key than yours. Choose another one.]"]
    );
    assert_eq!(
        refused(Refusal::NotAllowed),
        [
            "[The server does not admit alice with this key. Ask its operator to add you to the \
             allow list.]"
        ]
    );
    assert_eq!(
        refused(Refusal::NameTaken),
        ["[The name alice is active elsewhere. Choose another one.]"]
    );
    assert_eq!(
        refused(Refusal::Evicted),
        ["[Another process has taken over the name alice.]"]
    );
    assert_eq!(
        refused(Refusal::RoomFull),
        ["[There is no room for another name. Use one of yours, or ask the operator.]"]
    );
    assert_eq!(
        refused(Refusal::NotStored),
        ["[The server could not store the registration. Try again later.]"]
    );
    assert_eq!(
        refused(Refusal::BadName),
        ["[The server does not accept the name alice. Use letters and digits.]"]
    );
    assert_eq!(
        lines(ClientEvent::ForeignVersion { version: 2 }),
        [std::format!(
            "[The server has protocol version 2, this program has version {VERSION}.]"
        )]
    );
}

#[test]
fn puts_no_unsafe_name_into_a_command() {
    for name in [
        "$(reboot)",
        "a;b",
        "a&b",
        "it's",
        "-rf",
        "`id`",
        "a|b",
        "%PATH%",
        "a”b",
    ] {
        let shown = lines(ClientEvent::NotShown {
            from: name,
            channel: false,
            reason: NotShownReason::ForeignKey,
            receipt: None,
        });
        let line = format!(
            "[The key of {name} has changed: a message under that name is not shown. If {name} \
             confirms the change, leave, type `ChatApp keys forget name` and the name in quotes, \
             and return.]"
        );
        assert_eq!(shown, [line]);
    }
    for name in ["bob", "a.b-c_1", "bob@home"] {
        let shown = lines(ClientEvent::NotShown {
            from: name,
            channel: false,
            reason: NotShownReason::ForeignKey,
            receipt: None,
        });
        assert!(shown[0].contains(&format!("`ChatApp keys forget name {name}`")));
    }
}

#[test]
fn words_rejected_commands() {
    for (error, line) in [
        (
            CommandError::NotYourName,
            "[You can only use reg and dereg with your own name, alice.]",
        ),
        (
            CommandError::Offline,
            "[You are Offline. Use reg alice first.]",
        ),
        (
            CommandError::TextTooLong(1_001),
            "[The text has 1001 bytes, the limit is 1000; it was not sent.]",
        ),
        (CommandError::EmptyText, "[There is no text to send.]"),
        (
            CommandError::AlreadyRegistered,
            "[You are registered already.]",
        ),
        (
            CommandError::BadName(NameError::TooLong(40)),
            "[Invalid name: a name has at most 32 bytes, this one has 40.]",
        ),
        (
            CommandError::TableFull,
            r"[The table of clients is full; the message to b\u{7f}b was not sent.]",
        ),
        (CommandError::Busy, "[Busy. Try again in a moment.]"),
        (
            CommandError::Ended,
            "[The server has refused this client. Start it again.]",
        ),
        (
            CommandError::NumbersUsedUp,
            "[All numbers for messages are used up. Start the client again.]",
        ),
    ] {
        assert_eq!(WORDING.command_error(error, "b\u{7f}b").to_string(), line);
    }
}

/// Writes each part with its kind in front.
struct Marker(String);

impl Brush for Marker {
    fn paint(&mut self, part: Part<'_>, words: fmt::Arguments<'_>) -> fmt::Result {
        use fmt::Write;
        write!(self.0, "{part:?}|{words}|")
    }
}

fn parts(event: ClientEvent<'_>) -> Vec<String> {
    let wording = Wording { ..WORDING };
    wording
        .event(&event)
        .map(|line| {
            let mut marker = Marker(String::new());
            line.paint(&mut marker).unwrap();
            marker.0
        })
        .collect()
}

#[test]
fn marks_the_parts_of_a_message() {
    let event = ClientEvent::Message {
        from: "bob",
        id: MessageId::default(),
        text: "hi",
        channel: true,
        kept_at: Some(UnixSeconds(1_648_150_292)),
        sent_at: None,
        receipt: None,
    };
    assert_eq!(
        parts(event),
        [
            "ChannelMark|Channel_Message|Text| |Sender { name: \"bob\", channel: true }\
            |bob|Text|: |Stamp|<2022-03-24 20:31:32> |Text|hi|"
        ]
    );
}

#[test]
fn distinguishes_success_from_failure() {
    let id = CommandId::default();
    let status = |status| ClientEvent::MessageStatus {
        id,
        to: "bob",
        status,
    };
    for (event, lines) in [
        (
            status(MessageStatus::Delivered),
            &["Success|[Message received by bob.]|"][..],
        ),
        (
            status(MessageStatus::NotDelivered),
            &[
                "Error|[Server not responding]|",
                "Error|[Message to bob was not delivered.]|",
            ],
        ),
        (
            ClientEvent::TableUpdated,
            &["Notice|[Client table updated.]|"],
        ),
    ] {
        assert_eq!(parts(event), lines);
    }
}

#[test]
fn shows_the_time_of_a_sender_that_differs() {
    let shown = |kept_at| {
        let event = ClientEvent::Message {
            from: "bob",
            id: MessageId::default(),
            text: "hi",
            channel: false,
            kept_at,
            sent_at: Some(UnixSeconds(1_648_140_000)),
            receipt: None,
        };
        lines(event).concat()
    };
    assert_eq!(shown(None), "bob: <sent 2022-03-24 17:40:00> hi");
    assert_eq!(
        shown(Some(UnixSeconds(1_648_150_292))),
        "bob: <2022-03-24 20:31:32, sent 2022-03-24 17:40:00> hi"
    );
}
