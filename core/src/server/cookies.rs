//! Proofs that somebody receives at its address, made and checked without any state (as in RFC
//! 6347, section 4.2.1).

use core::hash::Hasher;

use crate::address::PackedAddress;
use crate::crypto::Key;
use crate::time::Instant;
use crate::wire::Cookie;

/// How long a cookie is good.
const COOKIE_LIFE_MS: u64 = 120_000;

/// Makes cookies, and knows its own.
pub(super) struct Cookies(Key);

impl Cookies {
    pub(super) fn new(key: Key) -> Self {
        Self(key)
    }

    /// A cookie for this address, from now on.
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

    pub(super) fn is_good(&self, address: &PackedAddress, now: Instant, cookie: Cookie) -> bool {
        let issued_at = Instant::from_millis(cookie.issued_at_ms);
        issued_at <= now
            && now.millis_since(issued_at) <= COOKIE_LIFE_MS
            && self.make(address, issued_at).mac == cookie.mac
    }
}
