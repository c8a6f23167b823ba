//! Rooms on the local network, by service discovery over multicast DNS (RFC 6762 and RFC 6763).
//!
//! An announcement is advice: anybody on the network can make one. The key of the server and the
//! room are proved as with an address that was typed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use if_addrs::IfAddr;
use mdns_sd::{Error, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo};

use crate::address::Place;
use crate::exit::{Exit, Failure};
use crate::ping;

/// The type of the service.
const SERVICE: &str = "_chatapp._udp.local.";

/// Time of a search. The first question may be lost, and the second one is sent after a second.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// Time for the announcement that a server ends.
const GOODBYE_TIME: Duration = Duration::from_millis(300);

/// Maximum number of rooms that a search lists, and of addresses of each that it asks. Anybody on
/// the link can choose them.
const ROOMS_MAX: usize = 8;
const ADDRESSES_MAX: usize = 2;

/// The option of a server.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Network")]
pub(crate) struct LanOptions {
    /// Let `-c <NAME> lan` find this room on the local network; not for closed rooms
    #[arg(
        long,
        requires = "server",
        conflicts_with_all = ["client", "room_key", "allow_file"]
    )]
    lan: bool,
}

impl LanOptions {
    /// Announces a server at this address, or at all addresses of this machine.
    ///
    /// # Errors
    /// Returns an error if the system has no socket for it.
    pub(crate) fn announce(self, at: SocketAddr) -> Result<Option<Announcement>, Error> {
        self.lan.then(|| Announcement::begin(at)).transpose()
    }
}

/// The announcement of a room, which lasts as long as this value.
pub(crate) struct Announcement(ServiceDaemon);

impl Announcement {
    fn begin(at: SocketAddr) -> Result<Self, Error> {
        // The name of the machine belongs to its own responder.
        let label = format!("chatapp-{:08x}", fastrand::u32(..));
        let host = format!("{label}.local.");
        let properties: &[(&str, &str)] = &[];
        let room =
            |ips: &[IpAddr]| ServiceInfo::new(SERVICE, &label, &host, ips, at.port(), properties);
        let info = if at.ip().is_unspecified() {
            room(&[])?.enable_addr_auto()
        } else {
            room(&[at.ip()])?
        };
        let daemon = ServiceDaemon::new()?;
        daemon.register(info)?;
        Ok(Self(daemon))
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // Those who search a moment later do not find it, if this arrives.
        if let Ok(done) = self.0.shutdown() {
            let _ = done.recv_timeout(GOODBYE_TIME);
        }
    }
}

/// Finds the only room on the local network, for a client with this name.
///
/// # Errors
/// Returns a failure with exit code 3 if there is none, or more than one.
pub(crate) fn find(name: &str) -> Result<Place, Failure> {
    let rooms = search()
        .map_err(|error| Failure::new(Exit::System, format!("cannot search for rooms: {error}")))?;
    only_one(rooms, name).map_err(|message| Failure::new(Exit::NoServer, message))
}

/// Returns the only room.
///
/// # Errors
/// Returns a message for the user if there is none, or more than one.
fn only_one(mut rooms: Vec<Place>, name: &str) -> Result<Place, String> {
    if rooms.len() > 1 {
        let lines: String = rooms
            .iter()
            .map(|room| format!("\n  ChatApp -c {name} {} {} 0", room.host, room.port))
            .collect();
        return Err(format!("there are several rooms on this network:{lines}"));
    }
    rooms.pop().ok_or_else(|| {
        "no room was found on this network; its server needs --lan, or type its address".into()
    })
}

