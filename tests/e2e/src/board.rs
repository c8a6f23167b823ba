//! Emulated boards that run the firmware, with the console on pipes and the network of this
//! machine.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::firmware::Firmware;
use super::{
    Home, Machine, Namespaces, PATIENCE, Process, Room, TABLE, WELCOME, binary, can_emulate,
    free_port,
};

/// CPU time in seconds after which the system ends a hanging emulator.
const CPU_S_MAX: u32 = 300;

/// The address and size of the RAM of the board.
const RAM_START: usize = 0x2000_0000;
const RAM_LEN: usize = 64 << 10;

/// Socket for commands to the emulator.
const MONITOR: &str = "monitor";

/// The prompt of a board for its settings.
pub const ASKS_SETTINGS: &str = "This is a ChatApp ";

/// A started board without settings.
#[derive(Debug)]
pub struct Board {
    /// Console of the board.
    pub console: Process,
    /// UDP port on the board and on this machine.
    pub port: u16,
    /// Private key of the board.
    key: String,
    /// Folder for the command socket and its results.
    folder: TempDir,
}

impl Board {
    /// Starts a board with the client; `None`, with the reason on stderr, if this machine cannot
    /// emulate one.
    ///
    /// # Panics
    /// Panics if this machine cannot emulate a board and skipping is not allowed (`CHATAPP_NO_SKIP`
    /// is set), or if the firmware does not build.
    pub fn with_client() -> Option<Self> {
        Self::start("client")
    }

    /// Starts a board with the server; `None` as [`with_client`](Self::with_client).
    ///
    /// # Panics
    /// Panics as [`with_client`](Self::with_client).
    pub fn with_server() -> Option<Self> {
        Self::start("server")
    }

    /// Starts a board that plays the scripts of the firmware; `None` as
    /// [`with_client`](Self::with_client).
    ///
    /// # Panics
    /// Panics as [`with_client`](Self::with_client).
    pub fn with_scripts() -> Option<Self> {
        Self::start("replay")
    }

    /// Returns the image that checks the test vectors of the protocol; `None` as
    /// [`with_client`](Self::with_client).
    ///
    /// # Panics
    /// Panics as [`with_client`](Self::with_client).
    pub fn image_with_vectors() -> Option<PathBuf> {
        can_emulate().then(|| Firmware::usual().image("vectors").to_owned())
    }

    /// Starts a client on a board and waits until it is registered and has the table.
    ///
    /// # Panics
    /// Panics as [`with_client`](Self::with_client), or if it does not register.
    pub fn join(server: SocketAddr, name: &str) -> Option<Process> {
        let mut board = Self::with_client()?;
        board.is_set(&format!("name={name} server={server}"));
        board.console.shows(WELCOME);
        board.console.shows(TABLE);
        Some(board.console)
    }

    /// Starts the demonstration of the firmware, with its board in a network namespace; `None` if
    /// this machine has no namespaces.
    ///
    /// # Panics
    /// Panics as [`with_client`](Self::with_client).
    pub fn demonstration() -> Option<Process> {
        // Checks that this machine has network namespaces.
        Namespaces::with_machines(&[Machine::Tap])?;
        let image = can_emulate().then(|| Firmware::usual().image("client"))?;
        let mut command = Command::new("bash");
        command
            .arg(Firmware::sources().join("demo"))
            .env("CHATAPP_BIN", binary())
            .env("CHATAPP_IMAGE", image);
        Some(Process::start_titled("demo", command, &Home::new(), &[]))
    }

    /// Starts a room whose server is a board.
    ///
    /// # Panics
    /// Panics as [`with_client`](Self::with_client), or if the server does not start.
    pub fn open_room() -> Option<Room> {
        let mut board = Self::with_server()?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the clock is right");
        board.is_set(&format!("time={}", now.as_secs()));
        board
            .console
            .shows_where("the server", |line| line.starts_with("The server starts!"));
        Some(Room {
            server: board.console,
            port: board.port,
        })
    }

    /// Types these settings and the addresses of the board, and turns the echo off.
    pub fn is_set(&mut self, settings: &str) {
        let (port, key, seed) = (self.port, &self.key, random());
        self.console.types(&format!(
            "{settings} address=127.0.0.2/24 port={port} key={key} seed={seed} echo=off"
        ));
        self.console
            .shows_where("the echo", |line| line.ends_with("echo=off"));
    }

    fn start(image: &str) -> Option<Self> {
        can_emulate().then(|| Self::of_image(Firmware::usual().image(image)))
    }

    /// Starts a board with this image.
    ///
    /// # Panics
    /// Panics if it does not start, or does not ask for its settings first.
    pub fn of_image(image: &Path) -> Self {
        let port = free_port();
        let folder = TempDir::new().expect("a temporary folder can be made");
        // The emulated network uses loopback addresses: board and programs see each other at the
        // same addresses.
        let network = format!(
            "user,model=stellaris,net=127.0.0.0/24,host=127.0.0.1,dhcpstart=127.0.0.15,\
             hostfwd=udp:127.0.0.1:{port}-127.0.0.2:{port}"
        );
        let monitor = folder.path().join(MONITOR);
        let monitor = format!("unix:{},server=on,wait=off", monitor.display());
        let mut command = Command::new("prlimit");
        // Both commands replace themselves by their program: the process is the one to kill, and it
        // ends with these tests.
        command.arg(format!("--cpu={CPU_S_MAX}")).args([
            "setpriv",
            "--pdeathsig",
            "KILL",
            "qemu-system-arm",
        ]);
        let arguments = [
            "-machine",
            "lm3s6965evb",
            "-display",
            "none",
            "-monitor",
            &monitor,
            "-serial",
            "stdio",
            "-nic",
            &network,
            "-kernel",
            image.to_str().expect("build folders have sane names"),
        ];
        let title = format!("board: {}", image.display());
        let mut console = Process::start_titled(&title, command, &Home::new(), &arguments);
        // The board loses input that arrives before it reads.
        console.shows_where("the board", |line| line.starts_with(ASKS_SETTINGS));
        Self {
            console,
            port,
            key: random(),
            folder,
        }
    }

    /// Returns a copy of all RAM.
    ///
    /// # Panics
    /// Panics if the emulator does not provide it.
    pub fn memory(&self) -> Vec<u8> {
        let mut monitor = UnixStream::connect(self.folder.path().join(MONITOR))
            .expect("the emulator takes commands");
        let file = self.folder.path().join("memory");
        let command = format!(
            "pmemsave {RAM_START} {RAM_LEN} \"{}\"\nquit\n",
            file.display()
        );
        monitor
            .write_all(command.as_bytes())
            .and_then(|()| monitor.set_read_timeout(Some(PATIENCE)))
            // After the commands, the emulator ends and closes this stream.
            .and_then(|()| monitor.read_to_end(&mut Vec::new()))
            .expect("the emulator obeys");
        std::fs::read(file).expect("the emulator wrote it")
    }
}

/// Returns 64 random hexadecimal digits.
fn random() -> String {
    (0..8)
        .map(|_| format!("{:08x}", fastrand::u32(..)))
        .collect()
}
