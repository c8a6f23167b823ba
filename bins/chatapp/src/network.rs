//! What carries the datagrams: the operating system's sockets, or a network stack of this program's own on a TAP
//! device; and what can be done to them on the way: record them with their keys, mistreat them.

mod faults;
mod recorder;
mod secrets;
#[cfg(target_os = "linux")]
mod tap;

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::{Disposition, Endpoint, Instant, KeySlot, Transmit, UnixSeconds};
use chatapp_mio::{Driver, Socket, Transport, Waker};
use clap::Args;

use self::faults::{FaultOptions, Faults};
use self::recorder::Recorder;
use self::secrets::Secrets;
#[cfg(target_os = "linux")]
use self::tap::TapOptions;
use crate::exit::{Exit, Failure};

/// The options about the network.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkOptions {
    /// Use only this address of this machine [default: all, IPv4 and IPv6]
    #[arg(long, value_name = "IP")]
    bind: Option<IpAddr>,

    #[cfg(target_os = "linux")]
    #[command(flatten)]
    tap: TapOptions,

    /// Write each datagram that is sent or received to this file, for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,

    /// Write the keys that open them to this file; whoever has it reads everything
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,

    #[command(flatten)]
    faults: FaultOptions,
}

/// Keys that wait to be written, each for a turn at most.
const KEYS_MAX: usize = 4_096;

/// What runs on a network, whatever carries it.
pub(crate) trait Program {
    /// For example "cannot serve on port 4119".
    fn cannot_use_port(&self) -> String;

    /// Runs until it ends.
    fn run<T: Transport>(self, network: Network<T>) -> Result<Exit, Failure>;
}

impl NetworkOptions {
    /// Runs a program that receives at this port; 0: any free one.
    pub(crate) fn run(&self, port: u16, program: impl Program) -> Result<Exit, Failure> {
        #[cfg(target_os = "linux")]
        if let Some(config) = self.tap.config() {
            let mut memory = chatapp_tap::TapMemory::default();
            let tap = tap::open(config, port, &mut memory)?;
            return self.run_on(Driver::over(tap), program);
        }
        let socket = Socket::bind(self.bind, port).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("{}: {error}", program.cannot_use_port()),
            )
        })?;
        self.run_on(Driver::new(socket), program)
    }

    fn run_on<T: Transport>(
        &self,
        driver: io::Result<Driver<T>>,
        program: impl Program,
    ) -> Result<Exit, Failure> {
        let recorder = created("capture", self.pcap.as_deref(), Recorder::create)?;
        let secrets = created("key log", self.keylog.as_deref(), Secrets::create)?;
        program.run(Network {
            driver: driver.map_err(Failure::system("cannot wait for events"))?,
            passage: Passage {
                recorder,
                secrets,
                faults: Faults::new(self.faults, fastrand::Rng::new()),
            },
        })
    }

    /// The address of a host that can be reached; IPv4 first, which every machine has.
    pub(crate) fn find(
        &self,
        host: &str,
        port: u16,
        network: &Network<impl Transport>,
    ) -> Result<SocketAddr, Failure> {
        let unusable = |why: &str| Failure::new(Exit::Usage, format!("cannot find {host}: {why}"));
        let mut addresses: Vec<SocketAddr> = (host, port)
            .to_socket_addrs()
            .map_err(|error| unusable(&error.to_string()))?
            .collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        let reached = addresses
            .iter()
            .find(|address| network.driver.reaches(**address))
            .copied();
        reached.ok_or_else(|| match (&*addresses, self.gateway_hint()) {
            ([first, ..], Some(hint)) => {
                Failure::new(Exit::Usage, format!("cannot reach {}: {hint}", first.ip()))
            }
            _ => unusable("it has no address of the kind that this machine, or --bind, can reach"),
        })
    }

    #[cfg(test)]
    pub(crate) fn bound_to(ip: &str) -> Self {
        Self {
            bind: ip.parse().ok(),
            ..Self::default()
        }
    }

    /// What helps if an address cannot be reached with these options.
    fn gateway_hint(&self) -> Option<String> {
        #[cfg(target_os = "linux")]
        return self.tap.gateway_hint();
        #[cfg(not(target_os = "linux"))]
        None
    }
}

