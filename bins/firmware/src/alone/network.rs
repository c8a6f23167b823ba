//! The driver, the stack and its adapter, without core and console, to measure their size. The
//! endpoint sends and receives anything.
#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};
use core::panic::PanicInfo;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::{Disposition, Endpoint, EventLoop, Instant, Transmit};
use chatapp_firmware::board::{self, Board};
use chatapp_firmware::machine::connect;
use chatapp_smoltcp::StackConfig;
use chatapp_smoltcp::smoltcp::wire::{HardwareAddress, IpCidr};
use cortex_m_rt::entry;
use static_cell::ConstStaticCell;

mod values;

use values::{any, keep};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    board::stop(info)
}

/// An endpoint that sends and receives anything.
struct AnyEndpoint;

impl Endpoint for AnyEndpoint {
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Disposition {
        keep((now, from, datagram));
        any(Disposition::Accepted)
    }

    fn handle_timeout(&mut self, now: Instant) {
        keep(now);
    }

    fn poll_transmit(
        &mut self,
        now: Instant,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> Option<Transmit> {
        keep((now, out));
        any(None)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        any(None)
    }
}

#[entry]
fn main() -> ! {
    static EVENT_LOOP: ConstStaticCell<EventLoop> = ConstStaticCell::new(EventLoop::new());

    let mut board = Board::take().expect("a board is started once");
    let address = Ipv4Addr::from_bits(any(0));
    let config = StackConfig {
        hardware_address: HardwareAddress::Ethernet(board.ethernet.address()),
        addresses: &[IpCidr::new(address.into(), any(24))],
        gateways: &[address.into()],
        port: any(0),
        seed: any(0),
    };
    let stack = connect(&config, &mut board.ethernet, board.clock.now());
    let stack = stack.expect("the network starts");
    let event_loop = EVENT_LOOP.take();
    loop {
        let now = board.clock.now();
        let mut network = stack.on(&mut board.ethernet);
        event_loop.poll(&mut AnyEndpoint, &mut network, now, |_, _| {});
        let deadline = event_loop.next_deadline(&AnyEndpoint, &network);
        board.clock.sleep_until(deadline);
    }
}
