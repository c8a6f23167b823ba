//! The serial line UART0, as a porter's `embedded-io` port.

use core::convert::Infallible;
use core::fmt;

use embedded_io::{ErrorType, Read, ReadReady, Write};

use super::registers::Registers;

const UART0: usize = 0x4000_c000;

const DATA: usize = 0x00;
const FLAGS: usize = 0x18;
const LINE_CONTROL: usize = 0x2c;
const CONTROL: usize = 0x30;
const INTERRUPT_MASK: usize = 0x38;
const INTERRUPT_CLEAR: usize = 0x44;

/// Of [`FLAGS`]: the line is sending, nothing was received, nothing more can be sent.
const BUSY: u32 = 1 << 3;
const RECEIVED_NONE: u32 = 1 << 4;
const SENDING_FULL: u32 = 1 << 5;

/// Interrupts for received bytes: so many are there, or some are and no more come.
const RECEIVED: u32 = 1 << 4 | 1 << 6;
const ALL_INTERRUPTS: u32 = 0x7ff;

/// A serial line. Reading and writing wait for it; [`ReadReady`] does not. It has room for 16 bytes
/// each way.
#[derive(Debug)]
pub struct Uart {
    registers: Registers,
}

impl Uart {
    /// Sets the line up: 8 bits, no parity, and queues. The speed is as the emulator or the boot
    /// loader left it.
    ///
    /// # Safety
    /// Nothing else uses UART0.
    pub(super) unsafe fn new() -> Self {
        // SAFETY: The device is there, and only this driver uses it.
        let mut registers = unsafe { Registers::at(UART0) };
        registers.write(CONTROL, 0);
        registers.write(LINE_CONTROL, 0b11 << 5 | 1 << 4);
        registers.write(INTERRUPT_CLEAR, ALL_INTERRUPTS);
        registers.write(INTERRUPT_MASK, RECEIVED);
        registers.write(CONTROL, 0b11 << 8 | 1);
        Self { registers }
    }

    fn has(&self, flag: u32) -> bool {
        self.registers.read(FLAGS) & flag != 0
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        self.registers.write(INTERRUPT_CLEAR, ALL_INTERRUPTS);
        Ok(!self.has(RECEIVED_NONE))
    }
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let mut len = 0;
        for place in buffer {
            while len == 0 && self.has(RECEIVED_NONE) {}
            if self.has(RECEIVED_NONE) {
                break;
            }
            *place = self.registers.read(DATA) as u8;
            len += 1;
        }
        Ok(len)
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        for byte in bytes {
            while self.has(SENDING_FULL) {}
            self.registers.write(DATA, (*byte).into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while self.has(BUSY) {}
        Ok(())
    }
}

impl fmt::Write for Uart {
    fn write_str(&mut self, words: &str) -> fmt::Result {
        let Ok(()) = self.write_all(words.as_bytes());
        Ok(())
    }
}
