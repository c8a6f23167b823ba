//! Server and client, each on its own network stack, connected by a queue of frames:
//! `cargo run -p chatapp-smoltcp --example two_stacks`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::error::Error;
use std::net::Ipv4Addr;
use std::rc::Rc;

use chatapp_core::*;
use chatapp_smoltcp::smoltcp::iface::SocketStorage;
use chatapp_smoltcp::smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use chatapp_smoltcp::smoltcp::socket::udp;
use chatapp_smoltcp::smoltcp::time::Instant as Timestamp;
use chatapp_smoltcp::smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr};
use chatapp_smoltcp::{PendingSlot, Stack, StackConfig, StackError, StackStorage};

const PORT: u16 = 5_000;

type Frames = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end of the cable: received frames, and sent frames.
struct Cable(Frames, Frames);
struct Received(Vec<u8>);
struct Sending<'a>(&'a Frames);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

impl phy::TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut frame = vec![0; len];
        let result = fill(&mut frame);
        self.0.borrow_mut().push_back(frame);
        result
    }
}

impl Device for Cable {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Timestamp) -> Option<(Received, Sending<'_>)> {
        let frame = self.0.borrow_mut().pop_front()?;
        Some((Received(frame), Sending(&self.1)))
    }

    fn transmit(&mut self, _: Timestamp) -> Option<Sending<'_>> {
        Some(Sending(&self.1))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }
}

/// Creates the stack of the machine with this number.
fn stack(number: u8, device: &mut Cable) -> Result<Stack<'static>, StackError> {
    let address = Ipv4Addr::new(192, 168, 7, number);
    let config = StackConfig {
        hardware_address: HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, number])),
        addresses: &[IpCidr::new(address.into(), 24)],
        gateways: &[],
        port: PORT,
        seed: number.into(),
    };
    let storage = StackStorage {
        sockets: vec![SocketStorage::EMPTY].leak(),
        packets: [(); 2].map(|()| vec![udp::PacketMetadata::EMPTY].leak()),
        received: vec![0; 1_500].leak(),
        sent: vec![0; 1_200].leak(),
        pending: vec![PendingSlot::VACANT; 4].leak(),
    };
    Stack::new(&config, device, storage, Instant::ZERO)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (there, back) = (Frames::default(), Frames::default());
    let mut server_device = Cable(there.clone(), back.clone());
    let mut alice_device = Cable(back, there);
    let mut server_stack = stack(1, &mut server_device)?;
    let mut alice_stack = stack(2, &mut alice_device)?;

    let mut memory = Box::new(ServerMemory::<8, 8, 16, 1_024, 16>::new());
    let identity = Identity::new(StaticKey::new([1; 32]), None);
    let config = ServerConfig::default();
    let mut server = Server::new(config, memory.storage(), identity, Seed::new(&mut [1; 32]))?;
    let mut memory = ClientMemory::<9, 4, 8, 8>::new();
    let identity = Identity::new(StaticKey::new([2; 32]), None);
    let config = ClientConfig::new(Name::new("alice")?, ([192, 168, 7, 1], PORT).into());
    let mut alice = Client::new(config, memory.storage(), identity, Seed::new(&mut [2; 32]))?;

    let (mut server_loop, mut alice_loop) = (EventLoop::new(), EventLoop::new());
    let (mut journal, mut now) = (NullJournal::new(), Instant::ZERO);
    alice.command(now, Command::Register { name: "alice" })?;
    alice.command(
        now,
        Command::Send {
            to: "alice",
            text: "hello, me",
        },
    )?;
    while !alice.is_idle() {
        let mut server_network = server_stack.on(&mut server_device);
        server_loop.poll(&mut server, &mut server_network, now, |server, now| {
            journal.exchange(server, now);
            while server.poll_event().is_some() {}
        });
        let mut alice_network = alice_stack.on(&mut alice_device);
        alice_loop.poll(&mut alice, &mut alice_network, now, |alice, now| {
            while let Some(event) = alice.poll_event() {
                println!("{:>5} ms: {event:?}", now.as_millis());
                if let Some(receipt) = event.receipt() {
                    alice.handle_shown(now, receipt);
                }
            }
        });
        now = now.plus_millis(1);
    }
    Ok(())
}