/// Asks the local network for rooms. Lists those that answer.
fn search() -> Result<Vec<Place>, Error> {
    let daemon = ServiceDaemon::new()?;
    let events = daemon.browse(SERVICE)?;
    let end = Instant::now() + PATIENCE;
    let mut services = BTreeMap::new();
    // An error: the time is over.
    while let Ok(event) = events.recv_deadline(end) {
        match event {
            ServiceEvent::ServiceResolved(service) if services.len() < ROOMS_MAX => {
                services.insert(service.fullname.clone(), service);
            }
            ServiceEvent::ServiceRemoved(_, name) => drop(services.remove(&name)),
            _ => {}
        }
    }
    // The end of the process ends it, too.
    let _ = daemon.shutdown();
    let networks = if_addrs::get_if_addrs().map_err(|error| Error::Msg(error.to_string()))?;
    let networks: Vec<IfAddr> = networks.into_iter().map(|one| one.addr).collect();
    let mut rooms = reached(services.values().map(|it| candidates(it, &networks)));
    rooms.sort();
    rooms.dedup();
    Ok(rooms)
}

/// An address of a room, and how a user would type its host.
type Candidate = (SocketAddr, String);

/// Asks all addresses of all rooms at once, so that it takes the time of one. Returns the first
/// address of each room that answers.
fn reached(rooms: impl Iterator<Item = Vec<Candidate>>) -> Vec<Place> {
    thread::scope(|scope| {
        let ask = |candidate: Candidate| {
            scope.spawn(move || ping::answers(candidate.0).then_some(candidate))
        };
        let asked = rooms.map(|room| room.into_iter().map(ask).collect::<Vec<_>>());
        // All threads run before the first one is waited for.
        let asked: Vec<_> = asked.collect();
        let found = asked.into_iter().filter_map(|room| {
            let answers: Vec<_> = room.into_iter().map(|thread| thread.join()).collect();
            answers.into_iter().find_map(|answer| answer.ok().flatten())
        });
        let places = found.map(|(address, host)| Place {
            host,
            port: address.port(),
        });
        places.collect()
    })
}

/// Returns the addresses of a room to ask, in this order: IPv4 first, which each machine has, then
/// link-local ones, and those of this machine last. Other machines may have the same ones on links
/// of their own. Others than those on a link of this machine are not asked.
fn candidates(service: &ResolvedService, networks: &[IfAddr]) -> Vec<Candidate> {
    let addresses = service.addresses.iter();
    let mut addresses: Vec<_> = addresses
        .filter_map(|address| spelled(address, service.port))
        .filter(|(_, (address, _))| is_near(*address, networks))
        .map(|(rank, candidate)| {
            let is_own = |network: &IfAddr| network.ip() == candidate.0.ip();
            (networks.iter().any(is_own), rank, candidate)
        })
        .collect();
    addresses.sort();
    let addresses = addresses.into_iter().map(|(.., candidate)| candidate);
    addresses.take(ADDRESSES_MAX).collect()
}

/// Returns whether an address is on a link of this machine.
fn is_near(address: SocketAddr, networks: &[IfAddr]) -> bool {
    let is_in = |network: &IfAddr| match (network, address) {
        (IfAddr::V4(network), SocketAddr::V4(address)) => {
            let mask = network.netmask.to_bits();
            mask != 0 && (network.ip.to_bits() ^ address.ip().to_bits()) & mask == 0
        }
        (IfAddr::V6(network), SocketAddr::V6(address)) => {
            let mask = network.netmask.to_bits();
            mask != 0 && (network.ip.to_bits() ^ address.ip().to_bits()) & mask == 0
        }
        _ => false,
    };
    match address {
        // The scope is the link on which the announcement came.
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => v6.scope_id() != 0,
        _ => networks
            .iter()
            .filter(|network| !network.is_loopback())
            .any(is_in),
    }
}

