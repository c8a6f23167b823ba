//! The deny list: clients that a file of the operator keeps out of the room.

use core::cmp::Ordering;
use core::net::SocketAddr;

use super::restriction::{Subject, Suspect};
use crate::address::PackedAddress;

/// An entry of a deny list. Entries are ordered, so that a client is found fast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyEntry(Subject);

/// The subject of an entry, as it is ordered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Name(&'a str),
    Key(&'a [u8; 32]),
    Network(u128),
}

impl DenyEntry {
    /// Creates an entry for these clients.
    pub fn new(subject: Subject) -> Self {
        Self(subject.canonical())
    }

    fn place(&self) -> Place<'_> {
        match &self.0 {
            Subject::Name(name) => Place::Name(name.as_str()),
            Subject::Key(key) => Place::Key(&key.0),
            Subject::Source(ip) => {
                let address = PackedAddress::from(SocketAddr::new(*ip, 0));
                Place::Network(address.network())
            }
        }
    }
}

impl PartialOrd for DenyEntry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DenyEntry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

/// Returns whether a sorted list has an entry for a client. Cost: the logarithm of its length.
pub(super) fn denies(list: &[DenyEntry], client: Suspect<'_>) -> bool {
    let has = |place: Place<'_>| {
        list.binary_search_by(|entry| entry.place().cmp(&place))
            .is_ok()
    };
    !list.is_empty()
        && (has(Place::Name(client.name))
            || has(Place::Key(&client.key.0))
            || has(Place::Network(client.address.network())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::PublicKey;
    use crate::name::Name;

    #[test]
    fn finds_names_keys_and_networks() {
        let mut list = [
            Subject::Source("2001:db8::7".parse().unwrap()),
            Subject::Name(Name::new("zoe").unwrap()),
            Subject::Key(PublicKey([7; 32])),
            Subject::Source("::ffff:192.0.2.1".parse().unwrap()),
            Subject::Name(Name::new("ann").unwrap()),
        ]
        .map(DenyEntry::new);
        list.sort();
        for (name, key, from, is_denied) in [
            ("ann", 1, "198.51.100.1:1", true),
            ("zoe", 1, "198.51.100.1:1", true),
            ("bob", 1, "198.51.100.1:1", false),
            ("bob", 7, "198.51.100.1:1", true),
            ("bob", 1, "192.0.2.1:9", true),
            ("bob", 1, "192.0.2.2:9", false),
            ("bob", 1, "[2001:db8::9]:9", true),
            ("bob", 1, "[2001:db8:0:1::9]:9", false),
        ] {
            let (key, address) = (PublicKey([key; 32]), from.parse::<SocketAddr>().unwrap());
            let client = Suspect {
                name,
                key: &key,
                address: &address.into(),
            };
            assert_eq!(denies(&list, client), is_denied, "{name} {from}");
            assert!(!denies(&[], client));
        }
    }
}
