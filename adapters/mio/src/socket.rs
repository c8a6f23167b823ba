//! The UDP socket of a client or server.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use chatapp_core::Instant;
use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Type};

use crate::arrived::Arrived;
use crate::local_addresses::LocalAddresses;
use crate::platform;

/// Kernel buffer requested for each direction, in bytes; the kernel may grant less. The default of
/// a few hundred small datagrams overflows when a room of thousands answers at once.
const BUFFER_LEN: usize = 4 << 20;

/// A non-blocking UDP socket that reaches IPv4 and, where the machine has it, IPv6.
#[derive(Debug)]
pub struct Socket {
    pub(crate) udp: UdpSocket,
    local: SocketAddr,
    /// The socket is an IPv6 socket that also carries IPv4, as mapped addresses.
    dual_stack: bool,
    /// The socket can send several datagrams per call.
    pub(crate) sends_bursts: bool,
    /// Empty if the socket has one address: datagrams leave from there.
    asked: LocalAddresses,
}

/// Reason why the socket refused a datagram that it may accept later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The socket's buffer is full; the socket reports when it is writable.
    WouldBlock,
    /// The kernel is short of memory; nothing reports the end of that.
    NoBuffers,
}

impl Socket {
    /// Binds a port on one local address, or on all of them, IPv4 and IPv6; 0 selects any free
    /// port.
    ///
    /// # Errors
    /// Returns an error if the port is in use, or the address is not one of this machine, for
    /// example.
    pub fn bind(ip: Option<IpAddr>, port: u16) -> io::Result<Self> {
        if let Some(ip) = ip {
            return Self::bind_to(SocketAddr::new(ip, port));
        }
        match Self::bind_one(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port), true) {
            // A port in use is an error. Any other error means that this machine has no
            // (dual-stack) IPv6.
            Err(error) if error.kind() != ErrorKind::AddrInUse => {
                Self::bind_one(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port), false)
            }
            result => result,
        }
    }

    /// Binds one local address, with the interface of a link-local one, or all of its family.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_to(local: SocketAddr) -> io::Result<Self> {
        Self::bind_one(local, false)
    }

    fn bind_one(local: SocketAddr, dual_stack: bool) -> io::Result<Self> {
        let socket =
            socket2::Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
        // The default differs: off on Linux (`man 7 ipv6`) and macOS (`man 4 ip6`), on on Windows
        // (`IPPROTO_IPV6 Socket Options`) and FreeBSD (`man 4 inet6`, `net.inet6.ip6.v6only`).
        // OpenBSD does not let it be cleared (`man 4 ip6`): the caller then takes IPv4 alone.
        if local.is_ipv6() {
            socket.set_only_v6(!dual_stack)?;
        }
        // Smaller buffers cost speed, not correctness.
        let _ = socket.set_recv_buffer_size(BUFFER_LEN);
        let _ = socket.set_send_buffer_size(BUFFER_LEN);
        socket.set_nonblocking(true)?;
        socket.bind(&local.into())?;
        let udp = UdpSocket::from_std(socket.into());
        let sends_bursts = platform::enable(&udp);
        let local = udp.local_addr()?;
        if local.ip().is_unspecified() {
            platform::enable_local_addresses(&udp, local.is_ipv6());
        }
        Ok(Self {
            udp,
            local,
            dual_stack,
            sends_bursts,
            asked: LocalAddresses::new(),
        })
    }

    /// Returns the local address; the unspecified one for all addresses of this machine.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Returns the source address of datagrams to this address: the local address of this socket,
    /// or the one that the kernel would choose.
    pub fn local_addr_towards(&self, to: SocketAddr) -> SocketAddr {
        if !self.local.ip().is_unspecified() {
            return self.local;
        }
        let asked = self.asked.asked_by(to);
        let ip = asked.unwrap_or_else(|| kernels_choice(to));
        SocketAddr::new(ip, self.local.port())
    }

    /// Tells the time: a remote address that is silent for a minute gets its next datagram from the
    /// address that the kernel chooses.
    pub(crate) fn begin_poll(&mut self, now: Instant) {
        self.asked.age(now);
    }

    /// Returns whether datagrams to this address can leave through this socket at all. A link-local
    /// address needs its scope, unless the socket has one.
    pub fn reaches(&self, to: SocketAddr) -> bool {
        let is_scoped = match (self.local, to) {
            (SocketAddr::V6(local), SocketAddr::V6(to)) => {
                !to.ip().is_unicast_link_local() || to.scope_id() != 0 || local.scope_id() != 0
            }
            _ => true,
        };
        is_scoped && (self.dual_stack || self.local.is_ipv4() == to.is_ipv4())
    }

    /// Receives the next datagrams; the buffer has room for [`RECEIVED_LEN_MAX`] bytes.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> Result<Arrived, Received> {
        match platform::receive(&self.udp, buffer) {
            Ok(mut arrived) => {
                arrived.from = canonical(arrived.from);
                if let Some(to) = arrived.to {
                    self.asked.note(arrived.from, to);
                }
                Ok(arrived)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(Received::Nothing),
            // The error concerns one datagram, often an earlier one of this socket to a closed
            // port.
            Err(_) => Err(Received::Failed),
        }
    }

    /// Maps the address for this socket.
    fn mapped(&self, to: SocketAddr) -> SocketAddr {
        match to.ip() {
            IpAddr::V4(ip) if self.dual_stack => {
                SocketAddr::new(ip.to_ipv6_mapped().into(), to.port())
            }
            _ => to,
        }
    }

    /// The source for a datagram to this address, as this socket takes it; `None` if the kernel is
    /// to choose.
    fn source_for(&mut self, to: SocketAddr) -> Option<IpAddr> {
        match self.asked.source_for(to, kernels_choice)? {
            IpAddr::V4(ip) if self.local.is_ipv6() => Some(ip.to_ipv6_mapped().into()),
            ip => Some(ip),
        }
    }

    /// Sends a datagram. A datagram that cannot be sent at all is dropped, as on any network.
    pub(crate) fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Result<(), Refused> {
        let mapped = self.mapped(to);
        // The error may report the fate of an earlier datagram, and reporting clears it: this
        // datagram gets a second attempt. A source that is gone from this machine is an error too.
        for _ in 0..2 {
            let source = self.source_for(to);
            let sent = match source {
                None => self.udp.send_to(datagram, mapped).map(drop),
                Some(_) => platform::send(&self.udp, mapped, source, datagram, None),
            };
            match sent.as_ref().map_err(refused) {
                Ok(()) => return Ok(()),
                Err(Some(refused)) => return Err(refused),
                Err(None) if source.is_some() => self.asked.give_up(to),
                Err(None) => {}
            }
        }
        Ok(())
    }

    /// Sends datagrams of this length; the last one may be shorter. Returns false if they must be
    /// sent one by one: the device or the path may not allow a batch, the source may be gone, or
    /// the error concerned an earlier datagram.
    pub(crate) fn send_burst(
        &mut self,
        to: SocketAddr,
        datagrams: &[u8],
        segment_len: usize,
    ) -> Result<bool, Refused> {
        let Ok(segment_len) = u16::try_from(segment_len) else {
            return Ok(false);
        };
        let (mapped, source) = (self.mapped(to), self.source_for(to));
        match platform::send(&self.udp, mapped, source, datagrams, Some(segment_len)) {
            Ok(()) => Ok(true),
            Err(error) => refused(&error).map_or(Ok(false), Err),
        }
    }
}

