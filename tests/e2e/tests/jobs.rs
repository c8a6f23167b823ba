//! Terminals that go, and job control: a client leaves the room, a server serves on.
#![cfg(unix)]

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use chatapp_e2e::{
    BYE, Home, PATIENCE, POSTED, Process, Room, SAVED, TABLE, binary, ends, free_port, pair,
};
use rustix::process::{Pid, Signal, kill_process};

fn text(path: &Path) -> &str {
    path.to_str().expect("a sane name")
}

/// A terminal for programs of the test; its output arrives in pieces.
struct Pty {
    master: File,
    pieces: Receiver<String>,
    seen: String,
}

impl Pty {
    /// Starts a command at a new terminal. With a reader, its output is read all the time.
    fn start(mut command: Command) -> (Child, Self) {
        let (ours, theirs) = pair().expect("a pseudo-terminal can be had");
        let copy = || Stdio::from(theirs.try_clone().expect("a copy"));
        let child = command
            .env("TERM", "xterm")
            .stdin(copy())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .expect("the command can be started");
        let master = File::from(ours);
        let (sender, pieces) = channel();
        let mut output = master.try_clone().expect("a copy");
        std::thread::spawn(move || {
            use rustix::event::{PollFd, PollFlags, poll};
            let mut bytes = [0; 4_096];
            loop {
                // A blocked reader would keep the terminal open.
                let mut wait = [PollFd::new(&output, PollFlags::IN)];
                let timeout = rustix::event::Timespec {
                    tv_sec: 0,
                    tv_nsec: 20_000_000,
                };
                let is_ready = poll(&mut wait, Some(&timeout)).unwrap_or(0) != 0;
                let piece = if is_ready {
                    match output.read(&mut bytes) {
                        Ok(len @ 1..) => String::from_utf8_lossy(&bytes[..len]).into_owned(),
                        _ => return,
                    }
                } else {
                    String::new()
                };
                if sender.send(piece).is_err() {
                    return;
                }
            }
        });
        let pty = Self {
            master,
            pieces,
            seen: String::new(),
        };
        (child, pty)
    }

    fn types(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("it is open");
    }

    /// Waits for a text after the texts of earlier waits.
    fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            assert!(Instant::now() < deadline, "no {text:?}:\n{}", self.seen);
            if let Ok(piece) = self.pieces.recv_timeout(PATIENCE) {
                self.seen += &piece;
            }
        }
    }
}

#[test]
fn leaves_the_room_when_the_terminal_goes() {
    let mut room = Room::open();
    let mut bob = room.join("bob");
    let home = Home::new();
    for signal in [None, Some(Signal::HUP)] {
        let mut command = Command::new(binary());
        command
            .args(["-c", "alice", "127.0.0.1", &room.port.to_string(), "0"])
            .args(["--data-dir", text(home.path()), "--no-history"]);
        let (mut child, mut pty) = Pty::start(command);
        pty.shows("[Client table updated.]");
        bob.shows(TABLE);
        match signal {
            None => drop(pty),
            Some(signal) => {
                kill_process(Pid::from_child(&child), signal).expect("it is there");
                pty.shows(BYE);
                assert_eq!(ends(&mut child), Some(0));
                let mode = rustix::termios::tcgetattr(&pty.master).expect("a mode");
                let echo = rustix::termios::LocalModes::ECHO;
                assert!(mode.local_modes.contains(echo), "not restored");
            }
        }
        ends(&mut child);
        bob.shows(TABLE);
        bob.types("send alice late");
        bob.shows(SAVED);
        room.server.logs("alice departed: left");
    }
}

/// Returns a shell with job control at a terminal; `None`, with the reason on stderr, without one.
fn shell() -> Option<(Child, Pty)> {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !has("bash") || !has("setsid") {
        assert!(
            std::env::var_os("CHATAPP_NO_SKIP").is_none(),
            "there is no bash, or no setsid"
        );
        eprintln!("skipped: there is no bash, or no setsid");
        return None;
    }
    let mut command = Command::new("setsid");
    command.args(["--ctty", "bash", "--norc", "--noediting", "-i"]);
    command.env("PS1", "ready> ");
    Some(Pty::start(command))
}

#[test]
fn serves_on_in_the_background() {
    for start in ["stopped", "behind", "with tostop"] {
        let Some((mut shell, mut pty)) = shell() else {
            return;
        };
        let port = free_port();
        let server = format!("{} -s {port} --ephemeral", text(binary()));
        pty.shows("ready> ");
        match start {
            "behind" => pty.types(&format!("{server} &\n")),
            "with tostop" => pty.types(&format!("stty tostop; {server} &\n")),
            _ => pty.types(&format!("{server}\n")),
        }
        pty.shows("The server starts!");
        if start == "stopped" {
            pty.types("\x1a");
            pty.shows("Stopped");
            pty.types("bg\n");
            pty.shows("ready> ");
        }
        let mut alice = Room::join_at(([127, 0, 0, 1], port).into(), "alice", 0);
        // The shell reads these lines, not the server.
        pty.types("echo is-$((40+2))-there\n");
        pty.shows("is-42-there");
        alice.types("send_all hi");
        alice.shows(POSTED);
        pty.types("fg\n");
        pty.types("stats\n");
        pty.shows("clients: 1 online");
        pty.types("quit\n");
        pty.shows("ready> ");
        pty.types("exit\n");
        ends(&mut shell);
    }
}

/// The demonstration is several processes; none of them stays behind.
#[test]
fn ends_all_of_a_demo_on_a_signal() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut demo = Process::start(&["demo"]);
        let start = demo.shows_where("the server", |line| line.contains("ChatApp -s "));
        let port = start.rsplit(' ').next().expect("a port");
        let port: u16 = port.parse().expect("a port");
        demo.shows_where("a client", |line| line.ends_with("You are registered.]"));
        demo.is_sent(signal);
        assert_eq!(demo.ends(), 1, "{demo}");
        demo.logs("a signal has ended the demonstration");
        let free = std::net::UdpSocket::bind(("127.0.0.1", port));
        assert!(free.is_ok(), "the server is still there after {signal:?}");
    }
}
