//! Addresses of this program on the link, and their validation.

use std::net::IpAddr;

use chatapp_smoltcp::smoltcp::wire::{IpAddress, IpCidr};
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;

use crate::TapError;

/// Device and addresses of the stack.
#[derive(Clone, Debug)]
pub struct TapConfig {
    /// Name of the device.
    pub device: String,
    /// Own addresses with the prefixes of their networks: at most one for each family.
    pub addresses: Vec<IpCidr>,
    /// Routers to all other networks: at most one for each family.
    pub gateways: Vec<IpAddr>,
}

impl TapConfig {
    /// Returns whether datagrams to this address can leave at all: on the link, or through a
    /// gateway.
    pub fn reaches(&self, to: IpAddr) -> bool {
        self.is_on_link(to)
            || self
                .gateways
                .iter()
                .any(|gateway| gateway.is_ipv4() == to.is_ipv4())
    }

    fn is_on_link(&self, ip: IpAddr) -> bool {
        self.addresses
            .iter()
            .any(|own| own.contains_addr(&IpAddress::from(ip)))
    }

    /// Checks that the device exists and is up, and that the link permits these addresses.
    ///
    /// # Errors
    /// Returns an error if the device is missing or down, or the link does not permit an address.
    pub(crate) fn check(&self) -> Result<(), TapError> {
        let addresses = getifaddrs().map_err(|errno| TapError::System(errno.into()))?;
        let mut is_up = None;
        let mut host = Vec::new();
        for entry in addresses.filter(|entry| entry.interface_name == self.device) {
            is_up = Some(entry.flags.contains(InterfaceFlags::IFF_UP));
            host.extend(
                entry
                    .address
                    .zip(entry.netmask)
                    .and_then(|(ip, mask)| cidr(ip, mask)),
            );
        }
        self.check_addresses(&host)?;
        match is_up {
            None => Err(TapError::NoDevice {
                name: self.device.clone(),
                host: self.addresses.first().and_then(|own| self.neighbor(*own)),
            }),
            Some(false) => Err(TapError::Down(self.device.clone())),
            Some(true) => Ok(()),
        }
    }

    /// Checks the addresses against those of the machine itself on the device; it has none if it
    /// only forwards frames.
    fn check_addresses(&self, host: &[IpCidr]) -> Result<(), TapError> {
        for is_ipv4 in [true, false] {
            let own = self.addresses.iter().map(|own| own.address().into());
            for ips in [own.collect(), self.gateways.clone()] {
                if ips.iter().filter(|ip| ip.is_ipv4() == is_ipv4).count() > 1 {
                    return Err(TapError::TooMany);
                }
            }
        }
        for own in &self.addresses {
            if !is_for_one(own) {
                return Err(TapError::NotAnAddress(*own));
            }
            let like: Vec<&IpCidr> = host
                .iter()
                .filter(|host| host.address().version() == own.address().version())
                .collect();
            if like.iter().any(|host| host.address() == own.address()) {
                return Err(TapError::Taken(*own, self.device.clone()));
            }
            if let Some(link) = like.first()
                && !like.iter().any(|host| host.contains_addr(&own.address()))
            {
                return Err(TapError::NotOnLink {
                    own: *own,
                    name: self.device.clone(),
                    link: **link,
                });
            }
        }
        let is_astray = |gateway: &&IpAddr| !self.is_on_link(**gateway);
        match self.gateways.iter().find(is_astray) {
            Some(gateway) => Err(TapError::NoWayToGateway(*gateway)),
            None => Ok(()),
        }
    }

    /// Returns an address for the machine itself on the link: the gateway, or the first free one.
    fn neighbor(&self, own: IpCidr) -> Option<IpCidr> {
        let gateway = self
            .gateways
            .iter()
            .find(|ip| own.contains_addr(&IpAddress::from(**ip)));
        let ip = gateway.copied().or_else(|| {
            let IpCidr::Ipv4(network) = own else {
                return None;
            };
            let first = u32::from(network.network().address()) + 1;
            let free = (first..=first + 1).map(|ip| IpAddr::V4(ip.into()));
            free.into_iter().find(|ip| {
                *ip != IpAddr::from(own.address()) && own.contains_addr(&IpAddress::from(*ip))
            })
        })?;
        Some(IpCidr::new(ip.into(), own.prefix_len()))
    }
}

/// Returns whether one machine can have this address.
fn is_for_one(own: &IpCidr) -> bool {
    if !own.address().is_unicast() {
        return false;
    }
    match own {
        IpCidr::Ipv4(own) if own.prefix_len() < 31 => {
            own.address() != own.network().address() && Some(own.address()) != own.broadcast()
        }
        _ => true,
    }
}

