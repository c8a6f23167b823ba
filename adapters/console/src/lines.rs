//! Formats events of the core as the lines that people and scripts know.

#[cfg(feature = "moderation")]
mod announcement;

use core::fmt;

use chatapp_core::limits::TEXT_LEN_MAX;
use chatapp_core::wire::{Refusal, VERSION};
use chatapp_core::{
    ClientEvent, CommandError, MessageStatus, NotShownReason, Request, UnixSeconds,
};

use crate::paint::{Brush, Part, Plain};
use crate::{Stamp, Visible};

/// Turns events of a client into lines. Holds what the lines depend on besides the event.
#[derive(Clone, Copy, Debug)]
pub struct Wording<'a> {
    /// The client's own name.
    pub name: &'a str,
    /// Local time minus UTC at a given time, in seconds; see [`Stamp::utc_offset`].
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
        sent_at: Option<Stamp>,
    },
    /// An announcement of the server.
    #[cfg(feature = "moderation")]
    Announcement {
        text: &'a str,
        kept_at: Option<Stamp>,
    },
    BadName(chatapp_core::NameError),
    ForeignVersion(u8),
    /// The end of a ban.
    #[cfg(feature = "moderation")]
    BannedUntil(Stamp),
    /// A name that belongs to another key than before, and the consequence.
    ForeignKey {
        name: &'a str,
        what: &'static str,
    },
}

use Text::{About, Count, Fixed};

const STALE: &str =
    "[The server is silent. Direct messages still work; the table may be out of date.]";

const SERVER_SILENT: Line<'_> = error(Fixed("[Server not responding]"));

#[cfg(feature = "moderation")]
const MUTED: Line<'_> = error(Fixed(
    "[The operator of the server has muted you; the message was not sent.]",
));

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

/// Returns the line for a message that is not shown.
const fn not_shown(from: &str, channel: bool, reason: NotShownReason) -> Line<'_> {
    error(match reason {
        NotShownReason::ForeignKey => Text::ForeignKey {
            name: from,
            what: if channel {
                "messages to all under that name are not shown"
            } else {
                "a message under that name is not shown"
            },
        },
        NotShownReason::PinsFull => About("[A message is not shown from ", from, PINS_FULL),
        _ => About(
            "[A message from ",
            from,
            " is not shown: it was encrypted for another key than yours, or modified.]",
        ),
    })
}

const PINS_FULL: &str = ": the pin store is full. `ChatApp keys forget name <NAME>` makes room.]";

/// Returns the line for a channel message that the server rejected.
const fn not_posted(store_failed: bool) -> Line<'static> {
    error(Fixed(if store_failed {
        "[The server could not store the message; it was not sent.]"
    } else {
        "[The channel is full; the message was not sent.]"
    }))
}

