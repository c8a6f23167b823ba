//! Server on its own network stack:
//! `cargo run -p chatapp-tap --example tap_server tap0 192.168.69.2/24`.
//! The README shows how to create the device.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("TAP devices are those of Linux.");
}

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use chatapp_core::{Identity, Journal, NullJournal, Server, ServerConfig, StaticKey};
    use chatapp_mio::{Driver, ServerLimits, ServerMemory, fill_random, seed};
    use chatapp_tap::{Tap, TapConfig, TapMemory};

    let mut arguments = std::env::args().skip(1);
    let device = arguments.next().ok_or("which device?")?;
    let address = arguments.next().ok_or("which address?")?;
    let config = TapConfig {
        device,
        addresses: vec![address.parse().map_err(|()| "no address with a prefix")?],
        gateways: Vec::new(),
    };
    let mut tap_memory = TapMemory::default();
    let mut driver = Driver::over(Tap::open(config, 4_119, 7, &mut tap_memory)?)?;
    let mut memory = ServerMemory::new(ServerLimits::default())?;
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
    loop {
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