/// Converts an address of the machine; `None` for link-local and other address types.
fn cidr(ip: SockaddrStorage, mask: SockaddrStorage) -> Option<IpCidr> {
    let (ip, ones): (IpAddr, u32) =
        if let (Some(ip), Some(mask)) = (ip.as_sockaddr_in(), mask.as_sockaddr_in()) {
            (ip.ip().into(), mask.ip().to_bits().leading_ones())
        } else {
            let (ip, mask) = (ip.as_sockaddr_in6()?.ip(), mask.as_sockaddr_in6()?.ip());
            if ip.is_unicast_link_local() {
                return None;
            }
            (ip.into(), mask.to_bits().leading_ones())
        };
    Some(IpCidr::new(ip.into(), ones as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(addresses: &[&str], gateways: &[&str]) -> TapConfig {
        TapConfig {
            device: "tap0".into(),
            addresses: cidrs(addresses),
            gateways: gateways.iter().map(|ip| ip.parse().unwrap()).collect(),
        }
    }

    fn cidrs(texts: &[&str]) -> Vec<IpCidr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn checks_addresses_against_the_link() {
        let refusal = |own: &[&str], gateways: &[&str], host: &[&str]| {
            let checked = config(own, gateways).check_addresses(&cidrs(host));
            checked.err().map(|error| error.to_string())
        };
        let host = &["192.168.69.1/24", "fd69::1/64"];
        for own in ["192.168.69.2/24", "fd69::2/64"] {
            assert_eq!(refusal(&[own], &[], host), None);
            assert_eq!(refusal(&[own], &[], &[]), None);
        }
        let both = &["192.168.69.2/24", "fd69::2/64"];
        assert_eq!(refusal(both, &["192.168.69.1", "fd69::1"], host), None);
        assert_eq!(refusal(&["10.0.0.0/31"], &[], &[]), None);
        for (own, gateways, words) in [
            (
                "192.168.69.0/24",
                "192.168.69.1",
                "is not the address of a host",
            ),
            (
                "192.168.69.255/24",
                "192.168.69.1",
                "is not the address of a host",
            ),
            ("ff02::1/64", "fd69::1", "is not the address of a host"),
            (
                "192.168.69.1/24",
                "192.168.69.3",
                "is this machine's own address",
            ),
            (
                "192.168.70.2/24",
                "192.168.70.1",
                "this machine is 192.168.69.1/24 on tap0",
            ),
            (
                "192.168.69.2/24",
                "192.168.70.1",
                "the gateway 192.168.70.1 is not on the link",
            ),
        ] {
            let refusal = refusal(&[own], &[gateways], host);
            assert!(
                refusal.as_ref().is_some_and(|text| text.contains(words)),
                "{own}: {refusal:?}"
            );
        }
        let two = refusal(&["10.0.0.2/8", "10.0.0.3/8"], &[], &[]);
        assert!(two.is_some_and(|text| text.starts_with("give at most one address")));
    }

    #[test]
    fn needs_a_gateway_of_the_family_off_the_link() {
        let (near, far) = (
            "192.168.69.9".parse().unwrap(),
            "192.0.2.7".parse().unwrap(),
        );
        let far_v6 = "2001:db8::7".parse().unwrap();
        let alone = config(&["192.168.69.2/24"], &[]);
        assert!(alone.reaches(near) && !alone.reaches(far) && !alone.reaches(far_v6));
        let routed = config(&["192.168.69.2/24"], &["192.168.69.1"]);
        assert!(routed.reaches(near) && routed.reaches(far) && !routed.reaches(far_v6));
    }

    #[test]
    fn names_commands_that_create_the_device() {
        for (own, gateways, host) in [
            (
                "192.168.69.2/24",
                &[] as &[&str],
                "address add 192.168.69.1/24 dev tap0",
            ),
            (
                "192.168.69.1/24",
                &[],
                "address add 192.168.69.2/24 dev tap0",
            ),
            (
                "192.168.69.2/24",
                &["192.168.69.254"],
                "address add 192.168.69.254/24 dev tap0",
            ),
            (
                "fd69::2/64",
                &["fd69::1"],
                "address add fd69::1/64 dev tap0",
            ),
        ] {
            let config = config(&[own], gateways);
            let error = TapError::NoDevice {
                name: config.device.clone(),
                host: config.neighbor(config.addresses[0]),
            };
            assert!(error.to_string().contains(host), "{error}");
        }
    }
}
