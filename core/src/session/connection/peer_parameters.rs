//! The parameters that a peer sends in the handshake (compare the transport parameters of RFC
//! 9000).

use crate::crypto::TAG_LEN;
use crate::wire::Accept;

/// The parameters of the peer of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerParameters {
    /// Session id that the peer receives under.
    pub(crate) id: u64,
    /// Number of frames that the peer accepts beyond those it acknowledged.
    pub(crate) window: u16,
    /// Reset token: the peer sends it when it does not have the session any more.
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
