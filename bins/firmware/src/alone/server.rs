//! The server of the core, without network and console, to measure its size. Links only if it
//! cannot panic.
#![no_std]
#![no_main]

use chatapp_core::limits::{DATAGRAM_LEN_MAX, RECEIVE_LEN};
use chatapp_core::{
    Endpoint, Persist, Record, Seed, Server, ServerConfig, StorageError, StoreFailed, UnixSeconds,
};
use chatapp_firmware::memory::ServerMemory;
use cortex_m_rt::entry;
use static_cell::{ConstStaticCell, StaticCell};

mod never;
mod values;

use values::{any, any_address, any_bytes, any_identity, any_time, keep};

#[entry]
fn main() -> ! {
    static SERVER: StaticCell<Server<'_>> = StaticCell::new();
    if let Some(server) = make().and_then(|server| SERVER.try_init(server.ok()?)) {
        loop {
            step(server);
        }
    }
    loop {
        cortex_m::asm::nop();
    }
}

fn make() -> Option<Result<Server<'static>, StorageError>> {
    static MEMORY: ConstStaticCell<ServerMemory> = ConstStaticCell::new(ServerMemory::new());

    let config = any(ServerConfig::default());
    Some(Server::new(
        config,
        MEMORY.try_take()?.storage(),
        any_identity(),
        Seed::new(&mut any([0; 32])),
    ))
}

/// An example of a record.
const RECORD: Record<'_> = Record::Epoch {
    epoch: 0,
    serial: 0,
    log_next: 0,
};

/// Calls all functions of a server, in any order.
fn step(server: &mut Server<'_>) {
    let now = any_time();
    let mut buffer = [0; RECEIVE_LEN];
    match any(0) {
        0 => keep(server.handle_datagram(now, any_address(), any_bytes(&mut buffer))),
        1 => server.handle_timeout(now),
        2 => keep(server.poll_timeout()),
        3 => {
            let mut datagram = [0; DATAGRAM_LEN_MAX];
            keep(server.poll_transmit(now, &mut datagram));
            keep(datagram);
        }
        4 => server.handle_wall_clock(UnixSeconds(any(0))),
        5 => {
            if let Some(Persist { ticket, .. }) = any(server.poll_persist()) {
                server.handle_stored(now, ticket, any(Err(StoreFailed)));
            }
        }
        6 => keep(server.poll_event()),
        7 => server.table().for_each(keep),
        8 => keep((server.usage(), server.stats())),
        _ => keep(server.restore(any(RECORD))),
    }
}
