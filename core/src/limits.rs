//! Bounds of the wire format, and the proof that they fit together.

/// Longest name, in bytes of UTF-8.
pub const NAME_LEN_MAX: usize = 32;

/// Longest text of one message, in bytes of UTF-8.
pub const TEXT_LEN_MAX: usize = 1_000;

/// Words that the memory for texts of one kind can have at most, see [`ServerStorage`](crate::ServerStorage): 256 MiB.
pub const TEXT_WORDS_MAX: usize = (1 << 26) - 1;

/// Longest datagram that is ever sent or accepted, in bytes of UDP payload.
///
/// IPv6 promises 1,280 bytes on every path (RFC 8200, section 5), which leaves 1,232 for UDP payload.
pub const DATAGRAM_LEN_MAX: usize = 1_200;

/// Bytes of a buffer to receive into: one more than a datagram may have, so that what is too long is seen to be.
pub const RECEIVE_LEN: usize = DATAGRAM_LEN_MAX + 1;

/// Shortest [`Hello`](crate::wire::Hello) that is answered: the request is padded, so that an address that
/// proved nothing never gets more bytes than it sent.
pub const HELLO_LEN_MIN: usize = 160;

/// Bytes of every datagram that header and frames leave free, for what surrounds them: version, kind, session id
/// and [integrity tag](crate::wire) today (18 bytes); counter, a longer tag, and what the recipient of a kept
/// message needs to open it, once datagrams are sealed.
pub const SEAL_RESERVE: usize = 80;

/// Bytes that header and frames of one datagram may take together.
pub const BODY_LEN_MAX: usize = DATAGRAM_LEN_MAX - SEAL_RESERVE;

/// Requests to the server that may be without a result at a time: the server remembers this many outcomes for
/// each name, so that a repeated request takes effect once.
pub const REQUESTS_MAX: u32 = 32;

/// Flags, acknowledgement, window, first sequence number and table version, each at its longest.
const HEADER_LEN_MAX: usize = 1 + 5 + 3 + 5 + 5;
/// A frame that carries a text: tag, two names, incarnation, a number of ten bytes, one of five, a stamp, a flag,
/// and the text with its length. No frame is larger.
const FRAME_LEN_MAX: usize = 1 + 2 * (1 + NAME_LEN_MAX) + 8 + 10 + 5 + 5 + 1 + 2 + TEXT_LEN_MAX;

const _: () = assert!(TEXT_LEN_MAX == 1_000 && NAME_LEN_MAX == 32 && SEAL_RESERVE == 80);
const _: () = assert!(
    HEADER_LEN_MAX + FRAME_LEN_MAX <= BODY_LEN_MAX,
    "a text of full length between two names of full length fits beside what is reserved for sealing"
);
