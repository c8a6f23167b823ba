//! One UDP socket on one interface, as a network.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use chatapp_core::limits::{DATAGRAM_LEN_MAX, RECEIVE_LEN};
use chatapp_core::{Instant, Network, Sent};
use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, SocketHandle, SocketSet, SocketStorage,
};
use smoltcp::phy::{Device, Medium};
use smoltcp::socket::udp;
use smoltcp::wire::{HardwareAddress, IpCidr, IpEndpoint};

use crate::pending::{Pending, PendingSlot};

/// Frames that one poll takes from the device, those that carry no datagram for this socket among
/// them.
const FRAMES_PER_POLL: usize = 256;

/// How soon to look again at a device that takes nothing: it does not report when it does.
const DEVICE_FULL_PAUSE_MS: u64 = 1;

/// The place of this machine in its network.
#[derive(Clone, Copy, Debug)]
pub struct StackConfig<'a> {
    /// Its hardware address; [`HardwareAddress::Ip`] for a device that moves IP packets.
    pub hardware_address: HardwareAddress,
    /// Its addresses, with the prefixes of the networks they are in.
    pub addresses: &'a [IpCidr],
    /// The routers for all other networks: at most one for each family.
    pub gateways: &'a [IpAddr],
    /// The UDP port to receive at.
    pub port: u16,
    /// Unpredictable bits for the random numbers of the stack, beside the seed of the core.
    pub seed: u64,
}

/// Memory of a [`Stack`].
#[derive(Debug)]
pub struct StackStorage<'a> {
    /// Storage of one socket.
    pub sockets: &'a mut [SocketStorage<'a>],
    /// Metadata of one packet for each direction.
    pub packets: [&'a mut [udp::PacketMetadata]; 2],
    /// Receive buffer of at least [`RECEIVE_LEN`] bytes. A longer datagram is dropped: no valid one
    /// is that long.
    pub received: &'a mut [u8],
    /// Send buffer of at least [`DATAGRAM_LEN_MAX`] bytes.
    pub sent: &'a mut [u8],
    /// Slots for datagrams that wait for neighbour resolution. Without any, the first datagram to
    /// each neighbour is lost, and the protocol retransmits it.
    pub pending: &'a mut [PendingSlot],
}

/// Reason why a stack cannot be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StackError {
    /// The hardware address does not fit the medium of the device.
    WrongMedium,
    /// More addresses or routes than smoltcp was built for, or two gateways of one family.
    TooMany,
    /// A gateway has an IPv6 address, but the feature `ipv6` is off.
    NoIpv6,
    /// The port is 0.
    NoPort,
    /// The named slice of the storage is too small.
    Storage(&'static str),
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongMedium => f.write_str("the hardware address is not one for this device"),
            Self::TooMany => f.write_str("too many addresses or gateways"),
            Self::NoIpv6 => f.write_str("this stack was built without IPv6"),
            Self::NoPort => f.write_str("a stack needs a port other than 0"),
            Self::Storage(part) => write!(f, "the storage for {part} is too small"),
        }
    }
}

impl core::error::Error for StackError {}

/// A network stack with one UDP socket. Together with its device ([`on`](Self::on)), it is a
/// [`Network`].
pub struct Stack<'a> {
    interface: Interface,
    sockets: SocketSet<'a>,
    handle: SocketHandle,
    port: u16,
    pending: Pending<'a>,
    now: Instant,
    /// Frames that this poll may still receive.
    frames_left: usize,
    /// The last poll left frames in the device.
    is_unread: bool,
    /// The device was full at the last attempt to send.
    is_device_full: bool,
    /// Datagrams whose neighbour never answered.
    unreachable: u64,
}

