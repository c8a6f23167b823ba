//! Address validation by cookies, without state (RFC 6347, section 4.2.1).

use core::hash::Hasher;

use crate::address::PackedAddress;
use crate::crypto::Key;
use crate::time::Instant;
use crate::wire::Cookie;

/// How long a cookie is valid.
const COOKIE_LIFE_MS: u64 = 120_000;

/// How long the cookie of a request without room for it is the same.
const PERIOD_MS: u64 = COOKIE_LIFE_MS / 2;

/// Bits of a session id that are random, below those of a cookie.
pub(super) const SHORT_BITS: u32 = 32;

/// Makes and validates cookies under a secret key.
#[derive(Clone, Copy)]
pub(crate) struct Cookies(Key);

impl Cookies {
    /// Creates the validator with this secret key.
    pub(crate) fn new(key: Key) -> Self {
        Self(key)
    }

    /// Makes a cookie for this address.
    pub(super) fn make(&self, address: &PackedAddress, now: Instant) -> Cookie {
        let issued_at_ms = now.as_millis();
        let mut hasher = self.0.hasher();
        address.hash_into(&mut hasher);
        hasher.write(&issued_at_ms.to_le_bytes());
        Cookie {
            issued_at_ms,
            mac: hasher.finish(),
        }
    }

    /// Makes the cookie for a request without room for it: the upper half of its session id proves
    /// the address, if it is that of the mac. The cookie is the same for half of its life.
    pub(crate) fn make_short(&self, address: &PackedAddress, now: Instant) -> Cookie {
        self.make(address, period(now))
    }

    /// Returns whether the upper half of a session id proves this address.
    pub(crate) fn proves(&self, address: &PackedAddress, now: Instant, id: u64) -> bool {
        let present = period(now);
        let before = present.as_millis().checked_sub(PERIOD_MS);
        let periods = [Some(present), before.map(Instant::from_millis)];
        periods.into_iter().flatten().any(|start| {
            let cookie = self.make(address, start);
            cookie.mac >> SHORT_BITS == id >> SHORT_BITS
        })
    }

    /// Returns whether a cookie was made for this address, and has not expired.
    pub(super) fn is_good(&self, address: &PackedAddress, now: Instant, cookie: Cookie) -> bool {
        let issued_at = Instant::from_millis(cookie.issued_at_ms);
        issued_at <= now
            && now.millis_since(issued_at) <= COOKIE_LIFE_MS
            && self.make(address, issued_at).mac == cookie.mac
    }
}

/// Returns the start of the present period.
fn period(now: Instant) -> Instant {
    let now = now.as_millis();
    Instant::from_millis(now - now % PERIOD_MS)
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::*;

    fn address(text: &str) -> PackedAddress {
        text.parse::<SocketAddr>().unwrap().into()
    }

    #[test]
    fn proves_one_address_for_two_minutes() {
        let cookies = Cookies::new(Key::new(1, 2));
        let (here, there) = (address("192.0.2.1:1"), address("192.0.2.1:2"));
        let cookie = cookies.make(&here, Instant::from_millis(1_000));
        let is_good = |address, ms| cookies.is_good(address, Instant::from_millis(ms), cookie);
        assert!(is_good(&here, 1_000) && is_good(&here, 121_000));
        assert!(!is_good(&here, 121_001), "too old");
        assert!(!is_good(&here, 999), "from the future");
        assert!(!is_good(&there, 1_000), "another address");
    }

    #[test]
    //= PROTOCOL.md#4.2
    fn proves_an_address_by_half_of_a_session_id() {
        let cookies = Cookies::new(Key::new(1, 2));
        let (here, there) = (address("192.0.2.1:1"), address("192.0.2.1:2"));
        let at = Instant::from_millis(90_000);
        let id = cookies.make_short(&here, at).mac ^ 7;
        let proves = |address, ms| cookies.proves(address, Instant::from_millis(ms), id);
        assert!(proves(&here, 60_000) && proves(&here, 179_999));
        assert!(!proves(&here, 180_000), "too old");
        assert!(!proves(&here, 59_999), "from the future");
        assert!(!proves(&there, 90_000), "another address");
        assert!(!cookies.proves(&here, at, id ^ 1 << 32));
    }

    #[test]
    fn refuses_a_cookie_under_another_key() {
        let here = address("192.0.2.1:1");
        let cookie = Cookies::new(Key::new(1, 2)).make(&here, Instant::ZERO);
        assert!(!Cookies::new(Key::new(1, 3)).is_good(&here, Instant::ZERO, cookie));
    }
}
