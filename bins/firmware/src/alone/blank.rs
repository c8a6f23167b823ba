//! Nothing: what the other images here have besides the core.
#![no_std]
#![no_main]

use cortex_m_rt::entry;

mod never;

#[entry]
fn main() -> ! {
    loop {
        never::keep(never::any_bytes(&mut []));
        never::keep((never::any_text(), never::any_time(), never::any_address()));
    }
}
