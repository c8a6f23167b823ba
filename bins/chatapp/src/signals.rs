//! Signals: the first Ctrl-C or SIGTERM requests an orderly exit, the second ends the program at
//! once. SIGUSR1 requests counters. SIGHUP ends a client in order, and lets a server reload.
//! SIGXFSZ has no effect: the write that is too much fails.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chatapp_mio::Waker;

#[cfg(unix)]
use crate::background::Terminals;

/// Requests that arrived as signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    leave: Arc<AtomicBool>,
    #[cfg(unix)]
    stats: Arc<AtomicBool>,
    #[cfg(unix)]
    reload: Arc<AtomicBool>,
}

impl Requests {
    /// Returns whether an exit was requested.
    pub(crate) fn exit_requested(&self) -> bool {
        self.leave.load(Ordering::SeqCst)
    }

    /// Requests an exit as the first signal does: the next signal ends the program.
    pub(crate) fn request_exit(&self) {
        self.leave.store(true, Ordering::SeqCst);
    }

    /// Returns whether a reload was requested since the last call.
    pub(crate) fn take_reload_request(&self) -> bool {
        #[cfg(unix)]
        return self.reload.swap(false, Ordering::SeqCst);
        #[cfg(not(unix))]
        false
    }

    /// Returns whether counters were requested since the last call.
    pub(crate) fn take_stats_request(&self) -> bool {
        #[cfg(unix)]
        return self.stats.swap(false, Ordering::SeqCst);
        #[cfg(not(unix))]
        false
    }
}

/// Additional actions on signals.
#[derive(Debug)]
pub(crate) struct Hooks<T, R> {
    /// Runs before the second signal ends the program.
    pub(crate) tidy_up: T,
    /// Runs when the program continues after a stop.
    pub(crate) resume: R,
    /// SIGHUP requests a reload, unless the terminal is gone; otherwise an exit.
    pub(crate) reloads: bool,
}

/// Returns whether the signal was ignored when the program started. Only Linux tells; on other
/// systems, it counts as not ignored.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Watches for signals, and wakes `waker` for each request.
///
/// # Errors
/// Returns an error if the operating system does not let the program catch signals.
#[cfg(unix)]
pub(crate) fn watch(
    waker: Waker,
    hooks: Hooks<impl Fn() + Send + 'static, impl Fn() + Send + 'static>,
) -> io::Result<Requests> {
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
    use signal_hook::iterator::Signals;

    let requests = Requests::default();
    let ask = requests.clone();
    let terminals = Terminals::now();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGCONT, SIGUSR1, SIGXFSZ])?;
    // `nohup` ignores this signal for the program.
    if !is_ignored(SIGHUP) {
        signals.add_signal(SIGHUP)?;
    }
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                match signal {
                    SIGCONT => {
                        (hooks.resume)();
                        continue;
                    }
                    SIGXFSZ => continue,
                    _ => {}
                }
                if signal == SIGUSR1 {
                    ask.stats.store(true, Ordering::SeqCst);
                } else if signal == SIGHUP && hooks.reloads && !terminals.are_gone() {
                    ask.reload.store(true, Ordering::SeqCst);
                } else if ask.leave.swap(true, Ordering::SeqCst) {
                    (hooks.tidy_up)();
                    // This does not return for these signals; if it did, the next signal would try
                    // again.
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
                waker.wake();
            }
        })?;
    Ok(requests)
}

/// Watches for Ctrl-C, and wakes `waker` at the first one. The second one ends the program. No hook
/// runs then: the system restores the console.
///
/// # Errors
/// Returns an error if the operating system does not let the program catch it.
#[cfg(not(unix))]
pub(crate) fn watch<T, R>(waker: Waker, _hooks: Hooks<T, R>) -> io::Result<Requests> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;

    /// Interval between two looks at the flag.
    const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(50);
    const EXIT_CODE: i32 = 1;

    let requests = Requests::default();
    for signal in [SIGINT, SIGTERM] {
        // The order matters: the signal that sets the flag must not see it set.
        flag::register_conditional_shutdown(signal, EXIT_CODE, Arc::clone(&requests.leave))?;
        flag::register(signal, Arc::clone(&requests.leave))?;
    }
    let watched = requests.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            while !watched.exit_requested() {
                std::thread::sleep(LOOK_EVERY);
            }
            waker.wake();
        })?;
    Ok(requests)
}
