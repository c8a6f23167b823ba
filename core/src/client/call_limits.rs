//! Limits of calls. One that arrives costs operations on the curve, and one that is sent may go to
//! an address that never asked for it: only the server says whose address it is.

use crate::address::PackedAddress;
use crate::crypto::Key;
use crate::rate::{Bucket, RateLimit};
use crate::session::Cookies;
use crate::time::Instant;
use crate::wire::Cookie;

/// Calls of all callers together that are read without a proof of their address.
const UNPROVED: RateLimit = RateLimit::new(50, 4);

/// Calls of one caller that are read, without a proof and with one.
const OF_CALLER: RateLimit = RateLimit::new(5, 4);

/// Requests to peers that did not answer yet, repeated ones included.
const REQUESTS: RateLimit = RateLimit::new(20, 5);

/// Own calls of one name: 8 at once, and one each 10 s. Each takes [`CALL_COST`].
const OF_NAME: RateLimit = RateLimit::new(1, 8 * CALL_COST);
const CALL_COST: u32 = 10;

/// Datagrams to a peer that does not answer a call.
const REQUESTS_OF_CALL: u16 = 3;

/// The decision about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Read,
    /// The caller proves its address first.
    AskForProof,
    /// The caller has called too often.
    Refuse,
}

/// The buckets of one peer.
#[derive(Clone, Copy, Debug)]
enum Use {
    Unproved,
    Proved,
    /// The own calls of this peer.
    Own,
}

/// Number of buckets of one peer.
const USES: usize = if cfg!(feature = "call-guard") { 3 } else { 0 };

/// The limits of one peer.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct PeerCallLimits([Bucket; USES]);

impl PeerCallLimits {
    /// A peer that was never called, and never called: all zero bits.
    pub(super) const NEW: Self = Self([Bucket::FULL; USES]);

    /// Takes tokens from a bucket. False if it has too few.
    fn take(&mut self, of: Use, amount: u32, limit: RateLimit, now: Instant) -> bool {
        let bucket = self.0.get_mut(of as usize);
        bucket.is_none_or(|bucket| take(bucket, amount, limit, now))
    }

    /// Counts an own call, or a session that follows the peer to another address. False if there
    /// were too many.
    //= PROTOCOL.md#4.10
    pub(super) fn may_call(&mut self, now: Instant) -> bool {
        self.take(Use::Own, CALL_COST, OF_NAME, now)
    }
}

/// The limits of all peers together.
pub(super) struct CallLimits {
    unproved: Bucket,
    requests: Bucket,
    /// Callers that a partial roster does not list.
    strangers: PeerCallLimits,
    cookies: Cookies,
}

impl CallLimits {
    /// Creates the limits, with the secret key of the cookies.
    pub(super) fn new(key: Key) -> Self {
        Self {
            unproved: Bucket::FULL,
            requests: Bucket::FULL,
            strangers: PeerCallLimits::NEW,
            cookies: Cookies::new(key),
        }
    }

    /// Decides about the call of a peer, or of a stranger: `None`. A caller without a proof takes
    /// nothing from one with a proof.
    //= PROTOCOL.md#4.6
    pub(super) fn admit(
        &mut self,
        peer: Option<&mut PeerCallLimits>,
        from: &PackedAddress,
        id: u64,
        now: Instant,
    ) -> Admission {
        if !cfg!(feature = "call-guard") {
            return match take(&mut self.unproved, 1, UNPROVED, now) {
                true => Admission::Read,
                false => Admission::Refuse,
            };
        }
        let caller = peer.unwrap_or(&mut self.strangers);
        if self.cookies.proves(from, now, id) {
            return match caller.take(Use::Proved, 1, OF_CALLER, now) {
                true => Admission::Read,
                false => Admission::Refuse,
            };
        }
        let is_admitted = caller.take(Use::Unproved, 1, OF_CALLER, now)
            && take(&mut self.unproved, 1, UNPROVED, now);
        match is_admitted {
            true => Admission::Read,
            false => Admission::AskForProof,
        }
    }

    /// Makes the cookie for a caller.
    pub(super) fn cookie(&self, to: &PackedAddress, now: Instant) -> Cookie {
        self.cookies.make_short(to, now)
    }

