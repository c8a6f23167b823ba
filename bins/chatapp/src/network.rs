//! What carries the datagrams: the operating system's sockets, or a network stack of this program's own on a TAP device.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use chatapp_mio::{Carrier, Driver, Socket};
use clap::Args;

use crate::exit::{Exit, Failure};
#[cfg(target_os = "linux")]
use crate::tap::TapOptions;

/// The options about the network.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkOptions {
    /// Use only this address of this machine [default: all, IPv4 and IPv6]
    #[arg(long, value_name = "IP")]
    pub(crate) bind: Option<IpAddr>,

    #[cfg(target_os = "linux")]
    #[command(flatten)]
    pub(crate) tap: TapOptions,
}

/// What runs on a network, whichever it is.
pub(crate) trait Program {
    /// For example "cannot serve on port 4119".
    fn cannot_use_port(&self) -> String;

    /// Runs until it ends.
    fn run<C: Carrier>(self, driver: Driver<C>) -> Result<Exit, Failure>;
}

impl NetworkOptions {
    /// Runs a program that receives at this port; 0: any free one.
    pub(crate) fn run(&self, port: u16, program: impl Program) -> Result<Exit, Failure> {
        #[cfg(target_os = "linux")]
        if let Some(config) = self.tap.config() {
            return crate::tap::run(config, port, program);
        }
        let socket = Socket::bind(self.bind, port).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("{}: {error}", program.cannot_use_port()),
            )
        })?;
        run_on(Driver::new(socket), program)
    }

    /// The address of a host that can be reached; IPv4 first, which every machine has.
    pub(crate) fn find(
        &self,
        host: &str,
        port: u16,
        driver: &Driver<impl Carrier>,
    ) -> Result<SocketAddr, Failure> {
        let unusable = |why: &str| Failure::new(Exit::Usage, format!("cannot find {host}: {why}"));
        let mut addresses: Vec<SocketAddr> = (host, port)
            .to_socket_addrs()
            .map_err(|error| unusable(&error.to_string()))?
            .collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        let reached = addresses
            .iter()
            .find(|address| driver.reaches(**address))
            .copied();
        reached.ok_or_else(|| match (&*addresses, self.gateway_hint()) {
            ([first, ..], Some(hint)) => {
                Failure::new(Exit::Usage, format!("cannot reach {}: {hint}", first.ip()))
            }
            _ => unusable("it has no address of the kind that this machine, or --bind, can reach"),
        })
    }

    /// What helps if an address cannot be reached with this network's options.
    fn gateway_hint(&self) -> Option<String> {
        #[cfg(target_os = "linux")]
        return self.tap.gateway_hint();
        #[cfg(not(target_os = "linux"))]
        None
    }
}

/// Runs a program, if there is a driver for it.
pub(crate) fn run_on<C: Carrier>(
    driver: std::io::Result<Driver<C>>,
    program: impl Program,
) -> Result<Exit, Failure> {
    program.run(driver.map_err(Failure::system("cannot wait for events"))?)
}
