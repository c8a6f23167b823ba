//! Address validation by cookies, without state (RFC 6347, section 4.2.1).

use core::hash::Hasher;

use crate::address::PackedAddress;
use crate::crypto::Key;
use crate::time::Instant;
use crate::wire::Cookie;

/// How long a cookie is valid.
const COOKIE_LIFE_MS: u64 = 120_000;

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

    /// Returns whether a cookie was made for this address, and has not expired.
    pub(super) fn is_good(&self, address: &PackedAddress, now: Instant, cookie: Cookie) -> bool {
        let issued_at = Instant::from_millis(cookie.issued_at_ms);
        issued_at <= now
            && now.millis_since(issued_at) <= COOKIE_LIFE_MS
            && self.make(address, issued_at).mac == cookie.mac
    }
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
    fn refuses_a_cookie_under_another_key() {
        let here = address("192.0.2.1:1");
        let cookie = Cookies::new(Key::new(1, 2)).make(&here, Instant::ZERO);
        assert!(!Cookies::new(Key::new(1, 3)).is_good(&here, Instant::ZERO, cookie));
    }
}
