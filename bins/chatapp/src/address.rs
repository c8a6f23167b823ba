//! Addresses as users type them: with or without brackets, with the interface of a link-local
//! address, or as a host name.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// Most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 8;

/// The place of a server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// An IP address or a host name.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Returns the host without the brackets that stand around an IPv6 address in a URL.
pub(crate) fn unbracketed(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// Returns whether the host is an address, which always leads to the same place.
pub(crate) fn is_literal(host: &str) -> bool {
    let host = unbracketed(host);
    host.parse::<IpAddr>().is_ok() || scoped(host).is_some()
}

/// Splits a link-local address such as `fe80::1%eth0` from its interface.
fn scoped(text: &str) -> Option<(Ipv6Addr, &str)> {
    let (ip, interface) = text.split_once('%')?;
    Some((ip.parse().ok()?, interface))
}

/// Returns where a server on all addresses is reached: it shows the address that means all, and
/// answers from another one.
fn reached(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// Returns the addresses of a host, IPv4 and IPv6 in turn, IPv4 first: every machine has it.
/// Blocks while name servers are asked.
///
/// # Errors
/// The host is unknown, or the interface of its link-local address.
pub(crate) fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = unbracketed(host);
    let found = (host, port).to_socket_addrs().map_err(|error| {
        scoped(host).map_or(error, |(_, interface)| {
            io::Error::other(format!("this machine has no interface {interface:?}"))
        })
    })?;
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for address in found.map(reached) {
        let list = if address.is_ipv4() { &mut v4 } else { &mut v6 };
        if !list.contains(&address) {
            list.push(address);
        }
    }
    Ok(in_turn(v4, v6))
}

fn in_turn(v4: Vec<SocketAddr>, v6: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let (mut v4, mut v6) = (v4.into_iter(), v6.into_iter());
    let pairs = std::iter::from_fn(|| Some([v4.next(), v6.next()]));
    pairs
        .take_while(|pair| pair.iter().any(Option::is_some))
        .flatten()
        .flatten()
        .take(ADDRESSES_MAX)
        .collect()
}

pub(crate) const LACKS_INTERFACE: &str =
    "a link-local address needs its interface, such as fe80::1%eth0";

/// Returns whether this is a link-local address without its interface.
pub(crate) fn lacks_interface(address: &SocketAddr) -> bool {
    match address {
        SocketAddr::V4(_) => false,
        SocketAddr::V6(v6) => v6.ip().is_unicast_link_local() && v6.scope_id() == 0,
    }
}

const PORT_MIN: u16 = 1_024;

/// Parses a port that needs no rights.
///
/// # Errors
/// A message for the user.
pub(crate) fn parse_port(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|port| *port >= PORT_MIN)
        .ok_or_else(|| format!("{text:?} is not a port from {PORT_MIN} to {}", u16::MAX))
}

/// Parses an address of this machine.
///
/// # Errors
/// A message for the user.
pub(crate) fn parse_local(text: &str) -> Result<SocketAddr, String> {
    let text = unbracketed(text);
    let address = match text.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, 0),
        Err(_) if scoped(text).is_some() => {
            let found = resolve(text, 0).map_err(|error| error.to_string())?;
            *found.first().ok_or("it is no address")?
        }
        Err(error) => return Err(error.to_string()),
    };
    if lacks_interface(&address) {
        return Err(LACKS_INTERFACE.into());
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_brackets_off_pairs_only() {
        for (typed, host) in [
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("[::1", "[::1"),
            ("a]", "a]"),
        ] {
            assert_eq!(unbracketed(typed), host);
        }
        assert!(is_literal("[fe80::1%eth0]") && is_literal("10.0.0.1"));
        assert!(!is_literal("localhost") && !is_literal("host%1"));
    }

    #[test]
    fn resolves_literal_addresses() {
        for (typed, address) in [
            ("[::1]", "[::1]:4119"),
            ("[::]", "[::1]:4119"),
            ("0.0.0.0", "127.0.0.1:4119"),
        ] {
            assert_eq!(resolve(typed, 4_119).unwrap(), [address.parse().unwrap()]);
        }
        assert_eq!(
            parse_local("[::1]"),
            Ok(SocketAddr::from((Ipv6Addr::LOCALHOST, 0)))
        );
    }

    #[test]
    fn says_what_a_link_local_address_lacks() {
        for host in ["fe80::1", "[fe80::1]"] {
            assert!(resolve(host, 4_119).unwrap().iter().all(lacks_interface));
            assert_eq!(parse_local(host), Err(LACKS_INTERFACE.into()));
        }
        let error = parse_local("fe80::1%no-such-one").unwrap_err();
        assert_eq!(error, "this machine has no interface \"no-such-one\"");
    }

    #[test]
    fn alternates_the_families_of_a_bounded_list() {
        let list = |family: &str| -> Vec<SocketAddr> {
            let address = |number| format!("{family}{number}").parse::<IpAddr>().unwrap();
            (1..=6).map(|n| SocketAddr::new(address(n), 1)).collect()
        };
        let mixed = in_turn(list("10.0.0."), list("fd00::")[..1].to_vec());
        let ips: Vec<String> = mixed.iter().map(|it| it.ip().to_string()).collect();
        assert_eq!(ips[..3], ["10.0.0.1", "fd00::1", "10.0.0.2"]);
        assert_eq!(
            in_turn(list("10.0.0."), list("fd00::")).len(),
            ADDRESSES_MAX
        );
    }
}
