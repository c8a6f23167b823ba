//! Socket addresses in slots and on the wire.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use serde::{Deserialize, Serialize};

/// A socket address whose vacant value is all zero bits, so that a static table of vacant slots
/// needs no flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(crate) struct PackedAddress {
    /// 0: vacant, 4: IPv4 in the first four bytes, 6: IPv6.
    family: u8,
    ip: [u8; 16],
    port: u16,
}

impl PackedAddress {
    /// The address of a vacant slot: all zero bits.
    pub(crate) const VACANT: Self = Self {
        family: 0,
        ip: [0; 16],
        port: 0,
    };

    /// Returns the address; `0.0.0.0:0` if it is vacant.
    pub(crate) fn get(&self) -> SocketAddr {
        let [a, b, c, d, ..] = self.ip;
        match self.family {
            6 => {
                let (ip, scope) = without_scope(self.ip);
                SocketAddrV6::new(ip, self.port, 0, scope).into()
            }
            _ => SocketAddr::from((Ipv4Addr::new(a, b, c, d), self.port)),
        }
    }

    /// Returns whether this is `address`, without packing it: every datagram asks.
    pub(crate) fn is(&self, address: SocketAddr) -> bool {
        match address {
            SocketAddr::V4(v4) => {
                let [a, b, c, d, ..] = self.ip;
                self.family == 4 && self.port == v4.port() && [a, b, c, d] == v4.ip().octets()
            }
            SocketAddr::V6(_) => *self == Self::from(address),
        }
    }

    /// Returns whether this is a link-local IPv6 address.
    fn is_link_local(&self) -> bool {
        self.family == 6 && is_link_local(self.ip)
    }

    /// Returns the address with the scope of `other`, if both are link-local and this one has no
    /// scope: without one, no datagram can leave.
    pub(crate) fn on_link_of(self, other: SocketAddr) -> Self {
        match (self.get(), other) {
            (SocketAddr::V6(own), SocketAddr::V6(other))
                if self.is_like(&SocketAddr::V6(other).into())
                    && self.is_link_local()
                    && own.scope_id() == 0 =>
            {
                let scope = other.scope_id();
                SocketAddr::from(SocketAddrV6::new(*own.ip(), self.port, 0, scope)).into()
            }
            _ => self,
        }
    }

    /// Returns whether both are IPv4, or both IPv6, and both or none link-local.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.family == other.family && self.is_link_local() == other.is_link_local()
    }

    /// Returns the network that quotas count for: an IPv4 address, or the upper half of an IPv6
    /// address.
    pub(crate) fn network(&self) -> u128 {
        let ip = u128::from_be_bytes(self.ip);
        u128::from(self.family) | ip & (u128::MAX << 64)
    }

    /// Writes the address to a keyed hash, in an unambiguous form.
    pub(crate) fn hash_into(&self, hasher: &mut impl core::hash::Hasher) {
        hasher.write(&[self.family]);
        hasher.write(&self.ip);
        hasher.write(&self.port.to_le_bytes());
    }
}

/// Returns whether an IPv6 address is of `fe80::/10`; never without the feature that keeps scopes.
fn is_link_local(ip: [u8; 16]) -> bool {
    cfg!(feature = "link-local") && Ipv6Addr::from(ip).is_unicast_link_local()
}

/// Puts the scope of a link-local address into bytes that are zero in all of them (RFC 4291,
/// section 2.5.6): the packed address needs no room for it.
fn with_scope(ip: Ipv6Addr, scope: u32) -> [u8; 16] {
    let octets = ip.octets();
    if !is_link_local(octets) {
        return octets;
    }
    let [a, b, _, _, _, _, _, _, c, d, e, f, g, h, i, j] = octets;
    let [s, t, u, v] = scope.to_be_bytes();
    [a, b, 0, 0, s, t, u, v, c, d, e, f, g, h, i, j]
}

/// Undoes [`with_scope`].
fn without_scope(octets: [u8; 16]) -> (Ipv6Addr, u32) {
    if !is_link_local(octets) {
        return (octets.into(), 0);
    }
    let [a, b, _, _, s, t, u, v, c, d, e, f, g, h, i, j] = octets;
    let ip = [a, b, 0, 0, 0, 0, 0, 0, c, d, e, f, g, h, i, j];
    (ip.into(), u32::from_be_bytes([s, t, u, v]))
}

