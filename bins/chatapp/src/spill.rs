//! Output that may stall, to a pipe or a disk: records that find no room are dropped and counted.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes that may wait for the reader.
const WAITING_MAX: usize = 1 << 20;

/// Time that the reader has for the rest when the program ends.
const FINISH_TIME: Duration = Duration::from_millis(500);

/// A capture or key log: a file, or a pipe that a live reader may stop reading.
pub(crate) enum Sink {
    /// A regular file, written in place: a reader may rely on the order of two files.
    File(BufWriter<File>),
    Pipe(Spill),
}

impl Sink {
    /// Returns the sink for an open file.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(crate) fn of(file: File) -> io::Result<Self> {
        if file.metadata()?.is_file() {
            return Ok(Self::File(BufWriter::new(file)));
        }
        Spill::start(file).map(Self::Pipe)
    }

    /// Returns the counter of dropped records; `None` for a regular file, which drops none.
    pub(crate) fn drops(&self) -> Option<Drops> {
        match self {
            Self::File(_) => None,
            Self::Pipe(spill) => Some(Drops::of(spill)),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(record),
            Self::Pipe(spill) => spill.write(record),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Pipe(spill) => spill.flush(),
        }
    }
}

/// Passes records to a thread that writes them. Each call of `write` is one record.
pub(crate) struct Spill(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Records in `waiting`.
    count: u64,
    /// Records that the thread is writing.
    in_flight: u64,
    dropped: u64,
    is_closed: bool,
    has_ended: bool,
    error: Option<io::Error>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spill {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(crate) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let writer = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("spill".into())
            .spawn(move || {
                let error = write_all(&writer, output).err();
                let mut state = writer.lock();
                state.error = error;
                state.has_ended = true;
                writer.changed.notify_all();
            })?;
        Ok(Self(shared))
    }

    /// Waits until all records are written, for this time at most.
    pub(crate) fn wait_until_written(&self, time: Duration) {
        let shared = &self.0;
        let waits = |state: &mut State| state.count + state.in_flight > 0 && !state.has_ended;
        let _ = shared
            .changed
            .wait_timeout_while(shared.lock(), time, waits)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

impl Write for Spill {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        if let Some(error) = state.error.take() {
            state.dropped += 1;
            return Err(error);
        }
        if state.has_ended || state.waiting.len() + record.len() > WAITING_MAX {
            state.dropped += 1;
        } else {
            state.waiting.extend_from_slice(record);
            state.count += 1;
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.changed.notify_all();
        Ok(())
    }
}

/// Counter of the records that a [`Spill`] dropped.
pub(crate) struct Drops(Arc<Shared>);

impl Drops {
    /// Returns the counter of this output.
    pub(crate) fn of(spill: &Spill) -> Self {
        Self(Arc::clone(&spill.0))
    }

    /// Returns how many records were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.lock().dropped
    }

    /// Waits a moment until the rest is written. Returns how many records the reader did not get.
    pub(crate) fn finish(self) -> u64 {
        let mut state = self.0.lock();
        state.is_closed = true;
        self.0.changed.notify_all();
        let (state, _) = self
            .0
            .changed
            .wait_timeout_while(state, FINISH_TIME, |state| !state.has_ended)
            .unwrap_or_else(PoisonError::into_inner);
        state.dropped + state.count + state.in_flight
    }
}

fn write_all(shared: &Shared, mut output: impl Write) -> io::Result<()> {
    let mut chunk = Vec::new();
    loop {
        let mut state = shared.lock();
        state.in_flight = 0;
        shared.changed.notify_all();
        while state.waiting.is_empty() && !state.is_closed {
            state = shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.waiting.is_empty() {
            return Ok(());
        }
        chunk.clear();
        std::mem::swap(&mut state.waiting, &mut chunk);
        state.in_flight = std::mem::take(&mut state.count);
        drop(state);
        output.write_all(&chunk)?;
        output.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    /// Reader that stalls until the test lets it go.
    struct Stalled(Receiver<()>);

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn drops_and_counts_whole_records() {
        let (go, wait) = channel();
        let mut spill = Spill::start(Stalled(wait)).unwrap();
        let drops = Drops(Arc::clone(&spill.0));
        let record = [7; 64 << 10];
        // The thread has taken this record, and stalls.
        spill.write_all(&record).unwrap();
        spill.flush().unwrap();
        while spill.0.lock().in_flight == 0 {
            std::thread::yield_now();
        }
        let kept = WAITING_MAX / record.len();
        for _ in 0..kept + 3 {
            spill.write_all(&record).unwrap();
        }
        assert_eq!(drops.dropped(), 3);
        go.send(()).unwrap();
        go.send(()).unwrap();
        assert_eq!(drops.finish(), 3);
    }

    #[test]
    fn counts_the_rest_of_a_stalled_reader() {
        let (_go, wait) = channel();
        let mut spill = Spill::start(Stalled(wait)).unwrap();
        let drops = Drops(Arc::clone(&spill.0));
        spill.write_all(b"one").unwrap();
        spill.flush().unwrap();
        spill.write_all(b"two").unwrap();
        assert_eq!(drops.finish(), 2);
    }

    #[test]
    fn reports_a_reader_that_is_gone_once() {
        let (go, wait) = channel();
        let mut spill = Spill::start(Stalled(wait)).unwrap();
        drop(go);
        spill.write_all(b"one").unwrap();
        spill.flush().unwrap();
        while !spill.0.lock().has_ended {
            std::thread::yield_now();
        }
        assert!(spill.write(b"two").is_err());
        assert!(spill.write(b"three").is_ok());
    }
}
