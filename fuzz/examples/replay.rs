//! Replays corpora of the state machines outside of libFuzzer, to measure what they cover.
//!
//! `cargo run --no-default-features --features null-cipher --example replay client corpus/client`
//! in this folder; without the feature, with the real ciphers.

use std::io::{Error, ErrorKind, Result};
use std::{env, fs};

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let run = match arguments.next().as_deref() {
        Some("client") => chatapp_fuzz::client,
        Some("server") => chatapp_fuzz::server,
        _ => {
            let usage = "usage: replay client|server <folder>...";
            return Err(Error::new(ErrorKind::InvalidInput, usage));
        }
    };
    for folder in arguments {
        for file in fs::read_dir(folder)? {
            run(&fs::read(file?.path())?);
        }
    }
    Ok(())
}
