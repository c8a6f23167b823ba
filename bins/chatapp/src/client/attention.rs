//! Sounds and marks that call a person back to the terminal.

use chatapp_core::{ClientEvent, Instant};
use clap::ValueEnum;

/// Time between two sounds: many messages may arrive at once.
const PAUSE_MS: u64 = 1_000;

/// Messages for which the terminal rings. Each includes the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Bell {
    /// For none.
    #[default]
    Never,
    /// For messages to this person alone.
    Private,
    /// Also for channel messages that have the person's name in them.
    Mention,
    /// For every message.
    All,
}

/// Decides when the terminal rings, and which messages mention the person.
#[derive(Debug)]
pub(super) struct Attention {
    bell: Bell,
    own_name: String,
    exact_name: String,
    rung_at: Option<Instant>,
}

impl Attention {
    pub(super) fn of(own_name: &str, bell: Bell) -> Self {
        Self {
            bell,
            own_name: own_name.to_lowercase(),
            exact_name: own_name.to_owned(),
            rung_at: None,
        }
    }

    /// Returns whether an event is a channel message with this person's name in it, as a word.
    pub(super) fn is_mention(&self, event: &ClientEvent<'_>) -> bool {
        match event {
            ClientEvent::Message {
                text,
                channel: true,
                ..
            } => has_word(&text.to_lowercase(), &self.own_name),
            _ => false,
        }
    }

    /// Returns whether the terminal rings for an event.
    pub(super) fn rings(&mut self, event: &ClientEvent<'_>, now: Instant) -> bool {
        let ClientEvent::Message { from, channel, .. } = event else {
            return false;
        };
        if *from == self.exact_name {
            return false;
        }
        let needed = match channel {
            false => Bell::Private,
            true if self.is_mention(event) => Bell::Mention,
            true => Bell::All,
        };
        let is_soon = self
            .rung_at
            .is_some_and(|rung| now < rung.plus_millis(PAUSE_MS));
        let rings = self.bell >= needed && !is_soon;
        if rings {
            self.rung_at = Some(now);
        }
        rings
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chatapp_core::MessageId;

    fn message(text: &str, channel: bool) -> ClientEvent<'_> {
        ClientEvent::Message {
            from: "bob",
            id: MessageId {
                incarnation: 1,
                counter: 1,
            },
            text,
            channel,
            kept_at: None,
            sent_at: None,
            receipt: None,
        }
    }

    #[test]
    fn finds_names_that_are_whole_words() {
        let attention = Attention::of("Al", Bell::Never);
        for text in ["al", "hi AL!", "(al)", "also al?"] {
            assert!(attention.is_mention(&message(text, true)), "{text}");
        }
        for text in ["also", "real", "al_x", "", "hi"] {
            assert!(!attention.is_mention(&message(text, true)), "{text}");
        }
        assert!(!attention.is_mention(&message("al", false)));
    }

    #[test]
    fn rings_for_the_selected_messages_only() {
        let events = [
            message("hi", false),
            message("hi al", true),
            message("hi", true),
            ClientEvent::TableUpdated,
        ];
        for (bell, rings) in [
            (Bell::Never, [false; 4]),
            (Bell::Private, [true, false, false, false]),
            (Bell::Mention, [true, true, false, false]),
            (Bell::All, [true, true, true, false]),
        ] {
            let heard = events.map(|event| Attention::of("al", bell).rings(&event, Instant::ZERO));
            assert_eq!(heard, rings, "{bell:?}");
        }
    }

    #[test]
    fn rings_once_a_second() {
        let mut attention = Attention::of("al", Bell::All);
        let times = [0, 999, 1_000, 1_001].map(|ms| Instant::ZERO.plus_millis(ms));
        let rings = times.map(|now| attention.rings(&message("hi", true), now));
        assert_eq!(rings, [true, false, true, false]);
    }
}
