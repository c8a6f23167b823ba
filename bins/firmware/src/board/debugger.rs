//! Services of a debugger or emulator (semihosting). Without one, each call here stops the board.

use core::ffi::c_int;
use core::str;

use cortex_m_semihosting::{debug, nr, syscall};

/// Returns the command line of the program; `None` if the call fails, for example for lack of
/// space.
pub fn command_line(buffer: &mut [u8]) -> Option<&str> {
    /// Argument block of the call: a buffer, and then the length of the line, which the call
    /// changes.
    #[repr(C)]
    struct Line {
        buffer: *mut u8,
        len: usize,
    }
    let line = Line {
        buffer: buffer.as_mut_ptr(),
        len: buffer.len(),
    };
    // SAFETY: The call writes at most the given number of bytes to the buffer.
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
