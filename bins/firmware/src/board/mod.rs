//! The board: an LM3S6965 with a Cortex-M3, 256 KiB of flash, 64 KiB of RAM, an Ethernet controller
//! and a serial line.
//!
//! Interrupts do no work here but one: the clock counts. All others only end a sleep, see
//! [`Clock::sleep_until`].

mod clock;
#[cfg(feature = "semihosting")]
pub mod debugger;
mod ethernet;
mod registers;
mod uart;
mod vectors;

use core::fmt::Write;
use core::panic::PanicInfo;

pub use clock::Clock;
pub use ethernet::Ethernet;
pub use uart::Uart;

/// All devices that are used, each ready for work.
#[derive(Debug)]
pub struct Board {
    /// The network.
    pub ethernet: Ethernet,
    /// The console.
    pub uart: Uart,
    /// Time, and sleep.
    pub clock: Clock,
}

impl Board {
    /// Sets the devices up. `None` if that was done before: each has one owner.
    pub fn take() -> Option<Self> {
        let peripherals = cortex_m::Peripherals::take()?;
        Some(Self {
            // SAFETY: `take` gives the peripherals once, so these are the only owners.
            ethernet: unsafe { Ethernet::new()? },
            // SAFETY: As above.
            uart: unsafe { Uart::new() },
            clock: Clock::start(peripherals.SYST, peripherals.NVIC),
        })
    }
}

/// Starts the board again, as its reset key does.
pub fn reset() -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}

/// A mistake in this program: says where, and stops. For the panic handler of an image.
pub fn stop(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    // SAFETY: Nothing else runs any more.
    let mut uart = unsafe { Uart::new() };
    let _ = match info.location() {
        Some(at) => write!(uart, "\r\n[Panic at {}:{}.]\r\n", at.file(), at.line()),
        None => write!(uart, "\r\n[Panic.]\r\n"),
    };
    #[cfg(feature = "semihosting")]
    debugger::exit(false);
    loop {
        cortex_m::asm::wfi();
    }
}
