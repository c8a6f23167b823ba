//! Index in memory: the serials of the stored messages of each recipient.
//!
//! An index in the file would do the same, but the messages of one transaction have many
//! recipients. Each would be a page of that index to write and to sync. In memory, a message costs
//! eight bytes, and the server stores all messages in memory anyway.

use std::collections::{HashMap, VecDeque};

use rusqlite::{Connection, Result};

/// Serials of the messages in the file for each recipient, ascending.
#[derive(Debug, Default)]
pub(crate) struct Serials {
    of: HashMap<String, VecDeque<i64>>,
}

/// Effect of a transaction on the messages. It is applied once the transaction is committed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    /// A message was stored.
    Kept { to: &'a str, serial: i64 },
    /// All messages of a recipient were deleted.
    Forgotten { name: &'a str },
}

impl Serials {
    /// Reads the serials from the file.
    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        let mut serials = Self::default();
        let mut all = connection.prepare("SELECT recipient, serial FROM mail ORDER BY serial")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            serials.keep(row.get_ref(0)?.as_str()?, row.get(1)?);
        }
        Ok(serials)
    }

    fn keep(&mut self, to: &str, serial: i64) {
        match self.of.get_mut(to) {
            Some(serials) => serials.push_back(serial),
            None => {
                self.of.insert(to.to_owned(), [serial].into());
            }
        }
    }

    /// Returns the serials of a recipient up to `last`.
    pub(crate) fn up_to(&self, name: &str, last: i64) -> impl Iterator<Item = i64> + use<'_> {
        let serials = self.of.get(name).into_iter().flatten().copied();
        serials.take_while(move |serial| *serial <= last)
    }

    /// Returns all serials of a recipient, including those that these changes add.
    pub(crate) fn all<'a>(
        &'a self,
        name: &'a str,
        changes: &'a [Change<'_>],
    ) -> impl Iterator<Item = i64> + use<'a> {
        let added = changes.iter().filter_map(move |change| match change {
            Change::Kept { to, serial } if *to == name => Some(*serial),
            _ => None,
        });
        self.up_to(name, i64::MAX).chain(added)
    }

    /// Applies the changes of a committed transaction.
    pub(crate) fn apply(&mut self, changes: &[Change<'_>]) {
        for change in changes {
            match change {
                Change::Kept { to, serial } => self.keep(to, *serial),
                Change::Forgotten { name } => {
                    self.of.remove(*name);
                }
            }
        }
    }

    /// Removes the serials of a recipient up to `last`.
    pub(crate) fn remove_up_to(&mut self, name: &str, last: i64) {
        let Some(serials) = self.of.get_mut(name) else {
            return;
        };
        let removed = serials.partition_point(|serial| *serial <= last);
        serials.drain(..removed);
        if serials.is_empty() {
            self.of.remove(name);
        }
    }
}
