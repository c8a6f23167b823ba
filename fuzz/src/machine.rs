//! The tested machine, as the participants know it.

use chatapp_core::PublicKey;

/// The tested machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) key: PublicKey,
    /// Its number among the participants.
    pub(crate) number: u8,
    /// Its incarnation, once the machine has sent it.
    pub(crate) incarnation: Option<u64>,
}

impl Machine {
    /// Returns the incarnation of a process.
    pub(crate) fn incarnation_of(&self, number: u8, process: u8) -> u64 {
        match self.incarnation {
            Some(its) if process == 0 && number == self.number => its,
            _ => 0x1000 * (u64::from(number) + 1) + u64::from(process),
        }
    }
}
