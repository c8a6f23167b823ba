//! Writes packet captures.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::{Instant, Network, Sent};
use chatapp_wireshark::Capture;

/// Number of peers whose source address is cached; a full cache is cleared.
const ROUTES_MAX: usize = 4_096;

/// Network that writes each sent or received datagram to a capture file.
///
/// An error of the file ends the capture, and the traffic continues: see
/// [`take_error`](Self::take_error).
pub struct PcapWriter<N, W> {
    inner: N,
    capture: Option<Capture<W>>,
    own_addr: fn(&N, SocketAddr) -> SocketAddr,
    /// Cache of the own source address towards each peer.
    routes: HashMap<IpAddr, SocketAddr>,
    /// Packets were written since the last flush.
    is_dirty: bool,
    error: Option<io::Error>,
}

impl<N: fmt::Debug, W> fmt::Debug for PcapWriter<N, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcapWriter")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<N, W: Write> PcapWriter<N, W> {
    /// Starts a capture of a network. `own_addr` returns the source address of datagrams to a peer.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn new(inner: N, out: W, own_addr: fn(&N, SocketAddr) -> SocketAddr) -> io::Result<Self> {
        let mut capture = Capture::new(out)?;
        capture.flush()?;
        Ok(Self {
            capture: Some(capture),
            own_addr,
            ..Self::off(inner)
        })
    }

    /// Wraps a network without a capture.
    pub fn off(inner: N) -> Self {
        Self {
            inner,
            capture: None,
            own_addr: |_, peer| peer,
            routes: HashMap::new(),
            is_dirty: false,
            error: None,
        }
    }

    /// Returns the inner network.
    pub fn inner(&self) -> &N {
        &self.inner
    }

    /// Returns the inner network.
    pub fn inner_mut(&mut self) -> &mut N {
        &mut self.inner
    }

    /// Returns the error that ended the capture, once.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    fn note(&mut self, peer: SocketAddr, is_sent: bool, datagram: &[u8]) {
        let Some(capture) = &mut self.capture else {
            return;
        };
        if self.routes.len() == ROUTES_MAX {
            self.routes.clear();
        }
        let route = self.routes.entry(peer.ip());
        let own = *route.or_insert_with(|| (self.own_addr)(&self.inner, peer));
        let (from, to) = if is_sent { (own, peer) } else { (peer, own) };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let written = capture.write(now.unwrap_or_default(), from, to, datagram);
        self.is_dirty = true;
        self.end_on_error(written);
    }

    fn end_on_error(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.capture = None;
            self.error = Some(error);
        }
    }
}

impl<N: Network, W: Write> Network for PcapWriter<N, W> {
    fn begin_poll(&mut self, now: Instant) {
        self.inner.begin_poll(now);
    }

    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        let (from, len) = self.inner.receive(buffer)?;
        self.note(from, false, buffer.get(..len).unwrap_or_default());
        Some((from, len))
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        let sent = self.inner.send(to, datagram);
        if sent == Sent::Done {
            self.note(to, true, datagram);
        }
        sent
    }

    fn flush(&mut self) -> Sent {
        self.inner.flush()
    }

    /// Flushes whole packets, for programs that read the file while it grows.
    fn end_poll(&mut self) {
        self.inner.end_poll();
        if std::mem::take(&mut self.is_dirty) {
            let flushed = self.capture.as_mut().map_or(Ok(()), Capture::flush);
            self.end_on_error(flushed);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.inner.next_deadline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{SlicedPacket, TransportSlice};

    /// Network that echoes each sent datagram; it blocks while the flag is set.
    #[derive(Debug, Default)]
    struct Echo(Vec<(SocketAddr, Vec<u8>)>, bool);

    impl Network for Echo {
        fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
            let (from, datagram) = self.0.pop()?;
            buffer[..datagram.len()].copy_from_slice(&datagram);
            Some((from, datagram.len()))
        }

        fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
            if self.1 {
                return Sent::WouldBlock;
            }
            self.0.push((to, datagram.to_vec()));
            Sent::Done
        }
    }

    fn own_addr(_: &Echo, _: SocketAddr) -> SocketAddr {
        ([10, 0, 0, 1], 1).into()
    }

    #[test]
    fn captures_sent_and_received_datagrams() {
        let mut file = Vec::new();
        let mut network = PcapWriter::new(Echo::default(), &mut file, own_addr).unwrap();
        let peer = SocketAddr::from(([10, 0, 0, 2], 2));
        assert_eq!(network.send(peer, b"abc"), Sent::Done);
        assert!(network.receive(&mut [0; RECEIVE_LEN]).is_some());
        network.inner_mut().1 = true;
        assert_eq!(network.send(peer, b"blocked"), Sent::WouldBlock);
        network.end_poll();
        assert!(network.take_error().is_none());
        let (first, second) = file[24..].split_at(16 + 20 + 8 + 3);
        for (packet, ports) in [(first, (1, 2)), (second, (2, 1))] {
            let packet = SlicedPacket::from_ip(&packet[16..]).unwrap();
            let Some(TransportSlice::Udp(udp)) = packet.transport else {
                panic!("a UDP datagram: {packet:?}");
            };
            assert_eq!((udp.source_port(), udp.destination_port()), ports);
            assert_eq!(udp.payload(), b"abc");
        }
    }

    /// Writer that fails after the header of the file.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn continues_without_a_capture_after_an_error() {
        let mut network = PcapWriter::new(Echo::default(), Full(30), own_addr).unwrap();
        let peer = SocketAddr::from(([10, 0, 0, 2], 2));
        for _ in 0..2 {
            assert_eq!(network.send(peer, b"abc"), Sent::Done);
        }
        network.end_poll();
        assert!(network.take_error().is_some());
        assert!(network.take_error().is_none());
    }
}
