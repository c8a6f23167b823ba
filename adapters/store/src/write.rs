//! Writes records, many in one transaction.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chatapp_core::UnixSeconds;
use rusqlite::{Connection, OptionalExtension, Result, Transaction, TransactionBehavior, params};

use crate::owned::{Message, Name, Owned, Withdrawn};
use crate::restrictions;
use crate::serials::{Change, Serials};

/// Time that a delivered message stays as proof that the server has done its sender's request. A
/// sender without an answer repeats its request for seconds, never for minutes.
const PROOF: Duration = Duration::from_secs(60);
/// Maximum number of names whose messages one transaction removes, so that none takes long.
const REMOVALS_PER_COMMIT: usize = 64;

/// State of the writing thread.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Connection,
    /// Maximum number of channel log entries.
    log_entries: u64,
    /// The next place in the common order of messages and log entries.
    place: i64,
    /// Messages that can be removed later.
    serials: Serials,
    /// Due time, name, and last serial of messages to remove.
    removals: VecDeque<(Instant, String, i64)>,
}

impl Writer {
    /// Creates a writer for an open store.
    pub(crate) fn new(connection: Connection, log_entries: usize) -> Result<Self> {
        let place = connection.query_row(
            "SELECT 1 + max(coalesce((SELECT max(place) FROM mail), 0),
                            coalesce((SELECT max(place) FROM channel), 0))",
            [],
            |row| row.get(0),
        )?;
        let serials = Serials::read(&connection)?;
        let mut writer = Self {
            connection,
            log_entries: log_entries as u64,
            place,
            serials,
            removals: VecDeque::new(),
        };
        let due = Instant::now() + PROOF;
        let mut names = writer
            .connection
            .prepare("SELECT name, handed_over FROM names")?;
        let mut rows = names.query([])?;
        while let Some(row) = rows.next()? {
            let (name, serial): (String, i64) = (row.get(0)?, row.get(1)?);
            if writer.serials.up_to(&name, serial).next().is_some() {
                writer.removals.push_back((due, name, serial));
            }
        }
        drop(rows);
        drop(names);
        Ok(writer)
    }

    /// Writes all of these records, or none.
    pub(crate) fn commit<'a>(
        &mut self,
        records: impl Iterator<Item = &'a Owned>,
        now: Instant,
        wall: UnixSeconds,
    ) -> Result<()> {
        let first_place = self.place;
        let written = self.write(records, now, wall);
        if written.is_err() {
            self.place = first_place;
        }
        written
    }

    fn write<'a>(
        &mut self,
        records: impl Iterator<Item = &'a Owned>,
        now: Instant,
        wall: UnixSeconds,
    ) -> Result<()> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let mut newest_entry = 0;
        let mut handed_over = Vec::new();
        let mut changes = Vec::new();
        for record in records {
            match record {
                Owned::Epoch {
                    epoch,
                    serial,
                    log_next,
                } => epoch_is(&transaction, *epoch, *serial, *log_next)?,
                Owned::Name(name) => name_is(&transaction, name, wall)?,
                Owned::Forget {
                    name,
                    serial,
                    log_next,
                } => {
                    forget(&transaction, name, *serial, *log_next)?;
                    remove(&transaction, self.serials.all(name, &changes))?;
                    changes.push(Change::Forgotten { name });
                }
                Owned::Withdraw(withdrawn) => withdraw(&transaction, withdrawn)?,
                Owned::Order(order) => restrictions::write(&transaction, order, wall)?,
                Owned::Mail { to, message } => {
                    keep(&transaction, to, message, self.place)?;
                    let serial = message.number.cast_signed();
                    changes.push(Change::Kept { to, serial });
                    self.place += 1;
                }
                Owned::Channel(entry) => {
                    post(&transaction, entry, self.place)?;
                    self.place += 1;
                    newest_entry = entry.number;
                }
                Owned::Progress {
                    name,
                    handed_over: serial,
                    log_next,
                } => {
                    if progress(&transaction, name, *serial, *log_next)? {
                        handed_over.push((now + PROOF, name.clone(), serial.cast_signed()));
                    }
                }
            }
        }
        if let Some(oldest) = newest_entry.checked_sub(self.log_entries) {
            transaction
                .prepare_cached("DELETE FROM channel WHERE number <= ?1")?
                .execute([oldest.cast_signed()])?;
        }
        let due = self.removals.iter().take(REMOVALS_PER_COMMIT);
        let due = due.take_while(|(due, ..)| *due <= now).count();
        for (_, name, serial) in self.removals.iter().take(due) {
            remove(&transaction, self.serials.up_to(name, *serial))?;
        }
        transaction.commit()?;
        self.serials.apply(&changes);
        for (_, name, serial) in self.removals.drain(..due) {
            self.serials.remove_up_to(&name, serial);
        }
        self.removals.extend(handed_over);
        Ok(())
    }
}

