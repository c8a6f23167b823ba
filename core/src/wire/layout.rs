//! The layout that all datagrams share: the prefix, the kinds, and the tag of a plain datagram.

/// The version of the protocol that this crate speaks: the first byte of every datagram.
pub const VERSION: u8 = 3;

/// Bytes of the common header: version, kind and session id.
pub(super) const PREFIX_LEN: usize = 10;
/// Bytes of the short tag of a datagram that is not encrypted.
pub(super) const SHORT_TAG_LEN: usize = 8;
/// Bytes of the shortest datagram: the common header and the short tag.
pub const DATAGRAM_LEN_MIN: usize = PREFIX_LEN + SHORT_TAG_LEN;

/// Kinds of datagrams, the second byte of each.
pub(super) mod kind {
    pub(in crate::wire) const UNSUPPORTED: u8 = 0;
    pub(in crate::wire) const COOKIE_REQUEST: u8 = 1;
    pub(in crate::wire) const COOKIE: u8 = 2;
    pub(in crate::wire) const CLIENT_HELLO: u8 = 3;
    pub(in crate::wire) const PEER_HELLO: u8 = 4;
    pub(in crate::wire) const ACCEPT: u8 = 5;
    pub(in crate::wire) const REFUSE: u8 = 6;
    pub(in crate::wire) const RESET: u8 = 7;
    pub(in crate::wire) const DATA: u8 = 8;
}

/// Names of the kinds of datagrams, in the order of their numbers.
pub const DATAGRAM_KINDS: [&str; 9] = [
    "unsupported",
    "cookie-request",
    "cookie",
    "hello",
    "call",
    "accept",
    "refuse",
    "reset",
    "data",
];
