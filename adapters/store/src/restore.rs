//! Restores the stored records in an order that the server accepts.

use chatapp_core::{NameRecord, PublicKey, Record, RestoreError, UnixSeconds};
use rusqlite::{Connection, Row};

use crate::restrictions;

/// Reason why the records could not be restored.
#[derive(Debug)]
pub(crate) enum Failed {
    Sql(rusqlite::Error),
    Server(RestoreError),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<RestoreError> for Failed {
    fn from(error: RestoreError) -> Self {
        Self::Server(error)
    }
}

/// Passes all records to `take`: first names, then messages and log entries in their common order.
pub(crate) fn restore(
    connection: &Connection,
    now: UnixSeconds,
    mut take: impl FnMut(Record<'_>) -> Result<(), RestoreError>,
) -> Result<(), Failed> {
    let mut epochs = connection.prepare("SELECT epoch, serial, log_next FROM room")?;
    let mut rows = epochs.query([])?;
    while let Some(row) = rows.next()? {
        take(Record::Epoch {
            epoch: number(row, 0)?,
            serial: number(row, 1)?,
            log_next: row.get(2)?,
        })?;
    }
    names(connection, now, &mut take)?;
    for restriction in restrictions::read(connection, now)? {
        let restriction = restriction.ok_or(RestoreError::Inconsistent)?;
        take(Record::Restrict(&restriction))?;
    }

    let mut mail = connection.prepare(
        "SELECT place, serial, sender, incarnation, counter, request, stamp, letter, recipient \
        FROM mail ORDER BY serial",
    )?;
    let mut channel = connection.prepare(
        "SELECT place, number, sender, incarnation, counter, request, stamp, text FROM channel \
        ORDER BY number",
    )?;
    // Both queries are sorted by place, too.
    let (mut mail, mut channel) = (mail.query([])?, channel.query([])?);
    let (mut message, mut entry) = (mail.next()?, channel.next()?);
    loop {
        let mail_is_first = match (message, entry) {
            (None, None) => return Ok(()),
            (None, Some(_)) => false,
            (Some(_), None) => true,
            (Some(message), Some(entry)) => message.get::<_, i64>(0)? < entry.get(0)?,
        };
        if mail_is_first {
            if let Some(row) = message {
                take(mail_record(row)?)?;
            }
            message = mail.next()?;
        } else {
            if let Some(row) = entry {
                take(channel_record(row)?)?;
            }
            entry = channel.next()?;
        }
    }
}

fn names(
    connection: &Connection,
    now: UnixSeconds,
    take: &mut impl FnMut(Record<'_>) -> Result<(), RestoreError>,
) -> Result<(), Failed> {
    let mut names = connection.prepare(
        "SELECT name, registered, address, incarnation, key, opening, previous, last_request, \
        outcomes, log_next,
                handed_over, session, left_at, medium_key
         FROM names ORDER BY registered, left_at, rowid",
    )?;
    let mut rows = names.query([])?;
    while let Some(row) = rows.next()? {
        let name = text(row, 0)?;
        let log_next = row.get(9)?;
        let left_at: Option<u32> = row.get(12)?;
        let address = text(row, 2)?;
        let address = address.parse().map_err(|_| RestoreError::Inconsistent)?;
        let mut previous = [0; 4];
        for (short, bytes) in previous
            .iter_mut()
            .zip(row.get::<_, [u8; 16]>(6)?.as_chunks().0)
        {
            *short = u32::from_le_bytes(*bytes);
        }
        take(Record::Name(NameRecord {
            name,
            registered: row.get(1)?,
            address,
            incarnation: number(row, 3)?,
            key: PublicKey(row.get(4)?),
            session_sequence: row.get(5)?,
            session: number(row, 11)?,
            previous,
            last_request: row.get(7)?,
            outcomes: u128::from_le_bytes(row.get(8)?),
            log_next,
            away_s: now.0.saturating_sub(left_at.unwrap_or(now.0)),
            medium_key: row
                .get::<_, Option<_>>(13)?
                .map_or(PublicKey::NONE, PublicKey),
        }))?;
        take(Record::Progress {
            name,
            handed_over: number(row, 10)?,
            log_next,
        })?;
    }
    Ok(())
}

fn mail_record<'a>(row: &'a Row<'_>) -> rusqlite::Result<Record<'a>> {
    Ok(Record::Mail {
        serial: number(row, 1)?,
        to: text(row, 8)?,
        from: text(row, 2)?,
        incarnation: number(row, 3)?,
        counter: row.get(4)?,
        request: row.get(5)?,
        stamp: UnixSeconds(row.get(6)?),
        ciphertext: row.get_ref(7)?.as_blob()?,
    })
}

fn channel_record<'a>(row: &'a Row<'_>) -> rusqlite::Result<Record<'a>> {
    Ok(Record::Channel {
        number: row.get(1)?,
        from: text(row, 2)?,
        incarnation: number(row, 3)?,
        counter: row.get(4)?,
        request: row.get(5)?,
        stamp: UnixSeconds(row.get(6)?),
        text: text(row, 7)?,
    })
}

/// Reads 64 bits that SQLite stores as a signed number.
fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(column)?.as_str()?)
}
