//! The network of the program: sockets of the operating system, or its own network stack on a TAP
//! device. Tools around it capture datagrams, log keys and inject faults.

mod faults;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chatapp_core::{Endpoint, Instant, KeySlot, UnixSeconds};
use chatapp_mio::{Driver, Socket, Transport, UdpTransport, Waker};
use chatapp_network_tools::{FaultInjector, KeyLogger, PcapWriter};
use clap::Args;

use self::faults::FaultOptions;
use crate::address::{LACKS_INTERFACE, lacks_interface, parse_local, resolve};
use crate::exit::{Exit, Failure};
use crate::platform::files::create_private;
use crate::platform::tap::{TapMemory, TapOptions};
use crate::spill::{Drops, Sink};

/// The options about the network.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkOptions {
    /// Use only this address of this machine, such as fe80::1%eth0 [default: all, IPv4 and IPv6]
    #[arg(long, value_name = "IP", value_parser = parse_local)]
    bind: Option<SocketAddr>,

    #[command(flatten)]
    tap: TapOptions,

    /// Write every sent or received datagram to this capture file, for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,

    /// Write the keys that decrypt them to this file; anyone who has it can read everything
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,

    #[command(flatten)]
    faults: FaultOptions,
}

/// Capacity for exported keys that wait to be written; each poll writes them.
const KEYS_MAX: usize = 4_096;

/// A program that runs on a network over any transport.
pub(crate) trait Program {
    /// Returns the message for an unusable port, such as "cannot serve on port 4119".
    fn cannot_use_port(&self) -> String;

    /// Runs until it ends.
    fn run<T: Transport>(self, network: Network<T>) -> Result<Exit, Failure>;
}

impl NetworkOptions {
    /// Runs a program that receives on this port; 0 selects any free one.
    pub(crate) fn run(&self, port: u16, program: impl Program) -> Result<Exit, Failure> {
        let mut memory = TapMemory::default();
        if let Some(tap) = self.tap.open(port, &mut memory)? {
            return self.run_on(tap, program);
        }
        let bound = match self.bind {
            None => Socket::bind(None, port),
            Some(mut local) => {
                local.set_port(port);
                Socket::bind_to(local)
            }
        };
        let socket = bound.map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("{}: {error}", program.cannot_use_port()),
            )
        })?;
        self.run_on(UdpTransport::new(socket), program)
    }

    fn run_on<T: Transport>(&self, transport: T, program: impl Program) -> Result<Exit, Failure> {
        let mut outputs = Vec::new();
        let capture = match &self.pcap {
            None => PcapWriter::off(transport),
            Some(path) => {
                let file = created("capture", path, create_private(path))?;
                outputs.extend(file.drops().map(|drops| ("the capture", false, drops)));
                let capture = PcapWriter::new(transport, file, T::local_addr_towards);
                capture.map_err(cannot_write("capture", path))?
            }
        };
        let key_logger = match &self.keylog {
            None => KeyLogger::off(),
            Some(path) => {
                let file = created("key log", path, create_private(path))?;
                outputs.extend(file.drops().map(|drops| ("the key log", false, drops)));
                KeyLogger::new(file)
            }
        };
        let faults = FaultInjector::new(capture, self.faults.faults(), fastrand::u64(..));
        let driver = Driver::over(faults).map_err(Failure::system("cannot wait for events"))?;
        program.run(Network {
            driver,
            key_logger,
            outputs,
            notices: Vec::new(),
        })
    }

    /// Resolves a host to the addresses that can be reached, at least one, in the order in which to
    /// try them.
    pub(crate) fn find(
        &self,
        host: &str,
        port: u16,
        network: &Network<impl Transport>,
    ) -> Result<Vec<SocketAddr>, Failure> {
        let unusable = |why: &str| Failure::new(Exit::Usage, format!("cannot find {host}: {why}"));
        let addresses = resolve(host, port).map_err(|error| not_found(host, &error))?;
        let mut reached = addresses.clone();
        reached.retain(|address| network.reaches(*address));
        if !reached.is_empty() {
            return Ok(reached);
        }
        Err(match (&*addresses, self.tap.gateway_hint()) {
            ([first, ..], Some(hint)) => {
                Failure::new(Exit::Usage, format!("cannot reach {}: {hint}", first.ip()))
            }
            (list, None) if !list.is_empty() && list.iter().all(lacks_interface) => {
                unusable(LACKS_INTERFACE)
            }
            _ => unusable("it has no address that this machine, or --bind, can reach"),
        })
    }

    #[cfg(test)]
    pub(crate) fn bound_to(ip: &str) -> Self {
        Self {
            bind: parse_local(ip).ok(),
            ..Self::default()
        }
    }
}