impl<'a> Wording<'a> {
    /// Returns the lines for an event, one or two. Events that this version does not know have
    /// none.
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
                sent_at,
                ..
            } => {
                let message = self.message((from, text, channel), kept_at, sent_at);
                (None, notice(message))
            }
            ClientEvent::NotShown {
                from,
                channel,
                reason,
                ..
            } => (None, not_shown(from, channel, reason)),
            ClientEvent::ChannelDropped { count, .. } => (
                None,
                error(Count(
                    "[",
                    count as usize,
                    " older channel messages were dropped.]",
                )),
            ),
            ClientEvent::Posted { .. } => (None, success(Fixed("[Message received by Server.]"))),
            ClientEvent::NotPosted { store_failed, .. } => (None, not_posted(store_failed)),
            #[cfg(feature = "moderation")]
            ClientEvent::Muted { .. } => (None, MUTED),
            ClientEvent::Throttled => (
                None,
                notice(Fixed(
                    "[The server limits your rate; pending commands continue later.]",
                )),
            ),
            ClientEvent::MessageStatus { to, status, .. } => message_status(to, status),
            ClientEvent::ServerNotResponding {
                request: Request::Deregister,
                ..
            } => (Some(SERVER_SILENT), error(Fixed("[Exiting]"))),
            ClientEvent::ServerNotResponding { .. } => (None, SERVER_SILENT),
            ClientEvent::ServerSilent => (None, error(Fixed(STALE))),
            ClientEvent::ServerBack => (None, success(Fixed("[The server is back.]"))),
            ClientEvent::Offline { .. } => (None, self.offline()),
            ClientEvent::Deregistered { .. } => (None, notice(Fixed("[You are Offline. Bye.]"))),
            ClientEvent::Refused { reason } => (None, self.refused(reason)),
            ClientEvent::ServerKeyChanged { .. } => (
                None,
                error(Fixed(
                    "[The key of the server has changed: nothing was sent to it.]",
                )),
            ),
            ClientEvent::ForeignVersion { version } => (None, error(Text::ForeignVersion(version))),
            _ => return None.into_iter().chain(None),
        };
        before.into_iter().chain(Some(line))
    }

    /// Returns the line for a rejected command. `name` is the name in the command, or empty.
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
            CommandError::Ended => Fixed("[The server has refused this client. Start it again.]"),
            CommandError::NumbersUsedUp => {
                Fixed("[All numbers for messages are used up. Start the client again.]")
            }
            _ => Fixed("[The command was not accepted.]"),
        })
    }

    fn message(
        &self,
        (from, text, channel): (&'a str, &'a str, bool),
        kept_at: Option<UnixSeconds>,
        sent_at: Option<UnixSeconds>,
    ) -> Text<'a> {
        let stamp = |at| Stamp {
            at,
            utc_offset: (self.utc_offset)(at),
        };
        #[cfg(feature = "moderation")]
        if from.is_empty() && channel {
            let kept_at = kept_at.map(stamp);
            return Text::Announcement { text, kept_at };
        }
        Text::Message {
            from,
            text,
            channel,
            kept_at: kept_at.map(stamp),
            sent_at: sent_at.map(stamp),
        }
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
            Refusal::Evicted => About("[Another process has taken over the name ", self.name, ".]"),
            Refusal::RoomFull => {
                Fixed("[There is no room for another name. Use one of yours, or ask the operator.]")
            }
            Refusal::NotStored => {
                Fixed("[The server could not store the registration. Try again later.]")
            }
            Refusal::BadName => About(
                "[The server does not accept the name ",
                self.name,
                ". Use letters and digits.]",
            ),
            Refusal::ForeignKey => About(
                "[The name ",
                self.name,
                " belongs to another key than yours. Choose another one.]",
            ),
            Refusal::NotAllowed => About(
                "[The server does not admit ",
                self.name,
                " with this key. Ask its operator to add you to the allow list.]",
            ),
            #[cfg(feature = "moderation")]
            Refusal::Banned(UnixSeconds(0)) => {
                Fixed("[The operator of the server has banned you from this room.]")
            }
            #[cfg(feature = "moderation")]
            Refusal::Banned(until) => Text::BannedUntil(Stamp {
                at: until,
                utc_offset: (self.utc_offset)(until),
            }),
            _ => Fixed("[The server refused the registration.]"),
        })
    }
}

/// Paints the line for a server of another version.
#[inline(always)]
fn paint_version(brush: &mut dyn Brush, tone: Part<'_>, version: u8) -> fmt::Result {
    let line = format_args!(
        "[The server has protocol version {version}, this program has version {VERSION}.]"
    );
    brush.paint(tone, line)
}

/// Paints the line for a ban that ends.
#[cfg(feature = "moderation")]
fn paint_ban(brush: &mut dyn Brush, tone: Part<'_>, until: Stamp) -> fmt::Result {
    let line =
        format_args!("[The operator of the server has banned you from this room until {until}.]");
    brush.paint(tone, line)
}

