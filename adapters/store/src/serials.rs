//! Which messages the file has for whom.
//!
//! An index in the file would say the same, but the messages of one transaction are for many
//! recipients: each would be a page of that index to write and to sync. In memory, a message costs
//! eight bytes, and the server has all of it there anyway.

use std::collections::{HashMap, VecDeque};

use rusqlite::{Connection, Result};

/// The serials of the messages that each recipient has in the file, rising.
#[derive(Debug, Default)]
pub(crate) struct Serials {
    of: HashMap<String, VecDeque<i64>>,
}

/// The effect of a transaction on the messages. It counts when the transaction is on the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    /// A message came.
    Kept { to: &'a str, serial: i64 },
    /// All messages of a recipient went.
    Forgotten { name: &'a str },
}

impl Serials {
    /// Reads them from the file.
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

    /// The messages of a recipient up to this one.
    pub(crate) fn up_to(&self, name: &str, last: i64) -> impl Iterator<Item = i64> + use<'_> {
        let serials = self.of.get(name).into_iter().flatten().copied();
        serials.take_while(move |serial| *serial <= last)
    }

    /// All messages of a recipient, when these changes are made first.
    pub(crate) fn all<'a>(
        &'a self,
        name: &'a str,
        changes: &'a [Change<'_>],
    ) -> impl Iterator<Item = i64> + use<'a> {
        let young = changes.iter().filter_map(move |change| match change {
            Change::Kept { to, serial } if *to == name => Some(*serial),
            _ => None,
        });
        self.up_to(name, i64::MAX).chain(young)
    }

    /// The transaction is on the disk.
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

    /// The messages of a recipient up to this one have gone.
    pub(crate) fn remove_up_to(&mut self, name: &str, last: i64) {
        let Some(serials) = self.of.get_mut(name) else {
            return;
        };
        let gone = serials.partition_point(|serial| *serial <= last);
        serials.drain(..gone);
        if serials.is_empty() {
            self.of.remove(name);
        }
    }
}
