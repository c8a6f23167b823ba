//! Builds the test vectors of the protocol and compares them with the document: one line for each,
//! then the totals.
#![no_std]
#![no_main]

use core::fmt::Write;
use core::panic::PanicInfo;

use chatapp_firmware::board::{self, Board};
use chatapp_vectors::{DOCUMENT, Finding, check};
use cortex_m_rt::entry;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    board::stop(info)
}

#[entry]
fn main() -> ! {
    let mut board = Board::take().expect("a board is started once");
    let uart = &mut board.uart;
    let (mut agree, mut all) = (0, 0);
    let mut written = writeln!(uart, "This is a ChatApp that looks at its test vectors.");
    check(DOCUMENT, |name, _, finding| {
        all += 1;
        agree += i32::from(finding == Finding::Agrees);
        written = written.and_then(|()| writeln!(uart, "{name} {finding}"));
    });
    written
        .and_then(|()| writeln!(uart, "{agree} of {all} test vectors agree"))
        .expect("writing to the serial line cannot fail");
    loop {
        board.clock.sleep_until(None);
    }
}
