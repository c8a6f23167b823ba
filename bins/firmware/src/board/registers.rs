//! The registers of one device.

use core::ptr;

/// A block of memory-mapped registers of 32 bits, with the offsets of its registers.
#[derive(Debug)]
pub(super) struct Registers {
    base: usize,
}

impl Registers {
    /// # Safety
    /// From `base` on there are the registers of a device that nobody else uses, and whose
    /// registers have no effect on memory.
    pub(super) const unsafe fn at(base: usize) -> Self {
        Self { base }
    }

    pub(super) fn read(&self, offset: usize) -> u32 {
        // SAFETY: `at` was promised that the registers are there.
        unsafe { ptr::read_volatile(ptr::with_exposed_provenance(self.base + offset)) }
    }

    pub(super) fn write(&mut self, offset: usize, value: u32) {
        // SAFETY: `at` was promised that the registers exist, and have no other user.
        unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(self.base + offset), value) }
    }
}
