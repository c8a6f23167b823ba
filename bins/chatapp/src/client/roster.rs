//! Names in the room with their states, and since when this client has seen them so.

use std::collections::{HashMap, HashSet};
use std::mem;

use chatapp_console::{OTHER_KEY, Visible};
use chatapp_core::{Client, TableEntry, UnixSeconds};

use crate::style::{Look, clock};

/// Returns the table. A client outside of the room learns of no change, so it knows only of itself
/// that it is offline.
pub(super) fn table<'c>(client: &'c Client<'_>) -> impl Iterator<Item = TableEntry<'c>> {
    let (own, is_outside) = (client.name().as_str(), !client.is_registered());
    client.table().map(move |entry| TableEntry {
        online: entry.online && !(is_outside && entry.name == own),
        ..entry
    })
}

/// The state of each name of the table.
#[derive(Debug, Default)]
pub(super) struct Roster {
    seen: HashMap<String, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    is_online: bool,
    /// `None` if the name was in this state when the client first saw it.
    since: Option<UnixSeconds>,
}

impl Roster {
    /// Updates the states from the table. Returns the names that messages can go to, online ones
    /// first.
    pub(super) fn update(&mut self, client: &Client<'_>, wall: UnixSeconds) -> Vec<String> {
        let mut names: Vec<_> = table(client)
            .map(|entry| (!entry.online, entry.name.to_owned(), entry.foreign_key))
            .collect();
        names.sort();
        let states = names
            .iter()
            .map(|(is_offline, name, _)| (name, !is_offline));
        self.note(states, wall);
        // Nothing can be sent to a name with a foreign key.
        let known = names.into_iter().filter(|(.., foreign_key)| !foreign_key);
        known.map(|(_, name, _)| name).collect()
    }

    /// Notes the states of all names of the table, and forgets those of other names.
    fn note<'n>(&mut self, states: impl Iterator<Item = (&'n String, bool)>, wall: UnixSeconds) {
        let mut before = mem::take(&mut self.seen);
        let is_first = before.is_empty();
        for (name, is_online) in states {
            let since = match before.get(name) {
                Some(seen) if seen.is_online == is_online => seen.since,
                None if is_first => None,
                _ => Some(wall),
            };
            let known = before.remove_entry(name);
            let name = known.map_or_else(|| name.clone(), |(name, _)| name);
            self.seen.insert(name, Seen { is_online, since });
        }
    }

    /// Formats the table for people, online names first.
    pub(super) fn lines(
        &self,
        client: &Client<'_>,
        verified: &HashSet<String>,
        look: Look,
    ) -> Vec<String> {
        let mut rows: Vec<_> = table(client).collect();
        rows.sort_by_key(|entry| (!entry.online, entry.name));
        let addresses: Vec<String> = rows.iter().map(|row| row.address.to_string()).collect();
        let mark = |row: &TableEntry<'_>| match row.name == client.name().as_str() {
            true => OWN,
            false if row.foreign_key => OTHER_KEY,
            false if client.ignores(row.name) => IGNORED,
            false if verified.contains(row.name) => VERIFIED,
            false => "",
        };
        let who_width = |row: &TableEntry<'_>| Visible(row.name).width() + mark(row).len();
        let width = rows.iter().map(who_width).max();
        let width = width.unwrap_or(0).max("who".len());
        let address_width = addresses.iter().map(String::len).max();
        let address_width = address_width.unwrap_or(0).max("where".len());

        let heading = format!(
            "{:width$}  {:address_width$}  status   since",
            "who", "where"
        );
        let rows = rows.iter().zip(&addresses).map(|(row, address)| {
            let mark = mark(row);
            let blanks = width - who_width(row);
            let status = if row.online { "online " } else { "offline" };
            let since = match self.seen.get(row.name) {
                Some(Seen {
                    is_online,
                    since: Some(since),
                }) if *is_online == row.online => clock(*since),
                _ => "before".into(),
            };
            let rest = format!(
                "{mark}{:blanks$}  {address:address_width$}  {status}  {since}",
                ""
            );
            if row.online {
                look.name(row.name) + &rest
            } else {
                look.dim(format_args!("{}{rest}", Visible(row.name)))
            }
        });
        std::iter::once(look.dim(heading)).chain(rows).collect()
    }
}

/// Mark after a name whose key was compared.
const VERIFIED: &str = " (verified)";

/// Mark after a name whose messages are not shown.
const IGNORED: &str = " (ignored)";

/// Mark after the client's own name.
const OWN: &str = " (you)";

#[cfg(test)]
mod tests {
    use super::*;

    fn note(roster: &mut Roster, states: &[(&str, bool)], wall: u32) {
        let states: Vec<_> = states
            .iter()
            .map(|(name, is_online)| (name.to_string(), *is_online))
            .collect();
        let states = states.iter().map(|(name, is_online)| (name, *is_online));
        roster.note(states, UnixSeconds(wall));
    }

    #[test]
    fn forgets_names_that_left_the_table() {
        let mut roster = Roster::default();
        note(&mut roster, &[("al", true)], 0);
        for at in 1..100 {
            let name = format!("guest{at}");
            note(&mut roster, &[("al", true), (&name, true)], at);
        }
        assert_eq!(roster.seen.len(), 2);
        let since = |name: &str| roster.seen[name].since;
        assert_eq!(
            (since("al"), since("guest99")),
            (None, Some(UnixSeconds(99)))
        );
    }

    #[test]
    fn remembers_since_when_a_state_holds() {
        let mut roster = Roster::default();
        for (at, is_online, since) in [(1, true, None), (2, false, Some(2)), (3, false, Some(2))] {
            note(&mut roster, &[("al", is_online)], at);
            assert_eq!(roster.seen["al"].since, since.map(UnixSeconds), "{at}");
        }
    }
}
