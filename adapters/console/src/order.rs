//! The commands of a server.

use core::fmt;

use crate::without_mark;

/// A command typed at a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Show a [`Report`](crate::Report).
    Stats,
    /// End the server.
    Quit,
    /// Show the lines of [`ORDER_HELP`].
    Help,
}

/// Error for a line that is no command of a server; its [`Display`](fmt::Display) form lists the
/// commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownOrder;

impl fmt::Display for UnknownOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The commands of a server are stats, quit and help.")
    }
}

impl core::error::Error for UnknownOrder {}

/// The lines that a server shows for `help`.
pub const ORDER_HELP: [&str; 3] = [
    "stats    show counters",
    "quit     end the server",
    "help     show these commands",
];

impl Order {
    /// Parses a typed line; `None` for a blank line.
    ///
    /// # Errors
    /// Returns [`UnknownOrder`] for any other line.
    pub fn parse(line: &str) -> Result<Option<Self>, UnknownOrder> {
        Ok(Some(match without_mark(line).trim_ascii() {
            "" => return Ok(None),
            "stats" => Self::Stats,
            "quit" => Self::Quit,
            "help" => Self::Help,
            _ => return Err(UnknownOrder),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_every_order_in_the_help() {
        let orders = [Order::Stats, Order::Quit, Order::Help];
        for (line, order) in ORDER_HELP.into_iter().zip(orders) {
            let word = line.split(' ').next().unwrap_or_default();
            assert_eq!(Order::parse(word), Ok(Some(order)), "{word}");
        }
        assert_eq!(Order::parse(" stats\t"), Ok(Some(Order::Stats)));
        assert_eq!(Order::parse("\u{feff}quit"), Ok(Some(Order::Quit)));
        assert_eq!(Order::parse("  "), Ok(None));
        assert_eq!(Order::parse("send bob hi"), Err(UnknownOrder));
    }
}
