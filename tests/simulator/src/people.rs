//! The names of the clients in a world, and the addresses of their processes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::numbers::{NameId, ProcessId};

/// Returns the name with this number; the names have various forms.
pub fn name(number: NameId) -> String {
    const FIRST: [&str; 8] = [
        "ann",
        "bob",
        "cleo",
        "dan",
        "Zoë",
        "../x",
        "名前",
        "abcdefghijklmnopqrstuvwxyz012345",
    ];
    FIRST
        .get(number)
        .map_or_else(|| format!("guest{number}"), |name| (*name).to_owned())
}

/// Returns an address that no process has had: IPv4, and IPv6 for every fifth name.
pub fn fresh_address(name: NameId, process: ProcessId) -> SocketAddr {
    let ip = match u16::try_from(name).unwrap_or(u16::MAX) {
        number if number % 5 == 4 => IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 1, number)),
        number => IpAddr::V4(Ipv4Addr::new(10, 0, 1, number as u8)),
    };
    SocketAddr::new(ip, 10_000 + u16::try_from(process).unwrap_or(0) % 900)
}
