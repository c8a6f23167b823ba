//! The names of commands in JSON.

use chatapp_core::Command;
use serde::{Deserialize, Serialize};

use super::ledger::Kind;

/// Name of a command in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    Send,
    SendAll,
    Reg,
    Dereg,
    Table,
    Help,
    Quit,
    Verify,
    Verified,
    Ignore,
    Unignore,
    Ignored,
}

impl Word {
    pub(super) fn of(command: Command<'_>) -> Self {
        match command {
            Command::Send { .. } => Self::Send,
            Command::SendAll { .. } => Self::SendAll,
            Command::Register { .. } => Self::Reg,
            Command::Deregister { .. } => Self::Dereg,
        }
    }

    /// Returns whether an object with this command may have the field `name`.
    pub(super) fn may_have_name(self) -> bool {
        match self {
            Self::Reg | Self::Dereg => true,
            Self::Verify | Self::Verified | Self::Ignore | Self::Unignore => true,
            Self::Send | Self::SendAll | Self::Table | Self::Help | Self::Quit => false,
            Self::Ignored => false,
        }
    }

    pub(super) fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Send => Self::Send,
            Kind::SendAll => Self::SendAll,
            Kind::Register => Self::Reg,
            Kind::Deregister => Self::Dereg,
        }
    }
}
