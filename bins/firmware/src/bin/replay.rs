//! Plays the scripts and shows the result, which must be the same as on every other machine.
#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::panic::PanicInfo;

use chatapp_firmware::board::{self, Board, Uart};
use chatapp_firmware::replay::{RoomMemory, SCRIPTS, play};
use cortex_m_rt::entry;
use static_cell::ConstStaticCell;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    board::stop(info)
}

#[entry]
fn main() -> ! {
    static MEMORY: ConstStaticCell<RoomMemory> = ConstStaticCell::new(RoomMemory::VACANT);

    let mut board = Board::take().expect("a board is started once");
    let played = play_all(MEMORY.take(), &mut board.uart);
    played.expect("the scripts are scripts");
    loop {
        board.clock.sleep_until(None);
    }
}

fn play_all(memory: &mut RoomMemory, uart: &mut Uart) -> fmt::Result {
    writeln!(uart, "This is a ChatApp room in one program.")?;
    for (title, script) in SCRIPTS {
        writeln!(uart, "script {title}")?;
        play(script, memory, uart)?;
    }
    writeln!(uart, "all scripts are played")
}
