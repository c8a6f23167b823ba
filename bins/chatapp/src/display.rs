//! Lines on their way to an output that may block.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Bytes that may wait before the display counts as full. They were acknowledged to their sender,
/// and would be lost with this process: enough to keep the output busy, and no more.
pub(crate) const WAITING_LEN: usize = 16 << 10;

const PROMPT: &str = ">>> ";

/// The prompt in front of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// Nothing: the lines alone.
    None,
    /// `>>> ` begins each line.
    Prefix,
    /// `>>> ` waits for what is typed, and becomes the beginning of the next line.
    Standing,
}

/// Hands lines to a thread that writes them: one at a time, none held back.
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
    /// Tasks for the time when all waiting bytes were written.
    after: Vec<Task>,
    closed: bool,
    error: Option<io::Error>,
    /// A writer was told that there is no room, and has to be woken when there is.
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
    /// Starts the thread that writes to `output`; it calls `wake` when there is room again, or
    /// writing failed. With `capacity` bytes waiting, it counts as full.
    ///
    /// # Errors
    /// The operating system gives no thread.
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
            .spawn(move || write_all(&writer, output, wake))?;
        let display = Self {
            shared,
            prompt,
            capacity,
            thread: Some(thread),
        };
        display.entered();
        Ok(display)
    }

    /// Whether another line is welcome. After `false`, `wake` is called when it may be true again.
    pub(crate) fn has_room(&self) -> bool {
        let mut state = self.shared.lock();
        let room = state.waiting.len() < self.capacity && state.error.is_none();
        state.starved |= !room;
        room
    }

    /// Shows a line.
    pub(crate) fn line(&self, line: impl fmt::Display) {
        let (before, after) = match self.prompt {
            Prompt::None => ("", ""),
            Prompt::Prefix => (PROMPT, ""),
            Prompt::Standing => ("", PROMPT),
        };
        self.write(format_args!("{before}{line}\n{after}"));
    }

    /// Does something, on the thread of the display, when all that was shown so far is written;
    /// never if it cannot be.
    pub(crate) fn afterwards(&self, task: impl FnOnce() + Send + 'static) {
        self.shared.lock().after.push(Task(Box::new(task)));
        self.shared.changed.notify_one();
    }

    /// The person has ended a line: a standing prompt is wanted on the next one.
    pub(crate) fn entered(&self) {
        if self.prompt == Prompt::Standing {
            self.write(format_args!("{PROMPT}"));
        }
    }

    /// The terminal has shown a `^C` behind a standing prompt: what follows needs a line of its
    /// own.
    pub(crate) fn interrupted(&self) {
        if self.prompt == Prompt::Standing {
            self.write(format_args!("\n{PROMPT}"));
        }
    }

    /// Whether the output is broken for good.
    pub(crate) fn is_broken(&self) -> bool {
        self.shared.lock().error.is_some()
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// The output was closed, or the like: something was not written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if self.prompt == Prompt::Standing {
            self.write(format_args!("\n"));
        }
        self.close();
        self.shared.lock().error.take().map_or(Ok(()), Err)
    }

    fn write(&self, arguments: fmt::Arguments<'_>) {
        let mut state = self.shared.lock();
        if state.error.is_none() {
            // Writing to a vector does not fail.
            let _ = state.waiting.write_fmt(arguments);
            self.shared.changed.notify_one();
        }
    }

    fn close(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported by itself.
            let _ = thread.join();
        }
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
        after.into_iter().for_each(|Task(task)| task());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// An output that takes what it is told to take.
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
        display.finish().unwrap();
        String::from_utf8(written.iter().flatten().collect()).unwrap()
    }

    #[test]
    fn prompts_where_one_is_wanted() {
        assert_eq!(shown(Prompt::None), "[one]\n[two]\n");
        assert_eq!(shown(Prompt::Prefix), ">>> [one]\n>>> [two]\n");
        assert_eq!(shown(Prompt::Standing), ">>> [one]\n>>> >>> [two]\n>>> \n");
    }

    #[test]
    fn an_output_that_blocks_fills_the_display_and_room_is_announced() {
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
            assert!(lines < 100, "there is a bound");
        }
        // The writer takes over what waits once it has got rid of what it has.
        for _ in 0..2 {
            open.send(()).unwrap();
        }
        woken.recv().unwrap();
        assert!(display.has_room());
        for _ in 0..9 {
            open.send(()).unwrap();
        }
        display.finish().unwrap();
        let all: Vec<u8> = written.iter().flatten().collect();
        assert_eq!(all.len(), lines * 1_001, "nothing is lost or doubled");
    }

    #[test]
    fn what_is_for_afterwards_is_done_when_the_lines_before_it_are_written() {
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
        display.finish().unwrap();
    }

    #[test]
    fn an_output_that_is_closed_is_told() {
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
            display.finish().unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }
}
