//! No network stack of the program's own: only Linux has TAP devices for it.

use chatapp_mio::UdpTransport;
use clap::Args;

use crate::exit::Failure;

/// Memory of no network stack.
#[derive(Debug, Default)]
pub(crate) struct TapMemory(());

/// The options about a TAP device: none.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TapOptions {}

impl TapOptions {
    /// Returns no device: the network is that of the operating system.
    ///
    /// # Errors
    /// Returns none; Linux may.
    pub(crate) fn open(&self, _: u16, _: &mut TapMemory) -> Result<Option<UdpTransport>, Failure> {
        Ok(None)
    }

    /// Returns a remedy for an unreachable address: there is none.
    pub(crate) fn gateway_hint(&self) -> Option<String> {
        None
    }
}
