//! The board: an LM3S6965 with a Cortex-M3, 256 KiB of flash, 64 KiB of RAM, an Ethernet controller
//! and a serial line.
//!
//! Only the clock's interrupt has a handler. All others only end a sleep, see
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

/// All devices in use, initialised.
#[derive(Debug)]
pub struct Board {
    /// Driver of the network.
    pub ethernet: Ethernet,
    /// Driver of the console.
    pub uart: Uart,
    /// Clock, which also puts the processor to sleep.
    pub clock: Clock,
}

impl Board {
    /// Initialises the devices. `None` if that was done before, because each device has one owner.
    pub fn take() -> Option<Self> {
        let peripherals = cortex_m::Peripherals::take()?;
        Some(Self {
            // SAFETY: `take` gives the peripherals once, so this is the only owner.
            ethernet: unsafe { Ethernet::new()? },
            // SAFETY: As above.
            uart: unsafe { Uart::new() },
            clock: Clock::start(peripherals.SYST, peripherals.NVIC),
        })
    }
}

/// Resets the board, as its reset key does.
pub fn reset() -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}

/// Prints the location of a panic, and stops. For the panic handler of an image.
pub fn stop(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    // SAFETY: No other code runs any more.
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
