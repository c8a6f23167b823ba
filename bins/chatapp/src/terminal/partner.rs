//! The partner of a conversation, as the prompt shows it.

use std::sync::{Arc, Mutex, PoisonError};

use chatapp_console::Visible;

const PROMPT: &str = ">>> ";

/// The partner of a conversation, shared by the session, which sets it, and the line editor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partner(Arc<Mutex<Option<String>>>);

impl Partner {
    /// Sets the name of the partner.
    pub(crate) fn set(&self, name: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }

    /// Returns the name of the partner.
    pub(crate) fn get(&self) -> Option<String> {
        let name = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        name.clone()
    }

    /// Returns the prompt of the next line.
    pub(super) fn prompt(&self) -> String {
        let name = self.get();
        name.map_or_else(
            || PROMPT.into(),
            |name| format!("{}{PROMPT}", Visible(&name)),
        )
    }
}
