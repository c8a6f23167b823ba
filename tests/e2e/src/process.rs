//! One running `ChatApp`: typed to, and read line by line.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Instant;

use super::{Home, PATIENCE, binary};

/// A running `ChatApp`, killed when it is dropped. Its transcript is printed if the test fails.
#[derive(Debug)]
pub struct Process {
    title: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Transcript,
    stderr: Transcript,
    feeder: Option<JoinHandle<()>>,
    /// Its home folder, for its state, unless arguments name another.
    home: Home,
}

impl Process {
    /// Starts `ChatApp` with these arguments, on pipes, with a home of its own. Stamps are in UTC.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start<S: AsRef<str>>(arguments: &[S]) -> Self {
        Self::start_at(&Home::new(), arguments)
    }

    /// The same, with this home.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start_at<S: AsRef<str>>(home: &Home, arguments: &[S]) -> Self {
        Self::start_as(Command::new(binary()), home, arguments)
    }

    /// The same, by a command that ends with the path of the binary and runs it in its own place.
    pub(super) fn start_as<S: AsRef<str>>(command: Command, home: &Home, arguments: &[S]) -> Self {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        Self::start_titled(
            &format!("ChatApp {}", arguments.join(" ")),
            command,
            home,
            &arguments,
        )
    }

    /// Starts another program, which the transcript calls by this title.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start_command(title: &str, command: Command, home: &Home, arguments: &[&str]) -> Self {
        Self::start_titled(title, command, home, arguments)
    }

    /// The same with another program, which the transcript calls by this title.
    pub(super) fn start_titled(
        title: &str,
        mut command: Command,
        home: &Home,
        arguments: &[&str],
    ) -> Self {
        let mut child = command
            .envs(home.variables())
            .args(arguments)
            .env("TZ", "UTC")
            // Help is laid out for the width of a terminal; here is none.
            .env_remove("COLUMNS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        Self {
            title: title.to_owned(),
            stdin: child.stdin.take(),
            stdout: Transcript::of(child.stdout.take().expect("stdout is a pipe")),
            stderr: Transcript::of(child.stderr.take().expect("stderr is a pipe")),
            feeder: None,
            child,
            home: home.clone(),
        }
    }

    /// Types one line.
    ///
    /// # Panics
    /// If the input is closed.
    pub fn types(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("the input is open");
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .expect("the process takes input");
    }

    /// Closes the input.
    pub fn closes_input(&mut self) {
        self.stdin = None;
    }

    /// Pipes this text in as fast as it is taken, then closes the input. Returns at once.
    ///
    /// # Panics
    /// If the input is closed.
    pub fn is_piped(&mut self, text: impl Into<Vec<u8>>) {
        let mut stdin = self.stdin.take().expect("the input is open");
        let text = text.into();
        // A process that ends early breaks the pipe; what it showed until then tells why.
        self.feeder = Some(std::thread::spawn(move || {
            let _ = stdin.write_all(&text);
        }));
    }

    /// Waits for this line on stdout, and skips what comes before it.
    ///
    /// # Panics
    /// If it does not come.
    pub fn shows(&mut self, line: &str) {
        self.shows_where(line, |shown| shown == line);
    }

    /// Waits for a line on stdout that fits, skips what comes before it, and returns it.
    ///
    /// # Panics
    /// If none comes; `what` says then which one was meant.
    pub fn shows_where(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.stdout
            .wait_for(what, fits)
            .unwrap_or_else(|failure| panic!("{self}{failure}"))
    }

    /// Waits for all of these lines on stdout, in any order, and skips others up to the last of
    /// them.
    ///
    /// # Panics
    /// If one does not come.
    pub fn shows_all<S: AsRef<str>>(&mut self, lines: &[S]) {
        let start = self.stdout.cursor;
        let mut end = start;
        for line in lines {
            self.stdout.cursor = start;
            self.shows(line.as_ref());
            end = end.max(self.stdout.cursor);
        }
        self.stdout.cursor = end;
    }

    /// Waits for the next line on stdout, and returns it.
    ///
    /// # Panics
    /// If none comes.
    pub fn shows_next(&mut self) -> String {
        self.shows_where("any line", |_| true)
    }

    /// Waits for a line on stderr that contains `part`, skips what comes before it, and returns it.
    ///
    /// # Panics
    /// If none comes.
    pub fn logs(&mut self, part: &str) -> String {
        self.stderr
            .wait_for(part, |line| line.contains(part))
            .unwrap_or_else(|failure| panic!("{self}{failure}"))
    }

    /// Waits for the end of the process and returns its exit code; -1 if a signal ended it.
    ///
    /// # Panics
    /// If it does not end.
    pub fn ends(&mut self) -> i32 {
        // Both pipes are closed when the process is gone: that can be waited for with a deadline.
        for transcript in [&self.stdout, &self.stderr] {
            transcript
                .wait_for_end()
                .unwrap_or_else(|failure| panic!("{self}{failure}"));
        }
        self.child
            .wait()
            .expect("the process can be waited for")
            .code()
            .unwrap_or(-1)
    }

    /// Whether what the process shows is read on. While it is not, the pipe fills, and the display
    /// stands still.
    pub fn is_watched(&self, watched: bool) {
        self.stdout.lines().unwatched = !watched;
        self.stdout.shared.1.notify_all();
    }

    /// All that came on stdout so far.
    pub fn lines(&self) -> Vec<String> {
        self.stdout.lines().lines.clone()
    }

    /// How often this line came on stdout so far.
    pub fn count(&self, line: &str) -> usize {
        self.stdout
            .lines()
            .lines
            .iter()
            .filter(|shown| *shown == line)
            .count()
    }

    /// All that came on stderr so far.
    pub fn log(&self) -> Vec<String> {
        self.stderr.lines().lines.clone()
    }

    /// Its home: where it keeps what it keeps, unless it was told otherwise.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Ends the process at once, as a power cut would.
    ///
    /// # Panics
    /// If it cannot be ended.
    pub fn is_killed(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process can be waited for");
    }

    /// Number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Makes the process stand still, as a suspended machine does, and waits until it does.
    ///
    /// # Panics
    /// If the process has ended.
    #[cfg(unix)]
    pub fn stands_still(&self) {
        use rustix::process::{Pid, Signal, WaitOptions, waitpid};
        self.is_sent(Signal::STOP);
        let (_, status) = waitpid(Some(Pid::from_child(&self.child)), WaitOptions::UNTRACED)
            .expect("the process is there")
            .expect("the process was waited for");
        assert!(status.stopped(), "{self}it ended instead of standing still");
    }

    /// Lets the process go on after [`stands_still`](Self::stands_still).
    ///
    /// # Panics
    /// If the process has ended.
    #[cfg(unix)]
    pub fn goes_on(&self) {
        self.is_sent(rustix::process::Signal::CONT);
    }

    /// Sends a signal to the process.
    ///
    /// # Panics
    /// If the process has ended.
    #[cfg(unix)]
    pub fn is_sent(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).expect("the process is there");
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.title)?;
        for (stream, transcript) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            for line in &transcript.lines().lines {
                writeln!(f, "  {stream}: {line}")?;
            }
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprint!("{self}");
        }
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(feeder) = self.feeder.take() {
            let _ = feeder.join();
        }
    }
}

