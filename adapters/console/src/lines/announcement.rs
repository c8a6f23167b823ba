//! Announcements of the server, which no message looks like.

use core::fmt;

use crate::paint::{Brush, Part};
use crate::{Stamp, Visible};

/// Paints an announcement. The first word of a message ends in a colon, or is `Channel_Message`: no
/// message looks like this.
//= PROTOCOL.md#12.3
pub(super) fn paint(
    brush: &mut dyn Brush,
    tone: Part<'_>,
    text: &str,
    kept_at: Option<Stamp>,
) -> fmt::Result {
    brush.paint(tone, format_args!("[From the server: "))?;
    if let Some(stamp) = kept_at {
        brush.paint(Part::Stamp, format_args!("<{stamp}> "))?;
    }
    brush.paint(tone, format_args!("{}]", Visible(text)))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::{String, ToString};

    use chatapp_core::{ClientEvent, MessageId, UnixSeconds};

    use crate::Wording;

    fn line(event: &ClientEvent<'_>) -> String {
        let wording = Wording {
            name: "alice",
            utc_offset: |_| 3_600,
        };
        let line = wording.event(event).next();
        line.map(|line| line.to_string()).unwrap_or_default()
    }

    /// No message of a name looks like an announcement, whatever its name and its text.
    #[test]
    fn words_announcements_as_no_message() {
        let said = |from, text, channel, kept_at: Option<u32>| {
            line(&ClientEvent::Message {
                from,
                id: MessageId::default(),
                text,
                channel,
                kept_at: kept_at.map(UnixSeconds),
                sent_at: None,
                receipt: None,
            })
        };
        let announced = said("", "bye\u{1b}[2J", true, None);
        assert_eq!(announced, r"[From the server: bye\u{1b}[2J]");
        assert_eq!(
            said("", "bye", true, Some(1_648_150_292)),
            "[From the server: <2022-03-24 20:31:32> bye]"
        );
        for (name, text) in [("[From", "the server: bye]"), ("[server", "bye]")] {
            for channel in [false, true] {
                let line = said(name, text, channel, None);
                assert!(!line.starts_with("[From the"), "{line}");
            }
        }
    }
}
