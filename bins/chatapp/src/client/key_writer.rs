//! Threads that store keys. A disk that does not answer holds up what needs the key, and not the
//! client in the room.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chatapp_store::Memory;

/// Time that the client waits for the disk before it goes on without the answer. A disk that works
/// answers in it, so that a key is stored before it has any effect.
const ANSWER_TIME: Duration = Duration::from_millis(100);

type Job = Box<dyn FnOnce() + Send>;

/// A thread that waits for the disk.
pub(super) struct KeyWriter {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// The result of a job, once the disk has answered.
pub(super) struct Answer<T>(Receiver<T>);

impl KeyWriter {
    /// Starts the thread. It calls `wake` after each job.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(super) fn start(name: &str, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (jobs, due) = channel::<Job>();
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            for job in due {
                job();
                wake();
            }
        })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Does this after all earlier jobs.
    pub(super) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<T> {
        let (answer, answered) = channel();
        let job = move || {
            // If the client has ended, nobody waits for it.
            let _ = answer.send(job());
        };
        if let Some(jobs) = &self.jobs {
            // The thread ends only after this value.
            let _ = jobs.send(Box::new(job));
        }
        Answer(answered)
    }
}

impl Drop for KeyWriter {
    /// Waits for all jobs.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // The panic hook has already reported a panic of that thread.
            let _ = thread.join();
        }
    }
}

impl<T> Answer<T> {
    /// Waits a moment for the result.
    pub(super) fn wait(&self) -> Option<T> {
        self.0.recv_timeout(ANSWER_TIME).ok()
    }

    /// Returns the result if it is there.
    pub(super) fn take(&self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

pub(super) fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
