//! Quotas of sources: a fixed number of token buckets, for addresses that were validated. A source
//! whose buckets are full needs no memory.

use core::hash::Hasher;

use crate::address::PackedAddress;
use crate::containers::Slots;
use crate::crypto::{Key, PublicKey};
use crate::driver::StorageError;
use crate::rate::{Bucket, RateLimit, nanos};
use crate::time::Instant;

/// Number of slots that one source may use. If others use them all, the source takes the one
/// nearest to full.
const WAYS: u32 = 4;

/// The rate limits of one source. A source is an IPv4 address, or the upper 64 bits of an IPv6
/// address: a site controls all the lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// ClientHello messages with a valid cookie: each costs Diffie-Hellman operations.
    pub handshakes: RateLimit,
    /// New registrations of a source. Each known name, and each address with its port, has a limit
    /// of its own of the same size.
    pub registrations: RateLimit,
    /// Requests: messages to store, channel messages, lookups.
    pub requests: RateLimit,
    /// Bytes of text in requests; the burst is at least one text of full length.
    pub text_bytes: RateLimit,
}

impl RateLimits {
    /// Limits that admit everything.
    pub const NONE: Self = Self {
        handshakes: RateLimit::NONE,
        registrations: RateLimit::NONE,
        requests: RateLimit::NONE,
        text_bytes: RateLimit::NONE,
    };
}

impl Default for RateLimits {
    /// Returns limits for a lecture hall behind one address, and for a fast script.
    ///
    /// 200 handshakes a second, 400 at once; 10 registrations a second, 300 at once; 500 requests
    /// a second, 2,000 at once; 512 KiB of text a second, 2 MiB at once.
    fn default() -> Self {
        Self {
            handshakes: RateLimit::new(200, 2),
            registrations: RateLimit::new(10, 30),
            requests: RateLimit::new(500, 4),
            text_bytes: RateLimit::new(512 * 1_024, 4),
        }
    }
}

/// The use of a bucket.
#[derive(Clone, Copy, Debug)]
enum Use {
    Registrations,
    Requests,
    TextBytes,
    // Only with the feature `quotas`:
    Handshakes,
    /// Handshakes of one address with its port.
    AddressHandshakes,
}

/// Number of uses.
const USES: usize = if cfg!(feature = "quotas") { 5 } else { 3 };
/// Number of uses of a source; the rest are uses of an address.
const SOURCE_USES: usize = if cfg!(feature = "quotas") { 4 } else { 3 };

/// Memory for the token buckets of one source.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub struct SourceSlot {
    /// Hash of the source; 0 for a vacant slot.
    source: u64,
    buckets: [Bucket; USES],
}

impl SourceSlot {
    /// An unused slot; all zero bits.
    pub const VACANT: Self = Self {
        source: 0,
        buckets: [Bucket::FULL; USES],
    };

    /// Returns from when on the slot is free for another user. To a source, the slot of an address
    /// is always free.
    fn full_at(&self, of: Use) -> u64 {
        let uses = match of {
            Use::AddressHandshakes => USES,
            _ => SOURCE_USES,
        };
        let full_at = self.buckets.iter().take(uses).map(|it| it.full_at());
        full_at.max().unwrap_or_default()
    }

    /// Returns what is left of a bucket without so many tokens; `None` if it has too few.
    fn without(&self, of: Use, amount: u32, limit: RateLimit, now: Instant) -> Option<Bucket> {
        let bucket = self.buckets.get(of as usize).copied();
        bucket.unwrap_or(Bucket::FULL).without(amount, limit, now)
    }

    fn set(&mut self, of: Use, bucket: Bucket) {
        if let Some(place) = self.buckets.get_mut(of as usize) {
            *place = bucket;
        }
    }
}

/// The token buckets of all sources that used some of their quota lately.
pub(super) struct Quotas<'a> {
    slots: Slots<'a, SourceSlot>,
    limits: RateLimits,
    key: Key,
}

