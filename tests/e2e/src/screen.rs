//! A running `ChatApp` at a terminal, with the content of its screen.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Winsize, tcsetwinsize};

use super::terminal::pair;
use super::{Home, PATIENCE, TABLE, WELCOME, binary};

/// Number of rows in the scrollback.
const SCROLLBACK_ROWS: usize = 5_000;

/// Running `ChatApp` at an emulated terminal. Dropping it kills the process.
#[derive(Debug)]
pub struct Screen {
    title: String,
    child: Child,
    keyboard: File,
    shared: Arc<(Mutex<Model>, Condvar)>,
    /// Home folder with its history; other processes may share it.
    home: Home,
}

struct Model {
    terminal: vt100::Parser,
    bytes: Vec<u8>,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.terminal.screen().contents())
    }
}

impl Screen {
    /// Starts `ChatApp` with these arguments at a terminal of 24 rows and 80 columns, with its own
    /// home folder.
    ///
    /// # Panics
    /// Panics if there is no pseudo-terminal, or the process cannot be started.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_at(&Home::new(), arguments, &[])
    }

    /// Starts `ChatApp` with this home folder and these environment variables.
    ///
    /// # Panics
    /// Panics if there is no pseudo-terminal, or the process cannot be started.
    pub fn start_at(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Self::command(binary().as_os_str(), home);
        command.args(arguments).envs(environment.iter().copied());
        let title = format!("ChatApp {}", arguments.join(" "));
        Self::start_command(title, command, home)
    }

    /// Starts `ChatApp` with these arguments and this home folder, with the terminal as its
    /// controlling terminal. `None`, with the reason on stderr, if there is no `setsid`.
    ///
    /// # Panics
    /// Panics if there is no pseudo-terminal.
    pub fn start_controlled(home: &Home, arguments: &[&str]) -> Option<Self> {
        if Command::new("setsid").arg("--version").output().is_err() {
            let must_run = std::env::var_os("CHATAPP_NO_SKIP").is_some();
            assert!(!must_run, "there is no setsid");
            eprintln!("skipped: there is no setsid");
            return None;
        }
        let mut command = Self::command("setsid".as_ref(), home);
        command.args(["--ctty", "--wait"]);
        command.arg(binary()).args(arguments);
        let title = format!("ChatApp {}", arguments.join(" "));
        Some(Self::start_command(title, command, home))
    }

    /// Returns the command of a program with the environment of a usual terminal.
    fn command(program: &OsStr, home: &Home) -> Command {
        let mut command = Command::new(program);
        command
            .env_remove("NO_COLOR")
            .env("TZ", "UTC")
            .env("TERM", "xterm-256color")
            .envs(home.variables());
        command
    }

    fn start_command(title: String, mut command: Command, home: &Home) -> Self {
        let (ours, theirs) = pair().expect("a pseudo-terminal can be had");
        let (rows, columns) = (24, 80);
        tcsetwinsize(&ours, size(rows, columns)).expect("it has a size");
        let copy = || Stdio::from(theirs.try_clone().expect("a descriptor can be copied"));
        let child = command
            .stdin(copy())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .expect("the binary can be started");
        let keyboard = File::from(ours);
        let model = Model {
            terminal: vt100::Parser::new(cells(rows), cells(columns), SCROLLBACK_ROWS),
            bytes: Vec::new(),
        };
        let shared = Arc::new((Mutex::new(model), Condvar::new()));
        let mut output = keyboard.try_clone().expect("a descriptor can be copied");
        let watcher = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // Reading fails when the process has ended.
            while let Ok(len @ 1..) = output.read(&mut bytes) {
                let mut model = watcher.0.lock().unwrap_or_else(PoisonError::into_inner);
                model.terminal.process(&bytes[..len]);
                model.bytes.extend_from_slice(&bytes[..len]);
                watcher.1.notify_all();
            }
        });
        Self {
            title,
            child,
            keyboard,
            shared,
            home: home.clone(),
        }
    }

    /// Starts a client and waits until it is registered and has the table.
    ///
    /// # Panics
    /// Panics if it does not register.
    pub fn join(server: SocketAddr, name: &str, options: &[&str]) -> Self {
        let (host, port) = (server.ip().to_string(), server.port().to_string());
        let arguments = [&["-c", name, &host, &port, "0"], options].concat();
        let screen = Self::start_at(&Home::of(name), &arguments, &[]);
        screen.shows(WELCOME);
        screen.shows(TABLE);
        screen
    }

    /// Returns the home folder of the process.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Types these keys.
    ///
    /// # Panics
    /// Panics if the terminal is closed.
    pub fn types(&self, keys: &str) {
        self.types_bytes(keys.as_bytes());
    }

    /// Types these bytes, which may be in another encoding than UTF-8.
    ///
    /// # Panics
    /// Panics if the terminal is closed.
    pub fn types_bytes(&self, bytes: &[u8]) {
        (&self.keyboard)
            .write_all(bytes)
            .expect("the terminal is open");
    }

    /// Pastes this text, as a terminal with bracketed paste does.
    ///
    /// # Panics
    /// Panics if the terminal is closed.
    pub fn pastes(&self, text: &str) {
        self.types(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Waits until the condition holds for the screen.
    ///
    /// # Panics
    /// Panics if it does not hold in time; the message then contains `what`.
    pub fn waits_until(&self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut model = self.model();
        while !condition(model.terminal.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(model);
                panic!("no {what:?} on the screen:{self}");
            }
            model = self
                .shared
                .1
                .wait_timeout(model, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until a row of the screen contains this text.
    ///
    /// # Panics
    /// Panics if it does not appear.
    pub fn shows(&self, text: &str) {
        self.waits_until(text, |screen| rows(screen).any(|row| row.contains(text)));
    }

    /// Waits until the cursor is right after this text, which begins its row.
    ///
    /// # Panics
    /// Panics if it does not get there.
    pub fn types_at(&self, text: &str) {
        self.waits_until(&format!("cursor behind {text}"), |screen| {
            let (row, column) = screen.cursor_position();
            rows(screen)
                .nth(row.into())
                .is_some_and(|shown| shown.starts_with(text.trim_end()))
                && usize::from(column) == text.chars().count()
        });
    }

    /// Returns the rows of the screen, without blanks at their ends.
    pub fn rows(&self) -> Vec<String> {
        rows(self.model().terminal.screen()).collect()
    }

    /// Returns all rows, those of the scrollback first.
    pub fn all_rows(&self) -> Vec<String> {
        let mut screen = self.model().terminal.screen().clone();
        let mut all = Vec::new();
        for above in (1..=screen.scrollback_len()).rev() {
            screen.set_scrollback(above);
            all.extend(rows(&screen).next());
        }
        screen.set_scrollback(0);
        all.extend(rows(&screen));
        all
    }

    /// Returns a copy of the screen.
    pub fn picture(&self) -> vt100::Screen {
        self.model().terminal.screen().clone()
    }

    /// Returns all bytes of the output so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.model().bytes.clone()
    }

    /// Resizes the terminal.
    ///
    /// # Panics
    /// Panics if the terminal cannot be resized.
    pub fn has_size(&self, rows: u16, columns: u16) {
        let mut model = self.model();
        model
            .terminal
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        tcsetwinsize(&self.keyboard, size(rows, columns)).expect("the terminal is open");
        drop(model);
        // The terminal controls no session, so the system does not send this signal.
        self.is_sent(Signal::WINCH);
    }

    /// Sends a signal to the process.
    ///
    /// # Panics
    /// Panics if the process has ended.
    pub fn is_sent(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is there");
    }

    /// Returns whether the terminal echoes typed keys, as it does for a shell.
    ///
    /// # Panics
    /// Panics if the terminal is closed.
    pub fn echoes(&self) -> bool {
        self.has_mode(rustix::termios::LocalModes::ECHO)
    }

    /// Returns whether the terminal is in canonical mode, in which it edits lines itself.
    ///
    /// # Panics
    /// Panics if the terminal is closed.
    pub fn edits_lines(&self) -> bool {
        self.has_mode(rustix::termios::LocalModes::ICANON)
    }

    fn has_mode(&self, mode: rustix::termios::LocalModes) -> bool {
        rustix::termios::tcgetattr(&self.keyboard)
            .expect("the terminal is open")
            .local_modes
            .contains(mode)
    }

    /// Sets the mode of the terminal as a shell does while the process is stopped.
    ///
    /// # Panics
    /// Panics if the terminal is closed.
    pub fn is_set_for_a_shell(&self) {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

        let mut terminal = tcgetattr(&self.keyboard).expect("the terminal is open");
        terminal
            .local_modes
            .insert(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&self.keyboard, OptionalActions::Now, &terminal).expect("the terminal is open");
    }

    /// Waits until the condition holds.
    ///
    /// # Panics
    /// Panics if it does not hold in time; the message then contains `what`.
    pub fn waits_for(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(Instant::now() < deadline, "{what} did not come:{self}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Waits for the end of the process and returns its exit code; -1 if a signal ended it.
    ///
    /// # Panics
    /// Panics if it does not end.
    pub fn ends(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "it did not end:{self}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        // A condition that panicked has changed nothing.
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.title)?;
        for row in self.all_rows() {
            writeln!(f, "  |{row}")?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprint!("{self}");
        }
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rows(screen: &vt100::Screen) -> impl Iterator<Item = String> {
    let (_, columns) = screen.size();
    screen
        .rows(0, columns.get())
        .map(|row| row.trim_end().to_owned())
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has rows and columns")
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
