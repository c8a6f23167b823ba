//! The server of a small room. All of its state is in RAM, and is lost without power.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

use chatapp_console::{LogLine, ORDER_HELP, Order, Report, Typed, UnknownOrder};
use chatapp_core::{
    Identity, Instant, Persist, Seed, Server, ServerConfig, StorageError, UnixSeconds,
};
use chatapp_firmware::board;
use chatapp_firmware::machine::{self, Console, Machine};
use chatapp_firmware::memory::{self, ServerMemory};
use chatapp_firmware::settings::Role;
use cortex_m_rt::entry;
use static_cell::{ConstStaticCell, StaticCell};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    board::stop(info)
}

#[entry]
fn main() -> ! {
    let Machine {
        console,
        stack,
        mut ethernet,
        event_loop,
        mut clock,
        mut settings,
    } = Machine::start(Role::Server);
    let key = settings.identity.public();
    let server = match server(settings.identity, Seed::new(&mut settings.seed.0)) {
        Ok(server) => server,
        Err(error) => machine::fail(console, error),
    };
    let started_at = clock.now();
    let Ok(()) = console.show(format_args!(
        "The server starts! It listens on {}:{}, with room for {} names. Its key is {key}.",
        settings.subnet.address,
        settings.port,
        memory::ROOM
    ));
    loop {
        let now = clock.now();
        poll_console(console, server);
        server.handle_wall_clock(wall(settings.time, now, started_at));
        let mut network = stack.on(&mut ethernet);
        event_loop.poll(server, &mut network, now, |server, now| {
            // Records in memory are stored at once.
            while let Some(Persist { ticket, .. }) = server.poll_persist() {
                server.handle_stored(now, ticket, Ok(()));
            }
            while let Some(event) = server.poll_event() {
                let Ok(()) = console.show(LogLine(event));
            }
        });
        clock.sleep_until(event_loop.next_deadline(server, &network));
    }
}

/// Creates the server. A separate function, so that its stack is free again afterwards.
#[inline(never)]
fn server(
    identity: Identity,
    seed: Seed<'_>,
) -> Result<&'static mut Server<'static>, StorageError> {
    static MEMORY: ConstStaticCell<ServerMemory> = ConstStaticCell::new(ServerMemory::new());
    static SERVER: StaticCell<Server<'_>> = StaticCell::new();

    let config = ServerConfig {
        window: memory::WINDOW,
        ..ServerConfig::default()
    };
    let storage = MEMORY.take().storage();
    Server::new(config, storage, identity, seed).map(|server| SERVER.init(server))
}

/// Returns the time of day: the one in the settings, plus the time since then.
fn wall(at_start: UnixSeconds, now: Instant, started_at: Instant) -> UnixSeconds {
    let seconds = u32::try_from(now.millis_since(started_at) / 1_000).unwrap_or(u32::MAX);
    UnixSeconds(at_start.0.saturating_add(seconds))
}

/// Reads the typed lines and answers them.
fn poll_console(console: &mut Console, server: &Server<'_>) {
    loop {
        let Ok(typed) = console.read_line();
        let Some((typed, mut answers)) = typed else {
            return;
        };
        let Ok(()) = match typed {
            Typed::Line(line) => match Order::parse(line) {
                Ok(None) => Ok(()),
                Ok(Some(Order::Stats)) => answers.show(Report::of(server)),
                Ok(Some(Order::Help)) => ORDER_HELP.iter().try_for_each(|line| answers.show(line)),
                Ok(Some(Order::Quit)) => machine::end(),
                Err(unknown) => answers.show(unknown),
            },
            Typed::Unusable(_) => answers.show(UnknownOrder),
            Typed::End => machine::end(),
        };
    }
}
