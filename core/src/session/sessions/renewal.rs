//! Renewal of sessions: their owner asks for another handshake after some time, or number of
//! datagrams.

use super::Sessions;
use crate::limits::DATAGRAM_LEN_MAX;
use crate::session::connection::Phase;
use crate::session::lifetime::{datagrams_max, is_over};
use crate::wire::Datagram;

impl Sessions<'_> {
    /// Returns whether a session has to be renewed before it carries more: `renew_ms` after its
    /// begin, or after half of the datagrams that it may carry. The responder waits half as long
    /// again, so that both sides rarely ask at once.
    //= PROTOCOL.md#5.9
    pub(crate) fn is_worn(&self, slot: u32, renew_ms: u32) -> bool {
        let connection = self.at(slot);
        let used_max = datagrams_max(self.identity().suite()) / 2;
        let is_initiator = connection.handshake().message().is_empty();
        let (age_max, used_max) = if is_initiator {
            (renew_ms, used_max)
        } else {
            (
                renew_ms.saturating_add(renew_ms / 2),
                used_max + used_max / 2,
            )
        };
        cfg!(feature = "renewals")
            && connection.phase() == Phase::Open
            && (connection.age_ms(self.now()) >= age_max || connection.keys().used() >= used_max)
    }

    /// Returns whether a request for a session has no answer after one interval.
    pub(crate) fn is_late(&self, slot: u32) -> bool {
        let interval_ms = self.retry().interval_ms;
        !cfg!(feature = "renewals") || self.at(slot).age_ms(self.now()) >= interval_ms
    }

    /// Returns whether a session is open, but has reached its greatest age.
    pub(crate) fn is_over(&self, slot: u32) -> bool {
        let connection = self.at(slot);
        cfg!(feature = "renewals")
            && connection.phase() == Phase::Open
            && is_over(connection, self.identity().suite(), self.now())
    }

    /// Builds a request for a cookie in an open session, which goes on meanwhile.
    pub(crate) fn emit_cookie_request(
        &mut self,
        slot: u32,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> usize {
        let id = self.at(slot).local_id();
        Datagram::CookieRequest { id }.emit(self.identity(), out)
    }
}
