//! Table of interrupt handlers. No handler of this board's devices ever runs, see
//! [`Clock::sleep_until`](super::Clock::sleep_until).

/// Number of interrupts of the board. A table for all interrupts that a Cortex-M3 can have would be
/// five times as long.
const COUNT: usize = 44;

unsafe extern "C" {
    /// Default handler of the start code, which stops.
    fn DefaultHandler();
}

// SAFETY: The linker script expects this name in this section.
#[unsafe(link_section = ".vector_table.interrupts")]
// SAFETY: The linker script expects this name, and no other symbol has it.
#[unsafe(no_mangle)]
static __INTERRUPTS: [unsafe extern "C" fn(); COUNT] = [DefaultHandler; COUNT];
