//! Buffers between a socket and its reader, which move several datagrams per system call with
//! offload (`platform`).

use std::fmt;
use std::net::SocketAddr;

use chatapp_core::limits::{DATAGRAM_LEN_MAX, RECEIVE_LEN};

use crate::platform::RECEIVED_LEN_MAX;
use crate::socket::{Received, Refused, Socket};

/// Maximum number of datagrams per send call. More would delay the first one longer than a further
/// call costs.
const SEGMENTS_MAX: usize = 16;

/// Buffers between sockets and their reader, for one batch in each direction. Several sockets can
/// share them if each is read empty, and [flushed](Self::flush), before the next.
pub struct GsoBuffer {
    arrived: Box<[u8]>,
    /// Range of received bytes that are not returned yet.
    unread: std::ops::Range<usize>,
    /// Length of each received datagram except the last.
    segment_len: usize,
    from: SocketAddr,

    leaving: Vec<u8>,
    to: SocketAddr,
    /// Length of each datagram to send except the last.
    leaving_len: usize,
}

impl fmt::Debug for GsoBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GsoBuffer")
            .field("unread", &self.unread.len())
            .field("leaving", &self.leaving.len())
            .finish_non_exhaustive()
    }
}

impl Default for GsoBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl GsoBuffer {
    /// Creates empty buffers, about 80 KiB with offload.
    pub fn new() -> Self {
        let nowhere = SocketAddr::from(([0; 4], 0));
        Self {
            arrived: vec![0; RECEIVED_LEN_MAX].into(),
            unread: 0..0,
            segment_len: 0,
            from: nowhere,
            leaving: Vec::with_capacity(SEGMENTS_MAX * DATAGRAM_LEN_MAX),
            to: nowhere,
            leaving_len: 0,
        }
    }

    /// Receives the next datagram, truncated to the length of the buffer.
    pub fn receive(&mut self, socket: &mut Socket, buffer: &mut [u8; RECEIVE_LEN]) -> Received {
        if self.unread.is_empty() {
            match socket.receive(&mut self.arrived) {
                Ok(arrived) => {
                    self.unread = 0..arrived.len;
                    // An empty datagram has one segment of no bytes.
                    self.segment_len = arrived.segment_len;
                    self.from = arrived.from;
                }
                Err(other) => return other,
            }
        }
        let len = self.segment_len.min(self.unread.len());
        let datagram = self.arrived.get(self.unread.start..self.unread.start + len);
        self.unread.start += len;
        let kept = len.min(buffer.len());
        if let (Some(to), Some(from)) = (
            buffer.get_mut(..kept),
            datagram.and_then(|datagram| datagram.get(..kept)),
        ) {
            to.copy_from_slice(from);
        }
        Received::Datagram(kept, self.from)
    }

    /// Queues a datagram. Sends the queued ones first if this one cannot share their call.
    ///
    /// # Errors
    /// Returns why the socket refused the queued datagrams, which stay queued. This datagram is not
    /// queued.
    pub fn send(
        &mut self,
        socket: &mut Socket,
        to: SocketAddr,
        datagram: &[u8],
    ) -> Result<(), Refused> {
        if !socket.sends_bursts || datagram.is_empty() {
            self.flush(socket)?;
            return socket.send(to, datagram);
        }
        let joins = !self.leaving.is_empty()
            && to == self.to
            && datagram.len() <= self.leaving_len
            && self.leaving.len() < SEGMENTS_MAX * self.leaving_len
            && self.leaving.len().is_multiple_of(self.leaving_len);
        if !joins {
            self.flush(socket)?;
            self.to = to;
            self.leaving_len = datagram.len();
        }
        self.leaving.extend_from_slice(datagram);
        Ok(())
    }

    /// Discards the queued datagrams.
    pub fn discard(&mut self) {
        self.leaving.clear();
    }

