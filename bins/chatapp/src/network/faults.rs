//! Options for fault injection.

use chatapp_network_tools::Faults;
use clap::Args;

/// Options about faults.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Fault injection, in sent datagrams")]
pub(crate) struct FaultOptions {
    /// Drop this percentage of the datagrams
    #[arg(
        long, value_name = "PERCENT", default_value_t = 0, hide_default_value = true,
        value_parser = clap::value_parser!(u8).range(0..=100)
    )]
    drop: u8,

    /// Send this percentage of the datagrams twice
    #[arg(
        long, value_name = "PERCENT", default_value_t = 0, hide_default_value = true,
        value_parser = clap::value_parser!(u8).range(0..=100)
    )]
    duplicate: u8,

    /// Flip one bit in this percentage of the datagrams
    #[arg(
        long, value_name = "PERCENT", default_value_t = 0, hide_default_value = true,
        value_parser = clap::value_parser!(u8).range(0..=100)
    )]
    corrupt: u8,

    /// Delay each datagram by up to this many milliseconds, which also reorders them
    #[arg(
        long, value_name = "MS", default_value_t = 0, hide_default_value = true,
        value_parser = clap::value_parser!(u16).range(0..=10_000)
    )]
    delay: u16,
}

impl FaultOptions {
    /// Returns the requested faults.
    pub(super) fn faults(self) -> Faults {
        Faults {
            drop_percent: self.drop,
            duplicate_percent: self.duplicate,
            corrupt_percent: self.corrupt,
            delay_ms: self.delay,
        }
    }
}
