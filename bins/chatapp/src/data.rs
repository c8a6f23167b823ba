//! Where a server or client keeps what must last, and looking into it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chatapp_core::{Client, ServerConfig};
use chatapp_store::{Memory, Report, client_folder, default_folder, server_folder};
use clap::Args;
use jiff::SpanRelativeTo;

use crate::exit::{Exit, Failure};

/// The options about what is kept on disk.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DataOptions {
    /// Keep everything in this folder [default: one in your state folder, per port or per name and server]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Keep nothing on disk: it is gone when the program ends
    #[arg(long, conflicts_with = "data_dir")]
    ephemeral: bool,
}

/// How long a server remembers who is away.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeepOptions {
    /// Forget a name, and what waits for it, when it has been away this long, such as 12h or 90d [default: 30d]
    #[arg(long, value_name = "TIME", value_parser = parse_seconds, requires = "server", conflicts_with = "client")]
    keep: Option<u32>,
}

impl KeepOptions {
    pub(crate) fn seconds(self) -> u32 {
        self.keep.unwrap_or(ServerConfig::default().keep_s)
    }
}

fn parse_seconds(text: &str) -> Result<u32, String> {
    let span: Option<jiff::Span> = text.parse().ok();
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let seconds = duration.and_then(|duration| u32::try_from(duration.as_secs()).ok());
    seconds
        .filter(|seconds| *seconds != 0)
        .ok_or_else(|| format!("{text:?} is not a time such as 30s, 12h, 90d or 2w"))
}

impl DataOptions {
    /// Whether nothing is to be kept.
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }

    /// The folder of the server on this port; `None` to keep nothing.
    pub(crate) fn server_folder(&self, port: u16) -> Result<Option<PathBuf>, Failure> {
        if self.ephemeral {
            return Ok(None);
        }
        if let Some(folder) = &self.data_dir {
            return Ok(Some(folder.clone()));
        }
        let no_home = || {
            Failure::new(
                Exit::Usage,
                "you have no home: use --data-dir or --ephemeral",
            )
        };
        let state = default_folder().ok_or_else(no_home)?;
        Ok(Some(server_folder(&state, port)))
    }

    /// The folder of the client with this name at this server; `None` to keep nothing.
    pub(crate) fn client_folder(&self, server: SocketAddr, name: &str) -> Option<PathBuf> {
        if self.ephemeral {
            return None;
        }
        let state = self.data_dir.clone().or_else(default_folder)?;
        Some(client_folder(&state, server, name))
    }
}

/// What a client remembers, if it can: one that cannot works all the same.
pub(crate) fn open_memory(folder: &Path, client: &mut Client<'_>) -> Option<Memory> {
    let opened = Memory::open(folder).and_then(|memory| {
        memory.restore(|shown| client.restore(shown))?;
        Ok(memory)
    });
    match opened {
        Ok(memory) => Some(memory),
        // Another process has the name as well, and remembers.
        Err(chatapp_store::Error::InUse { .. }) => None,
        Err(error) => {
            eprintln!("ChatApp: what was shown will not be remembered: {error}");
            None
        }
    }
}

/// A store that cannot be used is for its owner to look after.
pub(crate) fn unusable(error: chatapp_store::Error) -> Failure {
    Failure::new(Exit::Usage, error.to_string())
}

/// Prints what is in the store in a folder.
pub(crate) fn show(folder: &Path, json: bool) -> Result<Exit, Failure> {
    use std::io::Write;
    let report = Report::of(folder).map_err(unusable)?;
    let mut output = std::io::stdout().lock();
    let written = if json {
        writeln!(output, "{}", report.json())
    } else {
        write!(output, "{report}")
    };
    written.map_err(Failure::system("cannot write to standard output"))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
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
