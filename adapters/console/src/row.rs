//! Formats the table of clients for people.

use core::fmt;

use chatapp_core::TableEntry;

use crate::Visible;

/// Row of the table: `alice  192.0.2.1:5000  online`.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The name, its address and its state.
    pub entry: TableEntry<'a>,
    /// Minimum width of the name in columns of a terminal, as [`Visible::width`] counts them. It
    /// aligns the columns of the table.
    pub name_width: usize,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            entry:
                TableEntry {
                    name,
                    address,
                    online,
                },
            name_width,
        } = *self;
        let status = if online { "online" } else { "offline" };
        let name = Visible(name);
        let blanks = name_width.saturating_sub(name.width());
        write!(f, "{name}{:blanks$}  {address}  {status}", "")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn shows_name_address_and_status() {
        let row = |name, address: &str, online| {
            let entry = TableEntry {
                name,
                address: address.parse().unwrap(),
                online,
            };
            Row {
                entry,
                name_width: 5,
            }
            .to_string()
        };
        assert_eq!(
            row("alice", "192.0.2.1:5000", true),
            "alice  192.0.2.1:5000  online"
        );
        assert_eq!(
            row("名", "192.0.2.1:5000", true),
            "名     192.0.2.1:5000  online"
        );
        assert_eq!(
            row("bob", "[2001:db8::1]:5001", false),
            "bob    [2001:db8::1]:5001  offline"
        );
    }
}