/// The address as the core writes it: without mapping and flow label.
fn canonical(address: SocketAddr) -> SocketAddr {
    match (address, address.ip().to_canonical()) {
        (SocketAddr::V6(v6), IpAddr::V6(ip)) => {
            SocketAddrV6::new(ip, v6.port(), 0, v6.scope_id()).into()
        }
        (_, ip) => SocketAddr::new(ip, address.port()),
    }
}

/// The source address that the kernel chooses for datagrams to this address; the unspecified one
/// if no route leads there.
fn kernels_choice(to: SocketAddr) -> IpAddr {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting a UDP socket sends nothing; it looks up the route.
    let looked_up = std::net::UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(to)?;
        socket.local_addr()
    });
    looked_up.map_or(any, |local| local.ip())
}

/// Result of receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A datagram of this many bytes, from this source.
    Datagram(usize, SocketAddr),
    /// The socket has no datagram.
    Nothing,
    /// An error that concerns one datagram only.
    Failed,
}

/// Returns the reason if the socket may accept the datagram later.
fn refused(error: &io::Error) -> Option<Refused> {
    if error.kind() == ErrorKind::WouldBlock {
        Some(Refused::WouldBlock)
    } else {
        is_out_of_buffers(error).then_some(Refused::NoBuffers)
    }
}