/// Returns the rank of an address, and the candidate; `None` without a port.
fn spelled(address: &ScopedIp, port: u16) -> Option<(u8, Candidate)> {
    let host = address.to_ip_addr().to_string();
    match address {
        _ if port == 0 => None,
        ScopedIp::V4(v4) => Some((0, ((*v4.addr(), port).into(), host))),
        ScopedIp::V6(v6) if !v6.addr().is_unicast_link_local() => {
            Some((1, ((*v6.addr(), port).into(), host)))
        }
        ScopedIp::V6(v6) => {
            let link = v6.scope_id();
            let address = SocketAddrV6::new(*v6.addr(), port, 0, link.index);
            Some((2, (address.into(), format!("{host}%{}", link.name))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::iter;
    use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};

    use if_addrs::{Ifv4Addr, Ifv6Addr};

    use super::*;

    fn room(host: &str) -> Place {
        let host = host.into();
        Place { host, port: 4_119 }
    }

    fn v4(ip: [u8; 4], prefix: u8) -> IfAddr {
        let netmask = u32::MAX << (32 - prefix);
        IfAddr::V4(Ifv4Addr {
            ip: ip.into(),
            netmask: Ipv4Addr::from_bits(netmask),
            prefixlen: prefix,
            broadcast: None,
        })
    }

    fn v6(ip: &str, prefix: u8) -> IfAddr {
        let netmask = u128::MAX << (128 - prefix);
        IfAddr::V6(Ifv6Addr {
            ip: ip.parse().unwrap(),
            netmask: Ipv6Addr::from_bits(netmask),
            prefixlen: prefix,
            broadcast: None,
        })
    }

    #[test]
    fn asks_only_addresses_on_own_links() {
        let networks = [
            v4([127, 0, 0, 1], 8),
            v4([192, 168, 1, 5], 24),
            v4([10, 8, 0, 2], 32),
            v6("2001:db8:1::5", 64),
            v6("fe80::5", 64),
        ];
        for (address, is_asked) in [
            ("192.168.1.9:4119", true),
            ("192.168.1.5:4119", true),
            ("192.168.2.9:4119", false),
            ("10.8.0.3:4119", false),
            ("127.0.0.1:53", false),
            ("8.8.8.8:53", false),
            ("[2001:db8:1::9]:4119", true),
            ("[2001:db8:2::9]:53", false),
            ("[::1]:53", false),
            ("[fe80::9%2]:4119", true),
            ("[fe80::9]:4119", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(is_near(address, &networks), is_asked, "{address}");
        }
    }

    #[test]
    fn asks_two_addresses_of_a_room() {
        let networks = [v4([172, 17, 0, 1], 16), v4([192, 168, 1, 5], 24)];
        let ips = ["8.8.8.8", "172.17.0.1", "192.168.1.9", "192.168.1.8"];
        let ips = ips.map(|ip| ip.parse::<IpAddr>().unwrap());
        let label = "room";
        let properties: &[(&str, &str)] = &[];
        let host = "room.local.";
        let service = ServiceInfo::new(SERVICE, label, host, &ips[..], 4_119, properties);
        let service = service.unwrap().as_resolved_service();
        let hosts = candidates(&service, &networks);
        let hosts: Vec<&str> = hosts.iter().map(|(_, host)| &**host).collect();
        assert_eq!(hosts, ["192.168.1.8", "192.168.1.9"]);
    }

    #[test]
    fn asks_all_rooms_in_the_time_of_one() {
        // Nothing answers there, and nothing says so.
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let candidate = (silent.local_addr().unwrap(), "here".to_owned());
        let room = vec![candidate; ADDRESSES_MAX];
        let start = Instant::now();
        assert_eq!(reached(iter::repeat_n(room, ROOMS_MAX)), []);
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn takes_the_only_room() {
        let one = room("192.0.2.1");
        assert_eq!(only_one(vec![one.clone()], "alice"), Ok(one));
        let message = only_one(Vec::new(), "alice").unwrap_err();
        assert!(message.contains("--lan"), "{message}");
    }

    #[test]
    fn lists_several_rooms_as_commands() {
        let rooms = vec![room("192.0.2.1"), room("fe80::1%eth0")];
        let message = only_one(rooms, "alice").unwrap_err();
        for line in [
            "\n  ChatApp -c alice 192.0.2.1 4119 0",
            "\n  ChatApp -c alice fe80::1%eth0 4119 0",
        ] {
            assert!(message.contains(line), "{message}");
        }
    }
}
