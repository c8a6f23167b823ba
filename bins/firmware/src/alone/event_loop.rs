//! The event loop of the core over any network. Links only if it cannot panic.
#![no_std]
#![no_main]

use core::net::SocketAddr;

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_core::{Client, ClientConfig, EventLoop, Name, Network, Seed, Sent};
use chatapp_firmware::memory::ClientMemory;
use cortex_m_rt::entry;
use static_cell::{ConstStaticCell, StaticCell};

mod never;
mod values;

use values::{any, any_address, any_identity, any_text, any_time, keep};

/// A network that sends and receives anything.
struct Any;

impl Network for Any {
    fn receive(&mut self, buffer: &mut [u8; RECEIVE_LEN]) -> Option<(SocketAddr, usize)> {
        keep(buffer);
        any(Some((any_address(), any(0))))
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> Sent {
        keep((to, datagram));
        any(Sent::WouldBlock)
    }
}

#[entry]
fn main() -> ! {
    static EVENT_LOOP: ConstStaticCell<EventLoop> = ConstStaticCell::new(EventLoop::new());
    static CLIENT: StaticCell<Client<'_>> = StaticCell::new();
    let event_loop = EVENT_LOOP.try_take();
    let client = make().and_then(|client| CLIENT.try_init(client));
    if let Some((event_loop, client)) = event_loop.zip(client) {
        loop {
            let now = any_time();
            event_loop.poll(client, &mut Any, now, |client, _| keep(client.poll_event()));
            keep((event_loop.next_deadline(client, &Any), event_loop.flushed()));
        }
    }
    loop {
        cortex_m::asm::nop();
    }
}

fn make() -> Option<Client<'static>> {
    static MEMORY: ConstStaticCell<ClientMemory> = ConstStaticCell::new(ClientMemory::new());

    let config = ClientConfig::new(Name::new(any_text()).ok()?, any_address());
    Client::new(
        config,
        MEMORY.try_take()?.storage(),
        any_identity(),
        Seed::new(&mut any([0; 32])),
    )
    .ok()
}