fn is_out_of_buffers(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    error.kind() == ErrorKind::OutOfMemory || code == Some(platform::NO_BUFFERS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chatapp_core::limits::{DATAGRAM_LEN_MAX, RECEIVE_LEN};

    const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn receive(socket: &mut Socket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; RECEIVE_LEN];
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while std::time::Instant::now() < deadline {
            if let Ok(arrived) = socket.receive(&mut buffer) {
                return (buffer[..arrived.len].to_vec(), arrived.from);
            }
            std::thread::yield_now();
        }
        panic!("nothing arrived");
    }

    #[test]
    fn carries_datagrams_between_all_and_one_address() {
        let mut all = Socket::bind(None, 0).unwrap();
        let mut one = Socket::bind(Some(LOCALHOST), 0).unwrap();
        let to_all = SocketAddr::new(LOCALHOST, all.local_addr().port());

        assert_eq!(one.send(to_all, b"there"), Ok(()));
        assert_eq!(
            receive(&mut all),
            (b"there".to_vec(), one.local_addr()),
            "no mapped address"
        );
        assert_eq!(all.send(one.local_addr(), b"and back"), Ok(()));
        assert_eq!(receive(&mut one), (b"and back".to_vec(), to_all));
    }

    #[test]
    fn selects_the_source_address_by_destination() {
        let all = Socket::bind(None, 0).unwrap();
        let one = Socket::bind(Some(LOCALHOST), 0).unwrap();
        let to = SocketAddr::new(LOCALHOST, 4_119);
        assert_eq!(all.local_addr_towards(to).ip(), LOCALHOST);
        assert_eq!(all.local_addr_towards(to).port(), all.local_addr().port());
        let far = "192.0.2.7:4119".parse().unwrap();
        assert_eq!(one.local_addr_towards(far), one.local_addr());
    }

    #[test]
    fn receives_long_datagrams_as_too_long() {
        let mut a = Socket::bind(Some(LOCALHOST), 0).unwrap();
        let mut b = Socket::bind(Some(LOCALHOST), 0).unwrap();
        a.send(b.local_addr(), &[1; DATAGRAM_LEN_MAX + 500])
            .unwrap();
        assert!(receive(&mut b).0.len() > DATAGRAM_LEN_MAX);
    }

    #[test]
    fn ignores_errors_of_one_datagram() {
        let mut socket = Socket::bind(Some(LOCALHOST), 0).unwrap();
        let closed = Socket::bind(Some(LOCALHOST), 0).unwrap().local_addr();
        let own = socket.local_addr();
        let other_family = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 4_119);
        assert!(!socket.reaches(other_family));
        for to in [closed, closed, other_family] {
            assert_eq!(socket.send(to, b"?"), Ok(()));
        }
        assert_eq!(
            socket.send(closed, &vec![0; 100_000]),
            Ok(()),
            "longer than UDP carries"
        );
        assert_eq!(socket.send(own, b"still works"), Ok(()));
        assert_eq!(receive(&mut socket).0, b"still works");
    }

    #[test]
    fn rejects_a_port_in_use() {
        let first = Socket::bind(None, 0).unwrap();
        let error = Socket::bind(None, first.local_addr().port()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    }
}
