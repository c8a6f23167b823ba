//! An answer that needs no session: one datagram that waits to be polled.

use core::net::SocketAddr;

use super::connection::Connection;
use crate::crypto::{Identity, KEY_LEN, TAG_LEN};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::transmit::Transmit;
use crate::wire::{
    ACCEPT_MESSAGE_LEN_MAX, DATAGRAM_LEN_MIN, DataWriter, Datagram, Header, Refusal, VERSION,
};

/// No such answer is longer.
const REPLY_LEN_MAX: usize = DATAGRAM_LEN_MIN + ACCEPT_MESSAGE_LEN_MAX;

const _: () = assert!(REPLY_LEN_MAX >= DATAGRAM_LEN_MIN + TAG_LEN + KEY_LEN);

/// A datagram, and where it goes.
pub(crate) struct Reply {
    to: SocketAddr,
    bytes: heapless::Vec<u8, REPLY_LEN_MAX>,
}

impl Reply {
    /// `None` if the datagram cannot be built.
    pub(crate) fn new(
        identity: &Identity,
        to: SocketAddr,
        datagram: &Datagram<'_>,
    ) -> Option<Self> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = datagram.emit(identity, &mut out);
        Self::of(to, &out, len)
    }

    /// The last datagram of a session, which says why it ends.
    pub(crate) fn closing(
        identity: &Identity,
        connection: &mut Connection,
        reason: Refusal,
    ) -> Option<Self> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let header = Header {
            closed: Some(reason),
            ..Header::default()
        };
        let writer = DataWriter::new(&mut out, connection.remote_id(), &header);
        let len = writer.finish(identity, connection.keys_mut());
        Self::of(connection.remote().get(), &out, len)
    }

    /// The answer to a datagram of another version: one small datagram that names this one.
    pub(crate) fn foreign_version(
        identity: &Identity,
        to: SocketAddr,
        datagram: &[u8],
    ) -> Option<Self> {
        let id = datagram.get(2..)?.first_chunk()?;
        let unsupported = Datagram::Unsupported {
            version: VERSION,
            echo: u64::from_le_bytes(*id),
        };
        // A stranger to a closed room does not even learn that a server is here.
        (!identity.is_closed())
            .then(|| Self::new(identity, to, &unsupported))
            .flatten()
    }

    /// The answer to a datagram for a session that is not there.
    pub(crate) fn no_session(identity: &Identity, to: SocketAddr, id: u64) -> Option<Self> {
        (!identity.is_closed())
            .then(|| Self::reset(identity, to, id))
            .flatten()
    }

    /// Says that the session with this id is over.
    pub(crate) fn reset(identity: &Identity, to: SocketAddr, id: u64) -> Option<Self> {
        let reset = Datagram::Reset {
            echo: id,
            token: identity.reset_token(id),
        };
        Self::new(identity, to, &reset)
    }

    fn of(to: SocketAddr, out: &[u8], len: usize) -> Option<Self> {
        let bytes = heapless::Vec::from_slice(out.get(..len)?).ok()?;
        (len != 0).then_some(Self { to, bytes })
    }

    /// Copies it to where it is sent from.
    pub(crate) fn emit(&self, out: &mut [u8; DATAGRAM_LEN_MAX]) -> Transmit {
        out.iter_mut()
            .zip(&self.bytes)
            .for_each(|(to, from)| *to = *from);
        Transmit {
            to: self.to,
            len: self.bytes.len(),
        }
    }
}
