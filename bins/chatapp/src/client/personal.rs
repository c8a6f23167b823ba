//! Options of the person at a client.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::attention::Bell;

/// Options for what a person notices and keeps.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PersonalOptions {
    /// When the terminal rings: for messages to you alone, those that mention you, or all
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "never",
        requires = "client",
        conflicts_with = "server"
    )]
    pub(crate) bell: Bell,

    /// At a terminal, show no line when others join or leave
    #[arg(long, requires = "client", conflicts_with = "server")]
    pub(crate) no_joins: bool,

    /// Without a terminal, too, say when stored messages of yours were delivered
    #[arg(long, requires = "client", conflicts_with = "server")]
    pub(crate) receipts: bool,

    /// Log of the messages that a client shows and sends; `.jsonl`: as JSON
    #[arg(
        long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "client",
        conflicts_with = "server"
    )]
    pub(crate) log_file: Option<PathBuf>,
}
