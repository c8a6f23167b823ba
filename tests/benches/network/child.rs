//! Measured processes: this program again, controlled by lines on its input.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use chatapp_e2e::Namespaces;
use chatapp_e2e::measure::Usage;

use crate::stream::Times;

/// A measured process. Dropping it kills the process.
pub(crate) struct Child {
    process: std::process::Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(role: &[&str]) -> Self {
        Self::start_by(Command::new(this_program()), role)
    }

    /// Starts a process on a machine of a network.
    pub(crate) fn start_on(network: &Namespaces, machine: u8, role: &[&str]) -> Self {
        let mut command = network.command(machine);
        command.arg(this_program());
        Self::start_by(command, role)
    }

    fn start_by(mut command: Command, role: &[&str]) -> Self {
        let mut process = command
            .arg("--role")
            .args(role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let input = process.stdin.take().expect("it was asked for");
        let output = process.stdout.take().expect("it was asked for");
        Self {
            process,
            input,
            output: BufReader::new(output),
        }
    }

    pub(crate) fn is_told(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("the child reads");
    }

    /// Returns the next line that it prints.
    pub(crate) fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the child writes");
        assert!(!line.is_empty(), "the child has ended");
        line.trim_end().to_owned()
    }

    /// Orders a stream, and waits until all of it is acknowledged.
    pub(crate) fn streams(&mut self, order: &str) -> Times {
        self.is_told(order);
        self.next_line().parse().expect("times")
    }

    /// Returns its processor time since the start.
    pub(crate) fn cpu(&self) -> Duration {
        Usage::of(self.process.id()).cpu
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The process may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program has a path")
}

/// Returns the next order of the parent; `None` after the last one.
pub(crate) fn next_order() -> Option<String> {
    let mut line = String::new();
    let len = std::io::stdin().read_line(&mut line).unwrap_or_default();
    (len != 0).then(|| line.trim_end().to_owned())
}

pub(crate) fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    let written = writeln!(output, "{line}").and_then(|()| output.flush());
    written.expect("the parent reads");
}
