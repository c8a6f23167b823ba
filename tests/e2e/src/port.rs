//! Ports for servers and clients.

use std::net::{Ipv6Addr, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range of ephemeral ports, so that no other process takes a port between its choice and
/// its use.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// Returns a UDP port that is free on all local addresses, a new one for each call.
///
/// # Panics
/// Panics if none is free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run at the same time start far from each other.
    let start = (std::process::id().wrapping_mul(997) % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (start + step) % COUNT;
        let free_v4 = UdpSocket::bind(("0.0.0.0", port)).is_ok();
        let free_v6 = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)).is_ok();
        if free_v4 && (free_v6 || !has_ipv6()) {
            return port;
        }
    }
    panic!("no free UDP port between {FIRST} and {}", FIRST + COUNT);
}

/// Returns whether a test that needs IPv6 can run here.
///
/// # Panics
/// Panics if it cannot, and skipping is not allowed (`CHATAPP_NO_SKIP` is set).
pub fn can_use_ipv6() -> bool {
    let can = has_ipv6();
    if !can {
        assert!(
            std::env::var_os("CHATAPP_NO_SKIP").is_none(),
            "this machine has no IPv6"
        );
        eprintln!("skipped: this machine has no IPv6");
    }
    can
}

fn has_ipv6() -> bool {
    UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}