impl<'a> Quotas<'a> {
    /// Creates full buckets.
    ///
    /// # Errors
    /// [`StorageError`] if there is no slot.
    pub(super) fn new(
        slots: &'a mut [SourceSlot],
        limits: RateLimits,
        key: Key,
    ) -> Result<Self, StorageError> {
        slots.fill(SourceSlot::VACANT);
        let few = StorageError::new("sources", slots.len(), 1);
        Ok(Self {
            slots: Slots::new(slots).ok_or(few)?,
            limits,
            key,
        })
    }

    /// Counts a handshake of an address, and of its source; false if one is over its quota.
    ///
    /// The sender has proved its address only. Junk from one address, with its port, uses up the
    /// quota of that address before that of all others behind the same NAT.
    //= PROTOCOL.md#15.1
    pub(super) fn admits_handshake(&mut self, from: &PackedAddress, now: Instant) -> bool {
        let (source, limits) = (self.source(from), self.limits);
        if !cfg!(feature = "quotas") {
            return self.take(source, Use::Registrations, limits.registrations, now);
        }
        let mut hasher = self.key.hasher();
        from.hash_into(&mut hasher);
        self.take_of_address(hasher.finish(), now)
            && self.take(source, Use::Handshakes, limits.handshakes, now)
    }

    /// Counts a registration of a new name from a source; false if it is over the quota.
    ///
    /// Without the feature `quotas`, the quota of handshakes is that of registrations.
    //= PROTOCOL.md#15.1
    pub(super) fn admits_registration(&mut self, from: &PackedAddress, now: Instant) -> bool {
        let (source, limit) = (self.source(from), self.limits.registrations);
        !cfg!(feature = "quotas") || self.take(source, Use::Registrations, limit, now)
    }

    /// Counts a registration of a known name by the holder of its key; false if it is over the
    /// quota of that key.
    pub(super) fn admits_return(&mut self, key: &PublicKey, now: Instant) -> bool {
        let (source, limit) = (self.key.hash(&key.0), self.limits.registrations);
        !cfg!(feature = "quotas") || self.take(source, Use::Registrations, limit, now)
    }

    /// Counts a request with `text_len` bytes of text; false if it is over the quota.
    pub(super) fn admits_request(
        &mut self,
        from: &PackedAddress,
        text_len: usize,
        now: Instant,
    ) -> bool {
        let (requests, text_bytes) = (self.limits.requests, self.limits.text_bytes);
        let len = u32::try_from(text_len).unwrap_or(u32::MAX);
        let source = self.source(from);
        let place = self.place(source, Use::Requests);
        let slot = self.slots.at(place);
        let left = (
            slot.without(Use::Requests, 1, requests, now),
            slot.without(Use::TextBytes, len, text_bytes, now),
        );
        let (Some(requests), Some(text_bytes)) = left else {
            return false;
        };
        let slot = self.claim(place, source, Use::Requests, now);
        slot.set(Use::Requests, requests);
        slot.set(Use::TextBytes, text_bytes);
        true
    }

    fn source(&self, from: &PackedAddress) -> u64 {
        self.key.hash(&from.network().to_le_bytes())
    }

    /// Takes a token from a bucket of the source with this hash; false if it is empty.
    fn take(&mut self, source: u64, of: Use, limit: RateLimit, now: Instant) -> bool {
        let place = self.place(source, of);
        let left = self.slots.at(place).without(of, 1, limit, now);
        if let Some(left) = left {
            self.claim(place, source, of, now).set(of, left);
        }
        left.is_some()
    }

    /// Takes a token of the address with this hash; false if it has none. An address takes no slot
    /// that is in use, since one host has many: without a slot, the quota of its source suffices.
    fn take_of_address(&mut self, address: u64, now: Instant) -> bool {
        let (of, limit) = (Use::AddressHandshakes, self.limits.registrations);
        let slot = self.slots.at(self.place(address, of));
        let is_foreign = slot.source != address && slot.full_at(of) > nanos(now);
        is_foreign || self.take(address, of, limit, now)
    }

