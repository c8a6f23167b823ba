//! Events of the console: the first Ctrl-C or Ctrl-Break requests an orderly exit, the second ends
//! the program at once. So does the first one if the program is stuck.
//!
//! When the window is closed, the user logs off or the system shuts down, the program has to exit,
//! too. Windows ends it once its handler returns, or after some seconds (`HandlerRoutine` in the
//! documentation of the console). The handler of Tokio does not return for these events, so the
//! program has that time.

use std::future::poll_fn;
use std::io;
use std::process::exit;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime;
use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
    ctrl_logoff, ctrl_shutdown,
};

use crate::platform::{Hooks, Requests};

/// Exit code of a program that Ctrl-C ends: `STATUS_CONTROL_C_EXIT`.
const ENDED: i32 = 0xC000_013A_u32 as i32;

/// Watches for events, and calls `wake` for each request.
///
/// # Errors
/// Returns an error if the operating system does not let the program catch them.
pub(crate) fn watch<R>(
    wake: impl Fn() + Send + 'static,
    hooks: Hooks<impl Fn() + Send + Sync + 'static, R>,
) -> io::Result<Requests> {
    // A console neither stops programs nor has an event for a reload.
    let _ = (hooks.resume, hooks.reloads);
    let requests = Requests::default();
    let (ask, tidy_up) = (requests.clone(), Arc::new(hooks.tidy_up));
    let mut events = Events::new()?;
    let runtime = runtime::Builder::new_current_thread().build()?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            loop {
                runtime.block_on(poll_fn(|context| events.poll(context)));
                if ask.leave.raise() {
                    tidy_up();
                    exit(ENDED);
                }
                let tidy_up = Arc::clone(&tidy_up);
                ask.end_if_stuck(move || {
                    tidy_up();
                    exit(ENDED);
                });
                wake();
            }
        })?;
    Ok(requests)
}

struct Events {
    interrupt: CtrlC,
    pause: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

impl Events {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            pause: ctrl_break()?,
            close: ctrl_close()?,
            logoff: ctrl_logoff()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// Polls all events, so that each of them wakes the thread.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let polled = [
            self.interrupt.poll_recv(context),
            self.pause.poll_recv(context),
            self.close.poll_recv(context),
            self.logoff.poll_recv(context),
            self.shutdown.poll_recv(context),
        ];
        if polled.iter().any(Poll::is_ready) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
