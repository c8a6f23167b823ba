//! The partner of a conversation, as the prompt shows it.

use std::sync::{Arc, Mutex, PoisonError};

use chatapp_console::Visible;

const PROMPT: &str = ">>> ";

/// The recipient of lines without a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// Everyone in the room. A person may have any name, also "all".
    Room,
    Name(String),
}

/// The partner of a conversation, shared by the session, which sets it, and the line editor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partner(Arc<Mutex<Option<Recipient>>>);

impl Partner {
    /// Sets the recipient of lines without a command.
    pub(crate) fn set(&self, recipient: Option<Recipient>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = recipient;
    }

    /// Returns the recipient of lines without a command.
    pub(crate) fn get(&self) -> Option<Recipient> {
        let recipient = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recipient.clone()
    }

    /// Returns the prompt of the next line. No name has a blank.
    pub(super) fn prompt(&self) -> String {
        match self.get() {
            None => PROMPT.into(),
            Some(Recipient::Room) => format!("to all{PROMPT}"),
            Some(Recipient::Name(name)) => format!("{}{PROMPT}", Visible(&name)),
        }
    }
}
