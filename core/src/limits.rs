//! Bounds of the wire format, and the proof that they fit together.

use crate::crypto::{KEY_LEN, MESSAGE_OVERHEAD, TAG_LEN};

/// Longest name, in bytes of UTF-8.
pub const NAME_LEN_MAX: usize = 32;

/// Longest text of one message, in bytes of UTF-8.
pub const TEXT_LEN_MAX: usize = 1_000;

/// Words that the memory for texts of one kind can have at most, see
/// [`ServerStorage`](crate::ServerStorage): 256 MiB.
pub const TEXT_WORDS_MAX: usize = (1 << 26) - 1;

/// Longest datagram that is ever sent or accepted, in bytes of UDP payload.
///
/// IPv6 promises 1,280 bytes on every path (RFC 8200, section 5), which leaves 1,232 for UDP
/// payload.
pub const DATAGRAM_LEN_MAX: usize = 1_200;

/// Bytes of a buffer to receive into: one more than a datagram may have, so that what is too long
/// is seen to be.
pub const RECEIVE_LEN: usize = DATAGRAM_LEN_MAX + 1;

/// Length of a [request for a cookie](crate::wire::Datagram::CookieRequest): padded, so that an
/// address that proved nothing never gets more bytes than it sent.
//= PROTOCOL.md#3.4
pub const COOKIE_REQUEST_LEN: usize = 96;

/// Bytes around the encrypted part of a datagram of a session: version, kind, session id, counter
/// and tag.
pub const SEAL_OVERHEAD: usize = 1 + 1 + 8 + 8 + TAG_LEN;

/// Bytes that header and frames of one datagram may take together.
pub const BODY_LEN_MAX: usize = DATAGRAM_LEN_MAX - SEAL_OVERHEAD;

/// Longest stored message: an encrypted text and its tag.
pub const CIPHERTEXT_LEN_MAX: usize = TEXT_LEN_MAX + MESSAGE_OVERHEAD;

/// Longest stored message that is kept: the key that is needed to open it stands in front.
pub const STORED_MESSAGE_LEN_MAX: usize = KEY_LEN + CIPHERTEXT_LEN_MAX;

/// Most that a server keeps of one message: the sender's key stands in front of its stored message, since
/// the sender's name may have another one when the message is handed over.
pub const MAIL_LEN_MAX: usize = KEY_LEN + STORED_MESSAGE_LEN_MAX;

/// Requests to the server that may be without a result at a time: the server remembers this many
/// outcomes for each name, so that a repeated request takes effect once.
pub const REQUESTS_MAX: u32 = 32;

/// Flags, acknowledgement, window, first sequence number and table version, each at its longest.
const HEADER_LEN_MAX: usize = 1 + 5 + 3 + 5 + 5;
/// The largest frame, a kept message: kind, serial number, incarnation, counter, stamp, flag, key,
/// name, key of the stored message, and the stored message with its length.
const FRAME_LEN_MAX: usize =
    1 + 10 + 8 + 5 + 5 + 1 + KEY_LEN + (1 + NAME_LEN_MAX) + KEY_LEN + (2 + CIPHERTEXT_LEN_MAX);

const _: () = assert!(TEXT_LEN_MAX == 1_000 && NAME_LEN_MAX == 32);
const _: () = assert!(
    HEADER_LEN_MAX + FRAME_LEN_MAX <= BODY_LEN_MAX,
    "a kept text of full length from a name of full length fits into a datagram"
);
