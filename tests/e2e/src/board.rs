//! Boards in an emulator: the firmware, its console on pipes, its network that of this machine.

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

/// An emulator that hangs is ended by the system after so many seconds of CPU time.
const CPU_S_MAX: u32 = 300;

/// The address and size of the RAM of the board.
const RAM_START: usize = 0x2000_0000;
const RAM_LEN: usize = 64 << 10;

/// The socket of the emulator for commands.
const MONITOR: &str = "monitor";

/// The prompt of a board for its settings.
pub const ASKS_SETTINGS: &str = "This is a ChatApp ";

/// A board that has its power and shows what it shows; it has no settings yet.
#[derive(Debug)]
pub struct Board {
    /// Its console.
    pub console: Process,
    /// Its UDP port, on the board and on this machine.
    pub port: u16,
    /// Its private key.
    key: String,
    /// The folder for commands to the emulator, and for their results.
    folder: TempDir,
}

impl Board {
    /// Starts a board with the client on it; `None`, with the reason on stderr, if that cannot be
    /// done here.
    ///
    /// # Panics
    /// If it cannot be done, and skipping is not allowed (`CHATAPP_NO_SKIP` is set), or if the
    /// firmware does not build.
    pub fn with_client() -> Option<Self> {
        Self::start("client")
    }

    /// Starts a board with the server on it, likewise.
    ///
    /// # Panics
    /// As [`with_client`](Self::with_client).
    pub fn with_server() -> Option<Self> {
        Self::start("server")
    }

    /// Starts a board that plays the scripts of the firmware, likewise.
    ///
    /// # Panics
    /// As [`with_client`](Self::with_client).
    pub fn with_scripts() -> Option<Self> {
        Self::start("replay")
    }

    /// The image that looks at the test vectors of the protocol; `None` as above.
    ///
    /// # Panics
    /// As [`with_client`](Self::with_client).
    pub fn image_with_vectors() -> Option<PathBuf> {
        can_emulate().then(|| Firmware::usual().image("vectors").to_owned())
    }

    /// A client on a board that joins a room; it is registered and has the table.
    ///
    /// # Panics
    /// As [`with_client`](Self::with_client), or if it does not register.
    pub fn join(server: SocketAddr, name: &str) -> Option<Process> {
        let mut board = Self::with_client()?;
        board.is_set(&format!("name={name} server={server}"));
        board.console.shows(WELCOME);
        board.console.shows(TABLE);
        Some(board.console)
    }

    /// The demonstration of the firmware, with its board in a network namespace; `None` if that
    /// cannot be done here.
    ///
    /// # Panics
    /// As [`with_client`](Self::with_client).
    pub fn demonstration() -> Option<Process> {
        // Only to see whether there are such networks here.
        Namespaces::with_machines(&[Machine::Tap])?;
        let image = can_emulate().then(|| Firmware::usual().image("client"))?;
        let mut command = Command::new("bash");
        command
            .arg(Firmware::sources().join("demo"))
            .env("CHATAPP_BIN", binary())
            .env("CHATAPP_IMAGE", image);
        Some(Process::start_titled("demo", command, &Home::new(), &[]))
    }

    /// A room whose server is a board.
    ///
    /// # Panics
    /// As [`with_client`](Self::with_client), or if the server does not start.
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

    /// Types these settings, and those that say where the board is, without an echo from then on.
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

    /// A board with this image.
    ///
    /// # Panics
    /// If it does not start, or shows something else first than an image that wants its settings.
    pub fn of_image(image: &Path) -> Self {
        let port = free_port();
        let folder = TempDir::new().expect("a temporary folder can be made");
        // The network behind the emulator has the addresses of loopback: the board and the programs
        // of this machine know each other by the same ones.
        let network = format!(
            "user,model=stellaris,net=127.0.0.0/24,host=127.0.0.1,dhcpstart=127.0.0.15,\
             hostfwd=udp:127.0.0.1:{port}-127.0.0.2:{port}"
        );
        let monitor = folder.path().join(MONITOR);
        let monitor = format!("unix:{},server=on,wait=off", monitor.display());
        let mut command = Command::new("prlimit");
        // Both turn into what they run: the process is the one to kill, and it ends with these
        // tests.
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
        // Input before the board listens is lost.
        console.shows_where("the board", |line| line.starts_with(ASKS_SETTINGS));
        Self {
            console,
            port,
            key: random(),
            folder,
        }
    }

    /// All of its RAM, as it is now.
    ///
    /// # Panics
    /// If the emulator does not tell.
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
            // When it has obeyed, it ends, and with it this.
            .and_then(|()| monitor.read_to_end(&mut Vec::new()))
            .expect("the emulator obeys");
        std::fs::read(file).expect("the emulator wrote it")
    }
}

/// 64 hexadecimal digits.
fn random() -> String {
    (0..8)
        .map(|_| format!("{:08x}", fastrand::u32(..)))
        .collect()
}
