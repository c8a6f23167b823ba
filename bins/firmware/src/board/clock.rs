//! Time from SysTick, and sleep until an interrupt.

use core::sync::atomic::{AtomicU32, Ordering};

use chatapp_core::Instant;
use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SYST};
use cortex_m_rt::exception;

/// Core clock after a reset, in Hz.
const CORE_CLOCK_HZ: u32 = 12_500_000;

/// Resolution of the clock: the protocol's timers are hundreds of milliseconds.
const TICK_MS: u32 = 10;

/// Ticks so far; only the timer's interrupt handler writes it.
static TICKS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    TICKS.fetch_add(1, Ordering::Relaxed);
}

/// Interrupts that end a sleep.
#[derive(Clone, Copy, Debug)]
enum Wakes {
    Uart,
    Ethernet,
}

// SAFETY: The data sheet gives these interrupt numbers.
unsafe impl InterruptNumber for Wakes {
    fn number(self) -> u16 {
        match self {
            Self::Uart => 5,
            Self::Ethernet => 42,
        }
    }
}

/// Clock of the board.
pub struct Clock {
    /// Ticks at the last call, and the number of times that their counter has wrapped, once in 497
    /// days.
    seen: u32,
    laps: u32,
    _timer: SYST,
    _interrupts: NVIC,
}

impl core::fmt::Debug for Clock {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Clock")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl Clock {
    pub(super) fn start(mut timer: SYST, interrupts: NVIC) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(CORE_CLOCK_HZ / 1_000 * TICK_MS - 1);
        timer.clear_current();
        timer.enable_counter();
        timer.enable_interrupt();
        Self {
            seen: 0,
            laps: 0,
            _timer: timer,
            _interrupts: interrupts,
        }
    }

    /// Returns the time since the board started.
    pub fn now(&mut self) -> Instant {
        let ticks = TICKS.load(Ordering::Relaxed);
        if ticks < self.seen {
            self.laps = self.laps.wrapping_add(1);
        }
        self.seen = ticks;
        let ticks = u64::from(self.laps) << 32 | u64::from(ticks);
        Instant::from_millis(ticks * u64::from(TICK_MS))
    }

    /// Stops the processor until a frame or a typed byte arrives, or the next tick, unless `due`
    /// has passed already.
    ///
    /// A driver clears its interrupt before it looks for input. Input that arrives after that look
    /// ends the sleep, even if it arrived before the sleep began.
    pub fn sleep_until(&mut self, due: Option<Instant>) {
        // While all interrupts are masked, a pending one ends the sleep, but runs no handler.
        cortex_m::interrupt::free(|_| {
            if due.is_some_and(|due| due <= self.now()) {
                return;
            }
            for wakes in [Wakes::Uart, Wakes::Ethernet] {
                // SAFETY: Its handler never runs: the interrupt is masked again before the others
                // are enabled.
                unsafe { NVIC::unmask(wakes) };
            }
            cortex_m::asm::dsb();
            cortex_m::asm::wfi();
            for wakes in [Wakes::Uart, Wakes::Ethernet] {
                NVIC::mask(wakes);
                NVIC::unpend(wakes);
            }
        });
    }
}