    /// Returns the place of the source with this hash: its own, or the fullest one of its ways.
    fn place(&self, source: u64, of: Use) -> u32 {
        let count = self.slots.len();
        let home = ((u128::from(source) * u128::from(count)) >> 64) as u32;
        let mut best = home;
        for way in 0..WAYS.min(count) {
            let place = (home + way) % count;
            let slot = self.slots.at(place);
            if slot.source == source {
                return place;
            }
            if slot.full_at(of) < self.slots.at(best).full_at(of) {
                best = place;
            }
        }
        best
    }

    /// Returns the slot at a place, which is that of the source with this hash from now on.
    fn claim(&mut self, place: u32, source: u64, of: Use, now: Instant) -> &mut SourceSlot {
        let slot = self.slots.at_mut(place);
        // A new source in a used slot inherits its use: many sources do not get more than the
        // slots.
        if slot.full_at(of) <= nanos(now) {
            *slot = SourceSlot::VACANT;
        }
        slot.source = source;
        slot
    }
}

#[cfg(all(test, feature = "quotas"))]
mod tests {
    use core::net::SocketAddr;
    use std::format;
    use std::vec;

    use super::*;
    use crate::crypto::Suite;
    use crate::crypto::{Entropy, Seed};

    const LIMITS: RateLimits = RateLimits {
        handshakes: RateLimit {
            per_second: 20,
            burst: 8,
        },
        registrations: RateLimit {
            per_second: 2,
            burst: 3,
        },
        requests: RateLimit {
            per_second: 10,
            burst: 20,
        },
        text_bytes: RateLimit {
            per_second: 100,
            burst: 500,
        },
    };

    fn address(text: &str) -> PackedAddress {
        text.parse::<SocketAddr>().unwrap().into()
    }

