//! The short tag of datagrams that are not encrypted (PROTOCOL.md 3.2). Without it, hardly any
//! input passes the first check.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// Length of the short tag in bytes.
pub(crate) const TAG_LEN: usize = 8;

/// Key of the short tag in an open room.
const PUBLIC_KEY: (u64, u64) = (
    u64::from_le_bytes(*b"ChatApp "),
    u64::from_le_bytes(*b"datagram"),
);

/// Appends the short tag of a datagram that is not encrypted.
pub(crate) fn append_tag(datagram: &mut Vec<u8>) {
    let (low, high) = PUBLIC_KEY;
    let mut hasher = SipHasher24::new_with_keys(low, high);
    hasher.write(datagram);
    datagram.extend(hasher.finish().to_le_bytes());
}
