//! Boards in an emulator: the firmware, its console on pipes, its network that of this machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Home, Process, Room, free_port};

const TARGET: &str = "thumbv7m-none-eabi";

/// An emulator that hangs is ended by the system after so many seconds of CPU time.
const CPU_S_MAX: u32 = 300;

/// What a board shows when it wants its settings.
pub const ASKS_SETTINGS: &str = "This is a ChatApp ";

/// A board that has its power and shows what it shows; it has no settings yet.
#[derive(Debug)]
pub struct Board {
    /// Its console.
    pub console: Process,
    /// Its UDP port, on the board and on this machine.
    pub port: u16,
}

impl Board {
    /// Starts a board with the client on it; `None`, with the reason on stderr, if that cannot be done here.
    ///
    /// # Panics
    /// If it cannot be done, and skipping is not allowed (`CHATAPP_NO_SKIP` is set), or if the firmware does not build.
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

    /// A client on a board that joins a room; it is registered and has the table.
    ///
    /// # Panics
    /// As [`with_client`](Self::with_client), or if it does not register.
    pub fn join(server: SocketAddr, name: &str) -> Option<Process> {
        let mut board = Self::with_client()?;
        board.is_set(&format!("name={name} server={server}"));
        board.console.shows(super::WELCOME);
        board.console.shows(super::TABLE);
        Some(board.console)
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
        let port = self.port;
        let seed: String = (0..8)
            .map(|_| format!("{:08x}", fastrand::u32(..)))
            .collect();
        self.console.types(&format!(
            "{settings} address=127.0.0.2/24 port={port} seed={seed} echo=off"
        ));
        self.console
            .shows_where("the echo", |line| line.ends_with("echo=off"));
    }

    fn start(image: &str) -> Option<Self> {
        if let Err(reason) = can_emulate() {
            assert!(
                std::env::var_os("CHATAPP_NO_SKIP").is_none(),
                "no emulated board: {reason}"
            );
            eprintln!("skipped: no emulated board: {reason}");
            return None;
        }
        let port = free_port();
        // The network behind the emulator has the addresses of loopback: the board and the programs of this machine
        // know each other by the same ones.
        let network = format!(
            "user,model=stellaris,net=127.0.0.0/24,host=127.0.0.1,dhcpstart=127.0.0.15,\
             hostfwd=udp:127.0.0.1:{port}-127.0.0.2:{port}"
        );
        let kernel = firmware().join(image);
        let mut command = Command::new("prlimit");
        // Both turn into what they run: the process is the one to kill, and it ends with these tests.
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
            "none",
            "-serial",
            "stdio",
            "-nic",
            &network,
            "-kernel",
            kernel.to_str().expect("build folders have sane names"),
        ];
        let mut console = Process::start_titled(
            &format!("board: {image}"),
            command,
            &Home::new(),
            &arguments,
        );
        // What is typed before the board listens is lost.
        console.shows_where("the board", |line| line.starts_with(ASKS_SETTINGS));
        Some(Self { console, port })
    }
}

/// Why there can be no emulated board here.
fn can_emulate() -> Result<(), String> {
    static CHECKED: OnceLock<Result<(), String>> = OnceLock::new();
    CHECKED
        .get_or_init(|| {
            for program in ["qemu-system-arm", "setpriv", "prlimit"] {
                Command::new(program)
                    .arg("--version")
                    .stdout(Stdio::null())
                    .status()
                    .map_err(|error| format!("{program}: {error}"))?;
            }
            let rustc = Command::new("rustc")
                .args(["--print", "target-libdir", "--target", TARGET])
                .output()
                .map_err(|error| format!("rustc: {error}"))?;
            let library = String::from_utf8_lossy(&rustc.stdout);
            if Path::new(library.trim()).exists() {
                Ok(())
            } else {
                Err(format!("run `rustup target add {TARGET}`"))
            }
        })
        .clone()
}

/// The folder of the images, built from the sources as they are now.
fn firmware() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let firmware = Path::new(env!("CARGO_MANIFEST_DIR"))
            .with_file_name("bins")
            .join("firmware");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--release", "--bin", "client", "--bin", "server"])
            .current_dir(&firmware)
            .status()
            .expect("cargo can be started");
        assert!(built.success(), "the firmware builds");
        firmware.join("target").join(TARGET).join("release")
    })
}
