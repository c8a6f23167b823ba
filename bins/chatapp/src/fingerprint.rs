//! Public keys as digits that people read to each other.

use std::fmt;

use blake2::{Blake2s256, Digest};
use chatapp_core::PublicKey;

/// Groups of five digits in a fingerprint: 99 bits. A key with the same fingerprint as a given one
/// costs 2^99 hashes.
const FINGERPRINT_GROUPS: usize = 6;

/// Groups that a safety code has for each of the two people: 66 bits.
const CODE_GROUPS: usize = 4;

/// Number of hashes, one after the other, for the groups of each person. A wrong key with the same
/// groups costs 2^66 times as many: 2^82 hashes.
const CODE_HASHES: usize = 1 << 16;

/// Bytes of a hash for one group. Their remainder is equally distributed, but for one part in 2^23.
const GROUP_LEN: usize = 5;

/// Number of values of a group.
const GROUP_VALUES: u64 = 100_000;

/// The fingerprint of a public key: 30 digits in 6 groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u32; FINGERPRINT_GROUPS]);

impl Fingerprint {
    pub(crate) fn of(key: &PublicKey) -> Self {
        Self(groups(&hash(&[b"ChatApp fingerprint", &key.0])))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_groups(f, &self.0)
    }
}

/// A name with its public key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person<'a> {
    pub(crate) name: &'a str,
    pub(crate) key: PublicKey,
}

/// The safety code of two people in one room: 40 digits in 8 groups, the same for both. It differs
/// if one of them knows another key of the other, or of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SafetyCode([[u32; CODE_GROUPS]; 2]);

impl SafetyCode {
    /// Computes the code, which takes some milliseconds.
    pub(crate) fn of(server: &PublicKey, one: Person<'_>, other: Person<'_>) -> Self {
        // Each half depends on one person: a third party between the two has to find a key for
        // each half. If both were hashed together, two lists of keys with one code in common would
        // do, which takes only the square root of the effort.
        let mut halves = [one, other].map(|person| half(server, person));
        halves.sort_unstable();
        Self(halves)
    }
}

impl fmt::Display for SafetyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_groups(f, self.0.as_flattened())
    }
}

fn half(server: &PublicKey, person: Person<'_>) -> [u32; CODE_GROUPS] {
    let (name, key) = (person.name.as_bytes(), &person.key.0);
    let mut digest = hash(&[b"ChatApp safety code", &server.0, key, name]);
    for _ in 1..CODE_HASHES {
        digest = hash(&[&digest, key]);
    }
    groups(&digest)
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Blake2s256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

fn groups<const COUNT: usize>(digest: &[u8; 32]) -> [u32; COUNT] {
    let mut groups = [0; COUNT];
    for (group, bytes) in groups.iter_mut().zip(digest.chunks_exact(GROUP_LEN)) {
        let number = bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        *group = u32::try_from(number % GROUP_VALUES).unwrap_or(0);
    }
    groups
}

fn write_groups(f: &mut fmt::Formatter<'_>, groups: &[u32]) -> fmt::Result {
    for (index, group) in groups.iter().enumerate() {
        let blank = if index == 0 { "" } else { " " };
        write!(f, "{blank}{group:05}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: PublicKey = PublicKey([1; 32]);

    fn person(name: &str, key: u8) -> Person<'_> {
        let key = PublicKey([key; 32]);
        Person { name, key }
    }

    #[test]
    fn gives_both_people_one_code() {
        let (alice, bob) = (person("alice", 2), person("bob", 3));
        let code = SafetyCode::of(&SERVER, alice, bob);
        assert_eq!(code, SafetyCode::of(&SERVER, bob, alice));
        let text = code.to_string();
        let expected = "63210 55284 15485 89280 67047 51446 28867 05476";
        assert_eq!(text, expected, "two versions of the program must agree");
    }

    #[test]
    fn changes_code_with_each_key_and_name() {
        let (alice, bob) = (person("alice", 2), person("bob", 3));
        let code = SafetyCode::of(&SERVER, alice, bob);
        for (server, one, other) in [
            (PublicKey([9; 32]), alice, bob),
            (SERVER, person("alice", 9), bob),
            (SERVER, alice, person("bob", 9)),
            (SERVER, person("alicf", 2), bob),
            (SERVER, person("alice", 3), person("bob", 2)),
        ] {
            assert_ne!(SafetyCode::of(&server, one, other), code);
        }
    }

    #[test]
    fn gives_each_key_its_fingerprint() {
        let fingerprints = [1, 2].map(|byte| Fingerprint::of(&PublicKey([byte; 32])));
        assert_ne!(fingerprints[0], fingerprints[1]);
        let text = fingerprints[0].to_string();
        assert_eq!(
            text, "48973 93611 69681 70035 78890 19068",
            "users compare it with digits that an older program has printed"
        );
    }
}
