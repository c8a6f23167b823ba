//! Machines on separate networks: Linux network namespaces around a router. Needs root and `ip`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Home, Process, TABLE, WELCOME, binary};

/// The port of the server of a [room](Namespaces::room).
const PORT: &str = "4119";

/// A router, and machines on one network each behind it. Dropping it removes them.
#[derive(Debug)]
pub struct Namespaces {
    /// Unique among the tests that run on this machine.
    prefix: String,
    machines: Vec<Machine>,
    /// Home folder of each machine.
    homes: Vec<Home>,
}

/// Network stack of `ChatApp` on a machine. From outside, all machines look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// The kernel's network.
    Kernel,
    /// A TAP device called `net1`, bridged to the network: `ChatApp` has an address there, and the
    /// kernel has none.
    Tap,
}

impl Namespaces {
    /// Creates machines, numbered from 0; `None`, with the reason on stderr, if the system cannot.
    ///
    /// # Panics
    /// Panics if the system cannot, and skipping is not allowed (`CHATAPP_NO_SKIP` is set).
    pub fn with_machines(machines: &[Machine]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("chatapp-{}-{count}", std::process::id());
        // From here on, dropping this value removes the namespaces.
        let namespaces = Self {
            prefix,
            machines: machines.to_vec(),
            homes: machines.iter().map(|_| Home::new()).collect(),
        };
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

    /// Returns the address of a machine.
    pub fn address_of(&self, machine: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, machine, 2)
    }

