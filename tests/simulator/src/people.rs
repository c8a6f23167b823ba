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

/// Number of names of one key that the server admits.
pub const SQUATS_MAX: usize = 4;

/// Returns the names that an attacker tries to take under one key. No client wants them.
pub fn squats() -> impl ExactSizeIterator<Item = String> {
    (0..2 * SQUATS_MAX).map(|number| format!("squat{number}"))
}

/// Returns whether a name is one that an attacker tries to take.
pub fn is_squat(name: &str) -> bool {
    name.starts_with("squat")
}

/// Returns an address that no process has had: IPv4, and IPv6 for every fifth name.
pub fn fresh_address(name: NameId, process: ProcessId) -> SocketAddr {
    let ip = match u16::try_from(name).unwrap_or(u16::MAX) {
        number if number % 5 == 4 => IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 1, number)),
        number => IpAddr::V4(Ipv4Addr::new(10, 0, 1, number as u8)),
    };
    SocketAddr::new(ip, 10_000 + u16::try_from(process).unwrap_or(0) % 900)
}
