//! Signals: the first Ctrl-C or SIGTERM requests an orderly exit, the second ends the program at
//! once. So does the first one if the program is stuck, for example in a disk that does not answer.
//! SIGUSR1 requests counters. SIGHUP ends a client in order, and lets a server reload.
//! SIGXFSZ has no effect: the write that is too much fails.

use std::io;
use std::sync::Arc;

use super::background::Terminals;
use crate::platform::{Hooks, Requests};

/// Returns whether the signal was ignored when the program started. Only Linux tells; on other
/// systems, it counts as not ignored.
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
                    ask.stats.raise();
                } else if signal == SIGHUP && hooks.reloads && !terminals.are_gone() {
                    ask.reload.raise();
                } else if ask.leave.raise() {
                    end_at_once(&*tidy_up, signal);
                } else {
                    let tidy_up = Arc::clone(&tidy_up);
                    ask.end_if_stuck(move || end_at_once(&*tidy_up, signal));
                }
                wake();
            }
        })?;
    Ok(requests)
}

fn end_at_once(tidy_up: &impl Fn(), signal: i32) {
    tidy_up();
    // This does not return for these signals; if it did, the next signal would try again.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