fn epoch_is(transaction: &Transaction<'_>, epoch: u64, serial: u64, log_next: u32) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO room (one, epoch, serial, log_next) VALUES (1, ?1, ?2, ?3)",
        )?
        .execute(params![epoch.cast_signed(), serial.cast_signed(), log_next])
        .map(drop)
}

fn forget(transaction: &Transaction<'_>, name: &str, serial: u64, log_next: u32) -> Result<()> {
    transaction
        .prepare_cached("DELETE FROM names WHERE name = ?1")?
        .execute([name])?;
    transaction
        .prepare_cached("UPDATE room SET serial = ?1, log_next = ?2")?
        .execute(params![serial.cast_signed(), log_next])
        .map(drop)
}

/// Drops the content of the messages of a name, up to these numbers. The rows stay: they prove that
/// the server has done the requests.
fn withdraw(transaction: &Transaction<'_>, withdrawn: &Withdrawn) -> Result<()> {
    let Withdrawn {
        name,
        serial,
        log_next,
    } = withdrawn;
    transaction
        .prepare_cached(
            "UPDATE mail SET letter = x''
             WHERE sender = ?1 AND serial <= ?2",
        )?
        .execute(params![name, serial.cast_signed()])?;
    transaction
        .prepare_cached("UPDATE channel SET text = '' WHERE sender = ?1 AND number < ?2")?
        .execute(params![name, log_next])
        .map(drop)
}

/// Removes messages; some may already be removed.
fn remove(transaction: &Transaction<'_>, serials: impl Iterator<Item = i64>) -> Result<()> {
    let mut removal = transaction.prepare_cached("DELETE FROM mail WHERE serial = ?1")?;
    for serial in serials {
        removal.execute([serial])?;
    }
    Ok(())
}

fn name_is(transaction: &Transaction<'_>, name: &Name, wall: UnixSeconds) -> Result<()> {
    let left_at = (!name.registered).then(|| wall.0.saturating_sub(name.away_s));
    let mut previous = [0; 16];
    for (bytes, short) in previous.as_chunks_mut().0.iter_mut().zip(name.previous) {
        *bytes = short.to_le_bytes();
    }
    transaction
        .prepare_cached(
            "INSERT INTO names (name, registered, address, incarnation, key, opening, previous, \
            last_request,
                                outcomes, log_next, session, left_at, medium_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT DO UPDATE SET
                registered = excluded.registered, address = excluded.address, incarnation = \
                excluded.incarnation,
                key = excluded.key, opening = excluded.opening, previous = excluded.previous,
                last_request = excluded.last_request, outcomes = excluded.outcomes,
                log_next = max(log_next, excluded.log_next), session = excluded.session,
                left_at = excluded.left_at, medium_key = excluded.medium_key",
        )?
        .execute(params![
            name.name,
            name.registered,
            name.address,
            name.incarnation.cast_signed(),
            name.key.0,
            name.session_sequence,
            previous,
            name.last_request,
            name.outcomes.to_le_bytes(),
            name.log_next,
            name.session.cast_signed(),
            left_at,
            name.medium_key.map(|key| key.0),
        ])
        .map(drop)
}

fn keep(
    transaction: &Transaction<'_>,
    to: &str,
    message: &Message<Vec<u8>>,
    place: i64,
) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO mail (serial, place, recipient, sender, incarnation, counter, request, \
            stamp, letter)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            message.number.cast_signed(),
            place,
            to,
            message.from,
            message.incarnation.cast_signed(),
            message.counter,
            message.request,
            message.stamp,
            message.content,
        ])
        .map(drop)
}

fn post(transaction: &Transaction<'_>, entry: &Message<String>, place: i64) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO channel (number, place, sender, incarnation, counter, request, stamp, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            entry.number.cast_signed(),
            place,
            entry.from,
            entry.incarnation.cast_signed(),
            entry.counter,
            entry.request,
            entry.stamp,
            entry.content,
        ])
        .map(drop)
}

