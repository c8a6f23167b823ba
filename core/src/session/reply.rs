//! A stateless answer: one datagram that waits to be polled.

use core::net::SocketAddr;

use super::connection::Connection;
use crate::crypto::{Identity, KEY_LEN, TAG_LEN};
use crate::limits::DATAGRAM_LEN_MAX;
use crate::transmit::Transmit;
use crate::wire::{
    ACCEPT_MESSAGE_LEN_MAX, DATAGRAM_LEN_MIN, DataWriter, Datagram, Header, Refusal, VERSION,
};

/// Most bytes of such an answer.
const REPLY_LEN_MAX: usize = DATAGRAM_LEN_MIN + ACCEPT_MESSAGE_LEN_MAX;

const _: () = assert!(REPLY_LEN_MAX >= DATAGRAM_LEN_MIN + TAG_LEN + KEY_LEN);

/// A datagram and its destination.
pub(crate) struct Reply {
    to: SocketAddr,
    bytes: heapless::Vec<u8, REPLY_LEN_MAX>,
}

impl Reply {
    /// Builds an answer, or returns `None` if the datagram does not fit.
    pub(crate) fn new(
        identity: &Identity,
        to: SocketAddr,
        datagram: &Datagram<'_>,
    ) -> Option<Self> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = datagram.emit(identity, &mut out);
        Self::of(to, &out, len)
    }

    /// Builds the last datagram of a session, with the reason for its end.
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

    /// Builds the answer to a datagram of another version, which names the version of this side.
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
        // A closed room does not reveal to others that a server is here.
        (!identity.is_closed())
            .then(|| Self::new(identity, to, &unsupported))
            .flatten()
    }

    /// Builds the answer to a datagram of an unknown session: a stateless reset in an open room,
    /// nothing in a closed one, or before the server of the room has proved its key.
    pub(crate) fn no_session(identity: &Identity, to: SocketAddr, id: u64) -> Option<Self> {
        (!identity.is_closed() && identity.is_in_room())
            .then(|| Self::reset(identity, to, id))
            .flatten()
    }

    /// Builds a stateless reset of the session with this id.
    pub(crate) fn reset(identity: &Identity, to: SocketAddr, id: u64) -> Option<Self> {
        let reset = Datagram::Reset {
            echo: id,
            token: identity.reset_token(id),
        };
        Self::new(identity, to, &reset)
    }

    fn of(to: SocketAddr, out: &[u8], len: usize) -> Option<Self> {
        Self::with(to, out.get(..len)?)
    }

    /// Repeats a datagram; `None` if it is empty, or does not fit.
    pub(crate) fn with(to: SocketAddr, datagram: &[u8]) -> Option<Self> {
        let bytes = heapless::Vec::from_slice(datagram).ok()?;
        (!datagram.is_empty()).then_some(Self { to, bytes })
    }

    /// Returns the datagram.
    pub(crate) fn datagram(&self) -> &[u8] {
        &self.bytes
    }

    /// Copies the datagram into `out`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::PackedAddress;
    use crate::crypto::{RoomKey, SessionKeys, StaticKey};
    use crate::session::connection::PeerParameters;
    use crate::wire::data;

    fn identity(room: Option<RoomKey>) -> Identity {
        Identity::new(StaticKey::new([1; 32]), room)
    }

    fn to() -> SocketAddr {
        ([192, 0, 2, 1], 5_000).into()
    }

    fn parse(reply: &Reply, test: impl FnOnce(Datagram<'_>)) {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let transmit = reply.emit(&mut out);
        assert_eq!(transmit.to, to());
        test(Datagram::parse(&identity(None), &out[..transmit.len]).unwrap());
    }

    #[test]
    fn stays_silent_to_strangers_in_a_closed_room() {
        let foreign = [9; DATAGRAM_LEN_MIN];
        for (room, is_answered) in [(None, true), (Some(RoomKey::new([2; 32])), false)] {
            let identity = identity(room);
            let version = Reply::foreign_version(&identity, to(), &foreign);
            assert_eq!(version.is_some(), is_answered);
            let session = Reply::no_session(&identity, to(), 7);
            assert_eq!(session.is_some(), is_answered);
            assert!(
                Reply::reset(&identity, to(), 7).is_some(),
                "members hear it"
            );
        }
    }

    #[test]
    fn names_its_version_and_the_session_it_heard() {
        let mut foreign = [9; DATAGRAM_LEN_MIN];
        foreign[2..10].copy_from_slice(&7_u64.to_le_bytes());
        let reply = Reply::foreign_version(&identity(None), to(), &foreign).unwrap();
        let unsupported = Datagram::Unsupported {
            version: VERSION,
            echo: 7,
        };
        parse(&reply, |datagram| assert_eq!(datagram, unsupported));
        assert!(Reply::foreign_version(&identity(None), to(), &foreign[..9]).is_none());
    }

    #[test]
    fn proves_that_a_session_is_over() {
        let identity = identity(None);
        let reset = Datagram::Reset {
            echo: 7,
            token: identity.reset_token(7),
        };
        for reply in [Reply::no_session, Reply::reset] {
            let reply = reply(&identity, to(), 7).unwrap();
            parse(&reply, |datagram| assert_eq!(datagram, reset));
        }
    }

    #[test]
    fn holds_the_longest_answer() {
        let accept = Datagram::Accept {
            to: 7,
            message: &[3; ACCEPT_MESSAGE_LEN_MAX],
        };
        let reply = Reply::new(&identity(None), to(), &accept).unwrap();
        parse(&reply, |datagram| assert_eq!(datagram, accept));
        let longer = Datagram::Accept {
            to: 7,
            message: &[3; ACCEPT_MESSAGE_LEN_MAX + 1],
        };
        assert!(Reply::new(&identity(None), to(), &longer).is_none());
        let data = Datagram::Data { to: 7, counter: 1 };
        assert!(Reply::new(&identity(None), to(), &data).is_none());
    }

    #[test]
    fn closes_a_session_with_the_reason() {
        let keys = || SessionKeys::new(&[1; 32], &[1; 32]);
        let peer = PeerParameters {
            id: 9,
            window: 1,
            reset: [0; TAG_LEN],
        };
        let mut connection = Connection::VACANT;
        connection.open(8, PackedAddress::from(to()));
        connection.opened(peer, &keys());
        let identity = identity(None);
        let reply = Reply::closing(&identity, &mut connection, Refusal::Evicted).unwrap();
        parse(&reply, |datagram| {
            assert_eq!(datagram, Datagram::Data { to: 9, counter: 0 });
        });
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = reply.emit(&mut out).len;
        let (header, frames) = data::open(&identity, &mut keys(), &mut out[..len]).unwrap();
        assert_eq!(header.closed, Some(Refusal::Evicted));
        assert_eq!(frames.count(), 0);
    }
}
