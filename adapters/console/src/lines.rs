//! What the core reports, in the words that people and scripts know.

use core::fmt;

use chatapp_core::limits::TEXT_LEN_MAX;
use chatapp_core::wire::{Refusal, VERSION};
use chatapp_core::{ClientEvent, CommandError, MessageStatus, Request, UnixSeconds};

use crate::paint::{Brush, Part, Plain};
use crate::{Stamp, Visible};

/// What the lines depend on besides the event.
#[derive(Clone, Copy, Debug)]
pub struct Wording<'a> {
    /// The client's own name.
    pub name: &'a str,
    /// What local time is ahead of UTC at a given time, in seconds; see [`Stamp::utc_offset`].
    pub utc_offset: fn(UnixSeconds) -> i32,
}

/// One line of output, without a line end.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    tone: Part<'static>,
    text: Text<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Text<'a> {
    Fixed(&'static str),
    /// A name between two fixed parts.
    About(&'static str, &'a str, &'static str),
    /// A number between two fixed parts.
    Count(&'static str, usize, &'static str),
    Message {
        from: &'a str,
        text: &'a str,
        channel: bool,
        kept_at: Option<Stamp>,
    },
    BadName(chatapp_core::NameError),
    ForeignVersion(u8),
}

use Text::{About, Count, Fixed};

const SERVER_SILENT: Line<'_> = error(Fixed("[Server not responding]"));

const fn notice(text: Text<'_>) -> Line<'_> {
    Line {
        tone: Part::Notice,
        text,
    }
}

const fn success(text: Text<'_>) -> Line<'_> {
    Line {
        tone: Part::Success,
        text,
    }
}

const fn error(text: Text<'_>) -> Line<'_> {
    Line {
        tone: Part::Error,
        text,
    }
}

impl<'a> Wording<'a> {
    /// The lines for an event, one or two. Events that this version does not know have none.
    pub fn event(&self, event: &ClientEvent<'a>) -> impl Iterator<Item = Line<'a>> + use<'a> {
        let (before, line) = match *event {
            ClientEvent::Registered => (None, success(Fixed("[Welcome, You are registered.]"))),
            ClientEvent::TableUpdated => (None, notice(Fixed("[Client table updated.]"))),
            ClientEvent::KeptMessages => (None, notice(Fixed("[You have messages]"))),
            ClientEvent::Message {
                from,
                text,
                channel,
                kept_at,
            } => {
                let kept_at = kept_at.map(|at| Stamp {
                    at,
                    utc_offset: (self.utc_offset)(at),
                });
                let message = Text::Message {
                    from,
                    text,
                    channel,
                    kept_at,
                };
                (None, notice(message))
            }
            ClientEvent::ChannelDropped { count } => (
                None,
                error(Count(
                    "[",
                    count as usize,
                    " older channel messages were dropped.]",
                )),
            ),
            ClientEvent::Posted { .. } => (None, success(Fixed("[Message received by Server.]"))),
            ClientEvent::NotPosted {
                store_failed: true, ..
            } => (
                None,
                error(Fixed(
                    "[The server could not store the message; it was not sent.]",
                )),
            ),
            ClientEvent::NotPosted {
                store_failed: false,
                ..
            } => (
                None,
                error(Fixed("[The channel is full; the message was not sent.]")),
            ),
            ClientEvent::MessageStatus { to, status, .. } => message_status(to, status),
            ClientEvent::ServerNotResponding {
                request: Request::Deregister,
                ..
            } => (Some(SERVER_SILENT), error(Fixed("[Exiting]"))),
            ClientEvent::ServerNotResponding { .. } => (None, SERVER_SILENT),
            ClientEvent::Offline { .. } => (None, self.offline()),
            ClientEvent::Deregistered { .. } => (None, notice(Fixed("[You are Offline. Bye.]"))),
            ClientEvent::Refused { reason } => (None, self.refused(reason)),
            ClientEvent::ForeignVersion { version } => (None, error(Text::ForeignVersion(version))),
            _ => return None.into_iter().chain(None),
        };
        before.into_iter().chain(Some(line))
    }

    /// The line for a command that was not taken. `name` is the name in it, if it has one.
    pub fn command_error(&self, refusal: CommandError, name: &'a str) -> Line<'a> {
        error(match refusal {
            CommandError::Busy => Fixed("[Busy. Try again in a moment.]"),
            CommandError::BadName(reason) => Text::BadName(reason),
            CommandError::EmptyText => Fixed("[There is no text to send.]"),
            CommandError::TextTooLong(len) => Count("[The text has ", len, TOO_LONG),
            CommandError::NotYourName => About(
                "[You can only use reg and dereg with your own name, ",
                self.name,
                ".]",
            ),
            CommandError::Offline => return self.offline(),
            CommandError::AlreadyRegistered => Fixed("[You are registered already.]"),
            CommandError::TableFull => About(
                "[The table of clients is full; the message to ",
                name,
                " was not sent.]",
            ),
            CommandError::Ended => Fixed("[You were refused by the server. Start again.]"),
            _ => Fixed("[The command was not accepted.]"),
        })
    }

    fn offline(&self) -> Line<'a> {
        error(About("[You are Offline. Use reg ", self.name, " first.]"))
    }

    fn refused(&self, reason: Refusal) -> Line<'a> {
        error(match reason {
            Refusal::NameTaken => About(
                "[The name ",
                self.name,
                " is active elsewhere. Choose another one.]",
            ),
            Refusal::Displaced => {
                About("[Another process has taken over the name ", self.name, ".]")
            }
            Refusal::RoomFull => Fixed("[The room is full. Try again later.]"),
            Refusal::NotStored => {
                Fixed("[The server could not store the registration. Try again later.]")
            }
            Refusal::BadName => About("[The server does not accept the name ", self.name, ".]"),
            _ => Fixed("[The server refused the registration.]"),
        })
    }
}

const TOO_LONG: &str = " bytes, the limit is 1000; it was not sent.]";
const _: () = assert!(TEXT_LEN_MAX == 1_000, "as the line says");

/// What became of a direct message.
fn message_status(to: &str, status: MessageStatus) -> (Option<Line<'_>>, Line<'_>) {
    let line = match status {
        MessageStatus::Delivered => success(About("[Message received by ", to, ".]")),
        MessageStatus::SentToServer => {
            notice(About("[No ACK from ", to, ", message sent to server.]"))
        }
        MessageStatus::Saved => success(Fixed("[Messages received by the server and saved]")),
        MessageStatus::Exists => notice(About("[Client ", to, " exists!!]")),
        MessageStatus::MailboxFull => error(About(
            "[Mailbox of ",
            to,
            " is full; the message was not saved.]",
        )),
        MessageStatus::NotStored => error(About(
            "[The server could not store the message to ",
            to,
            "; it was not saved.]",
        )),
        MessageStatus::NoSuchClient => error(About("[Client ", to, " does not exist.]")),
        MessageStatus::NotDelivered => {
            return (
                Some(SERVER_SILENT),
                error(About("[Message to ", to, " was not delivered.]")),
            );
        }
        _ => notice(Fixed("[The message is on its way.]")),
    };
    (None, line)
}

impl Line<'_> {
    /// Hands the line to a brush, part by part. [`Display`](fmt::Display) shows the same words.
    ///
    /// # Errors
    /// Those of the brush.
    pub fn paint(&self, brush: &mut dyn Brush) -> fmt::Result {
        match self.text {
            Fixed(text) => brush.paint(self.tone, format_args!("{text}")),
            About(before, name, behind) => {
                brush.paint(self.tone, format_args!("{before}{}{behind}", Visible(name)))
            }
            Count(before, count, behind) => {
                brush.paint(self.tone, format_args!("{before}{count}{behind}"))
            }
            Text::Message {
                from,
                text,
                channel,
                kept_at,
            } => {
                if channel {
                    brush.paint(Part::ChannelMark, format_args!("Channel_Message"))?;
                    brush.paint(Part::Text, format_args!(" "))?;
                }
                let sender = Part::Sender {
                    name: from,
                    channel,
                };
                brush.paint(sender, format_args!("{}", Visible(from)))?;
                brush.paint(Part::Text, format_args!(": "))?;
                if let Some(stamp) = kept_at {
                    brush.paint(Part::Stamp, format_args!("<{stamp}>"))?;
                    brush.paint(Part::Text, format_args!(" "))?;
                }
                brush.paint(Part::Text, format_args!("{}", Visible(text)))
            }
            Text::BadName(reason) => {
                brush.paint(self.tone, format_args!("[That is no name: {reason}.]"))
            }
            Text::ForeignVersion(version) => brush.paint(
                self.tone,
                format_args!(
                    "[the server speaks version {version}, this program version {VERSION}]"
                ),
            ),
        }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.paint(&mut Plain(f))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::{String, ToString};
    use std::vec::Vec;

    use chatapp_core::{CommandId, NameError};

    const WORDING: Wording<'_> = Wording {
        name: "alice",
        utc_offset: |_| 3_600,
    };

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
            text: "hi  all\u{1b}[2J",
            channel,
            kept_at,
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
            lines(ClientEvent::Deregistered { id }),
            ["[You are Offline. Bye.]"]
        );
        assert_eq!(
            lines(ClientEvent::Offline { id }),
            ["[You are Offline. Use reg alice first.]"]
        );
        assert_eq!(
            lines(ClientEvent::ChannelDropped { count: 12 }),
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
    fn words_what_became_of_a_message() {
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
            status(NotDelivered),
            [
                "[Server not responding]",
                "[Message to bob was not delivered.]"
            ]
        );
    }

    #[test]
    fn words_what_became_of_a_channel_message() {
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

    #[test]
    fn words_a_silent_server() {
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
        assert_eq!(
            refused(Refusal::NameTaken),
            ["[The name alice is active elsewhere. Choose another one.]"]
        );
        assert_eq!(
            refused(Refusal::Displaced),
            ["[Another process has taken over the name alice.]"]
        );
        assert_eq!(
            refused(Refusal::RoomFull),
            ["[The room is full. Try again later.]"]
        );
        assert_eq!(
            refused(Refusal::NotStored),
            ["[The server could not store the registration. Try again later.]"]
        );
        assert_eq!(
            refused(Refusal::BadName),
            ["[The server does not accept the name alice.]"]
        );
        assert_eq!(
            lines(ClientEvent::ForeignVersion { version: 2 }),
            [std::format!(
                "[the server speaks version 2, this program version {VERSION}]"
            )]
        );
    }

    #[test]
    fn words_commands_that_were_not_taken() {
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
                "[That is no name: a name has at most 32 bytes, this one has 40.]",
            ),
            (
                CommandError::TableFull,
                r"[The table of clients is full; the message to b\u{7f}b was not sent.]",
            ),
            (CommandError::Busy, "[Busy. Try again in a moment.]"),
            (
                CommandError::Ended,
                "[You were refused by the server. Start again.]",
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
    fn tells_the_parts_of_a_message() {
        let event = ClientEvent::Message {
            from: "bob",
            text: "hi",
            channel: true,
            kept_at: Some(UnixSeconds(1_648_150_292)),
        };
        assert_eq!(
            parts(event),
            [
                r#"ChannelMark|Channel_Message|Text| |Sender { name: "bob", channel: true }|bob|Text|: |Stamp|<2022-03-24 20:31:32>|Text| |Text|hi|"#
            ]
        );
    }

    #[test]
    fn tells_success_from_failure() {
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
}
