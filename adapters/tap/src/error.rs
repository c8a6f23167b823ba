//! Errors of the device or the addresses, each with the command that fixes it.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::IpAddr;

use chatapp_smoltcp::StackError;
use chatapp_smoltcp::smoltcp::wire::IpCidr;

/// Reason why a stack cannot run on this device. The text names the command that helps, if one
/// does.
#[derive(Debug)]
#[non_exhaustive]
pub enum TapError {
    /// There is no device of this name.
    NoDevice {
        /// Name of the missing device.
        name: String,
        /// A possible address of the machine itself on the link.
        host: Option<IpCidr>,
    },
    /// The device is down.
    Down(String),
    /// The user has no permission for the device.
    NoRights(String),
    /// The device is no TAP device.
    NotTap(String),
    /// Another process uses the device.
    InUse(String),
    /// The kernel has no TAP devices.
    NoTun,
    /// More than one address or gateway of a family.
    TooMany,
    /// No machine can have this address.
    NotAnAddress(IpCidr),
    /// The machine itself has this address on the device.
    Taken(IpCidr, String),
    /// The address is in none of the networks of the device.
    NotOnLink {
        /// The rejected address.
        own: IpCidr,
        /// Name of the device.
        name: String,
        /// The address of the machine itself on the device.
        link: IpCidr,
    },
    /// The gateway is in none of the networks of the own addresses.
    NoWayToGateway(IpAddr),
    /// The stack rejects the configuration.
    Stack(StackError),
    /// The operating system returned an error.
    System(io::Error),
}

impl fmt::Display for TapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDevice { name, host } => {
                write!(
                    f,
                    "there is no device {name}; these commands make it:\n  \
                     sudo ip tuntap add dev {name} mode tap user $USER\n  "
                )?;
                if let Some(host) = host {
                    write!(f, "sudo ip address add {host} dev {name}\n  ")?;
                }
                write!(f, "sudo ip link set dev {name} up")
            }
            Self::Down(name) => write!(
                f,
                "the device {name} is down; this command brings it up:\n  sudo ip link set dev \
                {name} up"
            ),
            Self::NoRights(name) => write!(
                f,
                "you have no access to the device {name}; these commands make it yours:\n  \
                 sudo ip link delete dev {name}\n  sudo ip tuntap add dev {name} mode tap user \
                 $USER\n\
                 Then add its addresses again, and bring it up"
            ),
            Self::NotTap(name) => write!(
                f,
                "{name} is not a TAP device; this command makes one, under a free name:\n  \
                 sudo ip tuntap add dev <name> mode tap user $USER"
            ),
            Self::InUse(name) => write!(f, "another program uses the device {name}"),
            Self::NoTun => f.write_str(
                "this kernel has no TAP devices (no /dev/net/tun); this command may load them:\n  \
                sudo modprobe tun",
            ),
            Self::TooMany => {
                f.write_str("give at most one address and one gateway each for IPv4 and IPv6")
            }
            Self::NotAnAddress(own) => write!(
                f,
                "{own} is not the address of a host; give one inside of that network, such as \
                 192.168.69.2/24"
            ),
            Self::Taken(own, name) => write!(
                f,
                "{} is this machine's own address on {name}; give another one of that network",
                own.address()
            ),
            Self::NotOnLink { own, name, link } => write!(
                f,
                "{own} is not on the link: this machine is {link} on {name}; give another address \
                of that network"
            ),
            Self::NoWayToGateway(gateway) => write!(
                f,
                "the gateway {gateway} is not on the link; give one in the network of your own \
                address"
            ),
            Self::Stack(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl Error for TapError {}