    /// Counts a request to a peer that did not answer the earlier ones. False if it must not be
    /// sent, now or ever.
    //= PROTOCOL.md#4.10
    pub(super) fn may_request(&mut self, earlier: u16, now: Instant) -> bool {
        earlier < REQUESTS_OF_CALL && take(&mut self.requests, 1, REQUESTS, now)
    }
}

/// Takes tokens from a bucket. False if it has too few.
fn take(bucket: &mut Bucket, amount: u32, limit: RateLimit, now: Instant) -> bool {
    match bucket.without(amount, limit, now) {
        Some(left) => *bucket = left,
        None => return false,
    }
    true
}

#[cfg(all(test, feature = "call-guard"))]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1_000_000);

    fn address(port: u16) -> PackedAddress {
        std::net::SocketAddr::from(([192, 0, 2, 1], port)).into()
    }

    fn limits() -> CallLimits {
        CallLimits::new(Key::new(1, 2))
    }

    /// The session id of a caller that got a cookie.
    fn proof(limits: &CallLimits, from: &PackedAddress) -> u64 {
        limits.cookie(from, NOW).mac
    }

    #[test]
    fn asks_a_frequent_caller_for_proof() {
        let mut limits = limits();
        let mut peers = [PeerCallLimits::NEW, PeerCallLimits::NEW];
        let here = address(1);
        let mut admit = |limits: &mut CallLimits, peer: usize, id| {
            limits.admit(Some(&mut peers[peer]), &here, id, NOW)
        };
        for _ in 0..20 {
            assert_eq!(admit(&mut limits, 0, 7), Admission::Read);
        }
        assert_eq!(admit(&mut limits, 0, 7), Admission::AskForProof);
        assert_eq!(
            admit(&mut limits, 1, 7),
            Admission::Read,
            "it is another one"
        );
        let id = proof(&limits, &here);
        for _ in 0..20 {
            assert_eq!(admit(&mut limits, 0, id), Admission::Read);
        }
        assert_eq!(admit(&mut limits, 0, id), Admission::Refuse);
    }

    #[test]
    fn reads_proved_callers_under_load() {
        let mut limits = limits();
        for _ in 0..200 {
            let mut peer = PeerCallLimits::NEW;
            let admission = limits.admit(Some(&mut peer), &address(1), 7, NOW);
            assert_eq!(admission, Admission::Read);
        }
        let mut peer = PeerCallLimits::NEW;
        let mut admit =
            |limits: &mut CallLimits, id| limits.admit(Some(&mut peer), &address(2), id, NOW);
        assert_eq!(admit(&mut limits, 7), Admission::AskForProof);
        let other = proof(&limits, &address(3));
        assert_eq!(admit(&mut limits, other), Admission::AskForProof);
        let id = proof(&limits, &address(2));
        assert_eq!(admit(&mut limits, id), Admission::Read);
    }

    #[test]
    fn limits_strangers_together() {
        let mut limits = limits();
        let admitted = (0..100)
            .filter(|port| limits.admit(None, &address(*port), 7, NOW) == Admission::Read)
            .count();
        assert_eq!(admitted, 20);
    }

    #[test]
    //= PROTOCOL.md#4.10
    fn sends_three_requests_at_a_bounded_pace() {
        let mut limits = limits();
        assert!(limits.may_request(2, NOW));
        assert!(!limits.may_request(3, NOW));
        let sent = (0..200).filter(|_| limits.may_request(0, NOW)).count();
        assert_eq!(sent, 99);
        let later = NOW.plus_millis(1_000);
        let sent = (0..200).filter(|_| limits.may_request(0, later)).count();
        assert_eq!(sent, 20);
    }

    #[test]
    //= PROTOCOL.md#4.10
    fn calls_a_name_eight_times_at_once() {
        let mut peer = PeerCallLimits::NEW;
        assert_eq!((0..20).filter(|_| peer.may_call(NOW)).count(), 8);
        assert!(!peer.may_call(NOW.plus_millis(9_999)));
        assert!(peer.may_call(NOW.plus_millis(10_000)));
    }
}