/// Stores the delivery progress of a name. Returns whether further messages were delivered. Ignores
/// a name that has expired since.
fn progress(
    transaction: &Transaction<'_>,
    name: &str,
    handed_over: u64,
    log_next: u32,
) -> Result<bool> {
    let before: Option<i64> = transaction
        .prepare_cached("SELECT handed_over FROM names WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    transaction
        .prepare_cached(
            "UPDATE names SET handed_over = max(handed_over, ?2), log_next = max(log_next, ?3) \
            WHERE name = ?1",
        )?
        .execute(params![name, handed_over.cast_signed(), log_next])?;
    Ok(before.is_some_and(|before| before < handed_over.cast_signed()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::folder::Lock;
    use crate::schema;
    use chatapp_core::{NameRecord, PublicKey, Record};
    use tempfile::TempDir;

    fn writer(folder: &Path) -> Writer {
        let lock = Lock::take(folder).unwrap();
        let file = folder.join("room.db");
        let connection = schema::open(&schema::ROOM, &file, &lock, None).unwrap();
        Writer::new(connection, 10).unwrap()
    }

    fn name(name: &str) -> Record<'_> {
        Record::Name(NameRecord {
            name,
            registered: true,
            address: "192.0.2.1:4119".parse().unwrap(),
            incarnation: 1,
            key: PublicKey([1; 32]),
            session_sequence: 1,
            session: 1,
            previous: [0; 4],
            last_request: 0,
            outcomes: 0,
            log_next: 1,
            away_s: 0,
            medium_key: PublicKey::NONE,
        })
    }

    fn mail(serial: u64, to: &str) -> Record<'_> {
        Record::Mail {
            serial,
            to,
            from: "ann",
            incarnation: 1,
            counter: 1,
            request: 1,
            stamp: UnixSeconds(1),
            ciphertext: b"ciphertext",
        }
    }

    fn got(name: &str, handed_over: u64) -> Record<'_> {
        Record::Progress {
            name,
            handed_over,
            log_next: 1,
        }
    }

    fn forget(name: &str) -> Record<'_> {
        Record::Forget {
            name,
            serial: 9,
            log_next: 1,
        }
    }

    fn commit(writer: &mut Writer, records: &[Record<'_>], now: Instant) -> Result<()> {
        let records: Vec<Owned> = records.iter().map(|record| (*record).into()).collect();
        writer.commit(records.iter(), now, UnixSeconds(1))
    }

    /// Returns the serials in the file, after it has compared them with those in memory.
    fn kept(writer: &Writer) -> Vec<i64> {
        let query = "SELECT serial FROM mail ORDER BY serial";
        let mut all = writer.connection.prepare(query).unwrap();
        let all: Result<Vec<i64>> = all.query_map([], |row| row.get(0)).unwrap().collect();
        let all = all.unwrap();
        let mut known: Vec<i64> = ["ann", "bob"]
            .iter()
            .flat_map(|name| writer.serials.up_to(name, i64::MAX))
            .collect();
        known.sort_unstable();
        assert_eq!(known, all);
        all
    }

    #[test]
    fn removes_delivered_messages_after_the_proof_time() {
        let folder = TempDir::new().unwrap();
        let start = Instant::now();
        let records = [
            name("ann"),
            name("bob"),
            mail(1, "bob"),
            mail(2, "ann"),
            mail(3, "bob"),
            mail(4, "bob"),
        ];
        let mut first = writer(folder.path());
        commit(&mut first, &records, start).unwrap();
        commit(&mut first, &[got("bob", 1)], start).unwrap();
        let soon = start + PROOF - Duration::from_millis(1);
        commit(&mut first, &[got("bob", 3)], soon).unwrap();
        assert_eq!(kept(&first), [1, 2, 3, 4]);
        commit(&mut first, &[], start + PROOF).unwrap();
        assert_eq!(kept(&first), [2, 3, 4]);
        drop(first);

        let mut second = writer(folder.path());
        assert_eq!(kept(&second), [2, 3, 4]);
        commit(&mut second, &[], Instant::now() + PROOF).unwrap();
        assert_eq!(kept(&second), [2, 4]);
    }

    #[test]
    fn removes_earlier_messages_of_an_expired_name() {
        let folder = TempDir::new().unwrap();
        let mut writer = writer(folder.path());
        let now = Instant::now();
        let before = [name("bob"), mail(1, "bob"), mail(2, "ann")];
        commit(&mut writer, &before, now).unwrap();
        let records = [
            mail(3, "bob"),
            forget("bob"),
            name("bob"),
            mail(4, "bob"),
            mail(5, "ann"),
        ];
        commit(&mut writer, &records, now).unwrap();
        assert_eq!(kept(&writer), [2, 4, 5]);
    }

    #[test]
    fn changes_nothing_in_a_failed_transaction() {
        let folder = TempDir::new().unwrap();
        let mut writer = writer(folder.path());
        let start = Instant::now();
        let before = [name("bob"), mail(1, "bob"), mail(2, "bob"), got("bob", 1)];
        commit(&mut writer, &before, start).unwrap();
        // A message is due for removal, another arrives, a name expires, and then a serial repeats.
        let records = [mail(3, "ann"), forget("bob"), mail(3, "ann")];
        assert!(commit(&mut writer, &records, start + PROOF).is_err());
        assert_eq!(kept(&writer), [1, 2]);
        commit(&mut writer, &[mail(3, "ann")], start + PROOF).unwrap();
        assert_eq!(kept(&writer), [2, 3]);
    }
}
