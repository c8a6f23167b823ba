//! Rows of restrictions: orders of the operator that are in force.

use chatapp_core::{Name, PublicKey, Restriction, RestrictionKind, Subject, UnixSeconds};
use rusqlite::{Connection, Result, Transaction, params};

use crate::owned::Order;

fn kind_word(kind: RestrictionKind) -> &'static str {
    match kind {
        RestrictionKind::Ban => "ban",
        RestrictionKind::Mute => "mute",
    }
}

/// Returns the kind of a subject, and its value as text.
fn columns(subject: &Subject) -> (&'static str, String) {
    match subject {
        Subject::Name(name) => ("name", name.as_str().to_owned()),
        Subject::Key(key) => ("key", key.to_string()),
        Subject::Source(ip) => ("source", ip.to_string()),
    }
}

/// Writes an order.
pub(crate) fn write(transaction: &Transaction<'_>, order: &Order, wall: UnixSeconds) -> Result<()> {
    match order {
        Order::Restrict(restriction) => put(transaction, restriction, wall),
        Order::Lift(kind, subject) => lift(transaction, *kind, subject),
    }
}

/// Writes a restriction, and removes those that have ended.
fn put(transaction: &Transaction<'_>, restriction: &Restriction, wall: UnixSeconds) -> Result<()> {
    transaction
        .prepare_cached("DELETE FROM restrictions WHERE ends_at <= ?1")?
        .execute([wall.0])?;
    let (subject, value) = columns(&restriction.subject);
    let ends_at = restriction.until.map(|until| until.0);
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO restrictions (kind, subject, value, ends_at)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            kind_word(restriction.kind),
            subject,
            value,
            ends_at
        ])
        .map(drop)
}

/// Removes a restriction.
fn lift(transaction: &Transaction<'_>, kind: RestrictionKind, subject: &Subject) -> Result<()> {
    let (subject, value) = columns(subject);
    transaction
        .prepare_cached("DELETE FROM restrictions WHERE kind = ?1 AND subject = ?2 AND value = ?3")?
        .execute(params![kind_word(kind), subject, value])
        .map(drop)
}

/// Reads the restrictions that have not ended; `None` for a row that makes no sense.
pub(crate) fn read(connection: &Connection, now: UnixSeconds) -> Result<Vec<Option<Restriction>>> {
    let mut query = connection.prepare(
        "SELECT kind, subject, value, ends_at FROM restrictions
         WHERE ends_at IS NULL OR ends_at > ?1",
    )?;
    let rows = query.query_map([now.0], |row| {
        let [kind, subject, value]: [String; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
        let until: Option<u32> = row.get(3)?;
        Ok(parse(&kind, &subject, &value, until.map(UnixSeconds)))
    })?;
    rows.collect()
}

fn parse(
    kind: &str,
    subject: &str,
    value: &str,
    until: Option<UnixSeconds>,
) -> Option<Restriction> {
    Some(Restriction {
        kind: match kind {
            "ban" => RestrictionKind::Ban,
            "mute" => RestrictionKind::Mute,
            _ => return None,
        },
        subject: match subject {
            "name" => Subject::Name(Name::new(value).ok()?),
            "key" => Subject::Key(parse_key(value)?),
            "source" => Subject::Source(value.parse().ok()?),
            _ => return None,
        },
        until,
    })
}

fn parse_key(digits: &str) -> Option<PublicKey> {
    let mut key = PublicKey::NONE;
    let len = base16ct::mixed::decode(digits, &mut key.0).ok()?.len();
    (len == key.0.len()).then_some(key)
}
