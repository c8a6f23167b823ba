//! Names in the room with their states, and since when this client has seen them so.

use std::collections::HashMap;

use chatapp_console::Visible;
use chatapp_core::{Client, UnixSeconds};

use crate::style::{Look, clock};

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
    /// Updates the states from the table. Returns the names, online ones first.
    pub(super) fn update(&mut self, client: &Client<'_>, wall: UnixSeconds) -> Vec<String> {
        let is_first = self.seen.is_empty();
        let mut names: Vec<_> = client
            .table()
            .map(|entry| (!entry.online, entry.name.to_owned()))
            .collect();
        names.sort();
        for (is_offline, name) in &names {
            let is_online = !is_offline;
            match self.seen.get_mut(name) {
                Some(seen) if seen.is_online == is_online => {}
                Some(seen) => {
                    *seen = Seen {
                        is_online,
                        since: Some(wall),
                    }
                }
                None => {
                    let since = (!is_first).then_some(wall);
                    self.seen.insert(name.clone(), Seen { is_online, since });
                }
            }
        }
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// Formats the table for people, online names first.
    pub(super) fn lines(&self, client: &Client<'_>, look: Look) -> Vec<String> {
        let mut rows: Vec<_> = client.table().collect();
        rows.sort_by_key(|entry| (!entry.online, entry.name));
        let addresses: Vec<String> = rows.iter().map(|row| row.address.to_string()).collect();
        let is_own = |name: &str| name == client.name().as_str();
        let who_width =
            |name: &str| Visible(name).width() + if is_own(name) { OWN.len() } else { 0 };
        let width = rows.iter().map(|row| who_width(row.name)).max();
        let width = width.unwrap_or(0).max("who".len());
        let address_width = addresses.iter().map(String::len).max();
        let address_width = address_width.unwrap_or(0).max("where".len());

        let heading = format!(
            "{:width$}  {:address_width$}  status   since",
            "who", "where"
        );
        let rows = rows.iter().zip(&addresses).map(|(row, address)| {
            let own = if is_own(row.name) { OWN } else { "" };
            let blanks = width - who_width(row.name);
            let status = if row.online { "online " } else { "offline" };
            let since = match self.seen.get(row.name) {
                Some(Seen {
                    is_online,
                    since: Some(since),
                }) if *is_online == row.online => clock(*since),
                _ => "before".into(),
            };
            let rest = format!(
                "{own}{:blanks$}  {address:address_width$}  {status}  {since}",
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

/// Mark after the client's own name.
const OWN: &str = " (you)";