/// The lines of one stream, collected by a thread, and how far they were looked at.
#[derive(Debug)]
struct Transcript {
    shared: Arc<(Mutex<Lines>, Condvar)>,
    cursor: usize,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
    unwatched: bool,
}

impl Transcript {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::<(Mutex<Lines>, Condvar)>::default();
        let collector = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            loop {
                let mut line = Vec::new();
                let taken = stream.read_until(b'\n', &mut line).unwrap_or_default();
                let mut lines = collector
                    .0
                    .lock()
                    .expect("no reader of a transcript panics");
                if taken == 0 {
                    lines.ended = true;
                } else {
                    let line = String::from_utf8_lossy(&line);
                    lines
                        .lines
                        .push(line.trim_end_matches(['\n', '\r']).to_owned());
                }
                collector.1.notify_all();
                if lines.ended {
                    return;
                }
                drop(
                    collector
                        .1
                        .wait_while(lines, |lines| lines.unwatched)
                        .expect("no reader of a transcript panics"),
                );
            }
        });
        Self { shared, cursor: 0 }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.shared
            .0
            .lock()
            .expect("no reader of a transcript panics")
    }

    fn wait_for(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> Result<String, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lines();
        let mut next = self.cursor;
        loop {
            while let Some(line) = lines.lines.get(next) {
                next += 1;
                if fits(line) {
                    let line = line.clone();
                    drop(lines);
                    self.cursor = next;
                    return Ok(line);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if lines.ended || left.is_zero() {
                let why = if lines.ended {
                    "the output ended"
                } else {
                    "time ran out"
                };
                let after = lines
                    .lines
                    .get(self.cursor.wrapping_sub(1))
                    .cloned()
                    .unwrap_or_default();
                return Err(format!("{why} while waiting for {what:?} after {after:?}"));
            }
            lines = self
                .shared
                .1
                .wait_timeout(lines, left)
                .expect("no reader of a transcript panics")
                .0;
        }
    }

    fn wait_for_end(&self) -> Result<(), String> {
        let (lines, timeout) = self
            .shared
            .1
            .wait_timeout_while(self.lines(), PATIENCE, |lines| !lines.ended)
            .expect("no reader of a transcript panics");
        drop(lines);
        if timeout.timed_out() {
            Err("time ran out while waiting for the end".to_owned())
        } else {
            Ok(())
        }
    }
}
