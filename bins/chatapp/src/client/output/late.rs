//! The output about stored messages that were delivered.

use std::fmt;

use chatapp_console::{Part, Visible};
use chatapp_core::ClientEvent;

use super::Output;

/// The line for stored messages that a recipient got.
struct Delivered<'a> {
    to: &'a str,
    count: u32,
}

impl fmt::Display for Delivered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (to, count) = (Visible(self.to), self.count);
        let messages = if count == 1 { "message" } else { "messages" };
        write!(
            f,
            "[{to} has received {count} {messages} that the server kept.]"
        )
    }
}

impl Output<'_> {
    /// Shows delivered messages also to readers of the lines, who get no further line by default.
    pub(in crate::client) fn telling_receipts(self, tells_receipts: bool) -> Self {
        Self {
            tells_receipts,
            ..self
        }
    }

    /// Shows that stored messages were delivered; returns false for any other event.
    pub(super) fn late_receipt(&self, event: &ClientEvent<'_>) -> bool {
        let ClientEvent::KeptDelivered { to, count } = *event else {
            return false;
        };
        if self.tells_receipts || self.look().is_stamped {
            self.words(Part::Success, Delivered { to, count });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_messages_in_words() {
        let line = |to, count| Delivered { to, count }.to_string();
        assert_eq!(
            line("bob", 1),
            "[bob has received 1 message that the server kept.]"
        );
        assert_eq!(
            line("b\u{1b}b", 3),
            "[b\\u{1b}b has received 3 messages that the server kept.]"
        );
    }
}
