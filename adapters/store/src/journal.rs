//! Stores records on a thread beside the event loop: all waiting records share one transaction.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use chatapp_core::{Journal, Record, StoreFailed, Ticket, UnixSeconds};

use crate::folder::Lock;
use crate::owned::Owned;
use crate::write::Writer;

/// Journal of an open [`Store`](crate::Store). Dropping it first stores all submitted records.
#[derive(Debug)]
pub struct StoreJournal {
    /// Records that the thread did not get yet.
    fresh: Vec<(Ticket, Owned)>,
    /// Reason of the last failure to store records.
    failure: Option<String>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<(Ticket, Owned)>,
    done: VecDeque<(Ticket, Result<(), StoreFailed>)>,
    failure: Option<String>,
    /// The thread waits and must be woken. While it writes, it looks for more records itself.
    idle: bool,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoreJournal {
    /// Starts the thread that writes. It calls `wake` when results are known.
    pub(crate) fn start(
        writer: Writer,
        lock: Lock,
        wake: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let beside = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                // The lock must outlast the open file.
                let _lock = lock;
                write_all(&beside, writer, wake);
            })?;
        Ok(Self {
            fresh: Vec::new(),
            failure: None,
            shared,
            thread: Some(thread),
        })
    }
}

impl Journal for StoreJournal {
    fn store(&mut self, ticket: Ticket, record: Record<'_>) {
        self.fresh.push((ticket, record.into()));
    }

    /// Passes all new records to the thread at once: together they cost one sync.
    fn submit(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        let mut state = self.shared.lock();
        state.waiting.append(&mut self.fresh);
        if std::mem::take(&mut state.idle) {
            drop(state);
            self.shared.changed.notify_one();
        }
    }

    fn poll_stored(&mut self) -> Option<(Ticket, Result<(), StoreFailed>)> {
        let mut state = self.shared.lock();
        if state.failure.is_some() {
            self.failure = state.failure.take();
        }
        state.done.pop_front()
    }

    fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

impl Drop for StoreJournal {
    fn drop(&mut self) {
        self.submit();
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // The panic hook has already reported a panic of that thread.
            let _ = thread.join();
        }
    }
}

fn write_all(shared: &Shared, mut writer: Writer, wake: impl Fn()) {
    let mut batch = Vec::new();
    loop {
        let mut state = shared.lock();
        while state.waiting.is_empty() && !state.closed {
            state.idle = true;
            state = shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.waiting.is_empty() {
            return;
        }
        std::mem::swap(&mut state.waiting, &mut batch);
        drop(state);

        let written = writer.commit(
            batch.iter().map(|(_, record)| record),
            Instant::now(),
            time_of_day(),
        );

        let mut state = shared.lock();
        let result = written.as_ref().map_err(|_| StoreFailed).copied();
        if let Err(error) = written {
            state.failure = Some(error.to_string());
        }
        state
            .done
            .extend(batch.drain(..).map(|(ticket, _)| (ticket, result)));
        drop(state);
        wake();
    }
}

fn time_of_day() -> UnixSeconds {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixSeconds(u32::try_from(since.as_secs()).unwrap_or(u32::MAX))
}
