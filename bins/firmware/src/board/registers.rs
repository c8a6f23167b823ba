//! The registers of one device.

use core::ptr;

/// A block of memory-mapped registers of 32 bits, with the offsets of its registers.
#[derive(Debug)]
pub(super) struct Registers {
    base: usize,
}

impl Registers {
    /// Creates the register block at an address.
    ///
    /// # Safety
    /// The registers of a device begin at `base`. No other code uses them, and they have no effect
    /// on memory.
    pub(super) const unsafe fn at(base: usize) -> Self {
        Self { base }
    }

    pub(super) fn read(&self, offset: usize) -> u32 {
        // SAFETY: The caller of `at` promised that the registers exist.
        unsafe { ptr::read_volatile(ptr::with_exposed_provenance(self.base + offset)) }
    }

    pub(super) fn write(&mut self, offset: usize, value: u32) {
        // SAFETY: The caller of `at` promised that the registers exist, and have no other user.
        unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(self.base + offset), value) }
    }
}
