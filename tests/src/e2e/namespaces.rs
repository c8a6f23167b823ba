//! Machines on networks of their own, in one: Linux network namespaces around a router. Needs root and `ip`.

use std::net::Ipv4Addr;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Process, binary};

/// A router and a number of machines, each on a network of its own behind it. Removed when it is dropped.
#[derive(Debug)]
pub struct Namespaces {
    /// Unlike that of any other test that runs on this machine.
    prefix: String,
    machines: u8,
}

impl Namespaces {
    /// Makes `machines` machines; `None`, with the reason on stderr, if that cannot be done here.
    ///
    /// # Panics
    /// If it cannot be done, and skipping is not allowed (`CHATAPP_NO_SKIP` is set).
    pub fn with_machines(machines: u8) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("chatapp-{}-{count}", std::process::id());
        // From here on, what was made is removed again.
        let namespaces = Self { prefix, machines };
        match namespaces.make() {
            Ok(()) => Some(namespaces),
            Err(reason) => {
                assert!(
                    std::env::var_os("CHATAPP_NO_SKIP").is_none(),
                    "no network namespaces: {reason}"
                );
                eprintln!("skipped: no network namespaces: {reason}");
                None
            }
        }
    }

    /// The address of a machine.
    pub fn address_of(&self, machine: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, machine, 2)
    }

    /// Starts `ChatApp` on a machine.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start<S: AsRef<str>>(&self, machine: u8, arguments: &[S]) -> Process {
        let mut command = Command::new("ip");
        // `ip` turns into what it runs: the process is the one that signals are for.
        command
            .args(["netns", "exec", &self.machine(machine)])
            .arg(binary());
        Process::start_as(command, arguments)
    }

    /// From now on the router silently drops what these two machines send each other.
    ///
    /// # Panics
    /// If the kernel cannot do that.
    pub fn cut_between(&self, one: u8, other: u8) {
        self.rules("add", one, other);
    }

    /// They reach each other again.
    ///
    /// # Panics
    /// If they were not [cut off](Self::cut_between) from each other.
    pub fn join_again(&self, one: u8, other: u8) {
        self.rules("del", one, other);
    }

    fn rules(&self, verb: &str, one: u8, other: u8) {
        for (from, to) in [(one, other), (other, one)] {
            let (from, to) = (self.address_of(from), self.address_of(to));
            let router = self.router();
            ip(&format!(
                "-n {router} rule {verb} from {from} to {to} blackhole"
            ))
            .unwrap_or_else(|reason| panic!("no partition: {reason}"));
        }
    }

    fn router(&self) -> String {
        format!("{}-router", self.prefix)
    }

    fn machine(&self, machine: u8) -> String {
        format!("{}-{machine}", self.prefix)
    }

    fn make(&self) -> Result<(), String> {
        let router = self.router();
        ip(&format!("netns add {router}"))?;
        for number in 0..self.machines {
            let machine = self.machine(number);
            let address = self.address_of(number);
            let gateway = Ipv4Addr::new(10, 77, number, 1);
            for arguments in [
                format!("netns add {machine}"),
                format!("-n {router} link add to{number} type veth peer name net0 netns {machine}"),
                format!("-n {router} address add {gateway}/24 dev to{number}"),
                format!("-n {router} link set dev to{number} up"),
                format!("-n {machine} address add {address}/24 dev net0"),
                format!("-n {machine} link set dev lo up"),
                format!("-n {machine} link set dev net0 up"),
                format!("-n {machine} route add default via {gateway}"),
            ] {
                ip(&arguments)?;
            }
        }
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
        run(Command::new("ip").args(["netns", "exec", &router, "sh", "-c", forward]))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // What was never made cannot be removed.
        for machine in 0..self.machines {
            let _ = ip(&format!("netns del {}", self.machine(machine)));
        }
        let _ = ip(&format!("netns del {}", self.router()));
    }
}

fn ip(arguments: &str) -> Result<(), String> {
    run(Command::new("ip").args(arguments.split(' ')))
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(Output { status, .. }) if status.success() => Ok(()),
        Ok(Output { stderr, .. }) => Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&stderr).trim()
        )),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
