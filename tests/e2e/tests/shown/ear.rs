//! A client that only listens, with an output that the test takes, slows, fills or closes.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chatapp_e2e::{Home, PATIENCE, Process, Room, binary, ends, pair};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// The end of the output that the test has.
enum Output {
    /// A pipe or a terminal; `None` once it is closed.
    Stream(Option<File>),
    File(PathBuf),
}

/// A running client under the name `ear`.
pub(crate) struct Ear {
    child: Child,
    output: Output,
    /// All that the output has taken, as far as the test has read it.
    bytes: Vec<u8>,
}

/// Returns the arguments of a client that only listens in this room, with further options.
fn arguments(room: &Room, options: &[&str]) -> Vec<String> {
    let options = [&["--listen"], options].concat();
    arguments_of_client(room, &options)
}

fn arguments_of_client(room: &Room, options: &[&str]) -> Vec<String> {
    let port = room.port.to_string();
    let first = ["-c", "ear", "127.0.0.1", &port, "0"];
    let all = first.iter().chain(options);
    all.map(|argument| (*argument).to_owned()).collect()
}

impl Ear {
    /// Starts it with its output in a pipe.
    pub(crate) fn at_pipe(home: &Home, room: &Room, options: &[&str]) -> Self {
        let (ours, theirs) = std::io::pipe().expect("a pipe");
        let arguments = arguments(room, options);
        Self::at_stream(home, &arguments, Stdio::null(), ours.into(), theirs.into())
    }

    /// Starts it with its output at a terminal.
    pub(crate) fn at_terminal(home: &Home, room: &Room, options: &[&str]) -> Self {
        let (ours, theirs) = pair().expect("a pseudo-terminal");
        let arguments = arguments(room, options);
        Self::at_stream(home, &arguments, Stdio::null(), ours, theirs)
    }

    /// Starts it with a terminal at which lines are typed: they are edited below its output.
    pub(crate) fn at_editor(home: &Home, room: &Room, options: &[&str]) -> Self {
        let (ours, theirs) = pair().expect("a pseudo-terminal");
        let typed = theirs.try_clone().expect("a descriptor");
        let arguments = arguments_of_client(room, options);
        Self::at_stream(home, &arguments, typed.into(), ours, theirs)
    }

    fn at_stream(
        home: &Home,
        arguments: &[String],
        input: Stdio,
        ours: OwnedFd,
        theirs: OwnedFd,
    ) -> Self {
        let flags = fcntl_getfl(&ours).expect("an open file");
        fcntl_setfl(&ours, flags | OFlags::NONBLOCK).expect("an open file");
        let child = Command::new(binary())
            .args(arguments)
            .envs(home.variables())
            .env("TERM", "xterm")
            .stdin(input)
            .stdout(theirs)
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary can be started");
        Self {
            child,
            output: Output::Stream(Some(ours.into())),
            bytes: Vec::new(),
        }
    }

    /// Starts it with its output in a file.
    pub(crate) fn at_file(home: &Home, room: &Room, file: &Path) -> Self {
        let output = File::options().append(true).create(true).open(file);
        let child = Command::new(binary())
            .args(arguments(room, &[]))
            .envs(home.variables())
            .stdin(Stdio::null())
            .stdout(output.expect("the file opens"))
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary can be started");
        Self {
            child,
            output: Output::File(file.to_owned()),
            bytes: Vec::new(),
        }
    }

    /// Reads at most this many bytes, as far as there are any now. Returns how many it read.
    pub(crate) fn reads(&mut self, most: usize) -> usize {
        let Output::Stream(Some(file)) = &mut self.output else {
            return 0;
        };
        let mut piece = vec![0; most];
        match file.read(&mut piece) {
            Ok(len) => {
                self.bytes.extend_from_slice(&piece[..len]);
                len
            }
            // A terminal that its process has closed.
            Err(error) if error.raw_os_error() == Some(5) => 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("{error}"),
        }
    }

    /// Reads all that the output has taken so far.
    pub(crate) fn reads_all(&mut self) {
        if let Output::File(path) = &self.output {
            self.bytes = std::fs::read(path).expect("the file can be read");
        }
        while self.reads(1 << 16) != 0 {}
    }

    /// Reads until the output has this text.
    pub(crate) fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_shown(text) {
            assert!(Instant::now() < deadline, "{text:?} in {}", self.said());
            if self.reads(1 << 12) == 0 {
                self.reads_all();
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    /// Returns whether the output that was read has this text.
    pub(crate) fn has_shown(&self, text: &str) -> bool {
        let text = text.as_bytes();
        self.bytes.windows(text.len()).any(|part| part == text)
    }

    /// Returns how often the output that was read has this text.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.said().matches(text).count()
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Closes the reading end. The program writes nothing between the last read and that.
    pub(crate) fn is_closed(&mut self) {
        self.is_sent(Signal::STOP);
        // All its threads stand still once this returns, or it has ended.
        let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(Pid::from_child(&self.child)), options).expect("it is a child");
        self.reads_all();
        if let Output::Stream(file) = &mut self.output {
            *file = None;
        }
        self.is_sent(Signal::CONT);
    }

    pub(crate) fn is_sent(&self, signal: Signal) {
        // It may have ended.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is a child").is_some()
    }

    /// Waits for its end, reads what its output has taken, and returns its exit code.
    pub(crate) fn ends(&mut self) -> Option<i32> {
        let code = ends(&mut self.child);
        self.reads_all();
        code
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the next process of the name, whose output is read.
pub(crate) fn next_start(home: &Home, room: &Room) -> Process {
    Process::start_at(home, &arguments(room, &[]))
}
