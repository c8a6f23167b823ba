//! Client: `cargo run -p chatapp-mio --example client bob 127.0.0.1:4119`. It sends each typed line
//! to the channel, and leaves the room at the end of the input.

use std::error::Error;
use std::io;
use std::sync::mpsc::{self, TryRecvError};

use chatapp_core::{Client, ClientConfig, ClientEvent, Command, Identity, Name, StaticKey};
use chatapp_mio::{ClientLimits, ClientMemory, Driver, Socket, fill_random, seed};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = Name::new(&arguments.next().ok_or("whose client?")?)?;
    let server = arguments.next().ok_or("which server?")?.parse()?;
    let mut driver = Driver::new(Socket::bind(None, 0)?)?;
    let mut memory = ClientMemory::new(ClientLimits::default())?;
    // A real client stores its key, because the name belongs to the key.
    let mut random = [0; 32];
    fill_random(&mut random)?;
    let identity = Identity::new(StaticKey::new(random), None);
    let config = ClientConfig::new(name.clone(), server);
    let mut client = Client::new(config, memory.storage(), identity, seed(&mut random)?)?;

    let name = name.as_str();
    let ((typed, lines), waker) = (mpsc::channel(), driver.waker());
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            let _ = typed.send(line);
            waker.wake();
        }
        drop(typed);
        waker.wake();
    });
    client.command(driver.now(), Command::Register { name })?;
    let (mut is_over, mut is_leaving) = (false, false);
    while !is_over {
        match lines.try_recv() {
            Ok(text) => {
                client.command(driver.now(), Command::SendAll { text: &text })?;
            }
            Err(TryRecvError::Disconnected) if !is_leaving => {
                let deregister = Command::Deregister { name };
                is_leaving = client.command(driver.now(), deregister).is_ok();
            }
            Err(_) => {}
        }
        driver.poll(&mut client, |client, now| {
            while let Some(event) = client.poll_event() {
                println!("{event:?}");
                is_over |= matches!(event, ClientEvent::Deregistered { .. });
                if let Some(receipt) = event.receipt() {
                    client.handle_shown(now, receipt);
                }
            }
        })?;
        if !is_over {
            driver.park(&client)?;
        }
    }
    Ok(())
}