    /// Sends the queued datagrams.
    ///
    /// # Errors
    /// Returns why the socket refused them; they stay queued.
    pub fn flush(&mut self, socket: &mut Socket) -> Result<(), Refused> {
        let is_burst = self.leaving.len() > self.leaving_len;
        if is_burst && socket.send_burst(self.to, &self.leaving, self.leaving_len)? {
            self.leaving.clear();
        }
        while !self.leaving.is_empty() {
            let len = self.leaving_len.min(self.leaving.len());
            socket.send(self.to, self.leaving.get(..len).unwrap_or_default())?;
            self.leaving.drain(..len);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    /// Returns all datagrams that have arrived, and the number of system calls.
    fn all(gso: &mut GsoBuffer, socket: &mut Socket) -> (Vec<Vec<u8>>, usize) {
        let mut buffer = [0; RECEIVE_LEN];
        let (mut datagrams, mut calls) = (Vec::new(), 0);
        loop {
            calls += usize::from(gso.unread.is_empty());
            match gso.receive(socket, &mut buffer) {
                Received::Datagram(len, _) => datagrams.push(buffer[..len].to_vec()),
                Received::Nothing => return (datagrams, calls - 1),
                Received::Failed => panic!("the socket refused no datagram"),
            }
        }
    }

    fn datagram(number: u8, len: usize) -> Vec<u8> {
        vec![number; len]
    }

    #[test]
    fn keeps_datagrams_and_order_with_offload() {
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (all_addresses, one) = (Socket::bind(None, 0), Socket::bind(Some(localhost), 0));
        let (mut sender, mut recipient) = (all_addresses.unwrap(), one.unwrap());
        let mut other = Socket::bind(Some(localhost), 0).unwrap();
        let mut gso = GsoBuffer::new();
        let lens = [
            [1_200; 40].as_slice(),
            &[700, 1_200, 1_200, 41, 1_200, 1_200, 41, 41, 42, 1, 1],
        ]
        .concat();
        let sent: Vec<_> = (0..).zip(lens).map(|(at, len)| datagram(at, len)).collect();
        for (at, datagram) in sent.iter().enumerate() {
            let to = recipient.local_addr();
            assert_eq!(gso.send(&mut sender, to, datagram), Ok(()));
            if at % 13 == 12 {
                let to = other.local_addr();
                assert_eq!(gso.send(&mut sender, to, datagram), Ok(()));
            }
        }
        assert_eq!(gso.flush(&mut sender), Ok(()));
        let (arrived, calls) = all(&mut gso, &mut recipient);
        assert_eq!(arrived, sent);
        assert_eq!(all(&mut gso, &mut other).0.len(), 3);
        if sender.sends_bursts {
            assert!(calls <= 13, "{calls} calls for {} datagrams", sent.len());
        }
    }

    #[test]
    fn sends_datagrams_at_once_without_offload() {
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (mut old, mut recipient) = (
            Socket::bind(Some(localhost), 0).unwrap(),
            Socket::bind(Some(localhost), 0).unwrap(),
        );
        old.sends_bursts = false;
        let mut gso = GsoBuffer::new();
        for number in 0..3 {
            let sent = gso.send(&mut old, recipient.local_addr(), &datagram(number, 50));
            assert_eq!((sent, gso.leaving.len()), (Ok(()), 0));
        }
        let (arrived, _) = all(&mut gso, &mut recipient);
        assert_eq!(arrived, [0, 1, 2].map(|number| datagram(number, 50)));
    }

    #[test]
    fn discards_only_queued_datagrams() {
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut socket = Socket::bind(Some(localhost), 0).unwrap();
        let mut gso = GsoBuffer::new();
        let to = socket.local_addr();
        for number in 0..2 {
            assert_eq!(gso.send(&mut socket, to, &datagram(number, 9)), Ok(()));
        }
        assert_eq!(gso.flush(&mut socket), Ok(()));
        let mut buffer = [0; RECEIVE_LEN];
        assert_eq!(
            gso.receive(&mut socket, &mut buffer),
            Received::Datagram(9, to)
        );
        assert_eq!(gso.send(&mut socket, to, &datagram(2, 9)), Ok(()));
        gso.discard();
        assert_eq!(gso.flush(&mut socket), Ok(()));
        assert_eq!(all(&mut gso, &mut socket).0, [datagram(1, 9)]);
    }

    #[test]
    fn sends_datagrams_alone_that_cannot_share_a_call() {
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut socket = Socket::bind(Some(localhost), 0).unwrap();
        let mut gso = GsoBuffer::new();
        // Longer than a packet of the loopback device, so no segment may have this length.
        let long = vec![3; 66_000];
        let to = socket.local_addr();
        assert_eq!(gso.send(&mut socket, to, &long), Ok(()));
        assert_eq!(gso.send(&mut socket, to, &long), Ok(()));
        for number in 0..2 {
            let to = socket.local_addr();
            assert_eq!(gso.send(&mut socket, to, &datagram(number, 9)), Ok(()));
        }
        assert_eq!(gso.flush(&mut socket), Ok(()));
        let (arrived, _) = all(&mut gso, &mut socket);
        assert_eq!(arrived, [datagram(0, 9), datagram(1, 9)]);
    }

    #[test]
    fn truncates_long_and_receives_empty_datagrams() {
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut socket = Socket::bind(Some(localhost), 0).unwrap();
        let mut gso = GsoBuffer::new();
        for len in [5_000, 0, 7] {
            let to = socket.local_addr();
            assert_eq!(gso.send(&mut socket, to, &datagram(1, len)), Ok(()));
        }
        assert_eq!(gso.flush(&mut socket), Ok(()));
        let (arrived, _) = all(&mut gso, &mut socket);
        let lens: Vec<_> = arrived.iter().map(Vec::len).collect();
        assert_eq!(lens, [RECEIVE_LEN, 0, 7]);
    }
}