    fn with(slots: usize, limits: RateLimits, test: impl FnOnce(&mut Quotas<'_>)) {
        let mut slots = vec![SourceSlot::VACANT; slots];
        let key = Entropy::new(Suite::Noise, Seed::new(&mut [3; 32])).key();
        test(&mut Quotas::new(&mut slots, limits, key).unwrap());
    }

    #[test]
    fn refills_up_to_the_burst() {
        with(16, LIMITS, |sources| {
            let alice = address("192.0.2.1:1000");
            let mut admitted = |at| sources.admits_registration(&alice, Instant::from_millis(at));
            assert_eq!([0, 0, 0, 0].map(&mut admitted), [true, true, true, false]);
            assert_eq!([499, 500, 501].map(&mut admitted), [false, true, false]);
            // A long pause gives no more than the burst.
            let later = [1_000_000; 4].map(&mut admitted);
            assert_eq!(later, [true, true, true, false]);
        });
    }

    #[test]
    fn charges_nothing_for_a_refused_request() {
        with(16, LIMITS, |sources| {
            let alice = address("192.0.2.1:1000");
            assert!(sources.admits_request(&alice, 450, Instant::ZERO));
            for _ in 0..100 {
                assert!(!sources.admits_request(&alice, 51, Instant::ZERO));
            }
            for _ in 0..19 {
                assert!(sources.admits_request(&alice, 0, Instant::ZERO));
            }
            assert!(!sources.admits_request(&alice, 0, Instant::ZERO));
            assert!(sources.admits_request(&alice, 10, Instant::from_millis(100)));
        });
    }

    #[test]
    fn admits_oversized_text_if_the_bucket_is_full() {
        with(16, LIMITS, |sources| {
            let alice = address("192.0.2.1:1000");
            assert!(sources.admits_request(&alice, 900, Instant::ZERO));
            assert!(!sources.admits_request(&alice, 900, Instant::from_millis(8_999)));
            assert!(sources.admits_request(&alice, 900, Instant::from_millis(9_000)));
        });
    }

    #[test]
    fn counts_by_ipv4_address_or_ipv6_network() {
        with(64, LIMITS, |sources| {
            let mut use_up = |first: &str, second: &str| {
                while sources.admits_registration(&address(first), Instant::ZERO) {}
                sources.admits_registration(&address(second), Instant::ZERO)
            };
            assert!(!use_up("192.0.2.1:1000", "192.0.2.1:2000"), "other port");
            assert!(use_up("192.0.2.1:1000", "192.0.2.2:1000"), "other address");
            assert!(!use_up("[2001:db8::1]:9", "[2001:db8::2]:9"), "one network");
            assert!(use_up("[2001:db8::1]:9", "[2001:db8:0:1::1]:9"), "another");
        });
    }

    #[test]
    fn separates_sources_while_slots_are_free() {
        with(64, LIMITS, |sources| {
            for host in 0..24 {
                let from = address(&format!("192.0.2.{host}:1"));
                for _ in 0..3 {
                    assert!(sources.admits_registration(&from, Instant::ZERO));
                }
                assert!(!sources.admits_registration(&from, Instant::ZERO));
            }
        });
    }

    #[test]
    //= PROTOCOL.md#15.1
    fn limits_junk_of_one_address_before_its_source() {
        with(64, LIMITS, |sources| {
            let junk = address("192.0.2.1:1000");
            let admitted = (0..1_000).filter(|_| sources.admits_handshake(&junk, Instant::ZERO));
            assert_eq!(admitted.count(), 3);
            // Others behind the same NAT have what is left of the quota of the source.
            let port = |number: u16| address(&format!("192.0.2.1:{number}"));
            let others = (1..=10).filter(|it| sources.admits_handshake(&port(*it), Instant::ZERO));
            assert_eq!(others.count(), 5);
            assert!(sources.admits_registration(&port(1), Instant::ZERO));
        });
    }

    #[test]
    //= PROTOCOL.md#15.1
    fn leaves_slots_to_others_than_many_ports() {
        with(8, RateLimits::default(), |sources| {
            let port = |number: u16| address(&format!("192.0.2.1:{number}"));
            let junk: [_; 16] = core::array::from_fn(|number| port(number as u16 + 1));
            let mut now = Instant::ZERO;
            // Miri takes minutes for all of them.
            let rounds = if cfg!(miri) { 3 } else { 2_000 };
            for _ in 0..rounds {
                now = now.plus_millis(10);
                for from in &junk {
                    sources.admits_handshake(from, now);
                }
            }
            for host in 2..=9 {
                let guest = address(&format!("192.0.2.{host}:1"));
                assert!(sources.admits_handshake(&guest, now), "guest {host}");
                assert!(sources.admits_registration(&guest, now), "guest {host}");
            }
        });
    }

    #[test]
    fn counts_known_names_for_their_keys() {
        with(64, LIMITS, |sources| {
            let alice = address("192.0.2.1:1000");
            while sources.admits_registration(&alice, Instant::ZERO) {}
            let mut admitted = |key| sources.admits_return(&PublicKey([key; 32]), Instant::ZERO);
            assert_eq!(
                [1, 1, 1, 1, 2].map(&mut admitted),
                [true, true, true, false, true]
            );
        });
    }

    #[test]
    fn bounds_many_sources_by_the_slots() {
        with(8, LIMITS, |sources| {
            let mut admitted = 0;
            // Miri takes minutes for all of them.
            let rounds = if cfg!(miri) { 3 } else { 200_u32 };
            for round in 0..rounds {
                for host in 0..250 {
                    let from = address(&format!("192.0.2.{host}:1"));
                    let now = Instant::from_millis(u64::from(round));
                    admitted += u32::from(sources.admits_registration(&from, now));
                }
            }
            // Eight buckets of three, and none of them refills within 200 ms.
            assert!(admitted <= 24, "{admitted}");
        });
    }

    #[test]
    fn admits_all_without_limits_but_needs_a_slot() {
        with(1, RateLimits::NONE, |sources| {
            let alice = address("192.0.2.1:1000");
            for _ in 0..100 {
                assert!(sources.admits_handshake(&alice, Instant::ZERO));
                assert!(sources.admits_registration(&alice, Instant::ZERO));
                assert!(sources.admits_request(&alice, 1_000, Instant::ZERO));
            }
        });
        let key = Entropy::new(Suite::Noise, Seed::new(&mut [3; 32])).key();
        let none = Quotas::new(&mut [], LIMITS, key).err();
        assert_eq!(none, Some(StorageError::new("sources", 0, 1)));
    }
}
