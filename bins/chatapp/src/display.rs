//! Queue of output lines in front of a writer that may block.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes that may wait before the display counts as full. The client has acknowledged these lines,
/// and a crash loses them. The limit keeps the output busy and no more.
pub(crate) const WAITING_LEN: usize = 16 << 10;

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

/// Passes lines to a thread that writes them without delay.
#[derive(Debug)]
pub(crate) struct Display {
    shared: Arc<Shared>,
    prompt: Prompt,
    capacity: usize,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// Tasks to run once all waiting bytes are written.
    after: Vec<Task>,
    /// Lines that the thread is writing.
    in_flight: u64,
    closed: bool,
    /// The thread has ended.
    has_ended: bool,
    error: Option<io::Error>,
    /// A caller found no room; the thread wakes it when there is room.
    starved: bool,
}

struct Task(Box<dyn FnOnce() + Send>);

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Display {
    /// Starts the thread that writes to `output`. It calls `wake` when there is room again, or when
    /// writing failed. The display counts as full at `capacity` waiting bytes.
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
        self.write(format_args!("{before}{line}\n{after}"));
    }

    /// Runs a task on the thread of the display once all lines so far are written. The task never
    /// runs if writing fails.
    pub(crate) fn afterwards(&self, task: impl FnOnce() + Send + 'static) {
        self.shared.lock().after.push(Task(Box::new(task)));
        self.shared.changed.notify_all();
    }

    /// Notes that the user has ended a line: a standing prompt is due on the next one.
    pub(crate) fn entered(&self) {
        if self.prompt == Prompt::Standing {
            self.write(format_args!("{PROMPT}"));
        }
    }

    /// Notes that the terminal has shown `^C` after a standing prompt: output must start on a new
    /// line.
    pub(crate) fn interrupted(&self) {
        if self.prompt == Prompt::Standing {
            self.write(format_args!("\n{PROMPT}"));
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

    fn write(&self, arguments: fmt::Arguments<'_>) {
        let mut state = self.shared.lock();
        if state.error.is_none() {
            // Writing to a vector cannot fail.
            let _ = state.waiting.write_fmt(arguments);
            self.shared.changed.notify_all();
        }
    }

    fn close(&self) {
        if self.shared.lock().closed {
            return;
        }
        if self.prompt == Prompt::Standing {
            self.write(format_args!("\n"));
        }
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

fn write_all(shared: &Shared, mut output: impl Write, wake: impl Fn()) {
    let mut chunk = Vec::new();
    loop {
        chunk.clear();
        let mut state = shared.lock();
        while state.waiting.is_empty() && state.after.is_empty() && !state.closed {
            state = shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.waiting.is_empty() && state.after.is_empty() {
            return;
        }
        mem::swap(&mut state.waiting, &mut chunk);
        let after = mem::take(&mut state.after);
        state.in_flight = chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
        let starved = mem::take(&mut state.starved);
        drop(state);
        if starved {
            wake();
        }
        let written = output.write_all(&chunk).and_then(|()| output.flush());
        if let Err(error) = written {
            shared.lock().error = Some(error);
            return wake();
        }
        shared.lock().in_flight = 0;
        after.into_iter().for_each(|Task(task)| task());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Output that accepts bytes only when the test allows it.
    struct Valve {
        open: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Valve {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.open.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.written
                .send(bytes.to_vec())
                .map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Rig {
        display: Display,
        open: Sender<()>,
        written: Receiver<Vec<u8>>,
        woken: Receiver<()>,
    }

    fn rig(prompt: Prompt) -> Rig {
        let (open, opened) = channel();
        let (to_written, written) = channel();
        let (to_woken, woken) = channel();
        let valve = Valve {
            open: opened,
            written: to_written,
        };
        let wake = move || {
            let _ = to_woken.send(());
        };
        let display = Display::start(valve, prompt, WAITING_LEN, wake).unwrap();
        Rig {
            display,
            open,
            written,
            woken,
        }
    }

    fn shown(prompt: Prompt) -> String {
        let Rig {
            display,
            open,
            written,
            ..
        } = rig(prompt);
        for _ in 0..9 {
            open.send(()).unwrap();
        }
        display.line("[one]");
        display.entered();
        display.line("[two]");
        display.finish(|| false).unwrap();
        String::from_utf8(written.iter().flatten().collect()).unwrap()
    }

    #[test]
    fn shows_prompts_as_selected() {
        assert_eq!(shown(Prompt::None), "[one]\n[two]\n");
        assert_eq!(shown(Prompt::Prefix), ">>> [one]\n>>> [two]\n");
        assert_eq!(shown(Prompt::Standing), ">>> [one]\n>>> >>> [two]\n>>> \n");
    }

    #[test]
    fn reports_room_after_a_blocked_write() {
        let Rig {
            display,
            open,
            written,
            woken,
        } = rig(Prompt::None);
        let mut lines = 0;
        while display.has_room() {
            display.line(format_args!("{lines:01000}"));
            lines += 1;
            assert!(lines < 100, "the queue has no bound");
        }
        // The writer fetches the waiting bytes after it has written the current ones.
        for _ in 0..2 {
            open.send(()).unwrap();
        }
        woken.recv().unwrap();
        assert!(display.has_room());
        for _ in 0..9 {
            open.send(()).unwrap();
        }
        display.finish(|| false).unwrap();
        let all: Vec<u8> = written.iter().flatten().collect();
        assert_eq!(all.len(), lines * 1_001, "lines were lost or repeated");
    }

    #[test]
    fn runs_tasks_after_the_lines_before_them() {
        let Rig {
            display,
            open,
            written,
            ..
        } = rig(Prompt::None);
        let (done, is_done) = channel();
        display.line("[one]");
        display.afterwards(move || done.send(()).unwrap());
        assert!(is_done.try_recv().is_err());
        open.send(()).unwrap();
        assert_eq!(written.recv().unwrap(), b"[one]\n");
        is_done.recv().unwrap();
        display.finish(|| false).unwrap();
    }

    #[test]
    fn reports_a_closed_output() {
        let Rig {
            display,
            open,
            written: _,
            woken,
        } = rig(Prompt::None);
        drop(open);
        display.line("[one]");
        woken.recv().unwrap();
        assert!(display.is_broken());
        assert!(!display.has_room());
        assert_eq!(
            display.finish(|| false).unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }
}
