//! Rooms on the local network, by service discovery over multicast DNS (RFC 6762 and RFC 6763).
//!
//! An announcement is advice: anybody on the network can make one. The key of the server and the
//! room are proved as with an address that was typed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::{Duration, Instant};

use clap::Args;
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

/// Maximum number of rooms that a search lists, and of addresses of each that it tries.
const ROOMS_MAX: usize = 8;
const ADDRESSES_MAX: usize = 8;

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
    let mut rooms: Vec<Place> = services.values().filter_map(|it| reached(it)).collect();
    rooms.sort();
    rooms.dedup();
    Ok(rooms)
}

/// Returns the first address of a room that answers: IPv4 first, which each machine has, and
/// link-local ones last. A machine may announce those of other links on this one.
fn reached(service: &ResolvedService) -> Option<Place> {
    let port = service.port;
    let mut addresses: Vec<(u8, SocketAddr, String)> = service
        .addresses
        .iter()
        .filter_map(|address| spelled(address, port))
        .collect();
    addresses.sort();
    addresses
        .into_iter()
        .take(ADDRESSES_MAX)
        .find(|(_, address, _)| port != 0 && ping::answers(*address))
        .map(|(_, _, host)| Place { host, port })
}

/// Returns the rank of an address, the address, and how a user would type its host.
fn spelled(address: &ScopedIp, port: u16) -> Option<(u8, SocketAddr, String)> {
    let host = address.to_ip_addr().to_string();
    match address {
        ScopedIp::V4(v4) => Some((0, (*v4.addr(), port).into(), host)),
        ScopedIp::V6(v6) if !v6.addr().is_unicast_link_local() => {
            Some((1, (*v6.addr(), port).into(), host))
        }
        ScopedIp::V6(v6) => {
            let link = v6.scope_id();
            let address = SocketAddrV6::new(*v6.addr(), port, 0, link.index);
            Some((2, address.into(), format!("{host}%{}", link.name)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(host: &str) -> Place {
        let host = host.into();
        Place { host, port: 4_119 }
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