/// Begins a file, if one is wanted.
fn created<T>(
    what: &str,
    path: Option<&Path>,
    create: impl FnOnce(&Path) -> io::Result<T>,
) -> Result<Option<T>, Failure> {
    let Some(path) = path else { return Ok(None) };
    create(path).map(Some).map_err(|error| {
        let message = format!("cannot write the {what} {}: {error}", path.display());
        Failure::new(Exit::Usage, message)
    })
}

/// A [`Driver`], and what happens to its datagrams on the way.
pub(crate) struct Network<T> {
    driver: Driver<T>,
    passage: Passage,
}

impl<T: Transport> Network<T> {
    pub(crate) fn waker(&self) -> Waker {
        self.driver.waker()
    }

    pub(crate) fn now(&self) -> Instant {
        self.driver.now()
    }

    pub(crate) fn wall(&self) -> UnixSeconds {
        self.driver.wall()
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.driver.local_addr()
    }

    /// Room for the keys that an endpoint is to tell; none if nobody wants to know them.
    pub(crate) fn key_slots(&self) -> Vec<KeySlot> {
        let count = if self.passage.secrets.is_some() {
            KEYS_MAX
        } else {
            0
        };
        vec![KeySlot::VACANT; count]
    }

    /// As [`Driver::poll`].
    pub(crate) fn poll<E: Endpoint>(
        &mut self,
        endpoint: &mut E,
        mut drain: impl FnMut(&mut E, Instant),
    ) -> Result<(), Failure> {
        let Self { driver, passage } = self;
        let mut behind = Behind { passage, endpoint };
        driver
            .poll(&mut behind, |behind, now| drain(behind.endpoint, now))
            .map_err(Failure::system("cannot go on"))?;
        if let Some(recorder) = &mut passage.recorder
            && let Err(error) = recorder.write(|peer| driver.local_addr_towards(peer))
        {
            // People can do without it, and chat on.
            eprintln!("ChatApp: the capture ends here: {error}");
            passage.recorder = None;
        }
        Ok(())
    }

    /// As [`Driver::park_until`].
    pub(crate) fn park_until(
        &mut self,
        endpoint: &mut impl Endpoint,
        at_most: Option<Instant>,
    ) -> Result<(), Failure> {
        let Self { driver, passage } = self;
        driver
            .park_until(&Behind { passage, endpoint }, at_most)
            .map_err(Failure::system("cannot go on"))
    }
}

/// What all datagrams pass through.
struct Passage {
    recorder: Option<Recorder>,
    secrets: Option<Secrets>,
    faults: Faults,
}

impl Passage {
    fn note(&mut self, peer: SocketAddr, is_sent: bool, datagram: &[u8]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.note(peer, is_sent, datagram);
        }
    }
}

/// An endpoint behind the passage.
struct Behind<'a, E> {
    passage: &'a mut Passage,
    endpoint: &'a mut E,
}

impl<E: Endpoint> Behind<'_, E> {
    fn note_keys(&mut self) {
        if let Some(secrets) = &mut self.passage.secrets
            && let Err(error) = secrets.note(self.endpoint)
        {
            eprintln!("ChatApp: the key log ends here: {error}");
            self.passage.secrets = None;
        }
    }

    /// The next datagram that gets through.
    fn next(&mut self, now: Instant, out: &mut [u8; DATAGRAM_LEN_MAX]) -> Option<Transmit> {
        let faults = &mut self.passage.faults;
        if let Some((to, len)) = faults.release(now, out) {
            return Some(Transmit { to, len });
        }
        while let Some(transmit) = self.endpoint.poll_transmit(now, out) {
            let datagram = out.get_mut(..transmit.len)?;
            if faults.take(now, transmit.to, datagram) {
                return Some(transmit);
            }
        }
        None
    }
}

impl<E: Endpoint> Endpoint for Behind<'_, E> {
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Disposition {
        self.passage.note(from, false, datagram);
        let handled = self.endpoint.handle_datagram(now, from, datagram);
        self.note_keys();
        handled
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
    }

    fn poll_transmit(
        &mut self,
        now: Instant,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> Option<Transmit> {
        let transmit = self.next(now, out)?;
        self.note_keys();
        let datagram = out.get(..transmit.len).unwrap_or_default();
        self.passage.note(transmit.to, true, datagram);
        Some(transmit)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let due = [self.endpoint.poll_timeout(), self.passage.faults.due()];
        due.into_iter().flatten().min()
    }
}
