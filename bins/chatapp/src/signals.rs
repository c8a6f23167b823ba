//! Ctrl-C and the like: the first one asks the program to leave, the second one ends it. SIGUSR1 asks for counters.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chatapp_mio::Waker;

/// What the program was asked for by signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    leave: Arc<AtomicBool>,
    #[cfg(unix)]
    stats: Arc<AtomicBool>,
}

impl Asked {
    /// Whether to leave.
    pub(crate) fn to_leave(&self) -> bool {
        self.leave.load(Ordering::SeqCst)
    }

    /// Whether to show the counters, since it was last asked here.
    pub(crate) fn for_stats(&self) -> bool {
        #[cfg(unix)]
        return self.stats.swap(false, Ordering::SeqCst);
        #[cfg(not(unix))]
        false
    }
}

/// Watches for signals, and wakes `waker` when one asked for something.
///
/// # Errors
/// The operating system does not let signals be caught.
#[cfg(unix)]
pub(crate) fn watch(waker: Waker) -> io::Result<Asked> {
    use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
    use signal_hook::iterator::Signals;

    let asked = Asked::default();
    let ask = asked.clone();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGUSR1])?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if signal == SIGUSR1 {
                    ask.stats.store(true, Ordering::SeqCst);
                } else if ask.leave.swap(true, Ordering::SeqCst) {
                    // It does not return for these signals; if it ever did, the next one would try again.
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
                waker.wake();
            }
        })?;
    Ok(asked)
}

/// Watches for Ctrl-C, and wakes `waker` at the first one.
///
/// # Errors
/// The operating system does not let it be caught.
#[cfg(not(unix))]
pub(crate) fn watch(waker: Waker) -> io::Result<Asked> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;

    /// How late the first one may be noticed.
    const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(50);
    const EXIT_CODE: i32 = 1;

    let asked = Asked::default();
    for signal in [SIGINT, SIGTERM] {
        // In this order: the one that raises the flag does not see it raised.
        flag::register_conditional_shutdown(signal, EXIT_CODE, Arc::clone(&asked.leave))?;
        flag::register(signal, Arc::clone(&asked.leave))?;
    }
    let watched = asked.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            while !watched.to_leave() {
                std::thread::sleep(LOOK_EVERY);
            }
            waker.wake();
        })?;
    Ok(asked)
}
