//! Empty image: the parts that all images here have besides the core.
#![no_std]
#![no_main]

// Links the interrupt table.
use chatapp_firmware as _;
use cortex_m_rt::entry;

mod never;
mod values;

use values::{any_address, any_bytes, any_text, any_time, keep};

#[entry]
fn main() -> ! {
    loop {
        keep(any_bytes(&mut []));
        keep((any_text(), any_time(), any_address()));
    }
}
