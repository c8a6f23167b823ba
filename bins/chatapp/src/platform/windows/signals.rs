//! Ctrl-C requests an orderly exit; the second one ends the program at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::platform::{Hooks, Requests};

/// Interval between two looks at the flag.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(50);
const EXIT_CODE: i32 = 1;

/// Watches for Ctrl-C, and calls `wake` at the first one. The second one ends the program. No hook
/// runs then: the system restores the console.
///
/// # Errors
/// Returns an error if the operating system does not let the program catch it.
pub(crate) fn watch<T, R>(
    wake: impl Fn() + Send + 'static,
    hooks: Hooks<T, R>,
) -> io::Result<Requests> {
    let _ = (hooks.tidy_up, hooks.resume, hooks.reloads);
    let requests = Requests::default();
    let is_asked = Arc::<AtomicBool>::default();
    for signal in [SIGINT, SIGTERM] {
        // The order matters: the signal that sets the flag must not see it set.
        flag::register_conditional_shutdown(signal, EXIT_CODE, Arc::clone(&is_asked))?;
        flag::register(signal, Arc::clone(&is_asked))?;
    }
    let ask = requests.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            while !is_asked.load(Ordering::SeqCst) {
                std::thread::sleep(LOOK_EVERY);
            }
            ask.request_exit();
            wake();
        })?;
    Ok(requests)
}
