//! A client process: the core over the adapter for sockets, as in the program `ChatApp`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::mpsc::{self, Receiver};

use chatapp_core::{
    Client, ClientConfig, ClientEvent, Command, Identity, Instant, MessageStatus, Name, StaticKey,
};
use chatapp_mio::{
    ClientLimits, ClientMemory, Driver, Socket, Transport, Waker, fill_random, seed,
};
use chatapp_tap::{Tap, TapConfig, TapMemory};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::UdpGroSegment;
use socket2::{SockFilter, SockRef};

use crate::child::{next_order, say};
use crate::stream::Stream;
use crate::work::TEXT;

/// Name of the recipient of all messages.
pub(crate) const RECIPIENT: &str = "recipient";

/// Port of a client on a TAP device.
const TAP_PORT: u16 = 5_000;

/// Runs a client on a socket that drops this percentage of arriving datagrams.
pub(crate) fn on_socket(server: SocketAddr, name: &str, window: u16, loss_percent: u32) {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let bind = server.ip().is_loopback().then_some(loopback);
    let socket = Socket::bind(bind, 0).expect("a free port");
    if loss_percent != 0 {
        lose(&socket, loss_percent);
    }
    run(Driver::new(socket), server, name, window);
}

/// Runs a client on the TAP device `net1` with this address on its link.
pub(crate) fn on_tap(server: SocketAddr, name: &str, window: u16, own: &str, gateway: IpAddr) {
    let config = TapConfig {
        device: "net1".into(),
        addresses: vec![own.parse().expect("an address")],
        gateways: vec![gateway],
    };
    let mut memory = TapMemory::default();
    let tap = Tap::open(config, TAP_PORT, 7, &mut memory).expect("a TAP device");
    run(Driver::over(tap), server, name, window);
}

/// Registers, reports that, and then sends a stream to the recipient for each order.
fn run(
    driver: std::io::Result<Driver<impl Transport>>,
    server: SocketAddr,
    name: &str,
    window: u16,
) {
    let mut driver = driver.expect("an event queue");
    let limits = ClientLimits {
        peers: 8,
        commands: 1_024,
        former_peers: 8,
        pins: 16,
    };
    let mut memory = ClientMemory::new(limits).expect("memory");
    let name = Name::new(name).expect("a name");
    let config = ClientConfig {
        window,
        ..ClientConfig::new(name.clone(), server)
    };
    let mut random = [0; 32];
    fill_random(&mut random).expect("entropy");
    let identity = Identity::new(StaticKey::new(random), None);
    let seed = seed(&mut random).expect("entropy");
    let mut client = Client::new(config, memory.storage(), identity, seed).expect("room");
    let name = name.as_str();
    client
        .command(driver.now(), Command::Register { name })
        .expect("it is new");

    let ordered = orders(driver.waker());
    let mut stream = Stream::new(0, 0);
    let mut is_streaming = false;
    let mut is_registered = false;
    loop {
        if let Ok(order) = ordered.try_recv() {
            stream = Stream::parse(&order);
            is_streaming = true;
        }
        driver
            .poll(&mut client, |client, now| {
                stream.acknowledged(show_all(client, now));
                let room = stream.room();
                for _ in 0..room {
                    let send = Command::Send {
                        to: RECIPIENT,
                        text: TEXT,
                    };
                    client.command(now, send).expect("there is room");
                }
                stream.sent(room);
            })
            .expect("events");
        if !is_registered && client.is_registered() {
            is_registered = true;
            say("registered");
        }
        if is_streaming && let Some(times) = stream.times() {
            is_streaming = false;
            say(&times.to_string());
        }
        driver.park(&client).expect("events");
    }
}

/// Reads orders on a thread, which wakes the driver for each; the process ends after the last one.
fn orders(waker: Waker) -> Receiver<String> {
    let (orders, ordered) = mpsc::channel();
    std::thread::spawn(move || {
        while let Some(order) = next_order() {
            // The receiver ends with this process.
            let _ = orders.send(order);
            waker.wake();
        }
        std::process::exit(0);
    });
    ordered
}

/// Lets the kernel drop this percentage of arriving datagrams at random. It uses a socket filter of
/// three classic BPF instructions (`man 7 socket`, `SO_ATTACH_FILTER`). With receive offload the
/// filter would drop whole batches, so this turns offload off. Each loss is then independent, as on
/// a network.
fn lose(socket: &Socket, percent: u32) {
    setsockopt(socket, UdpGroSegment, &false).expect("an option of the socket");
    const LOAD_RANDOM: SockFilter = SockFilter::new(0x20, 0, 0, 0xffff_f000_u32 + 56);
    let drop_below = u32::MAX / 100 * percent;
    let program = [
        LOAD_RANDOM,
        SockFilter::new(0x35, 0, 1, drop_below),
        SockFilter::new(0x06, 0, 0, u32::MAX),
        SockFilter::new(0x06, 0, 0, 0),
    ];
    SockRef::from(socket)
        .attach_filter(&program)
        .expect("the kernel takes the filter");
}

/// Takes all events, and returns the receipts of messages at once. Returns how many messages were
/// acknowledged.
fn show_all(client: &mut Client<'_>, now: Instant) -> usize {
    let mut acknowledged = 0;
    while let Some(event) = client.poll_event() {
        if let ClientEvent::MessageStatus { status, .. } = event {
            assert_eq!(status, MessageStatus::Delivered);
            acknowledged += 1;
        }
        if let Some(receipt) = event.receipt() {
            client.handle_shown(now, receipt);
        }
    }
    acknowledged
}
