//! Services of a debugger or emulator for the board (semihosting). Without one, each call here
//! stops the board.

use core::ffi::c_int;
use core::str;

use cortex_m_semihosting::{debug, nr, syscall};

/// The words that the program was started with, as far as they fit.
pub fn command_line(buffer: &mut [u8]) -> Option<&str> {
    /// The argument of the call, which changes it: a buffer, then the length of the line in it.
    #[repr(C)]
    struct Line {
        buffer: *mut u8,
        len: usize,
    }
    let line = Line {
        buffer: buffer.as_mut_ptr(),
        len: buffer.len(),
    };
    // SAFETY: The call writes to the buffer at most as many bytes as it was told.
    let failed = unsafe { syscall(nr::GET_CMDLINE, &line) } as c_int != 0;
    // SAFETY: `line` is a local variable; the call has changed it.
    let len = unsafe { (&raw const line.len).read_volatile() };
    let words = (!failed).then(|| buffer.get(..len)).flatten()?;
    str::from_utf8(words).ok()
}

/// Ends the emulator.
pub fn exit(success: bool) {
    debug::exit(if success {
        debug::EXIT_SUCCESS
    } else {
        debug::EXIT_FAILURE
    });
}
