//! Ctrl-C and the like: the first one asks the program to leave, the second one ends it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chatapp_mio::Waker;

/// Whether the program was asked to leave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leave(Arc<AtomicBool>);

impl Leave {
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Asks as the first signal does: the next one ends the program.
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What else is done at a signal.
#[derive(Debug)]
pub(crate) struct Hooks<T, R> {
    /// Before the second one ends the program.
    pub(crate) tidy_up: T,
    /// When the program goes on after it was stopped.
    pub(crate) resume: R,
}

/// Watches for signals that ask a program to end, and wakes `waker` at the first one.
///
/// # Errors
/// The operating system does not let signals be caught.
#[cfg(unix)]
pub(crate) fn watch(
    waker: Waker,
    hooks: Hooks<impl Fn() + Send + 'static, impl Fn() + Send + 'static>,
) -> io::Result<Leave> {
    use signal_hook::consts::{SIGCONT, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let leave = Leave::default();
    let wanted = Arc::clone(&leave.0);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGCONT])?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if signal == SIGCONT {
                    (hooks.resume)();
                    continue;
                }
                if wanted.swap(true, Ordering::SeqCst) {
                    (hooks.tidy_up)();
                    // It does not return for these signals; if it ever did, the next one would try again.
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
                waker.wake();
            }
        })?;
    Ok(leave)
}

/// Watches for Ctrl-C, and wakes `waker` at the first one. The second one ends the program, and leaves the console to
/// the system: nothing can be called then.
///
/// # Errors
/// The operating system does not let it be caught.
#[cfg(not(unix))]
pub(crate) fn watch<T, R>(waker: Waker, _hooks: Hooks<T, R>) -> io::Result<Leave> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;

    /// How late the first one may be noticed.
    const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(50);
    const EXIT_CODE: i32 = 1;

    let leave = Leave::default();
    for signal in [SIGINT, SIGTERM] {
        // In this order: the one that raises the flag does not see it raised.
        flag::register_conditional_shutdown(signal, EXIT_CODE, Arc::clone(&leave.0))?;
        flag::register(signal, Arc::clone(&leave.0))?;
    }
    let watched = leave.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            while !watched.is_wanted() {
                std::thread::sleep(LOOK_EVERY);
            }
            waker.wake();
        })?;
    Ok(leave)
}