impl fmt::Debug for Stack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl<'a> Stack<'a> {
    /// Creates a stack on a device. Each later call must pass the same device.
    ///
    /// # Errors
    /// Returns the [`StackError`] for an unusable configuration or storage.
    pub fn new(
        config: &StackConfig<'_>,
        device: &mut impl Device,
        storage: StackStorage<'a>,
        now: Instant,
    ) -> Result<Self, StackError> {
        let fits = matches!(
            (config.hardware_address, device.capabilities().medium),
            (HardwareAddress::Ethernet(_), Medium::Ethernet) | (HardwareAddress::Ip, Medium::Ip)
        );
        if !fits {
            return Err(StackError::WrongMedium);
        }
        if storage.received.len() < RECEIVE_LEN {
            return Err(StackError::Storage("received"));
        }
        if storage.sent.len() < DATAGRAM_LEN_MAX {
            return Err(StackError::Storage("sent"));
        }
        if storage.sockets.is_empty() {
            return Err(StackError::Storage("sockets"));
        }
        if storage.packets.iter().any(|packets| packets.is_empty()) {
            return Err(StackError::Storage("packets"));
        }
        let mut settings = Config::new(config.hardware_address);
        settings.random_seed = config.seed;
        let mut interface = Interface::new(settings, device, timestamp(now));
        let mut fits = true;
        interface.update_ip_addrs(|addresses| {
            for address in config.addresses {
                fits &= addresses.push(*address).is_ok();
            }
        });
        for gateway in config.gateways {
            let routes = interface.routes_mut();
            let replaced = match *gateway {
                IpAddr::V4(gateway) => routes.add_default_ipv4_route(gateway),
                #[cfg(feature = "ipv6")]
                IpAddr::V6(gateway) => routes.add_default_ipv6_route(gateway),
                #[cfg(not(feature = "ipv6"))]
                IpAddr::V6(_) => return Err(StackError::NoIpv6),
            };
            fits &= matches!(replaced, Ok(None));
        }
        if !fits {
            return Err(StackError::TooMany);
        }

        let [received, sent] = storage.packets;
        let mut socket = udp::Socket::new(
            udp::PacketBuffer::new(received, storage.received),
            udp::PacketBuffer::new(sent, storage.sent),
        );
        socket.bind(config.port).map_err(|_| StackError::NoPort)?;
        let mut sockets = SocketSet::new(storage.sockets);
        let handle = sockets.add(socket);
        Ok(Self {
            interface,
            sockets,
            handle,
            port: config.port,
            pending: Pending::new(storage.pending),
            now,
            frames_left: FRAMES_PER_POLL,
            is_unread: false,
            is_device_full: false,
            unreachable: 0,
        })
    }

    /// Returns the network of this stack on its device, to
    /// [poll](chatapp_core::EventLoop::poll) an endpoint over it. All state stays in the stack.
    pub fn on<'s, D: Device>(&'s mut self, device: &'s mut D) -> OnDevice<'s, 'a, D> {
        OnDevice {
            stack: self,
            device,
        }
    }

    /// Returns when to poll again, as [`Network::next_deadline`] does: the device may have room,
    /// frames may be left there, or pending datagrams may be offered again.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.is_unread {
            return Some(self.now);
        }
        let pending = self.pending.due();
        if !self.is_device_full {
            return pending;
        }
        let device = self.now.plus_millis(DEVICE_FULL_PAUSE_MS);
        Some(pending.map_or(device, |pending| pending.min(device)))
    }

    /// Returns the number of datagrams dropped because their neighbour never answered.
    pub fn unreachable(&self) -> u64 {
        self.unreachable
    }

    /// Returns the interface, to change addresses and routes.
    pub fn interface(&mut self) -> &mut Interface {
        &mut self.interface
    }
}

/// A [`Stack`] with its device.
pub struct OnDevice<'s, 'a, D: Device> {
    stack: &'s mut Stack<'a>,
    device: &'s mut D,
}

impl<D: Device> fmt::Debug for OnDevice<'_, '_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDevice")
            .field("stack", &self.stack)
            .finish_non_exhaustive()
    }
}

/// Result of sending a datagram through the socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Left,
    /// The device is full.
    DeviceFull,
    /// The hardware address of the neighbour is not known yet.
    NoNeighbor,
}

