//! The options about a bad network on purpose.

use chatapp_network_tools::Faults;
use clap::Args;

/// The options about faults.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Faults, in what this program sends")]
pub(crate) struct FaultOptions {
    /// Lose so many of 100 datagrams
    #[arg(
        long, value_name = "PERCENT", default_value_t = 0, hide_default_value = true,
        value_parser = clap::value_parser!(u8).range(0..=100)
    )]
    drop: u8,

    /// Send so many of 100 datagrams twice
    #[arg(
        long, value_name = "PERCENT", default_value_t = 0, hide_default_value = true,
        value_parser = clap::value_parser!(u8).range(0..=100)
    )]
    duplicate: u8,

    /// Turn over one bit in so many of 100 datagrams
    #[arg(
        long, value_name = "PERCENT", default_value_t = 0, hide_default_value = true,
        value_parser = clap::value_parser!(u8).range(0..=100)
    )]
    corrupt: u8,

    /// Delay each datagram by up to so many milliseconds, so that some overtake others
    #[arg(
        long, value_name = "MS", default_value_t = 0, hide_default_value = true,
        value_parser = clap::value_parser!(u16).range(0..=10_000)
    )]
    delay: u16,
}

impl FaultOptions {
    /// Returns the faults that were asked for.
    pub(super) fn faults(self) -> Faults {
        Faults {
            drop_percent: self.drop,
            duplicate_percent: self.duplicate,
            corrupt_percent: self.corrupt,
            delay_ms: self.delay,
        }
    }
}
