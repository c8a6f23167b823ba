//! One running `ChatApp` on pipes.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Instant;

use super::{Home, PATIENCE, chatapp};

/// Running `ChatApp`. Dropping it kills the process, and prints its transcript if the test fails.
#[derive(Debug)]
pub struct Process {
    title: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Transcript,
    stderr: Transcript,
    feeder: Option<JoinHandle<()>>,
    /// Home folder, which holds its state by default.
    home: Home,
}

impl Process {
    /// Starts `ChatApp` with these arguments, on pipes, with its own home folder. Times are in UTC.
    ///
    /// # Panics
    /// Panics if it cannot be started.
    pub fn start<S: AsRef<str>>(arguments: &[S]) -> Self {
        Self::start_at(&Home::new(), arguments)
    }

    /// Starts `ChatApp` with these arguments and this home folder.
    ///
    /// # Panics
    /// Panics if it cannot be started.
    pub fn start_at<S: AsRef<str>>(home: &Home, arguments: &[S]) -> Self {
        Self::start_as(chatapp(), home, arguments)
    }

    /// Starts `ChatApp` through a command that ends with the path of the binary and replaces itself
    /// by it.
    pub(super) fn start_as<S: AsRef<str>>(command: Command, home: &Home, arguments: &[S]) -> Self {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        Self::start_titled(
            &format!("ChatApp {}", arguments.join(" ")),
            command,
            home,
            &arguments,
        )
    }

    /// Starts another program, with this title in the transcript.
    ///
    /// # Panics
    /// Panics if it cannot be started.
    pub fn start_command(title: &str, command: Command, home: &Home, arguments: &[&str]) -> Self {
        Self::start_titled(title, command, home, arguments)
    }

    /// Starts another program without arguments of its own, with this title in the transcript.
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
            // Help is laid out for the width of a terminal; the tests have none.
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
    /// Panics if the input is closed.
    pub fn types(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("the input is open");
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .expect("the process takes input");
    }

    /// Closes its standard input.
    pub fn closes_input(&mut self) {
        self.stdin = None;
    }

    /// Writes this text to its input as fast as it reads, on a thread, and then closes the input.
    ///
    /// # Panics
    /// Panics if the input is closed.
    pub fn is_piped(&mut self, text: impl Into<Vec<u8>>) {
        let mut stdin = self.stdin.take().expect("the input is open");
        let text = text.into();
        // A process that ends early breaks the pipe; its output then explains the failure.
        self.feeder = Some(std::thread::spawn(move || {
            let _ = stdin.write_all(&text);
        }));
    }

    /// Waits for this line on stdout, and skips the lines before it.
    ///
    /// # Panics
    /// Panics if the line does not arrive.
    pub fn shows(&mut self, line: &str) {
        self.shows_where(line, |shown| shown == line);
    }

    /// Waits for a matching line on stdout, skips the lines before it, and returns it.
    ///
    /// # Panics
    /// Panics if none arrives; the message then contains `what`.
    pub fn shows_where(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.stdout
            .wait_for(what, fits)
            .unwrap_or_else(|failure| panic!("{self}{failure}"))
    }

    /// Waits for all of these lines on stdout, in any order, and skips others up to the last of
    /// them.
    ///
    /// # Panics
    /// Panics if one of them does not arrive.
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

    /// Waits for a matching line on stdout, or for the end of the process; returns whether it shows
    /// the line.
    pub fn starts_or_ends(&mut self, fits: impl Fn(&str) -> bool) -> bool {
        self.stdout.wait_for("its start", fits).is_ok()
    }

    /// Waits for the next line on stdout, and returns it.
    ///
    /// # Panics
    /// Panics if none arrives.
    pub fn shows_next(&mut self) -> String {
        self.shows_where("any line", |_| true)
    }

    /// Waits for a line on stderr that contains `part`, skips the lines before it, and returns it.
    ///
    /// # Panics
    /// Panics if none arrives.
    pub fn logs(&mut self, part: &str) -> String {
        self.stderr
            .wait_for(part, |line| line.contains(part))
            .unwrap_or_else(|failure| panic!("{self}{failure}"))
    }

    /// Waits for the end of the process and returns its exit code; -1 if a signal ended it.
    ///
    /// # Panics
    /// Panics if it does not end.
    pub fn ends(&mut self) -> i32 {
        // Both pipes close when the process ends: this wait has a deadline, and `wait` has none.
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

    /// Lets a client leave the room and end.
    ///
    /// # Panics
    /// Panics if it does not end, or not well.
    pub fn leaves(&mut self) {
        self.types("quit");
        assert_eq!(self.ends(), 0, "{self}");
    }

    /// Runs `ChatApp` to its end with this home folder. Returns its exit code and output.
    ///
    /// # Panics
    /// Panics if it cannot be started, or does not end.
    pub fn run(home: &Home, arguments: &[&str]) -> (i32, String) {
        let mut process = Self::start_at(home, arguments);
        let code = process.ends();
        (code, [process.lines(), process.log()].concat().join("\n"))
    }

    /// Starts or stops reading its output. While it is not read, the pipe fills, and the display
    /// blocks.
    pub fn is_watched(&self, watched: bool) {
        self.stdout.lines().unwatched = !watched;
        self.stdout.shared.1.notify_all();
    }

    /// Returns all lines on stdout so far.
    pub fn lines(&self) -> Vec<String> {
        self.stdout.lines().lines.clone()
    }

    /// Returns how often this line was on stdout so far.
    pub fn count(&self, line: &str) -> usize {
        self.stdout
            .lines()
            .lines
            .iter()
            .filter(|shown| *shown == line)
            .count()
    }

    /// Returns all lines on stderr so far.
    pub fn log(&self) -> Vec<String> {
        self.stderr.lines().lines.clone()
    }

    /// Returns its home folder, which holds its state by default.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Kills the process at once, as a power cut would.
    ///
    /// # Panics
    /// Panics if it cannot be killed.
    pub fn is_killed(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process can be waited for");
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops the process as a suspended machine does, and waits until it has stopped.
    ///
    /// # Panics
    /// Panics if the process has ended.
    #[cfg(unix)]
    pub fn stands_still(&self) {
        use rustix::process::{Pid, Signal, WaitOptions, waitpid};
        self.is_sent(Signal::STOP);
        let (_, status) = waitpid(Some(Pid::from_child(&self.child)), WaitOptions::UNTRACED)
            .expect("the process is there")
            .expect("the process was waited for");
        assert!(status.stopped(), "{self}it ended instead of standing still");
    }

    /// Continues the process after [`stands_still`](Self::stands_still).
    ///
    /// # Panics
    /// Panics if the process has ended.
    #[cfg(unix)]
    pub fn goes_on(&self) {
        self.is_sent(rustix::process::Signal::CONT);
    }

    /// Sends a signal to the process.
    ///
    /// # Panics
    /// Panics if the process has ended.
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
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(feeder) = self.feeder.take() {
            let _ = feeder.join();
        }
    }
}

/// Waits for the end of a process that nobody reads; returns its exit code.
///
/// # Panics
/// Panics if it does not end.
pub fn ends(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return status.code();
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("it did not end");
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Lines of one stream, collected by a thread, and the read position.
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
