//! Ctrl-C and the like: the first one asks the program to leave, the second one ends it. SIGUSR1
//! asks for counters.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chatapp_mio::Waker;

/// The requests that came by signals.
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

    /// Asks to leave as the first signal does: the next one ends the program.
    pub(crate) fn ask_to_leave(&self) {
        self.leave.store(true, Ordering::SeqCst);
    }

    /// Whether to show the counters, since it was last asked here.
    pub(crate) fn for_stats(&self) -> bool {
        #[cfg(unix)]
        return self.stats.swap(false, Ordering::SeqCst);
        #[cfg(not(unix))]
        false
    }
}

/// Further actions at a signal.
#[derive(Debug)]
pub(crate) struct Hooks<T, R> {
    /// Before the second one ends the program.
    pub(crate) tidy_up: T,
    /// When the program goes on after it was stopped.
    pub(crate) resume: R,
}

/// Watches for signals, and wakes `waker` when one asked for something.
///
/// # Errors
/// The operating system does not let signals be caught.
#[cfg(unix)]
pub(crate) fn watch(
    waker: Waker,
    hooks: Hooks<impl Fn() + Send + 'static, impl Fn() + Send + 'static>,
) -> io::Result<Asked> {
    use signal_hook::consts::{SIGCONT, SIGINT, SIGTERM, SIGUSR1};
    use signal_hook::iterator::Signals;

    let asked = Asked::default();
    let ask = asked.clone();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGCONT, SIGUSR1])?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if signal == SIGCONT {
                    (hooks.resume)();
                    continue;
                }
                if signal == SIGUSR1 {
                    ask.stats.store(true, Ordering::SeqCst);
                } else if ask.leave.swap(true, Ordering::SeqCst) {
                    (hooks.tidy_up)();
                    // It does not return for these signals; if it ever did, the next one would try
                    // again.
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
                waker.wake();
            }
        })?;
    Ok(asked)
}

/// Watches for Ctrl-C, and wakes `waker` at the first one. The second one ends the program, and
/// leaves the console to the system: nothing can be called then.
///
/// # Errors
/// The operating system does not let it be caught.
#[cfg(not(unix))]
pub(crate) fn watch<T, R>(waker: Waker, _hooks: Hooks<T, R>) -> io::Result<Asked> {
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
