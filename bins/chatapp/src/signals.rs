//! Signals: the first Ctrl-C or SIGTERM requests an orderly exit, the second ends the program at
//! once. So does the first one if the program is stuck, for example in a disk that does not answer.
//! SIGUSR1 requests counters. SIGHUP ends a client in order, and lets a server reload.
//! SIGXFSZ has no effect: the write that is too much fails.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::time::Duration;

#[cfg(unix)]
use crate::background::Terminals;

/// Time in which the program has to look at a request to exit.
#[cfg(unix)]
const STUCK_AFTER: Duration = Duration::from_millis(1_500);

/// Requests that arrived as signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    leave: Arc<AtomicBool>,
    /// The program knows that it has to exit.
    is_noted: Arc<AtomicBool>,
    #[cfg(unix)]
    stats: Arc<AtomicBool>,
    #[cfg(unix)]
    reload: Arc<AtomicBool>,
}

impl Requests {
    /// Returns whether an exit was requested.
    pub(crate) fn exit_requested(&self) -> bool {
        let is_requested = self.leave.load(Ordering::SeqCst);
        if is_requested {
            self.is_noted.store(true, Ordering::SeqCst);
        }
        is_requested
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

/// Watches for signals, and calls `wake` for each request.
///
/// # Errors
/// Returns an error if the operating system does not let the program catch signals.
#[cfg(unix)]
pub(crate) fn watch(
    wake: impl Fn() + Send + 'static,
    hooks: Hooks<impl Fn() + Send + Sync + 'static, impl Fn() + Send + 'static>,
) -> io::Result<Requests> {
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
    use signal_hook::iterator::Signals;

    let requests = Requests::default();
    let ask = requests.clone();
    let terminals = Terminals::now();
    let (tidy_up, resume) = (Arc::new(hooks.tidy_up), hooks.resume);
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
                        resume();
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
                    end_at_once(&*tidy_up, signal);
                } else {
                    end_if_stuck(&ask.is_noted, Arc::clone(&tidy_up), signal);
                }
                wake();
            }
        })?;
    Ok(requests)
}

#[cfg(unix)]
fn end_at_once(tidy_up: &impl Fn(), signal: i32) {
    tidy_up();
    // This does not return for these signals; if it did, the next signal would try again.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// Ends the program after a while unless it has noted the request to exit.
#[cfg(unix)]
fn end_if_stuck(
    is_noted: &Arc<AtomicBool>,
    tidy_up: Arc<impl Fn() + Send + Sync + 'static>,
    signal: i32,
) {
    let is_noted = Arc::clone(is_noted);
    // Without a thread, the second signal ends the program.
    let _ = std::thread::Builder::new().spawn(move || {
        std::thread::sleep(STUCK_AFTER);
        if !is_noted.load(Ordering::SeqCst) {
            end_at_once(&*tidy_up, signal);
        }
    });
}

/// Watches for Ctrl-C, and calls `wake` at the first one. The second one ends the program. No hook
/// runs then: the system restores the console.
///
/// # Errors
/// Returns an error if the operating system does not let the program catch it.
#[cfg(not(unix))]
pub(crate) fn watch<T, R>(
    wake: impl Fn() + Send + 'static,
    _hooks: Hooks<T, R>,
) -> io::Result<Requests> {
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
            wake();
        })?;
    Ok(requests)
}
