//! The client of the core, without network and console, to measure its size. Links only if it
//! cannot panic.
#![no_std]
#![no_main]

use chatapp_core::limits::{DATAGRAM_LEN_MAX, RECEIVE_LEN};
use chatapp_core::{
    Client, ClientConfig, ClientRecord, Command, Endpoint, Name, PublicKey, Seed, StorageError,
};
use chatapp_firmware::memory::ClientMemory;
use cortex_m_rt::entry;
use static_cell::{ConstStaticCell, StaticCell};

mod never;
mod values;

use values::{any, any_address, any_bytes, any_identity, any_text, any_time, keep};

#[entry]
fn main() -> ! {
    static CLIENT: StaticCell<Client<'_>> = StaticCell::new();
    if let Some(client) = make().and_then(|client| CLIENT.try_init(client.ok()?)) {
        loop {
            step(client);
        }
    }
    loop {
        cortex_m::asm::nop();
    }
}

/// An example of a record.
const RECORD: ClientRecord<'_> = ClientRecord::ServerKey(PublicKey::NONE);

fn make() -> Option<Result<Client<'static>, StorageError>> {
    static MEMORY: ConstStaticCell<ClientMemory> = ConstStaticCell::new(ClientMemory::new());

    let config = ClientConfig {
        window: any(2),
        ..ClientConfig::new(Name::new(any_text()).ok()?, any_address())
    };
    Some(Client::new(
        config,
        MEMORY.try_take()?.storage(),
        any_identity(),
        Seed::new(&mut any([0; 32])),
    ))
}

/// Calls all functions of a client, in any order.
fn step(client: &mut Client<'_>) {
    let now = any_time();
    let mut buffer = [0; RECEIVE_LEN];
    let (name, to, text) = (any_text(), any_text(), any_text());
    match any(0) {
        0 => keep(client.handle_datagram(now, any_address(), any_bytes(&mut buffer))),
        1 => client.handle_timeout(now),
        2 => keep(client.poll_timeout()),
        3 => {
            let mut datagram = [0; DATAGRAM_LEN_MAX];
            keep(client.poll_transmit(now, &mut datagram));
            keep(datagram);
        }
        4 => keep(client.command(now, Command::Register { name })),
        5 => keep(client.command(now, Command::Deregister { name })),
        6 => keep(client.command(now, Command::Send { to, text })),
        7 => keep(client.command(now, Command::SendAll { text })),
        8 => {
            let receipt = client.poll_event().and_then(|event| {
                keep(event);
                event.receipt()
            });
            receipt
                .into_iter()
                .for_each(|it| client.handle_shown(now, it));
        }
        9 => {
            keep(client.poll_persist());
            keep(client.restore(any(RECORD)));
        }
        10 => client.table().for_each(keep),
        11 => keep((client.is_idle(), client.is_registered())),
        _ => keep((client.name(), client.stats())),
    }
}
