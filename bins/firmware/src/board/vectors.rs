//! The table of interrupt handlers for the processor. None of this board's handlers ever runs, see
//! [`Clock::sleep_until`](super::Clock::sleep_until).

/// So many interrupts has the board; a table for all that a Cortex-M3 could have is five times as
/// long.
const COUNT: usize = 44;

unsafe extern "C" {
    /// The handler of the start code: it stops.
    fn DefaultHandler();
}

// SAFETY: The linker script expects this name in this section.
#[unsafe(link_section = ".vector_table.interrupts")]
// SAFETY: As above; nothing else has this name.
#[unsafe(no_mangle)]
static __INTERRUPTS: [unsafe extern "C" fn(); COUNT] = [DefaultHandler; COUNT];
