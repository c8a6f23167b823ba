//! The orders of a server's operator, typed at the server or given to `ChatApp admin`.

use std::net::IpAddr;

use chatapp_console as console;
use chatapp_core::limits::TEXT_LEN_MAX;
use chatapp_core::{Name, PublicKey, RestrictionKind, Subject};
use chatapp_store::parse_key;

use crate::data::parse_seconds;

/// An order of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// List the names.
    Who,
    /// List the restrictions in force.
    Bans,
    Stats,
    /// Read the allow list and the deny list again.
    Reload,
    Quit,
    Help,
    Change(Change),
}

/// An order that changes the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Kick(Name),
    Forget(Name),
    Announce(String),
    /// Withdraw the messages of a name from those that have not fetched them.
    Withdraw(Name),
    Restrict {
        kind: RestrictionKind,
        subject: Subject,
        for_s: Option<u32>,
    },
    Lift {
        kind: RestrictionKind,
        subject: Subject,
    },
}

/// The lines that a server shows for `help`.
pub(crate) const HELP: [&str; 15] = [
    "who               list the names, with their addresses and keys",
    "bans              list the bans and mutes in force",
    "kick <name>       put a client out, for a minute",
    "ban <name> [1h]   put a client out, and keep it out; for a time, or until unban",
    "ban key <key>     the same for all clients with a key",
    "ban address <ip>  the same for all clients of an address, or of a /64 of IPv6",
    "mute <name> [1h]  let a client read, and nothing else; as ban for key and address",
    "unban, unmute     lift a ban or mute: the same words without a time",
    "forget <name>     free an offline name, and drop the messages stored for it",
    "withdraw <name>   take back the messages of a name that others have not fetched",
    "announce <text>   show all clients a text, marked as the server's",
    "reload            read the allow file and the deny file again",
    "stats             show counters",
    "quit              end the server",
    "help              show these commands",
];

/// The answer to a line that is no order.
pub(crate) const UNKNOWN: &str = "The commands of a server are who, bans, kick, ban, unban, mute, \
    unmute, forget, withdraw, announce, reload, stats, quit and help.";

impl Order {
    /// Parses a typed line; `None` for a blank line.
    ///
    /// # Errors
    /// Returns a sentence about what is wrong.
    pub(crate) fn parse(line: &str) -> Result<Option<Self>, String> {
        let line = console::without_mark(line).trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        let ban = RestrictionKind::Ban;
        let mute = RestrictionKind::Mute;
        Ok(Some(match *words {
            [] => return Ok(None),
            ["who"] => Self::Who,
            ["bans"] => Self::Bans,
            ["stats"] => Self::Stats,
            ["reload"] => Self::Reload,
            ["quit"] => Self::Quit,
            ["help"] => Self::Help,
            ["kick", name] => Self::Change(Change::Kick(parse_name(name)?)),
            ["forget", name] => Self::Change(Change::Forget(parse_name(name)?)),
            ["withdraw", name] => Self::Change(Change::Withdraw(parse_name(name)?)),
            ["announce", _, ..] => Self::Change(Change::Announce(announcement(line)?)),
            ["ban", ref rest @ ..] => Self::Change(restrict(ban, rest)?),
            ["mute", ref rest @ ..] => Self::Change(restrict(mute, rest)?),
            ["unban", ref rest @ ..] => Self::Change(lift(ban, rest)?),
            ["unmute", ref rest @ ..] => Self::Change(lift(mute, rest)?),
            ["kick" | "forget" | "withdraw", ..] => {
                return Err(format!("Type {} <name>.", words[0]));
            }
            ["announce"] => return Err("Type announce <text>.".into()),
            _ => return Err(UNKNOWN.into()),
        }))
    }
}

fn parse_name(name: &str) -> Result<Name, String> {
    Name::new(name).map_err(|error| format!("Invalid name: {error}."))
}

/// Returns the text behind the first word of a line, exactly as typed.
fn announcement(line: &str) -> Result<String, String> {
    let (_, text) = line.split_once(char::is_whitespace).unwrap_or_default();
    let text = text.trim_start();
    if text.len() > TEXT_LEN_MAX {
        return Err(format!(
            "The text has {} bytes, the limit is {TEXT_LEN_MAX}.",
            text.len()
        ));
    }
    Ok(text.to_owned())
}

