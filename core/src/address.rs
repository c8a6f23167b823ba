//! Socket addresses in slots and on the wire.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

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
        let ip = match self.family {
            6 => IpAddr::V6(Ipv6Addr::from(self.ip)),
            _ => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        };
        SocketAddr::new(ip, self.port)
    }

    /// Returns whether both are IPv4, or both IPv6.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.family == other.family
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

/// An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`) becomes the IPv4 address. Scope and flow label
/// are dropped.
impl From<SocketAddr> for PackedAddress {
    fn from(address: SocketAddr) -> Self {
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
                ip: v6.octets(),
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
}
