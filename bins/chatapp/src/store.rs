//! The command `ChatApp store`: shows, copies, checks and changes the store of a server.

use std::path::{Path, PathBuf};

use chatapp_console::Visible;
use chatapp_core::Name;
use chatapp_store::{self as store, Report};
use clap::{Args, Subcommand};

use crate::data::unusable;
use crate::exit::{Exit, Failure, print};
use crate::spelling;

/// Arguments of `ChatApp store`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct StoreArguments {
    /// The server's folder: that of --data-dir, or server-4119 in your state folder for port 4119
    #[arg(value_name = "DIR", required = true)]
    folder: Option<PathBuf>,

    /// Print one line of JSON
    #[arg(long)]
    json: bool,

    #[command(subcommand)]
    action: Option<StoreAction>,
}

impl StoreArguments {
    /// Returns the action that the arguments select; without a word for it, the contents are shown.
    pub(crate) fn action(&self) -> StoreAction {
        self.action.clone().unwrap_or_else(|| StoreAction::Show {
            folder: self.folder.clone().unwrap_or_default(),
            json: self.json,
        })
    }
}

/// Actions of `ChatApp store`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum StoreAction {
    /// Show names, stored messages and the size of the channel log
    Show {
        /// The server's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// Print one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy the room and its key into a new folder, also while the server runs
    Backup {
        /// The server's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// The new folder; an empty one is accepted
        to: PathBuf,
    },
    /// Put a backup in the place of a server's folder; the server must be stopped
    Restore {
        /// The folder of the backup
        backup: PathBuf,

        /// The server's folder; created if it does not exist
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// Replace a room that is there: its files are moved into a folder replaced-1 in DIR
        #[arg(long)]
        force: bool,
    },
    /// Check the room and its key, also while the server runs; change nothing
    Check {
        /// The server's folder, or that of a backup
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Remove a name and the messages that wait for it; the server must be stopped
    Forget {
        /// The server's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// The name; it is then free, also for another key
        #[arg(value_parser = parse_name)]
        name: Name,
    },
}

fn parse_name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

/// Removes a name in either spelling.
fn forget(folder: &Path, name: &Name) -> Result<u32, store::Error> {
    let forgotten = spelling::try_both(name, |name| {
        match store::forget_name(folder, name.as_str()) {
            Err(store::Error::NoName { .. }) => Ok(None),
            waited => waited.map(Some),
        }
    });
    match forgotten {
        Ok(None) => store::forget_name(folder, name.as_str()),
        Ok(Some(waited)) => Ok(waited),
        Err(error) => Err(error),
    }
}

/// Runs `ChatApp store`.
pub(crate) fn run(action: &StoreAction) -> Result<Exit, Failure> {
    let text = match action {
        StoreAction::Show { folder, json } => {
            let report = Report::of(folder).map_err(unusable)?;
            if *json {
                format!("{}\n", report.json())
            } else {
                report.to_string()
            }
        }
        StoreAction::Backup { folder, to } => {
            let report = store::backup(folder, to).map_err(unusable)?;
            format!("The backup is complete.\n{}", report.summary())
        }
        StoreAction::Restore {
            backup,
            folder,
            force,
        } => {
            let restored = store::restore_backup(backup, folder, *force).map_err(unusable)?;
            let replaced = restored.replaced.map_or_else(String::new, |replaced| {
                format!("The room that was there is in {}.\n", replaced.display())
            });
            format!(
                "The backup is restored.\n{replaced}{}",
                restored.report.summary()
            )
        }
        StoreAction::Check { folder } => {
            let report = store::check(folder).map_err(unusable)?;
            format!("The room and its key are sound.\n{}", report.summary())
        }
        StoreAction::Forget { folder, name } => {
            let waited = forget(folder, name).map_err(unusable)?;
            let name = Visible(name.as_str());
            format!("{name} is forgotten, and {waited} waiting messages with it.\n")
        }
    };
    print(text.as_bytes())
}
