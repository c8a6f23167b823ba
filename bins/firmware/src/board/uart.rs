//! Serial line UART0 as an `embedded-io` port; a port to another board replaces it.

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

/// Bits of [`FLAGS`]: busy sending, receive queue empty, transmit queue full.
const BUSY: u32 = 1 << 3;
const RECEIVED_NONE: u32 = 1 << 4;
const SENDING_FULL: u32 = 1 << 5;

/// Interrupts for received bytes: a level of the queue, or a pause after some bytes.
const RECEIVED: u32 = 1 << 4 | 1 << 6;
const ALL_INTERRUPTS: u32 = 0x7ff;

/// Serial line with queues of 16 bytes in each direction. Reading and writing block; [`ReadReady`]
/// does not.
#[derive(Debug)]
pub struct Uart {
    registers: Registers,
}

impl Uart {
    /// Configures the line: 8 bits, no parity, with queues. Keeps the speed of the emulator or boot
    /// loader.
    ///
    /// # Safety
    /// No other code uses UART0.
    pub(super) unsafe fn new() -> Self {
        // SAFETY: The device exists, and only this driver uses it.
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
