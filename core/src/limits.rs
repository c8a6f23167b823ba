//! Limits of the wire format, and a compile-time check that they are consistent.

use crate::crypto::{KEY_LEN, MEDIUM_ID_LEN, MESSAGE_OVERHEAD, TAG_LEN};

/// Most bytes of a name, in UTF-8.
pub const NAME_LEN_MAX: usize = 32;

/// Most bytes of the text of one message, in UTF-8.
pub const TEXT_LEN_MAX: usize = 1_000;

/// Most words of memory for texts of one kind, see [`ServerStorage`](crate::ServerStorage):
/// 256 MiB.
pub const TEXT_WORDS_MAX: usize = (1 << 26) - 1;

/// Most bytes of a datagram that the core sends or accepts, as UDP payload.
///
/// IPv6 guarantees 1,280 bytes on every path (RFC 8200, section 5), which leaves 1,232 for UDP
/// payload.
pub const DATAGRAM_LEN_MAX: usize = 1_200;

/// Bytes of a receive buffer: one more than the longest datagram, so that the core detects and
/// drops longer ones.
pub const RECEIVE_LEN: usize = DATAGRAM_LEN_MAX + 1;

/// Bytes of a [cookie request](crate::wire::Datagram::CookieRequest). Its padding prevents
/// amplification: an address without proof gets no more bytes than it sent.
//= PROTOCOL.md#3.4
pub const COOKIE_REQUEST_LEN: usize = 96;

/// Bytes around the encrypted part of a data datagram: version, kind, session id, counter and tag.
pub const SEAL_OVERHEAD: usize = 1 + 1 + 8 + 8 + TAG_LEN;

/// Most bytes of header and frames together, in one data datagram.
pub const BODY_LEN_MAX: usize = DATAGRAM_LEN_MAX - SEAL_OVERHEAD;

/// Most bytes of an end-to-end encrypted text, with the id of the medium-term key, its time and its
/// tag.
pub const CIPHERTEXT_LEN_MAX: usize = MEDIUM_ID_LEN + TEXT_LEN_MAX + MESSAGE_OVERHEAD;

/// Most bytes of a stored message: the ephemeral public key and the encrypted text.
pub const STORED_MESSAGE_LEN_MAX: usize = KEY_LEN + CIPHERTEXT_LEN_MAX;

/// Bytes of a medium-term key that a client publishes, in place of a stored message: the key and
/// zeros. A server that does not know such keys ignores shorter requests.
pub const PUBLICATION_LEN: usize = 2 * KEY_LEN;
const _: () = assert!(KEY_LEN + MESSAGE_OVERHEAD < PUBLICATION_LEN);

/// Most bytes that a server stores of one message: the sender's static public key and the stored
/// message. The sender's name may have another key by the time of delivery.
pub const MAIL_LEN_MAX: usize = KEY_LEN + STORED_MESSAGE_LEN_MAX;

/// Most requests to the server that are without a result at a time. The server remembers this many
/// outcomes for each name, so that a repeated request takes effect once.
pub const REQUESTS_MAX: u32 = 32;

/// Most messages whose [`Receipt`](crate::Receipt) the caller has at a time: eight windows of the
/// default size. Many senders share the display, which takes lines in large pieces.
pub const SHOWN_MAX: u32 = 1_024;

/// Most bytes of flags, acknowledgement, window and first sequence number. The version of a roster
/// follows from a client only, whose frames are shorter.
const HEADER_LEN_MAX: usize = 1 + 5 + 3 + 5;
/// Bytes of the largest frame, a Mail: kind, number, incarnation, counter, timestamp, flag, key,
/// name, ephemeral key, and the ciphertext with the id of a medium-term key and its length.
const FRAME_LEN_MAX: usize =
    1 + 10 + 8 + 5 + 5 + 1 + KEY_LEN + (1 + NAME_LEN_MAX) + KEY_LEN + (2 + CIPHERTEXT_LEN_MAX);

const _: () = assert!(TEXT_LEN_MAX == 1_000 && NAME_LEN_MAX == 32);
const _: () = assert!(
    HEADER_LEN_MAX + FRAME_LEN_MAX <= BODY_LEN_MAX,
    "the largest frame does not fit into a datagram"
);
