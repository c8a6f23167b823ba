//! Server without a store: `cargo run -p chatapp-mio --example server 4119`.

use std::error::Error;

use chatapp_core::{Identity, Journal, NullJournal, Server, ServerConfig, StaticKey};
use chatapp_mio::{Driver, ServerLimits, ServerMemory, Socket, fill_random, seed};

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("which port?")?.parse()?;
    let mut driver = Driver::new(Socket::bind(None, port)?)?;
    let mut memory = ServerMemory::new(ServerLimits::default())?;
    // A real server stores its key, because clients trust only this one.
    let mut random = [0; 32];
    fill_random(&mut random)?;
    let identity = Identity::new(StaticKey::new(random), None);
    let mut server = Server::new(
        ServerConfig::default(),
        memory.storage(),
        identity,
        seed(&mut random)?,
    )?;
    let mut journal = NullJournal::new();
    println!("The server listens on {}.", driver.local_addr());
    loop {
        server.handle_wall_clock(driver.wall());
        driver.poll(&mut server, |server, now| {
            journal.exchange(server, now);
            while let Some(event) = server.poll_event() {
                println!("{event:?}");
            }
        })?;
        journal.submit();
        driver.park(&server)?;
    }
}
