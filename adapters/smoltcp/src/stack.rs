//! One UDP socket on one interface, and one turn of the loop over it.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use chatapp_core::limits::{DATAGRAM_LEN_MAX, RECEIVE_LEN};
use chatapp_core::{Endpoint, Flushed, Instant, Network, Sent, Turn};
use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, SocketHandle, SocketSet, SocketStorage,
};
use smoltcp::phy::{Device, Medium};
use smoltcp::socket::udp;
use smoltcp::wire::{HardwareAddress, IpCidr, IpEndpoint};

use crate::parked::{Parked, ParkedSlot};

/// Frames that one turn takes from the device, those that carry no datagram for us among them.
const FRAMES_PER_TURN: usize = 256;

/// How soon to look again at a device that takes nothing: it does not report when it does.
const DEVICE_FULL_PAUSE_MS: u64 = 1;

/// Who this machine is on its network.
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
    /// Unpredictable bits, for what the stack draws itself.
    pub seed: u64,
}

/// The memory of a [`Stack`].
#[derive(Debug)]
pub struct StackStorage<'a> {
    /// One.
    pub sockets: &'a mut [SocketStorage<'a>],
    /// One for each direction.
    pub packets: [&'a mut [udp::PacketMetadata]; 2],
    /// At least [`RECEIVE_LEN`] bytes. A datagram that does not fit is dropped, as it is too long for the protocol.
    pub received: &'a mut [u8],
    /// At least [`DATAGRAM_LEN_MAX`] bytes.
    pub sent: &'a mut [u8],
    /// Datagrams that may wait for the hardware address of their next hop; with none, the first one to everybody is
    /// lost, and repeated by the protocol.
    pub parked: &'a mut [ParkedSlot],
}

/// Why there can be no such stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StackError {
    /// The hardware address is not of the kind that the device needs.
    WrongMedium,
    /// More addresses or routes than smoltcp was built for, or two gateways of one family.
    TooMany,
    /// A gateway has an IPv6 address, and this was built without the feature `ipv6`.
    NoIpv6,
    /// Port 0.
    NoPort,
    /// A slice of the storage is too small; which one.
    Storage(&'static str),
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongMedium => f.write_str("the hardware address is not one for this device"),
            Self::TooMany => f.write_str("too many addresses or gateways"),
            Self::NoIpv6 => f.write_str("this stack was built without IPv6"),
            Self::NoPort => f.write_str("a stack needs a port to receive at"),
            Self::Storage(part) => write!(f, "the storage for {part} is too small"),
        }
    }
}

impl core::error::Error for StackError {}

/// A network stack with one UDP socket, which runs an [`Endpoint`].
pub struct Stack<'a> {
    turn: Turn,
    socket: Socket<'a>,
}

struct Socket<'a> {
    interface: Interface,
    sockets: SocketSet<'a>,
    handle: SocketHandle,
    port: u16,
    parked: Parked<'a>,
    /// The last turn left frames with the device.
    unread: bool,
    /// Datagrams whose next hop never said where it is.
    unreachable: u64,
}

impl fmt::Debug for Stack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("port", &self.socket.port)
            .finish_non_exhaustive()
    }
}

impl<'a> Stack<'a> {
    /// A stack on a device. Each later call gets the same device.
    ///
    /// # Errors
    /// [`StackError`].
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
            turn: Turn::new(),
            socket: Socket {
                interface,
                sockets,
                handle,
                port: config.port,
                parked: Parked::new(storage.parked),
                unread: false,
                unreachable: 0,
            },
        })
    }

    /// Does all that is to be done now, as [`Turn::run`] does.
    pub fn work<E: Endpoint + ?Sized>(
        &mut self,
        device: &mut impl Device,
        endpoint: &mut E,
        now: Instant,
        drain: impl FnMut(&mut E, Instant),
    ) {
        self.socket.unread = false;
        let mut network = OnDevice {
            socket: &mut self.socket,
            device,
            now,
            frames_left: FRAMES_PER_TURN,
        };
        self.turn.run(endpoint, &mut network, now, drain);
        network.offer_parked();
    }

    /// When [`work`](Self::work) is to be called again if the device has nothing before. To be called once behind
    /// each turn.
    pub fn wake_at<E: Endpoint + ?Sized>(&mut self, endpoint: &E, now: Instant) -> Option<Instant> {
        let turn = self.turn.wake_at(endpoint, now);
        let device = (self.turn.flushed() == Flushed::Blocked)
            .then(|| now.plus_millis(DEVICE_FULL_PAUSE_MS));
        let unread = self.socket.unread.then_some(now);
        [turn, device, unread, self.socket.parked.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Datagrams that were dropped because their next hop never said where it is.
    pub fn unreachable(&self) -> u64 {
        self.socket.unreachable
    }

    /// The interface, to change addresses and routes.
    pub fn interface(&mut self) -> &mut Interface {
        &mut self.socket.interface
    }
}

/// The socket and its device for the length of one turn.
struct OnDevice<'s, 'a, D: Device> {
    socket: &'s mut Socket<'a>,
    device: &'s mut D,
    now: Instant,
    frames_left: usize,
}

/// What became of a datagram that was given to the socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Left,
    /// The device takes nothing now.
    DeviceFull,
    /// It is not known yet where its next hop is.
    NoNeighbor,
}

