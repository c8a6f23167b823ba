//! Stores records beside the event loop: whatever waits when the disk is free goes into one transaction.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use chatapp_core::{Record, StoreFailed, Ticket};
use chatapp_mio::{Clock, Journal};

use crate::folder::Lock;
use crate::owned::Owned;
use crate::write::Writer;

/// A [`Store`](crate::Store) at work. When it is dropped, it first stores what it was given.
#[derive(Debug)]
pub struct StoreJournal {
    /// What was handed over since the thread was last told.
    fresh: Vec<(Ticket, Owned)>,
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
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoreJournal {
    /// Starts the thread that writes; it calls `wake` when the fate of records is known.
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
                // The lock goes when the file is closed, and not before.
                let _lock = lock;
                write_all(&beside, writer, wake);
            })?;
        Ok(Self {
            fresh: Vec::new(),
            shared,
            thread: Some(thread),
        })
    }
}

impl StoreJournal {
    /// Tells the thread of all that was handed over, at once: together it costs one sync.
    fn submit(&mut self) -> MutexGuard<'_, State> {
        let mut state = self.shared.lock();
        if !self.fresh.is_empty() {
            state.waiting.append(&mut self.fresh);
            self.shared.changed.notify_one();
        }
        state
    }
}

impl Journal for StoreJournal {
    fn store(&mut self, ticket: Ticket, record: Record<'_>) {
        self.fresh.push((ticket, record.into()));
    }

    fn poll_stored(&mut self) -> Option<(Ticket, Result<(), StoreFailed>)> {
        self.submit().done.pop_front()
    }

    fn failure(&self) -> Option<String> {
        self.shared.lock().failure.clone()
    }
}

impl Drop for StoreJournal {
    fn drop(&mut self) {
        self.submit().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported by itself.
            let _ = thread.join();
        }
    }
}

fn write_all(shared: &Shared, mut writer: Writer, wake: impl Fn()) {
    let mut batch = Vec::new();
    let clock = Clock::new();
    loop {
        let mut state = shared.lock();
        while state.waiting.is_empty() && !state.closed {
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
            clock.wall(),
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
