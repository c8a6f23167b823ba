//! Baselines: the same traffic as bare datagrams over mio, with only a number before each text.
//!
//! They are written for speed: one socket, one event queue, and reads until the socket is empty.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use socket2::SockRef;

use crate::child::{next_order, say};
use crate::stream::Stream;
use crate::work::BARE_LEN;

/// Longer than any wait for a datagram on this machine. Nothing is retransmitted, because the
/// buffers hold all datagrams.
const PATIENCE: Duration = Duration::from_secs(10);
const BUFFER_LEN: usize = 4 << 20;
/// Number of recipients per round of sending and reading. The buffer never has to hold the
/// acknowledgements of all.
const GROUP: usize = 64;
const ACKNOWLEDGEMENT_LEN: usize = 8;

struct Bare {
    socket: UdpSocket,
    poll: Poll,
    events: Events,
    buffer: [u8; 2_048],
}

impl Bare {
    fn bind() -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut socket = UdpSocket::bind((loopback, 0).into()).expect("a free port");
        let buffers = SockRef::from(&socket);
        buffers.set_recv_buffer_size(BUFFER_LEN).expect("a buffer");
        buffers.set_send_buffer_size(BUFFER_LEN).expect("a buffer");
        let poll = Poll::new().expect("an event queue");
        poll.registry()
            .register(&mut socket, Token(0), Interest::READABLE)
            .expect("an event queue");
        Self {
            socket,
            poll,
            events: Events::with_capacity(8),
            buffer: [0; 2_048],
        }
    }

    fn port(&self) -> u16 {
        self.socket.local_addr().expect("it is bound").port()
    }

    fn wait(&mut self, timeout: Option<Duration>) {
        self.poll.poll(&mut self.events, timeout).expect("events");
        assert!(
            timeout.is_none() || !self.events.is_empty(),
            "a bare datagram was lost"
        );
    }

    fn receive(&mut self) -> Option<(usize, SocketAddr)> {
        match self.socket.recv_from(&mut self.buffer) {
            Ok(received) => Some(received),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("cannot receive: {error}"),
        }
    }

    fn send(&self, to: SocketAddr, bytes: &[u8]) {
        while let Err(error) = self.socket.send_to(bytes, to) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
        }
    }
}

/// Prints its port, and answers each datagram with an acknowledgement.
pub(crate) fn answer_all() {
    let mut bare = Bare::bind();
    say(&bare.port().to_string());
    loop {
        bare.wait(None);
        while let Some((_, from)) = bare.receive() {
            bare.send(from, &bare.buffer[..ACKNOWLEDGEMENT_LEN]);
        }
    }
}

/// Sends a stream for each order, with this many messages in each datagram.
pub(crate) fn send_stream(to: SocketAddr, per_datagram: usize) {
    let mut bare = Bare::bind();
    let packed = vec![0; per_datagram * BARE_LEN];
    while let Some(order) = next_order() {
        let mut stream = Stream::parse(&order);
        loop {
            while stream.room() >= per_datagram {
                // The answer may arrive before the call has returned.
                stream.sent(per_datagram);
                bare.send(to, &packed);
            }
            if let Some(times) = stream.times() {
                say(&times.to_string());
                break;
            }
            bare.wait(Some(PATIENCE));
            while bare.receive().is_some() {
                stream.acknowledged(per_datagram);
            }
        }
    }
}

/// Prints its port, and waits for a datagram from each recipient. For each order, repeatedly sends
/// a datagram to all and waits for all acknowledgements.
pub(crate) fn fan_out(recipients: usize) {
    let mut bare = Bare::bind();
    say(&bare.port().to_string());
    let mut addresses = Vec::new();
    while addresses.len() < recipients {
        bare.wait(Some(PATIENCE));
        while let Some((_, from)) = bare.receive() {
            addresses.push(from);
        }
    }
    say("complete");
    while let Some(order) = next_order() {
        let (rounds, per_datagram) = order.split_once(' ').expect("two numbers");
        let rounds = rounds.parse().expect("a number");
        let packed = vec![0; per_datagram.parse::<usize>().expect("a number") * BARE_LEN];
        let mut stream = Stream::new(rounds, 1);
        while stream.times().is_none() {
            stream.sent(1);
            let mut left = recipients;
            for group in addresses.chunks(GROUP) {
                group.iter().for_each(|to| bare.send(*to, &packed));
                while bare.receive().is_some() {
                    left -= 1;
                }
            }
            while left != 0 {
                match bare.receive() {
                    Some(_) => left -= 1,
                    None => bare.wait(Some(PATIENCE)),
                }
            }
            stream.acknowledged(1);
        }
        say(&stream.times().expect("it is done").to_string());
    }
}

/// Opens this many sockets, announces each to the sender, and acknowledges its datagrams.
pub(crate) fn answer_as_crowd(sender: SocketAddr, recipients: usize) {
    let mut poll = Poll::new().expect("an event queue");
    let mut events = Events::with_capacity(1_024);
    let mut sockets = Vec::new();
    for number in 0..recipients {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut socket = UdpSocket::bind((loopback, 0).into()).expect("a free port");
        poll.registry()
            .register(&mut socket, Token(number), Interest::READABLE)
            .expect("an event queue");
        socket.send_to(&[0], sender).expect("it takes a datagram");
        sockets.push(socket);
    }
    let mut buffer = [0; 2_048];
    loop {
        poll.poll(&mut events, None).expect("events");
        for event in &events {
            let socket = &sockets[event.token().0];
            while let Ok((_, from)) = socket.recv_from(&mut buffer) {
                socket
                    .send_to(&buffer[..ACKNOWLEDGEMENT_LEN], from)
                    .expect("it takes a datagram");
            }
        }
    }
}
