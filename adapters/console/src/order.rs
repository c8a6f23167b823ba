//! The commands of a server.

use core::fmt;

/// A command typed at a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Show a [`Report`](crate::Report).
    Stats,
    /// End the server.
    Quit,
    /// Show [`ORDER_HELP`].
    Help,
}

/// A line that no server knows; its [`Display`](fmt::Display) form says what to do.
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
    /// Reads a typed line. `None` for a line with nothing on it.
    ///
    /// # Errors
    /// [`UnknownOrder`].
    pub fn parse(line: &str) -> Result<Option<Self>, UnknownOrder> {
        Ok(Some(match line.trim() {
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
    fn help_names_every_order() {
        let orders = [Order::Stats, Order::Quit, Order::Help];
        for (line, order) in ORDER_HELP.into_iter().zip(orders) {
            let word = line.split(' ').next().unwrap_or_default();
            assert_eq!(Order::parse(word), Ok(Some(order)), "{word}");
        }
        assert_eq!(Order::parse(" stats\t"), Ok(Some(Order::Stats)));
        assert_eq!(Order::parse("  "), Ok(None));
        assert_eq!(Order::parse("send bob hi"), Err(UnknownOrder));
    }
}
