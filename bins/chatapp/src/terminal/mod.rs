//! Line editor for people: shows output above the line that is being typed.
//!
//! Three threads share the terminal, and the event loop never waits for any of them:
//!
//! - the *editor* reads keys and shows the line that is being typed ([`editor`]);
//! - the *writer* is the thread of the [`Display`](crate::display::Display): it writes directly
//!   while no line is being typed, and through the editor while one is ([`Screen`]);
//! - the *printer* waits for the editor in place of the writer, because a search of the history can
//!   take long.
//!
//! [`Gate`] decides which thread uses the terminal.

mod completion;
mod editor;
mod gate;
mod history;
mod partner;
mod screen;

pub(crate) use completion::Names;
pub(crate) use editor::{Editor, Keys, edit};
pub(crate) use gate::Gate;
pub(crate) use history::History;
pub(crate) use partner::{Partner, Recipient};
pub(crate) use screen::Screen;

use crate::platform::terminal_mode as mode;

/// Terminals that cannot place a cursor.
const DUMB: [&str; 3] = ["dumb", "cons25", "emacs"];

/// Restores the original mode of the terminal, if the editor changed it.
pub(crate) fn give_back() {
    mode::give_back();
}

/// Returns whether the terminal can place a cursor.
pub(crate) fn is_capable() -> bool {
    match std::env::var("TERM") {
        Ok(term) => !term.is_empty() && !DUMB.contains(&term.as_str()),
        Err(_) => mode::is_capable_without_name(),
    }
}
