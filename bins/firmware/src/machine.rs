//! Connects the parts: asks for the settings, starts the network, and ends the board.

use core::fmt;
use core::net::IpAddr;

#[cfg(feature = "semihosting")]
use chatapp_console::TYPED_LEN_MAX;
use chatapp_console::{SerialConsole, Typed};
use chatapp_core::{EventLoop, Instant, Seed};
use chatapp_smoltcp::smoltcp::wire::{HardwareAddress, IpCidr};
use chatapp_smoltcp::{Stack, StackConfig, StackError};
use static_cell::{ConstStaticCell, StaticCell};

use crate::board::{self, Board, Clock, Ethernet, Uart};
use crate::memory::{StackBuffers, StackTables};
use crate::settings::{Role, Settings, Subnet};

/// Console of the board.
pub type Console = SerialConsole<Uart>;

/// A started board with its network.
#[derive(Debug)]
pub struct Machine {
    /// Console for lines and settings.
    pub console: &'static mut Console,
    /// Network stack of the board.
    pub stack: &'static mut Stack<'static>,
    /// Device of the network stack.
    pub ethernet: Ethernet,
    /// Event loop that drives the endpoint.
    pub event_loop: &'static mut EventLoop,
    /// Clock, which also puts the processor to sleep.
    pub clock: Clock,
    /// Settings that were typed at the start.
    pub settings: Settings,
}

impl Machine {
    /// Initialises the board, and asks for its settings until they are valid.
    ///
    /// # Panics
    /// Panics if it is called a second time.
    pub fn start(role: Role) -> Self {
        static CONSOLE: StaticCell<Console> = StaticCell::new();
        static EVENT_LOOP: ConstStaticCell<EventLoop> = ConstStaticCell::new(EventLoop::new());

        let board = Board::take().expect("a board is started once");
        let (mut clock, mut ethernet) = (board.clock, board.ethernet);
        let console = CONSOLE.init_with(|| SerialConsole::new(board.uart, true));
        let settings = ask(console, &mut clock, role);
        console.set_echo(settings.echo);
        let gateway = settings.gateway.map(IpAddr::V4);
        let Subnet {
            address,
            prefix_len,
        } = settings.subnet;
        let config = StackConfig {
            hardware_address: HardwareAddress::Ethernet(ethernet.address()),
            addresses: &[IpCidr::new(address.into(), prefix_len)],
            gateways: gateway.as_slice(),
            port: settings.port,
            // A copy, which is wiped; the machine uses the bytes themselves.
            seed: Seed::new(&mut settings.seed.0.clone()).number(),
        };
        match connect(&config, &mut ethernet, clock.now()) {
            Ok(stack) => Self {
                console,
                stack,
                ethernet,
                event_loop: EVENT_LOOP.take(),
                clock,
                settings,
            },
            Err(error) => fail(
                console,
                format_args!("[The network does not start: {error}.]"),
            ),
        }
    }
}

/// Starts the network. A separate function, so that its stack is free again afterwards.
///
/// # Errors
/// Returns a [`StackError`] if `config` is invalid.
///
/// # Panics
/// Panics if it is called a second time.
#[inline(never)]
pub fn connect(
    config: &StackConfig<'_>,
    ethernet: &mut Ethernet,
    now: Instant,
) -> Result<&'static mut Stack<'static>, StackError> {
    static TABLES: ConstStaticCell<StackTables<'_>> = ConstStaticCell::new(StackTables::VACANT);
    static BUFFERS: ConstStaticCell<StackBuffers> = ConstStaticCell::new(StackBuffers::VACANT);
    static STACK: StaticCell<Stack<'_>> = StaticCell::new();

    let storage = TABLES.take().storage(BUFFERS.take());
    Stack::new(config, ethernet, storage, now).map(|stack| STACK.init(stack))
}

/// Ends the emulator, or resets the board, which then asks for its settings.
pub fn end() -> ! {
    #[cfg(feature = "semihosting")]
    board::debugger::exit(true);
    board::reset()
}

/// Shows an error as the last line, and ends as [`end`].
pub fn fail(console: &mut Console, why: impl fmt::Display) -> ! {
    let Ok(()) = console.show(why);
    #[cfg(feature = "semihosting")]
    board::debugger::exit(false);
    board::reset()
}

/// Asks for the settings until they are valid.
#[inline(never)]
fn ask(console: &mut Console, clock: &mut Clock, role: Role) -> Settings {
    #[cfg(feature = "semihosting")]
    {
        let mut buffer = [0; TYPED_LEN_MAX];
        // Without settings, the command line is the path of the image.
        let line = board::debugger::command_line(&mut buffer).filter(|line| line.contains('='));
        match line.map(|line| Settings::parse(line, role)) {
            Some(Ok(settings)) => return settings,
            Some(Err(error)) => fail(console, error),
            None => {}
        }
    }
    let program = match role {
        Role::Client => "client",
        Role::Server => "server",
    };
    let Ok(()) = console.show(format_args!(
        "This is a ChatApp {program}. Type its settings on one line, or help to see them."
    ));
    loop {
        let Ok(typed) = console.read_line();
        let Some((typed, mut answers)) = typed else {
            clock.sleep_until(None);
            continue;
        };
        let Ok(()) = match typed {
            Typed::Line("help") => role
                .settings()
                .iter()
                .try_for_each(|setting| answers.show(setting)),
            Typed::Line(line) => match Settings::parse(line, role) {
                Ok(settings) => return settings,
                Err(error) => answers.show(error),
            },
            Typed::Unusable(error) => answers.show(error),
            Typed::End => end(),
        };
    }
}
