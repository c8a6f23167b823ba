//! The state folder of a server or client.

use std::path::{Path, PathBuf};

use chatapp_core::{Client, ClientRecord, PublicKey, ServerConfig};
use chatapp_store::{Memory, client_key_file, default_folder, server_folder};
use clap::Args;
use jiff::SpanRelativeTo;

use crate::exit::{Exit, Failure};

/// The options about what is kept on disk.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DataOptions {
    /// Folder for everything that is kept [default: your state folder, in which each server has one
    /// for its port]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Keep nothing on disk, not even the private key: the next start has another one
    #[arg(long, conflicts_with = "data_dir")]
    ephemeral: bool,
}

/// How long a server remembers who is away.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeepOptions {
    /// Expire a name and its stored messages after this time offline, such as 12h or 90d [default:
    /// 30d]
    #[arg(
        long, value_name = "TIME", value_parser = parse_seconds, requires = "server",
        conflicts_with = "client"
    )]
    keep: Option<u32>,
}

impl KeepOptions {
    pub(crate) fn seconds(self) -> u32 {
        self.keep.unwrap_or(ServerConfig::default().keep_s)
    }
}

/// Parses a duration in seconds.
pub(crate) fn parse_seconds(text: &str) -> Result<u32, String> {
    let span: Option<jiff::Span> = text.parse().ok();
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let seconds = duration.and_then(|duration| u32::try_from(duration.as_secs()).ok());
    seconds
        .filter(|seconds| *seconds != 0)
        .ok_or_else(|| format!("{text:?} is not a duration such as 30s, 12h, 90d or 2w"))
}

impl DataOptions {
    /// Returns whether the process stores nothing on disk.
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }

    /// Returns the folder of the server on this port; `None` to store nothing.
    pub(crate) fn server_folder(&self, port: u16) -> Result<Option<PathBuf>, Failure> {
        if self.ephemeral {
            return Ok(None);
        }
        if let Some(folder) = &self.data_dir {
            return Ok(Some(folder.clone()));
        }
        Ok(Some(server_folder(&state_folder(None)?, port)))
    }

    /// Returns the folder for the state of clients; `None` to store nothing.
    pub(crate) fn client_folder(&self) -> Result<Option<PathBuf>, Failure> {
        if self.ephemeral {
            return Ok(None);
        }
        state_folder(self.data_dir.as_deref()).map(Some)
    }

    /// Returns whether there is a key of this name of a client.
    pub(crate) fn has_key_of(&self, name: &str) -> bool {
        let folder = self.client_folder().ok().flatten();
        folder.is_some_and(|folder| client_key_file(&folder, name).exists())
    }

    /// Returns the argument for other commands that selects the same folder.
    pub(crate) fn as_argument(&self) -> String {
        let folder = self.data_dir.as_deref();
        folder.map_or_else(String::new, |folder| {
            format!(" --data-dir {}", folder.display())
        })
    }
}

/// Returns the given folder, or else the default state folder of the system.
pub(crate) fn state_folder(folder: Option<&Path>) -> Result<PathBuf, Failure> {
    let no_home = || {
        Failure::new(
            Exit::Usage,
            "there is no home folder: use --data-dir or --ephemeral",
        )
    };
    folder
        .map(Path::to_owned)
        .or_else(default_folder)
        .ok_or_else(no_home)
}

/// State of earlier processes of a client, and the memory that stores it for the next one.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// `None` if nothing is stored. If another process with the same name has locked the file, this
    /// process stores keys only, until the other one has ended.
    pub(crate) memory: Option<Memory>,
    /// The same state, which can be read while the disk is slow.
    pub(crate) reader: Option<Memory>,
    pub(crate) server_key: Option<PublicKey>,
    /// The server's key that the user has given, if the server was not known.
    pub(crate) given_key: Option<PublicKey>,
    /// The state folder; `None` if nothing is stored.
    pub(crate) state: Option<PathBuf>,
}

/// Restores in a client the stored state of this name at this server.
pub(crate) fn open_memory(
    state: &Path,
    server: &str,
    client: &mut Client<'_>,
) -> Result<Remembered, Failure> {
    let name = client.name().clone();
    let mut server_key = None;
    let mut take = |record: ClientRecord<'_>| {
        if let ClientRecord::ServerKey(key) = record {
            server_key = Some(key);
        }
        client.restore(record)
    };
    let (memory, left_over) = match Memory::open(state, server, name.as_str()) {
        Ok(memory) => {
            let left_over = memory.restore(take).map_err(unusable)?;
            (Some(memory), left_over)
        }
        Err(chatapp_store::Error::InUse { .. }) => {
            let memory = Memory::open_beside(state, server, name.as_str()).map_err(unusable)?;
            let restored = memory.as_ref().map(|memory| memory.restore(&mut take));
            let left_over = restored.transpose().map_err(unusable)?;
            (memory, left_over.unwrap_or(0))
        }
        Err(error) => return Err(unusable(error)),
    };
    if left_over != 0 {
        eprintln!("ChatApp: the pin store has no room for {left_over} known keys: raise --pins");
    }
    let reader = memory.as_ref().map(Memory::reader);
    Ok(Remembered {
        reader: reader.transpose().map_err(unusable)?,
        memory,
        server_key,
        given_key: None,
        state: Some(state.to_owned()),
    })
}

/// Converts an error of the store into the failure for an unusable store.
pub(crate) fn unusable(error: chatapp_store::Error) -> Failure {
    Failure::new(Exit::Usage, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_with_units() {
        for (text, seconds) in [
            ("45s", 45),
            ("12h", 43_200),
            ("90d", 7_776_000),
            ("2w", 1_209_600),
        ] {
            assert_eq!(parse_seconds(text), Ok(seconds));
        }
        for text in ["", "30", "-1d", "0s", "1y", "9999999w", "soon"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