fn restrict(kind: RestrictionKind, words: &[&str]) -> Result<Change, String> {
    let (subject, rest) = subject(words)?;
    let for_s = match rest {
        [] => None,
        [time] => Some(parse_seconds(time).map_err(|error| format!("{error}."))?),
        _ => return Err("There are too many words.".into()),
    };
    Ok(Change::Restrict {
        kind,
        subject,
        for_s,
    })
}

fn lift(kind: RestrictionKind, words: &[&str]) -> Result<Change, String> {
    match subject(words)? {
        (subject, []) => Ok(Change::Lift { kind, subject }),
        _ => Err("There are too many words.".into()),
    }
}

/// Parses the clients that an order concerns; returns the words behind them.
///
/// # Errors
/// Returns a sentence about what is wrong.
pub(crate) fn subject<'a, 'b>(words: &'a [&'b str]) -> Result<(Subject, &'a [&'b str]), String> {
    Ok(match words {
        ["name", name, rest @ ..] => (Subject::Name(parse_name(name)?), rest),
        ["key", key, rest @ ..] => {
            let key = parse_key(key).ok_or("A key has 64 hexadecimal digits.")?;
            (Subject::Key(PublicKey(key)), rest)
        }
        ["address", ip, rest @ ..] => {
            let ip = ip.parse::<IpAddr>();
            let ip = ip.map_err(|_| "An address is one such as 192.0.2.1, without a port.")?;
            (Subject::Source(ip), rest)
        }
        [name, rest @ ..] => (Subject::Name(parse_name(name)?), rest),
        [] => return Err("Name the client, or type key <key> or address <ip>.".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn ban(subject: Subject, for_s: Option<u32>) -> Order {
        Order::Change(Change::Restrict {
            kind: RestrictionKind::Ban,
            subject,
            for_s,
        })
    }

    #[test]
    fn reads_every_order() {
        let bob = || Subject::Name(name("bob"));
        let key = Subject::Key(PublicKey([0xab; 32]));
        for (line, order) in [
            ("who", Order::Who),
            (" bans\t", Order::Bans),
            ("reload", Order::Reload),
            ("kick bob", Order::Change(Change::Kick(name("bob")))),
            ("forget bob", Order::Change(Change::Forget(name("bob")))),
            ("withdraw bob", Order::Change(Change::Withdraw(name("bob")))),
            (
                "announce  the room closes  at five",
                Order::Change(Change::Announce("the room closes  at five".into())),
            ),
            ("ban bob", ban(bob(), None)),
            ("ban bob 1h", ban(bob(), Some(3_600))),
            (
                "ban name key 30s",
                ban(Subject::Name(name("key")), Some(30)),
            ),
            (&format!("ban key {}", "ab".repeat(32)), ban(key, None)),
            (
                "ban address 192.0.2.1 2d",
                ban(Subject::Source([192, 0, 2, 1].into()), Some(172_800)),
            ),
            (
                "unmute bob",
                Order::Change(Change::Lift {
                    kind: RestrictionKind::Mute,
                    subject: bob(),
                }),
            ),
            ("\u{feff}quit", Order::Quit),
        ] {
            assert_eq!(Order::parse(line), Ok(Some(order)), "{line}");
        }
        assert_eq!(Order::parse("  "), Ok(None));
    }

    #[test]
    fn says_what_is_wrong() {
        for (line, words) in [
            ("send bob hi", UNKNOWN),
            ("kick", "Type kick <name>."),
            ("announce ", "Type announce <text>."),
            (
                &format!("announce {}", "x".repeat(1_001)),
                "The text has 1001 bytes, the limit is 1000.",
            ),
            ("ban", "Name the client, or type key <key> or address <ip>."),
            ("ban key 12", "A key has 64 hexadecimal digits."),
            ("ban address bob", "An address is one such as"),
            ("ban bob soon", "\"soon\" is not a duration such as"),
            ("unban bob 1h", "There are too many words."),
        ] {
            let error = Order::parse(line).unwrap_err();
            assert!(error.starts_with(words), "{line}: {error}");
        }
    }
}
