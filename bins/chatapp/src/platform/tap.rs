//! Options for the program's own network stack on a TAP device.

use std::net::IpAddr;

use chatapp_mio::seed;
pub(crate) use chatapp_tap::TapMemory;
use chatapp_tap::{IpCidr, Tap, TapConfig, TapError};
use clap::Args;

use crate::exit::{Exit, Failure};

/// First dynamic port (RFC 6335): a client that wants any port gets one from here.
const FIRST_DYNAMIC_PORT: u16 = 0b1100_0000_0000_0000;

/// The options about the TAP device.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TapOptions {
    /// Use the program's own network stack, on this TAP device of Linux
    #[arg(long, value_name = "DEVICE", requires = "ip", conflicts_with_all = ["bind", "lan"])]
    tap: Option<String>,

    /// Address of the program on the TAP device, such as 192.168.69.2/24; at most one IPv4 and one
    /// IPv6 address
    #[arg(long, value_name = "IP/PREFIX", requires = "tap", value_parser = parse_cidr)]
    ip: Vec<IpCidr>,

    /// Router to all addresses outside of that network; at most one IPv4 and one IPv6 address
    #[arg(long, value_name = "IP", requires = "tap")]
    gateway: Vec<IpAddr>,
}

fn parse_cidr(text: &str) -> Result<IpCidr, String> {
    text.parse().map_err(|()| {
        format!(
            "{text:?} is not an address with a prefix length, such as 192.168.69.2/24 or fd69::2/64"
        )
    })
}

impl TapOptions {
    /// Returns the configuration of the device; `None` for the network of the operating system.
    fn config(&self) -> Option<TapConfig> {
        Some(TapConfig {
            device: self.tap.clone()?,
            addresses: self.ip.clone(),
            gateways: self.gateway.clone(),
        })
    }

    /// Returns a remedy for an unreachable address; `None` without a TAP device.
    pub(crate) fn gateway_hint(&self) -> Option<String> {
        let (device, ip) = (self.tap.as_ref()?, self.ip.first()?);
        Some(format!(
            "it is not on the link of {device}, where this program is {ip}; name the router there \
            with --gateway <IP>, \
             or give the server's address on that link"
        ))
    }

    /// Opens the device to receive on this port; 0 selects any. `None` for the network of the
    /// operating system.
    ///
    /// # Errors
    /// Returns a failure if the device or the options cannot be used.
    pub(crate) fn open<'a>(
        &self,
        port: u16,
        memory: &'a mut TapMemory<'a>,
    ) -> Result<Option<Tap<'a>>, Failure> {
        let Some(config) = self.config() else {
            return Ok(None);
        };
        let stack_seed = draw()?;
        let port = match port {
            0 => draw()? as u16 | FIRST_DYNAMIC_PORT,
            port => port,
        };
        let opened = Tap::open(config, port, stack_seed, memory).map_err(|error| {
            let exit = match error {
                TapError::System(_) => Exit::System,
                _ => Exit::Usage,
            };
            Failure::new(exit, error.to_string())
        });
        opened.map(Some)
    }
}

fn draw() -> Result<u64, Failure> {
    let seed = seed(&mut [0; 32]).map(|seed| seed.number());
    seed.map_err(Failure::system("cannot get random numbers"))
}
