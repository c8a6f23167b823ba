//! Queue of output lines in front of a writer that may block.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use chatapp_core::Receipt;

/// Bytes that may wait before the display counts as full. Their messages are not acknowledged yet.
/// The limit keeps the output busy and no more.
pub(crate) const WAITING_LEN: usize = 16 << 10;

/// Most bytes of several lines that are written at once. A pipe takes them whole or waits, so that
/// a reader that stalls leaves few lines of which it is unknown whether they were taken.
const PIECE_LEN: usize = 4 << 10;

const PROMPT: &str = ">>> ";

/// Time for the rest of the output once the program is in a hurry.
const FINISH_TIME: Duration = Duration::from_millis(500);

/// Interval between two looks at whether the program is in a hurry.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How the display shows the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// No line has a prompt.
    None,
    /// `>>> ` begins each line.
    Prefix,
    /// `>>> ` stands at the input position and becomes the beginning of the next line.
    Standing,
}

/// Passes lines to a thread that writes them without delay. A mark behind a line comes back once
/// the output has taken the line.
pub(crate) struct Display<M = Receipt> {
    shared: Arc<Shared<M>>,
    prompt: Prompt,
    capacity: usize,
    thread: Option<JoinHandle<()>>,
}

struct Shared<M> {
    state: Mutex<State<M>>,
    changed: Condvar,
}

struct State<M> {
    waiting: Vec<u8>,
    /// Bytes that were queued, and taken by the output, since the start.
    queued: u64,
    taken: u64,
    /// The end of the latest line, in queued bytes.
    line_end: u64,
    marks: VecDeque<Mark<M>>,
    /// Marks that did not come back yet.
    outstanding: usize,
    /// The marks of lines that the output has taken.
    written: Vec<M>,
    /// Is called with marks before they come back.
    recorder: Option<Recorder<M>>,
    /// Lines that the thread is writing.
    in_flight: u64,
    closed: bool,
    /// The thread has ended.
    has_ended: bool,
    error: Option<io::Error>,
    /// A caller found no room; the thread wakes it when there is room.
    starved: bool,
}

struct Mark<M> {
    end: u64,
    content: M,
}

type Recorder<M> = Box<dyn FnMut(&[M]) + Send>;

impl<M> Default for State<M> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            queued: 0,
            taken: 0,
            line_end: 0,
            marks: VecDeque::new(),
            outstanding: 0,
            written: Vec::new(),
            recorder: None,
            in_flight: 0,
            closed: false,
            has_ended: false,
            error: None,
            starved: false,
        }
    }
}

impl<M> State<M> {
    /// Returns whether the output has taken the line of a mark that did not come back.
    fn has_passed_mark(&self) -> bool {
        let first = self.marks.front();
        first.is_some_and(|mark| mark.end <= self.taken)
    }
}

impl<M> Shared<M> {
    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes bytes that the output has taken, with the lines of the chunk that are left. Returns
    /// whether marks came back.
    fn note_taken(&self, len: usize, lines_left: u64) -> bool {
        let mut state = self.lock();
        state.taken += len as u64;
        state.in_flight = lines_left;
        let taken = state.taken;
        let passed = state.marks.partition_point(|mark| mark.end <= taken);
        let passed = state.marks.drain(..passed);
        let written: Vec<M> = passed.map(|mark| mark.content).collect();
        if written.is_empty() {
            return false;
        }
        // The recorder may take long.
        let mut recorder = state.recorder.take();
        drop(state);
        if let Some(record) = &mut recorder {
            record(&written);
        }
        let mut state = self.lock();
        state.recorder = recorder;
        state.written.extend(written);
        true
    }
}

