//! Writes a capture of one datagram:
//! `cargo run -p chatapp-wireshark --example capture one.pcap`.
//! `chatapp-network-tools` captures the traffic of a client or a server.

use std::error::Error;
use std::fs::File;
use std::time::SystemTime;

use chatapp_wireshark::{Capture, DISSECTOR};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    let mut capture = Capture::new(File::create(&path)?)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let (from, to) = ("192.0.2.1:5000".parse()?, "192.0.2.2:4119".parse()?);
    capture.write(now, from, to, b"a datagram")?;
    capture.flush()?;
    println!(
        "{path}: one datagram; the dissector has {} bytes",
        DISSECTOR.len()
    );
    Ok(())
}
