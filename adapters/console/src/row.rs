//! Formats the table of clients for people.

use core::fmt;

use chatapp_core::TableEntry;

use crate::Visible;
use crate::address::Address;

/// Row of the table: `alice  192.0.2.1:5000  online`.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The name, its address and its state.
    pub entry: TableEntry<'a>,
    /// Minimum width of the name in columns of a terminal, as [`Visible::width`] counts them. It
    /// aligns the columns of the table.
    pub name_width: usize,
}

/// The mark of a name with another key than the pinned one. It is no part of a name, which contains
/// no blank.
pub const OTHER_KEY: &str = " (other key)";

/// The line below a table with marked names.
pub const OTHER_KEY_HELP: &str =
    "[(other key): not the key that you know. Nothing goes to this name or is shown from it.]";

/// Returns the mark behind the name of an entry.
const fn mark(entry: &TableEntry<'_>) -> &'static str {
    if entry.foreign_key { OTHER_KEY } else { "" }
}

impl Row<'_> {
    /// Returns the number of columns of a name with its mark, for
    /// [`name_width`](Self::name_width).
    pub fn width_of(entry: &TableEntry<'_>) -> usize {
        Visible(entry.name).width() + mark(entry).len()
    }
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entry, name_width } = self;
        let (name, address) = (Visible(entry.name), Address(entry.address));
        let blanks = name_width.saturating_sub(Self::width_of(entry));
        let mark = mark(entry);
        let status = if entry.online { "online" } else { "offline" };
        write!(f, "{name}{mark}{:blanks$}  {address}  {status}", "")
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
                foreign_key: false,
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
        #[cfg(feature = "unicode")]
        assert_eq!(
            row("名", "192.0.2.1:5000", true),
            "名     192.0.2.1:5000  online"
        );
        let shown = match cfg!(feature = "short-addresses") {
            true => "bob    [2001:db8::1]:5001  offline",
            false => "bob    [2001:db8:0:0:0:0:0:1]:5001  offline",
        };
        assert_eq!(row("bob", "[2001:db8::1]:5001", false), shown);
    }

    #[test]
    fn marks_name_with_other_key() {
        let entry = |foreign_key| TableEntry {
            name: "bob",
            address: "192.0.2.1:5000".parse().unwrap(),
            online: true,
            foreign_key,
        };
        let name_width = Row::width_of(&entry(true));
        let rows = [true, false].map(|foreign_key| {
            let entry = entry(foreign_key);
            Row { entry, name_width }.to_string()
        });
        assert_eq!(
            rows,
            [
                "bob (other key)  192.0.2.1:5000  online",
                "bob              192.0.2.1:5000  online"
            ]
        );
    }
}
