//! Shows the address of a client.

use core::fmt;
use core::net::SocketAddr;

/// An address and its port. Without the feature `short-addresses`, all groups of an IPv6 address
/// are written.
pub(crate) struct Address(pub(crate) SocketAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SocketAddr::V4(address) => address.fmt(f),
            #[cfg(feature = "short-addresses")]
            SocketAddr::V6(address) => address.fmt(f),
            #[cfg(not(feature = "short-addresses"))]
            SocketAddr::V6(address) => {
                let mut before = "[";
                for group in address.ip().segments() {
                    write!(f, "{before}{group:x}")?;
                    before = ":";
                }
                write!(f, "]:{}", address.port())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn shows_addresses_that_can_be_typed_again() {
        for text in ["192.0.2.1:5000", "[2001:db8::1:0:2]:5000"] {
            let address: SocketAddr = text.parse().unwrap();
            let shown = Address(address).to_string();
            assert_eq!(shown.parse(), Ok(address), "{shown}");
            let is_short = cfg!(feature = "short-addresses") || address.is_ipv4();
            assert_eq!(shown == text, is_short, "{shown}");
        }
    }
}
