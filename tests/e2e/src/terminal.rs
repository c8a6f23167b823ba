//! A running `ChatApp` at a dumb terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::{Arc, Condvar, Mutex};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{Home, PATIENCE, chatapp};

/// Running `ChatApp` with a dumb pseudo-terminal as its input and output. Dropping it kills the
/// process.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<(Mutex<String>, Condvar)>,
    looked_at: usize,
    _home: Home,
}

impl Terminal {
    /// Starts `ChatApp` with these arguments.
    ///
    /// # Panics
    /// Panics if there is no pseudo-terminal, or the process cannot be started.
    pub fn start(arguments: &[&str]) -> Self {
        let (ours, theirs) = pair().expect("a pseudo-terminal can be had");
        let copy = || Stdio::from(theirs.try_clone().expect("a descriptor can be copied"));
        let home = Home::new();
        let child = chatapp()
            .envs(home.variables())
            .args(arguments)
            .env("TERM", "dumb")
            .stdin(copy())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .expect("the binary can be started");
        let keyboard = File::from(ours);
        let screen = Arc::<(Mutex<String>, Condvar)>::default();
        let mut output = keyboard.try_clone().expect("a descriptor can be copied");
        let watcher = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // Reading fails when the process has ended.
            while let Ok(len @ 1..) = output.read(&mut bytes) {
                let mut text = watcher.0.lock().expect("no reader of a screen panics");
                text.push_str(&String::from_utf8_lossy(&bytes[..len]));
                watcher.1.notify_all();
            }
        });
        Self {
            child,
            keyboard,
            screen,
            looked_at: 0,
            _home: home,
        }
    }

    /// Types these keys.
    ///
    /// # Panics
    /// Panics if the terminal is closed.
    pub fn types(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("the terminal is open");
    }

    /// Waits for this text in the output, after the text of the last wait.
    ///
    /// # Panics
    /// Panics if it does not arrive.
    pub fn shows(&mut self, text: &str) {
        let start = self.looked_at;
        let screen = self.screen.0.lock().expect("no reader of a screen panics");
        let (screen, _) = self
            .screen
            .1
            .wait_timeout_while(screen, PATIENCE, |screen| !screen[start..].contains(text))
            .expect("no reader of a screen panics");
        match screen[start..].find(text) {
            Some(place) => self.looked_at = start + place + text.len(),
            None => panic!("{text:?} did not come on the screen:\n{}", *screen),
        }
    }

    /// Returns all output so far.
    pub fn screen(&self) -> String {
        self.screen
            .0
            .lock()
            .expect("no reader of a screen panics")
            .clone()
    }

    /// Waits for the end of the process and returns its exit code; -1 if a signal ended it.
    ///
    /// # Panics
    /// Panics if the wait fails.
    pub fn ends(&mut self) -> i32 {
        self.child
            .wait()
            .expect("the process can be waited for")
            .code()
            .unwrap_or(-1)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Opens a new pseudo-terminal: the end of the test, and that of the process.
///
/// # Errors
/// Returns the error of the operating system.
pub fn pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    // A process that inherits this end keeps the terminal from going.
    #[cfg(target_os = "linux")]
    let flags = flags | OpenptFlags::CLOEXEC;
    let ours = openpt(flags)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
    Ok((ours, theirs))
}