/// An IPv4 address inside IPv6 (`::ffff:a.b.c.d`) becomes the IPv4 address. The scope of a
/// link-local address is kept, a flow label is not.
impl From<SocketAddr> for PackedAddress {
    fn from(address: SocketAddr) -> Self {
        let scope = match address {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(v6) => v6.scope_id(),
        };
        match address.ip().to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                let mut ip = [0; 16];
                if let Some(first) = ip.first_chunk_mut() {
                    *first = [a, b, c, d];
                }
                Self {
                    family: 4,
                    ip,
                    port: address.port(),
                }
            }
            IpAddr::V6(v6) => Self {
                family: 6,
                ip: with_scope(v6, scope),
                port: address.port(),
            },
        }
    }
}

/// The form on the wire: a tag, the bytes of the address in network order, the port as a varint.
#[derive(Serialize, Deserialize)]
enum WireAddress {
    V4([u8; 4], u16),
    V6([u8; 16], u16),
}

impl Serialize for PackedAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.get() {
            SocketAddr::V4(a) => WireAddress::V4(a.ip().octets(), a.port()),
            SocketAddr::V6(a) => WireAddress::V6(a.ip().octets(), a.port()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PackedAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match WireAddress::deserialize(deserializer)? {
            WireAddress::V4(ip, port) => SocketAddr::new(IpAddr::V4(ip.into()), port),
            WireAddress::V6(ip, port) => SocketAddr::new(IpAddr::V6(ip.into()), port),
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_address_only() {
        let all = ["1.2.3.4:5", "1.2.3.4:6", "1.2.3.5:5", "[::1]:5", "[::2]:5"];
        let all: [SocketAddr; 5] = all.map(|text| text.parse().unwrap());
        for one in all {
            for other in all {
                assert_eq!(PackedAddress::from(one).is(other), one == other);
            }
            assert!(!PackedAddress::VACANT.is(one));
        }
        let mapped: SocketAddr = "[::ffff:1.2.3.4]:5".parse().unwrap();
        assert!(PackedAddress::from(all[0]).is(mapped));
    }

    #[test]
    fn keeps_every_address_and_unmaps_v4() {
        for text in ["1.2.3.4:5", "[2001:db8::1]:65535", "0.0.0.0:0"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(PackedAddress::from(address).get(), address);
        }
        let mapped: SocketAddr = "[::ffff:1.2.3.4]:5".parse().unwrap();
        assert_eq!(
            PackedAddress::from(mapped).get(),
            "1.2.3.4:5".parse().unwrap()
        );
    }

    #[cfg(feature = "link-local")]
    #[test]
    fn keeps_the_scope_of_link_local_addresses_only() {
        let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let packed = |text: &str| PackedAddress::from(address(text));
        let local = "[fe80::1:2%4294967295]:5";
        assert_eq!(packed(local).get(), address(local));
        assert_ne!(packed(local), packed("[fe80::1:2%1]:5"));
        assert_eq!(packed("[fe80::1]:5").get(), address("[fe80::1]:5"));
        assert_eq!(packed("[fd00::1%3]:5").get(), address("[fd00::1]:5"));
        // Bytes that stand for the scope here are zero in a valid address.
        assert_eq!(packed("[fe80:0:1:2::1]:5").get(), address("[fe80::1]:5"));
    }

    #[cfg(feature = "link-local")]
    #[test]
    fn sends_no_scope() {
        let address: SocketAddr = "[fe80::1%7]:5".parse().unwrap();
        let mut bytes = [0; 32];
        let packed = PackedAddress::from(address);
        let sent = postcard::to_slice(&packed, &mut bytes).unwrap();
        let received: PackedAddress = postcard::from_bytes(sent).unwrap();
        assert_eq!(received.get(), "[fe80::1]:5".parse().unwrap());
        assert_eq!(received.on_link_of(address), packed);
        assert!(received.is_like(&packed));
        let other = "[fd00::1]:5".parse().unwrap();
        assert_eq!(received.on_link_of(other), received);
        assert!(!received.is_like(&other.into()));
    }
}
