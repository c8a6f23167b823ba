//! The parameters of a session that its peer sends in the handshake (as the transport parameters of
//! RFC 9000).

use crate::crypto::TAG_LEN;
use crate::wire::Accept;

/// The other side's end of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerParameters {
    /// Session id that it receives under.
    pub(crate) id: u64,
    /// Frames it accepts beyond those it acknowledged.
    pub(crate) window: u16,
    /// The token that it sends when it does not have the session any more.
    pub(crate) reset: [u8; TAG_LEN],
}

impl From<&Accept> for PeerParameters {
    fn from(accept: &Accept) -> Self {
        Self {
            id: accept.id,
            window: accept.window,
            reset: accept.reset,
        }
    }
}