const TOO_LONG: &str = " bytes, the limit is 1000; it was not sent.]";
const _: () = assert!(TEXT_LEN_MAX == 1_000, "the line states the limit of 1000");

/// Returns the lines for the result of a direct message.
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
        #[cfg(feature = "moderation")]
        MessageStatus::Muted => MUTED,
        MessageStatus::NotStored => error(About(
            "[The server could not store the message to ",
            to,
            "; it was not saved.]",
        )),
        MessageStatus::NoSuchClient => error(About("[Client ", to, " does not exist.]")),
        MessageStatus::ForeignKey => error(Text::ForeignKey {
            name: to,
            what: "nothing was sent",
        }),
        MessageStatus::PinsFull => error(About("[Nothing was sent to ", to, PINS_FULL)),
        MessageStatus::NotDelivered => {
            return (
                Some(SERVER_SILENT),
                error(About("[Message to ", to, " was not delivered.]")),
            );
        }
        _ => notice(Fixed("[The message is pending.]")),
    };
    (None, line)
}

impl Line<'_> {
    /// Passes the line to a brush, part by part. [`Display`](fmt::Display) shows the same words.
    ///
    /// # Errors
    /// Returns the error of the brush.
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
                sent_at,
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
                match (kept_at, sent_at) {
                    (None, None) => Ok(()),
                    (Some(stamp), None) => brush.paint(Part::Stamp, format_args!("<{stamp}> ")),
                    (None, Some(sent)) => brush.paint(Part::Stamp, format_args!("<sent {sent}> ")),
                    (Some(stamp), Some(sent)) => {
                        brush.paint(Part::Stamp, format_args!("<{stamp}, sent {sent}> "))
                    }
                }?;
                // A text must not look like one with a time in front.
                let is_stamped = kept_at.is_some() || sent_at.is_some();
                let (escape, text) = match text.strip_prefix('<') {
                    Some(rest) if !is_stamped && starts_with_year(rest) => ("\\u{3c}", rest),
                    _ => ("", text),
                };
                brush.paint(Part::Text, format_args!("{escape}{}", Visible(text)))
            }
            #[cfg(feature = "moderation")]
            Text::Announcement { text, kept_at } => {
                announcement::paint(brush, self.tone, text, kept_at)
            }
            Text::BadName(reason) => {
                brush.paint(self.tone, format_args!("[Invalid name: {reason}.]"))
            }
            // A pasted command must not run another one that the name contains.
            Text::ForeignKey { name, what } => {
                let (blank, typed, aside) = if is_shell_word(name) {
                    (" ", name, "")
                } else {
                    ("", "", " and the name in quotes")
                };
                brush.paint(
                    self.tone,
                    format_args!(
                        "[The key of {0} has changed: {what}. If {0} confirms the change, leave, \
                         type `ChatApp keys forget name{blank}{typed}`{aside}, and return.]",
                        Visible(name)
                    ),
                )
            }
            #[cfg(feature = "moderation")]
            Text::BannedUntil(stamp) => paint_ban(brush, self.tone, stamp),
            Text::ForeignVersion(version) => paint_version(brush, self.tone, version),
        }
    }
}

/// Returns whether a text begins as a [`Stamp`] does, or as one of a sender.
fn starts_with_year(text: &str) -> bool {
    let text = text.strip_prefix("sent ").unwrap_or(text);
    let year = text.as_bytes().split_first_chunk::<4>();
    year.is_some_and(|(year, rest)| year.iter().all(u8::is_ascii_digit) && rest.starts_with(b"-"))
}

/// Returns whether every shell takes this name as one argument, and no program as an option.
fn is_shell_word(name: &str) -> bool {
    // Shells may convert other characters to quotes.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    let first = name.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_alphanumeric()) && name.bytes().all(is_plain)
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.paint(&mut Plain(f))
    }
}

#[cfg(test)]
mod tests;
