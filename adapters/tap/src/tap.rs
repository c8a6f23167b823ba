//! The transport: a stack on a device.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;

use chatapp_core::limits::{DATAGRAM_LEN_MAX, RECEIVE_LEN};
use chatapp_core::{Instant, Network, Sent};
use chatapp_mio::Transport;
use chatapp_smoltcp::smoltcp::iface::SocketStorage;
use chatapp_smoltcp::smoltcp::socket::udp::PacketMetadata;
use chatapp_smoltcp::smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};
use chatapp_smoltcp::{OnDevice, PendingSlot, Stack, StackConfig, StackStorage};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use crate::config::TapConfig;
use crate::device::Device;
use crate::error::TapError;

/// Maximum length of an IP packet on Ethernet.
const PACKET_LEN_MAX: usize = 1_500;

/// Datagrams that wait for neighbour resolution: a server that restarts may have many neighbours.
const PENDING: usize = 256;

/// Memory of a [`Tap`]; the caller keeps it as long as the `Tap`.
#[derive(Debug)]
pub struct TapMemory<'a> {
    sockets: [SocketStorage<'a>; 1],
    packets: [[PacketMetadata; 1]; 2],
    received: Box<[u8; PACKET_LEN_MAX]>,
    sent: Box<[u8; DATAGRAM_LEN_MAX]>,
    pending: Vec<PendingSlot>,
}

impl Default for TapMemory<'_> {
    fn default() -> Self {
        Self {
            sockets: [SocketStorage::EMPTY],
            packets: [[PacketMetadata::EMPTY]; 2],
            received: Box::new([0; PACKET_LEN_MAX]),
            sent: Box::new([0; DATAGRAM_LEN_MAX]),
            pending: vec![PendingSlot::VACANT; PENDING],
        }
    }
}

impl<'a> TapMemory<'a> {
    fn storage(&'a mut self) -> StackStorage<'a> {
        let [received_packets, sent_packets] = &mut self.packets;
        StackStorage {
            sockets: &mut self.sockets,
            packets: [received_packets, sent_packets],
            received: self.received.as_mut_slice(),
            sent: self.sent.as_mut_slice(),
            pending: &mut self.pending,
        }
    }
}

/// Network stack on a TAP device.
#[derive(Debug)]
pub struct Tap<'a> {
    device: Device,
    stack: Stack<'a>,
    config: TapConfig,
    port: u16,
}

impl<'a> Tap<'a> {
    /// Attaches to the device to receive on a UDP port (not 0). `seed` consists of unpredictable
    /// bits.
    ///
    /// # Errors
    /// Returns an error if the device, or these addresses on it, cannot be used.
    pub fn open(
        config: TapConfig,
        port: u16,
        seed: u64,
        memory: &'a mut TapMemory<'a>,
    ) -> Result<Self, TapError> {
        config.check()?;
        let own = config.addresses.first().ok_or(TapError::TooMany)?;
        let mut device = Device::open(&config.device)?;
        let stack_config = StackConfig {
            hardware_address: HardwareAddress::Ethernet(hardware_address(own)),
            addresses: &config.addresses,
            gateways: &config.gateways,
            port,
            seed,
        };
        let stack = Stack::new(&stack_config, &mut device, memory.storage(), Instant::ZERO)
            .map_err(TapError::Stack)?;
        Ok(Self {
            device,
            stack,
            config,
            port,
        })
    }

    fn network(&mut self) -> OnDevice<'_, 'a, Device> {
        self.stack.on(&mut self.device)
    }

    fn local_addr_where(&self, fits: impl Fn(&IpAddr) -> bool) -> SocketAddr {
        let own = self.config.addresses.iter();
        let ip = own.map(|own| own.address().into()).find(fits);
        SocketAddr::new(ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), self.port)
    }
}

impl Network for Tap<'_> {
    fn begin_poll(&mut self, now: Instant) {
        self.network().begin_poll(now);
    }

    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        self.network().receive(buffer)
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        self.network().send(to, datagram)
    }

    fn end_poll(&mut self) {
        self.network().end_poll();
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.stack.next_deadline()
    }
}

impl Transport for Tap<'_> {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let file = self.device.as_raw_fd();
        registry.register(&mut SourceFd(&file), token, Interest::READABLE)
    }

    /// Checks that the device still exists. A TAP device always has room to send.
    fn update_interest(&mut self, _: &Registry) -> io::Result<()> {
        if self.device.is_gone() {
            let name = &self.config.device;
            return Err(io::Error::other(format!("the device {name} was removed")));
        }
        Ok(())
    }

    fn local_addr(&self) -> SocketAddr {
        self.local_addr_where(|_| true)
    }

    fn local_addr_towards(&self, to: SocketAddr) -> SocketAddr {
        self.local_addr_where(|own| own.is_ipv4() == to.is_ipv4())
    }

    fn reaches(&self, to: SocketAddr) -> bool {
        self.config.reaches(to.ip())
    }
}

/// Derives the hardware address from the IP address. A restarted program then has the address that
/// its neighbours have cached.
fn hardware_address(own: &IpCidr) -> EthernetAddress {
    let [a, b, c, d] = match own.address() {
        IpAddress::Ipv4(ip) => ip.octets(),
        IpAddress::Ipv6(ip) => {
            let [.., a, b, c, d] = ip.octets();
            [a, b, c, d]
        }
    };
    // Locally administered unicast address.
    EthernetAddress([0x02, 0x00, a, b, c, d])
}
