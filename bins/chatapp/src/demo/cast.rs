//! Processes of the demonstration: their input and their output.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::exit::{Exit, Failure};
use crate::platform::Requests;

/// Time limit for one line. The slowest case, a server that does not respond, takes 3 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// Interval between two looks for a signal.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Index of a process of the cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Role(usize);

/// All processes; dropping it ends them.
pub(super) struct Cast {
    program: PathBuf,
    /// Folder for the state of all processes, removed at the end.
    folder: TempDir,
    port: u16,
    players: Vec<Player>,
    requests: Requests,
    sender: Sender<Shown>,
    shown: Receiver<Shown>,
}

struct Player {
    name: String,
    process: Child,
    input: Option<ChildStdin>,
    /// Lines shown since the last input that no step has waited for yet.
    lines: Vec<String>,
    open_outputs: usize,
}

/// A line that a process showed; `None` at the end of its output.
struct Shown {
    role: Role,
    line: Option<String>,
}

impl Cast {
    /// Ends all processes on a signal: none stays behind.
    pub(super) fn new(requests: Requests) -> Result<Self, Failure> {
        let program =
            std::env::current_exe().map_err(Failure::system("cannot find this program"))?;
        let folder = TempDir::new().map_err(Failure::system("cannot make a folder"))?;
        let (sender, shown) = channel();
        let port = free_port().map_err(Failure::system("cannot find a free port"))?;
        Ok(Self {
            program,
            folder,
            port,
            players: Vec::new(),
            requests,
            sender,
            shown,
        })
    }

    /// Prints the description of a step.
    pub(super) fn announce(&self, what: &str) -> Result<(), Failure> {
        print(&format!("\n# {what}\n"))
    }

    /// Starts the server.
    pub(super) fn server(&mut self) -> Result<Role, Failure> {
        let server = self.start("server", &["-s", &self.port.to_string()])?;
        self.sees(server, "The server starts! *")?;
        Ok(server)
    }

    /// Starts a client and waits until it has entered the room.
    pub(super) fn client(&mut self, name: &str) -> Result<Role, Failure> {
        let port = self.port.to_string();
        let client = self.start(name, &["-c", name, "127.0.0.1", &port, "0"])?;
        self.sees(client, "[Welcome, You are registered.]")?;
        self.sees(client, "[Client table updated.]")?;
        Ok(client)
    }

    fn start(&mut self, name: &str, arguments: &[&str]) -> Result<Role, Failure> {
        let arguments_shown = arguments.join(" ");
        print(&format!("{name:>6} $ ChatApp {arguments_shown}\n"))?;
        let mut process = Command::new(&self.program)
            .args(["--bind", "127.0.0.1", "--data-dir"])
            .arg(self.folder.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Failure::system("cannot start a process"))?;
        let role = Role(self.players.len());
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            process.stdout.take().map(|output| Box::new(output) as _),
            process.stderr.take().map(|output| Box::new(output) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let sender = self.sender.clone();
            std::thread::spawn(move || forward(role, output, &sender));
        }
        let input = process.stdin.take();
        let name = name.to_owned();
        self.players.push(Player {
            name,
            process,
            input,
            lines: Vec::new(),
            open_outputs: 2,
        });
        Ok(role)
    }

    /// Types a line into a client.
    pub(super) fn types(&mut self, Role(index): Role, line: &str) -> Result<(), Failure> {
        let player = &mut self.players[index];
        print(&format!("{:>6} > {line}\n", player.name))?;
        player.lines.clear();
        match &mut player.input {
            Some(input) => writeln!(input, "{line}").and_then(|()| input.flush()),
            None => Ok(()),
        }
        .map_err(Failure::system("a client does not read its input"))
    }

    /// Waits for a line, in which one `*` matches any text.
    pub(super) fn sees(&mut self, role: Role, wanted: &str) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = &mut self.players[role.0].lines;
            if let Some(at) = lines.iter().position(|line| matches(wanted, line)) {
                lines.remove(at);
                return Ok(());
            }
            if !self.listen(deadline)? {
                let name = &self.players[role.0].name;
                return Err(Failure::new(
                    Exit::System,
                    format!("{name} did not show: {wanted}"),
                ));
            }
        }
    }

    /// Waits until a process has ended, and checks its exit code.
    pub(super) fn ends(&mut self, Role(index): Role, exit: Exit) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        while self.players[index].open_outputs != 0 {
            if !self.listen(deadline)? {
                let name = &self.players[index].name;
                return Err(Failure::new(Exit::System, format!("{name} did not end")));
            }
        }
        let player = &mut self.players[index];
        let status = player
            .process
            .wait()
            .map_err(Failure::system("cannot wait for a process"))?;
        let code = status.code().unwrap_or(-1);
        print(&format!("{:>6} $ (exit code {code})\n", player.name))?;
        if status.code() == Some(exit as i32) {
            return Ok(());
        }
        Err(Failure::new(
            Exit::System,
            format!("{} ended with {status}", player.name),
        ))
    }

    /// Kills a process.
    pub(super) fn kill(&mut self, Role(index): Role) -> Result<(), Failure> {
        let process = &mut self.players[index].process;
        process
            .kill()
            .and_then(|()| process.wait())
            .map(drop)
            .map_err(Failure::system("cannot kill a process"))
    }

    /// Prints and stores the next line of any process; returns false if none arrives before the
    /// deadline.
    fn listen(&mut self, deadline: Instant) -> Result<bool, Failure> {
        loop {
            if self.requests.exit_requested() {
                let message = "a signal has ended the demonstration";
                return Err(Failure::new(Exit::System, message));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left.min(LOOK_EVERY)) {
                Ok(shown) => return self.take(shown).map(|()| true),
                Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
                Err(_) => return Ok(false),
            }
        }
    }

    fn take(&mut self, Shown { role, line }: Shown) -> Result<(), Failure> {
        let player = &mut self.players[role.0];
        match line {
            Some(line) => {
                print(&format!("{:>6} | {line}\n", player.name))?;
                player.lines.push(line);
            }
            None => player.open_outputs -= 1,
        }
        Ok(())
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        for player in &mut self.players {
            // Most processes have already ended.
            let _ = player.process.kill();
            let _ = player.process.wait();
        }
    }
}

/// Prints text as complete lines.
fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(Failure::system("cannot write to standard output"))
}

fn forward(role: Role, output: impl Read, sender: &Sender<Shown>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if sender
            .send(Shown {
                role,
                line: Some(line),
            })
            .is_err()
        {
            return;
        }
    }
    // The receiver is gone when the demonstration is over.
    let _ = sender.send(Shown { role, line: None });
}

/// Returns a port that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

fn matches(wanted: &str, line: &str) -> bool {
    match wanted.split_once('*') {
        Some((start, end)) => {
            line.len() >= start.len() + end.len() && line.starts_with(start) && line.ends_with(end)
        }
        None => line == wanted,
    }
}