impl<D: Device> OnDevice<'_, '_, D> {
    /// Sends a datagram through the socket. Its queue is empty before and after the call.
    fn send_now(&mut self, to: SocketAddr, datagram: &[u8]) -> Outcome {
        let Stack {
            interface,
            sockets,
            handle,
            now,
            ..
        } = &mut *self.stack;
        let socket = sockets.get_mut::<udp::Socket<'_>>(*handle);
        let sent = endpoint(to).map(|to| socket.send_slice(datagram, to));
        if sent.is_none_or(|sent| sent.is_err()) {
            // No machine can have that address, or no route leads to it.
            return Outcome::Left;
        }
        interface.poll_egress(timestamp(*now), self.device, sockets);
        if sockets.get::<udp::Socket<'_>>(*handle).send_queue() == 0 {
            return Outcome::Left;
        }
        let now = timestamp(*now);
        self.reset_socket();
        if self.device.transmit(now).is_none() {
            Outcome::DeviceFull
        } else {
            Outcome::NoNeighbor
        }
    }

    /// Empties the queue of the socket, and ends the pause that the stack imposes on a socket whose
    /// neighbour is not known. No received datagram is lost: all were read before.
    fn reset_socket(&mut self) {
        let socket = &mut *self.stack;
        #[allow(
            irrefutable_let_patterns,
            reason = "the set contains only a UDP socket"
        )]
        if let smoltcp::socket::Socket::Udp(mut udp) = socket.sockets.remove(socket.handle) {
            udp.close();
            let bound = udp.bind(socket.port);
            debug_assert!(bound.is_ok(), "the socket was bound before");
            socket.handle = socket.sockets.add(udp);
        }
    }

    fn retry_pending(&mut self) {
        if !self.stack.pending.is_due(self.stack.now) {
            return;
        }
        // Moved out, so that the socket can be borrowed meanwhile.
        let mut pending = core::mem::replace(&mut self.stack.pending, Pending::new(&mut []));
        let lost = pending.retry(self.stack.now, |to, datagram| {
            self.send_now(to, datagram) == Outcome::Left
        });
        self.stack.pending = pending;
        if lost != 0 {
            chatapp_core::trace!("no answer from a neighbour: datagrams dropped: {}", lost);
        }
        self.stack.unreachable += lost;
    }
}

impl<D: Device> Network for OnDevice<'_, '_, D> {
    fn begin_poll(&mut self, now: Instant) {
        self.stack.now = now;
        self.stack.frames_left = FRAMES_PER_POLL;
        self.stack.is_unread = false;
    }

    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        loop {
            let Stack {
                interface,
                sockets,
                handle,
                pending,
                now,
                frames_left,
                is_unread,
                ..
            } = &mut *self.stack;
            if let Ok((datagram, from)) = sockets.get_mut::<udp::Socket<'_>>(*handle).recv() {
                let len = datagram.len().min(buffer.len());
                buffer
                    .iter_mut()
                    .zip(datagram)
                    .for_each(|(to, from)| *to = *from);
                return Some((from.endpoint.into(), len));
            }
            // One frame at a time: the socket has room for one datagram, and none must be lost.
            let Some(left) = frames_left.checked_sub(1) else {
                *is_unread = true;
                return None;
            };
            *frames_left = left;
            match interface.poll_ingress_single(timestamp(*now), self.device, sockets) {
                PollIngressSingleResult::None => return None,
                PollIngressSingleResult::PacketProcessed
                | PollIngressSingleResult::SocketStateChanged => pending.on_frame(),
            }
        }
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        let waits = self.stack.pending.waits_for(to);
        let outcome = if waits {
            Outcome::NoNeighbor
        } else {
            self.send_now(to, datagram)
        };
        self.stack.is_device_full = outcome == Outcome::DeviceFull;
        match outcome {
            Outcome::Left => Sent::Done,
            Outcome::DeviceFull => Sent::WouldBlock,
            Outcome::NoNeighbor => {
                chatapp_core::trace!("a datagram waits for neighbour resolution");
                let lost = !self
                    .stack
                    .pending
                    .push(to, datagram, self.stack.now, !waits);
                self.stack.unreachable += u64::from(lost);
                Sent::Done
            }
        }
    }

    fn end_poll(&mut self) {
        self.retry_pending();
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.stack.next_deadline()
    }
}

/// Converts an address; returns `None` for IPv6 if the stack was built without it.
#[cfg_attr(
    feature = "ipv6",
    expect(
        clippy::unnecessary_wraps,
        reason = "an IPv6 address has no counterpart without the feature"
    )
)]
fn endpoint(address: SocketAddr) -> Option<IpEndpoint> {
    match address {
        SocketAddr::V4(address) => Some(address.into()),
        #[cfg(feature = "ipv6")]
        SocketAddr::V6(address) => Some(address.into()),
        #[cfg(not(feature = "ipv6"))]
        SocketAddr::V6(_) => None,
    }
}

fn timestamp(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}