    /// Returns the router's address on the network of a machine.
    pub fn gateway_of(&self, machine: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, machine, 1)
    }

    /// Starts a server on machine 0 and a client on each machine after it, all with these options.
    /// Waits until all clients have the whole table.
    ///
    /// # Panics
    /// Panics if there are too few machines, or a process does not start, or a client does not get
    /// the table.
    pub fn room<const N: usize>(
        &self,
        names: [&str; N],
        options: &[&str],
    ) -> (Process, [Process; N]) {
        let mut server = self.start(0, &[&["-s", PORT], options].concat());
        server.shows_where("its start", |line| line.starts_with("The server starts!"));
        let address = self.address_of(0).to_string();
        let mut clients: Vec<Process> = Vec::new();
        for (machine, name) in (1..).zip(names) {
            let arguments = [&["-c", name, &address, PORT, "0"], options].concat();
            let mut newcomer = self.start(machine, &arguments);
            newcomer.shows(WELCOME);
            newcomer.shows(TABLE);
            clients.iter_mut().for_each(|client| client.shows(TABLE));
            clients.push(newcomer);
        }
        (
            server,
            clients.try_into().expect("as many clients as names"),
        )
    }

    /// Starts `ChatApp` on a machine, with options for the network of the machine.
    ///
    /// # Panics
    /// Panics if it cannot be started.
    pub fn start(&self, machine: u8, arguments: &[&str]) -> Process {
        let ip = format!("{}/24", self.address_of(machine));
        let gateway = self.gateway_of(machine).to_string();
        let tap = ["--tap", "net1", "--ip", &ip, "--gateway", &gateway];
        match self.machines[usize::from(machine)] {
            Machine::Kernel => self.start_by(machine, &[], arguments),
            Machine::Tap => self.start_by(machine, &[], &[arguments, &tap].concat()),
        }
    }

    /// Starts `ChatApp` on a machine with only these arguments, through a command that replaces
    /// itself by it.
    ///
    /// # Panics
    /// Panics if it cannot be started.
    pub fn start_by(&self, machine: u8, by: &[&str], arguments: &[&str]) -> Process {
        let mut command = self.command(machine);
        command.args(by).arg(binary());
        Process::start_as(command, &self.homes[usize::from(machine)], arguments)
    }

    /// Returns a command that runs the appended program on a machine and replaces itself by it, so
    /// that signals reach the program.
    pub fn command(&self, machine: u8) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name_of(machine)]);
        command
    }

    /// Runs `ip` on a machine, for example with `link set dev net1 down`.
    ///
    /// # Panics
    /// Panics if it fails.
    pub fn ip(&self, machine: u8, arguments: &str) {
        let machine = self.name_of(machine);
        ip(&format!("-n {machine} {arguments}"))
            .unwrap_or_else(|reason| panic!("the network is not as it should be: {reason}"));
    }

    /// Lets the router silently drop all datagrams between these two machines.
    ///
    /// # Panics
    /// Panics if the kernel cannot do that.
    pub fn cut_between(&self, one: u8, other: u8) {
        self.rules("add", one, other);
    }

    /// Lets the router forward datagrams between these two machines again.
    ///
    /// # Panics
    /// Panics if they were not [cut off](Self::cut_between) from each other.
    pub fn join_again(&self, one: u8, other: u8) {
        self.rules("del", one, other);
    }

    /// Gives a machine three addresses of each family, on two networks behind the router, and
    /// returns them. It reaches everything through the first network.
    ///
    /// # Panics
    /// Panics if the kernel cannot do that.
    pub fn add_addresses(&self, machine: u8) -> Vec<IpAddr> {
        let (router, name) = (self.router(), self.name_of(machine));
        let v4 = |network: u8, host| Ipv4Addr::new(10, network, machine, host);
        let v6 = |network: u16, host| {
            Ipv6Addr::new(0xfd00, network, u16::from(machine), 0, 0, 0, 0, host)
        };
        let link = format!("link add more{machine} type veth peer name net2 netns {name}");
        let default = format!("-n {name} route add default via {}", v6(77, 1));
        let mut commands = vec![format!("-n {router} {link}")];
        for (place, device, network, host) in [
            (&router, format!("to{machine}"), 77, 1),
            (&router, format!("more{machine}"), 78, 1),
            (&name, "net0".into(), 77, 2),
            (&name, "net0".into(), 77, 3),
            (&name, "net2".into(), 78, 2),
        ] {
            let v4 = v4(network, host);
            let v6 = v6(network.into(), host.into());
            commands.push(format!("-n {place} link set dev {device} up"));
            commands.push(format!("-n {place} address replace {v4}/24 dev {device}"));
            // Without the search for duplicates, the address can be used at once.
            commands.push(format!("-n {place} address add {v6}/64 dev {device} nodad"));
        }
        commands.push(default);
        for command in commands {
            ip(&command).unwrap_or_else(|reason| panic!("no more addresses: {reason}"));
        }
        let hosts = [(77, 2), (77, 3), (78, 2)];
        let v4s = hosts.map(|(network, host)| IpAddr::V4(v4(network, host)));
        let v6s = hosts.map(|(network, host)| IpAddr::V6(v6(network.into(), host.into())));
        [v4s, v6s].concat()
    }

    /// Connects two machines by one more link, which has this name on both.
    ///
    /// # Panics
    /// Panics if the kernel cannot do that.
    pub fn link(&self, one: u8, other: u8, device: &str) {
        let there = self.name_of(other);
        self.ip(
            one,
            &format!("link add {device} type veth peer name {device} netns {there}"),
        );
        for machine in [one, other] {
            self.ip(machine, &format!("link set dev {device} up"));
        }
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

    fn name_of(&self, machine: u8) -> String {
        format!("{}-{machine}", self.prefix)
    }

    fn make(&self) -> Result<(), String> {
        let router = self.router();
        ip(&format!("netns add {router}"))?;
        for (number, kind) in (0..).zip(&self.machines) {
            let machine = self.name_of(number);
            let address = self.address_of(number);
            let gateway = self.gateway_of(number);
            let common = [
                format!("netns add {machine}"),
                format!("-n {router} link add to{number} type veth peer name net0 netns {machine}"),
                format!("-n {router} address add {gateway}/24 dev to{number}"),
                format!("-n {router} link set dev to{number} up"),
                format!("-n {machine} link set dev lo up"),
                format!("-n {machine} link set dev net0 up"),
            ];
            let particular = match kind {
                Machine::Kernel => vec![
                    format!("-n {machine} address add {address}/24 dev net0"),
                    format!("-n {machine} route add default via {gateway}"),
                ],
                Machine::Tap => vec![
                    format!("-n {machine} link add bridge0 type bridge"),
                    format!("-n {machine} link set dev bridge0 up"),
                    format!("-n {machine} link set dev net0 master bridge0"),
                    format!("-n {machine} tuntap add dev net1 mode tap"),
                    format!("-n {machine} link set dev net1 master bridge0 up"),
                ],
            };
            for arguments in common.iter().chain(&particular) {
                ip(arguments)?;
            }
        }
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward
            echo 1 > /proc/sys/net/ipv6/conf/all/forwarding || true";
        run(Command::new("ip").args(["netns", "exec", &router, "sh", "-c", forward]))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // A namespace that was never created cannot be removed.
        for (machine, _) in (0..).zip(&self.machines) {
            let _ = ip(&format!("netns del {}", self.name_of(machine)));
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
