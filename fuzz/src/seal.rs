//! The integrity tag: without it, fuzzing would hardly ever get behind the first check.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// Length of the tag in bytes.
pub(crate) const TAG_LEN: usize = 8;

/// The key of the tag of datagrams that open or end a session.
const PUBLIC_KEY: (u64, u64) = (
    u64::from_le_bytes(*b"ChatApp "),
    u64::from_le_bytes(*b"datagram"),
);

/// Appends the tag of a datagram that opens or ends a session.
pub(crate) fn seal_public(datagram: &mut Vec<u8>) {
    seal(datagram, PUBLIC_KEY);
}

/// Appends the tag of a data datagram from the session `from` to the session `to`.
pub(crate) fn seal_data(datagram: &mut Vec<u8>, to: u64, from: u64) {
    seal(datagram, (to, from));
}

fn seal(datagram: &mut Vec<u8>, (low, high): (u64, u64)) {
    let mut hasher = SipHasher24::new_with_keys(low, high);
    hasher.write(datagram);
    datagram.extend(hasher.finish().to_le_bytes());
}