impl<D: Device> OnDevice<'_, '_, D> {
    /// Gives a datagram to the socket, whose queue is empty, and leaves the queue empty again.
    fn hand_over(&mut self, to: SocketAddr, datagram: &[u8]) -> Fate {
        let Socket {
            interface,
            sockets,
            handle,
            ..
        } = &mut *self.socket;
        let socket = sockets.get_mut::<udp::Socket<'_>>(*handle);
        let sent = endpoint(to).map(|to| socket.send_slice(datagram, to));
        if sent.is_none_or(|sent| sent.is_err()) {
            // Nobody can have that address, or nobody who can be reached from here.
            return Fate::Left;
        }
        interface.poll_egress(timestamp(self.now), self.device, sockets);
        if sockets.get::<udp::Socket<'_>>(*handle).send_queue() == 0 {
            return Fate::Left;
        }
        self.start_afresh();
        if self.device.transmit(timestamp(self.now)).is_none() {
            Fate::DeviceFull
        } else {
            Fate::NoNeighbor
        }
    }

    /// Empties the queue of the socket, and ends the silence that the stack imposes on a socket whose neighbour is
    /// not known. What was received is not touched by this: all of it was taken before.
    fn start_afresh(&mut self) {
        let socket = &mut *self.socket;
        #[allow(
            irrefutable_let_patterns,
            reason = "with other features, smoltcp has other sockets"
        )]
        if let smoltcp::socket::Socket::Udp(mut udp) = socket.sockets.remove(socket.handle) {
            udp.close();
            let bound = udp.bind(socket.port);
            debug_assert!(bound.is_ok(), "it was bound before");
            socket.handle = socket.sockets.add(udp);
        }
    }

    fn offer_parked(&mut self) {
        if !self.socket.parked.is_due(self.now) {
            return;
        }
        // Lent out, so that the socket can be used meanwhile.
        let mut parked = core::mem::replace(&mut self.socket.parked, Parked::new(&mut []));
        let lost = parked.offer(self.now, |to, datagram| {
            self.hand_over(to, datagram) == Fate::Left
        });
        self.socket.parked = parked;
        if lost != 0 {
            chatapp_core::trace!("no answer from the next hop: datagrams dropped: {}", lost);
        }
        self.socket.unreachable += lost;
    }
}

impl<D: Device> Network for OnDevice<'_, '_, D> {
    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        loop {
            let Socket {
                interface,
                sockets,
                handle,
                parked,
                unread,
                ..
            } = &mut *self.socket;
            if let Ok((datagram, from)) = sockets.get_mut::<udp::Socket<'_>>(*handle).recv() {
                let len = datagram.len().min(buffer.len());
                buffer
                    .iter_mut()
                    .zip(datagram)
                    .for_each(|(to, from)| *to = *from);
                return Some((from.endpoint.into(), len));
            }
            // One frame at a time: the socket has room for one datagram, and none is lost for want of it.
            let Some(left) = self.frames_left.checked_sub(1) else {
                *unread = true;
                return None;
            };
            self.frames_left = left;
            match interface.poll_ingress_single(timestamp(self.now), self.device, sockets) {
                PollIngressSingleResult::None => return None,
                PollIngressSingleResult::PacketProcessed
                | PollIngressSingleResult::SocketStateChanged => parked.hope(),
            }
        }
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        let waits = self.socket.parked.waits_for(to);
        let fate = if waits {
            Fate::NoNeighbor
        } else {
            self.hand_over(to, datagram)
        };
        match fate {
            Fate::Left => Sent::Done,
            Fate::DeviceFull => Sent::WouldBlock,
            Fate::NoNeighbor => {
                chatapp_core::trace!("a datagram waits for the hardware address of its next hop");
                let lost = !self.socket.parked.keep(to, datagram, self.now, !waits);
                self.socket.unreachable += u64::from(lost);
                Sent::Done
            }
        }
    }
}

/// An address as the stack has it; none of a kind that it was built without.
#[cfg_attr(
    feature = "ipv6",
    expect(
        clippy::unnecessary_wraps,
        reason = "without the feature, some have none"
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