/// Returns the failure of a lookup. Only a host that no name server would be asked for is wrong
/// usage: they may not answer yet, or not know the host yet.
fn not_found(host: &str, error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::Other => Exit::Usage,
        _ => Exit::NoServer,
    };
    Failure::new(exit, format!("cannot find {host}: {error}"))
}

/// Creates an output file.
fn created(what: &str, path: &Path, file: io::Result<File>) -> Result<Sink, Failure> {
    file.and_then(Sink::of).map_err(cannot_write(what, path))
}

fn cannot_write(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    move |error| {
        let message = format!("cannot write the {what} {}: {error}", path.display());
        Failure::new(Exit::Usage, message)
    }
}

/// Transport with a capture inside fault injection.
type Layers<T> = FaultInjector<PcapWriter<T, Sink>>;

/// [`Driver`] with the tools around its transport and its endpoint.
pub(crate) struct Network<T> {
    driver: Driver<Layers<T>>,
    key_logger: KeyLogger<Sink>,
    /// Outputs that may drop records: what they are, whether that was said, and how many.
    outputs: Vec<(&'static str, bool, Drops)>,
    /// Notices for the user; each output gives at most two.
    notices: Vec<String>,
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

    /// Returns whether datagrams to this address can leave.
    pub(crate) fn reaches(&self, to: SocketAddr) -> bool {
        self.driver.reaches(to)
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.driver.local_addr()
    }

    /// Returns slots for the keys that an endpoint exports; none without a key log.
    pub(crate) fn key_slots(&self) -> Vec<KeySlot> {
        let count = if self.key_logger.is_on() { KEYS_MAX } else { 0 };
        vec![KeySlot::VACANT; count]
    }

    /// Works as [`Driver::poll`].
    pub(crate) fn poll<E: Endpoint>(
        &mut self,
        endpoint: &mut E,
        mut drain: impl FnMut(&mut E, Instant),
    ) -> Result<(), Failure> {
        let mut logged = self.key_logger.around(endpoint);
        self.driver
            .poll(&mut logged, |logged, now| drain(logged.endpoint, now))
            .map_err(Failure::system("the network failed"))?;
        // Neither capture nor key log is essential: the program continues without them.
        if let Some(error) = self.driver.transport().inner_mut().take_error() {
            let notice = format!("the capture ends here, it cannot be written: {error}");
            self.notices.push(notice);
        }
        if let Some(error) = self.key_logger.take_error() {
            let notice = format!("the key log ends here, it cannot be written: {error}");
            self.notices.push(notice);
        }
        for (what, is_said, drops) in &mut self.outputs {
            if !*is_said && drops.dropped() != 0 {
                *is_said = true;
                let notice = format!("{what} is not complete: its reader is too slow");
                self.notices.push(notice);
            }
        }
        Ok(())
    }

    /// Returns notices about captures and key logs since the last call.
    pub(crate) fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Ends captures and key logs. Returns notices about what their readers did not get.
    pub(crate) fn finish(mut self) -> Vec<String> {
        let mut notices = self.take_notices();
        for (what, _, drops) in self.outputs {
            let count = drops.finish();
            if count != 0 {
                notices.push(format!("{what} lacks {count} records"));
            }
        }
        notices
    }

    /// Works as [`Driver::park_until`].
    pub(crate) fn park_until(
        &mut self,
        endpoint: &impl Endpoint,
        deadline: Option<Instant>,
    ) -> Result<(), Failure> {
        self.driver
            .park_until(endpoint, deadline)
            .map_err(Failure::system("the network failed"))
    }
}