impl<M: Send + 'static> Display<M> {
    /// Starts the thread that writes to `output`. It calls `wake` when there is room again, when a
    /// mark comes back, or when writing failed. The display counts as full at `capacity` waiting
    /// bytes. `output` must not report bytes as written that it buffers.
    ///
    /// # Errors
    /// Returns an error if the operating system cannot start a thread.
    pub(crate) fn start(
        output: impl Write + Send + 'static,
        prompt: Prompt,
        capacity: usize,
        wake: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let writer = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("display".into())
            .spawn(move || {
                write_all(&writer, output, wake);
                writer.lock().has_ended = true;
                writer.changed.notify_all();
            })?;
        let display = Self {
            shared,
            prompt,
            capacity,
            thread: Some(thread),
        };
        display.entered();
        Ok(display)
    }

    /// Returns whether there is room for a line. After `false`, the display calls `wake` when this
    /// may change.
    pub(crate) fn has_room(&self) -> bool {
        let mut state = self.shared.lock();
        let room = state.waiting.len() < self.capacity && state.error.is_none();
        state.starved |= !room;
        room
    }

    /// Queues a line.
    pub(crate) fn line(&self, line: impl fmt::Display) {
        let (before, after) = match self.prompt {
            Prompt::None => ("", ""),
            Prompt::Prefix => (PROMPT, ""),
            Prompt::Standing => ("", PROMPT),
        };
        self.write(format_args!("{before}{line}\n{after}"), after.len() as u64);
    }

    /// Marks the latest line.
    pub(crate) fn mark(&self, content: M) {
        let mut state = self.shared.lock();
        let end = state.line_end;
        state.marks.push_back(Mark { end, content });
        state.outstanding += 1;
        self.shared.changed.notify_all();
    }

    /// Calls `record` on the thread of the display with the marks of lines that the output has
    /// taken, before [`written`](Self::written) returns them.
    pub(crate) fn record_with(&self, record: impl FnMut(&[M]) + Send + 'static) {
        self.shared.lock().recorder = Some(Box::new(record));
    }

    /// Returns the marks of the lines that the output has taken since the last call, in order.
    pub(crate) fn written(&self) -> Vec<M> {
        let mut state = self.shared.lock();
        let written = mem::take(&mut state.written);
        state.outstanding -= written.len();
        written
    }

    /// Returns whether all marks have come back.
    pub(crate) fn has_returned_all(&self) -> bool {
        self.shared.lock().outstanding == 0
    }

    /// Notes that the user has ended a line: a standing prompt is due on the next one.
    pub(crate) fn entered(&self) {
        if self.prompt == Prompt::Standing {
            self.write(format_args!("{PROMPT}"), 0);
        }
    }

    /// Notes that the terminal has shown `^C` after a standing prompt: output must start on a new
    /// line.
    pub(crate) fn interrupted(&self) {
        if self.prompt == Prompt::Standing {
            self.write(format_args!("\n{PROMPT}"), 0);
        }
    }

    /// Returns whether the output has failed for good.
    pub(crate) fn is_broken(&self) -> bool {
        self.shared.lock().error.is_some()
    }

    /// Waits until everything is written, or `is_hurried` returns true and a moment has passed: the
    /// reader may be slow, such as a pager, or hang.
    ///
    /// # Errors
    /// Returns an error if the output failed before everything was written.
    pub(crate) fn finish(self, is_hurried: impl Fn() -> bool) -> io::Result<()> {
        self.close();
        while !self.wait_for_end(LOOK_EVERY) && !is_hurried() {}
        self.finish_soon().0
    }

    /// Waits a moment until everything is written. Returns the error of the output, and how many
    /// lines were not written.
    pub(crate) fn finish_soon(mut self) -> (io::Result<()>, u64) {
        self.close();
        if self.wait_for_end(FINISH_TIME)
            && let Some(thread) = self.thread.take()
        {
            // The panic hook has already reported a panic of that thread.
            let _ = thread.join();
        }
        let mut state = self.shared.lock();
        let waiting = state.waiting.iter().filter(|byte| **byte == b'\n').count();
        let unwritten = state.in_flight + waiting as u64;
        (state.error.take().map_or(Ok(()), Err), unwritten)
    }

    /// Waits until the thread has ended; returns whether it has.
    fn wait_for_end(&self, time: Duration) -> bool {
        let state = self.shared.lock();
        self.shared
            .changed
            .wait_timeout_while(state, time, |state| !state.has_ended)
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .has_ended
    }

    /// Queues a text. The last `behind` bytes do not belong to its line.
    fn write(&self, arguments: fmt::Arguments<'_>, behind: u64) {
        let mut state = self.shared.lock();
        if state.error.is_none() {
            let before = state.waiting.len();
            // Writing to a vector cannot fail.
            let _ = state.waiting.write_fmt(arguments);
            state.queued += (state.waiting.len() - before) as u64;
            state.line_end = state.queued - behind;
            self.shared.changed.notify_all();
        }
    }

    fn close(&self) {
        if self.shared.lock().closed {
            return;
        }
        if self.prompt == Prompt::Standing {
            self.write(format_args!("\n"), 0);
        }
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

fn write_all<M>(shared: &Shared<M>, mut output: impl Write, wake: impl Fn()) {
    let mut chunk = Vec::new();
    loop {
        chunk.clear();
        let mut state = shared.lock();
        while state.waiting.is_empty() && !state.has_passed_mark() && !state.closed {
            state = shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.has_passed_mark() {
            // Its line was written before it was marked.
            drop(state);
            shared.note_taken(0, 0);
            wake();
            continue;
        }
        if state.waiting.is_empty() {
            return;
        }
        mem::swap(&mut state.waiting, &mut chunk);
        let starved = mem::take(&mut state.starved);
        state.in_flight = lines_in(&chunk);
        drop(state);
        if starved {
            wake();
        }
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            let before = rest.len();
            match write_piece(&mut output, piece_of(rest)) {
                Ok(taken) => rest = &rest[taken..],
                Err(error) => {
                    shared.lock().error = Some(error);
                    return wake();
                }
            }
            if shared.note_taken(before - rest.len(), lines_in(rest)) {
                wake();
            }
        }
    }
}

fn lines_in(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Returns the bytes to write at once: as many whole lines as a piece has room for, or one line.
fn piece_of(bytes: &[u8]) -> &[u8] {
    if bytes.len() <= PIECE_LEN {
        return bytes;
    }
    let is_end = |byte: &u8| *byte == b'\n';
    let (front, behind) = bytes.split_at(PIECE_LEN);
    let end = front.iter().rposition(is_end);
    let end = end.or_else(|| behind.iter().position(is_end).map(|at| PIECE_LEN + at));
    end.map_or(bytes, |end| &bytes[..=end])
}

/// Writes a piece, or a part of it. Returns how many bytes the output has taken.
fn write_piece(output: &mut impl Write, piece: &[u8]) -> io::Result<usize> {
    loop {
        match output.write(piece) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            taken => {
                output.flush()?;
                return taken;
            }
        }
    }
}

#[cfg(test)]
mod tests;
