//! A running server and its clients.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

use super::{Home, Process, TABLE, WELCOME, free_port};

/// A server on its own port.
#[derive(Debug)]
pub struct Room {
    /// Process of the server.
    pub server: Process,
    /// Port of the server.
    pub port: u16,
}

impl Room {
    /// Starts a server and waits until it serves.
    ///
    /// # Panics
    /// Panics if it does not start.
    pub fn open() -> Self {
        Self::open_with(&[])
    }

    /// Starts a server with these options and waits until it serves.
    ///
    /// # Panics
    /// Panics if it does not start.
    pub fn open_with(options: &[&str]) -> Self {
        Self::open_at(free_port(), options)
    }

    /// Starts a server on this port and waits until it serves. All servers on this port have the
    /// same key; it has no other state.
    ///
    /// # Panics
    /// Panics if it does not start.
    pub fn open_at(port: u16, options: &[&str]) -> Self {
        let text = port.to_string();
        let home = Home::of_server(port);
        let mut server = Process::start_at(&home, &[&["-s", &text], options].concat());
        let line = server.shows_next();
        assert!(
            line.starts_with("The server starts!") && line.contains(&text),
            "{line}"
        );
        Self { server, port }
    }

    /// Starts a server with its store in this folder, and waits until it serves.
    ///
    /// # Panics
    /// Panics if it does not start.
    pub fn open_in(folder: &Path, port: u16) -> Self {
        let folder = folder.to_str().expect("temporary folders have sane names");
        Self::open_at(port, &["--data-dir", folder])
    }

    /// Returns the address of the server for clients on this machine.
    pub fn address(&self) -> SocketAddr {
        (IpAddr::V4(Ipv4Addr::LOCALHOST), self.port).into()
    }

    /// Starts a client on any free port and waits until it is registered and has the table.
    ///
    /// # Panics
    /// Panics if it does not register.
    pub fn join(&self, name: &str) -> Process {
        Self::join_at(self.address(), name, 0)
    }

    /// Works as [`join`](Self::join), with the address of the server or relay, and a client port.
    ///
    /// # Panics
    /// Panics if it does not register.
    pub fn join_at(server: SocketAddr, name: &str, port: u16) -> Process {
        let mut client = Self::start_client(server, name, port);
        client.shows(WELCOME);
        client.shows(TABLE);
        client
    }

    /// Starts a client without waiting. All clients of this name have the same key; it has no other
    /// state.
    pub fn start_client(server: SocketAddr, name: &str, port: u16) -> Process {
        Self::restart_client(&Home::of(name), server, name, port)
    }

    /// Starts a client with the home folder of an earlier process, without waiting.
    pub fn restart_client(home: &Home, server: SocketAddr, name: &str, port: u16) -> Process {
        let arguments = [
            "-c",
            name,
            &server.ip().to_string(),
            &server.port().to_string(),
            &port.to_string(),
        ];
        Process::start_at(home, &arguments)
    }

    /// Starts a client with this home folder and these options, without waiting.
    pub fn start_from(&self, home: &Home, name: &str, options: &[&str]) -> Process {
        let port = self.port.to_string();
        let arguments = [&["-c", name, "127.0.0.1", &port, "0"], options].concat();
        Process::start_at(home, &arguments)
    }

    /// Works as [`start_from`](Self::start_from), and waits until the client is in the room.
    ///
    /// # Panics
    /// Panics if it does not register.
    pub fn join_from(&self, home: &Home, name: &str, options: &[&str]) -> Process {
        let mut client = self.start_from(home, name, options);
        client.shows(WELCOME);
        client.shows(TABLE);
        client
    }

    /// Starts clients one after another, and waits until all of them have the whole table.
    ///
    /// # Panics
    /// Panics if one does not register, or does not get the table.
    pub fn join_all<const N: usize>(&self, names: [&str; N]) -> [Process; N] {
        Self::join_all_at(self.address(), names)
    }

    /// Works as [`join_all`](Self::join_all), with the address of the server or relay.
    ///
    /// # Panics
    /// Panics if one does not register, or does not get the table.
    pub fn join_all_at<const N: usize>(server: SocketAddr, names: [&str; N]) -> [Process; N] {
        let mut clients: Vec<Process> = Vec::new();
        for name in names {
            let newcomer = Self::join_at(server, name, 0);
            clients.iter_mut().for_each(|client| client.shows(TABLE));
            clients.push(newcomer);
        }
        clients.try_into().expect("as many clients as names")
    }
}

/// Returns whether `line` is `sender: <time> text` with a time of the last few minutes, such as
/// `bob: <2022-03-24 19:31:32> hi`.
pub fn is_stamped(line: &str, sender: &str, text: &str) -> bool {
    let stamp = line
        .strip_prefix(sender)
        .and_then(|rest| rest.strip_prefix(": <"))
        .and_then(|rest| rest.strip_suffix(text))
        .and_then(|rest| rest.strip_suffix("> "));
    let Some(Ok(stamp)) = stamp.map(|stamp| DateTime::strptime("%Y-%m-%d %H:%M:%S", stamp)) else {
        return false;
    };
    let Ok(stamp) = stamp.to_zoned(TimeZone::UTC) else {
        return false;
    };
    let age_s = Timestamp::now().as_second() - stamp.timestamp().as_second();
    (0..300).contains(&age_s)
}
