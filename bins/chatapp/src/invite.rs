//! Invitations: one line that takes a person into a room. It has the key of the server, so that the
//! first contact need not be trusted, and the key of a closed room.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chatapp_console::Visible;
use chatapp_core::PublicKey;
use chatapp_store as store;
use clap::Args;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use zeroize::Zeroizing;

use crate::address::{parse_port, unbracketed};
use crate::config::{Config, RoomProfile};
use crate::data::{state_folder, unusable};
use crate::exit::{Exit, Failure, complain, print};
use crate::keyring::server_title;
use crate::secret::Secret;

/// The beginning of each invitation. No shell interprets a character of an invitation.
const SCHEME: &str = "chatapp:";

/// Arguments of `ChatApp invite`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct InviteOptions {
    /// The address or host name at which others reach the server
    #[arg(value_name = "SERVER-IP")]
    host: String,

    /// Its port
    #[arg(value_name = "SERVER-PORT", value_parser = parse_port)]
    port: u16,

    /// The key of a closed room; the invitation then contains it
    #[arg(long, value_name = "FILE")]
    room_key: Option<PathBuf>,

    /// Print the invitation as a QR code, too
    #[arg(long)]
    qr: bool,

    /// The folder of --data-dir [default: your state folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Arguments of `ChatApp join`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoinOptions {
    /// The line of `ChatApp invite`, @FILE with a file that contains it, or a room of the
    /// configuration file; use @FILE for a line with a room key: other users see your arguments
    invitation: String,

    /// Your name in the room, and options of a client, as after -c
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "NAME [OPTIONS]"
    )]
    words: Vec<String>,
}

/// The content of an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invitation {
    host: String,
    port: u16,
    server_key: PublicKey,
    room: Option<Secret>,
}

impl Invitation {
    /// Returns the secret of the room, if it is closed.
    pub(crate) fn into_room(self) -> Option<Secret> {
        self.room
    }

    fn line(&self) -> String {
        let (host, port, key) = (&self.host, self.port, self.server_key);
        let mut line = format!("{SCHEME}{host},{port},{key}");
        if let Some(room) = &self.room {
            line.push(',');
            for byte in room.bytes() {
                // Writing to a string cannot fail.
                let _ = write!(line, "{byte:02x}");
            }
        }
        line
    }
}

impl FromStr for Invitation {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("this is no invitation: {what}");
        let rest = line.trim().strip_prefix(SCHEME);
        let rest = rest.ok_or_else(|| wrong("it begins with chatapp:"))?;
        let mut parts = rest.split(',');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let host = next().ok_or_else(|| wrong("it has no address"))?;
        let port = next().ok_or_else(|| wrong("it has no port"))?;
        let key = next().and_then(store::parse_key);
        let server_key = key.ok_or_else(|| wrong("the key of the server has 64 digits"))?;
        let room = parts.next().map(|room| {
            let key = store::parse_key(room).map(Secret::new);
            key.ok_or_else(|| wrong("the key of the room has 64 digits"))
        });
        if parts.next().is_some() {
            return Err(wrong("it has more than four parts"));
        }
        Ok(Self {
            host: host.to_owned(),
            port: parse_port(port).map_err(|error| wrong(&error))?,
            server_key: PublicKey(server_key),
            room: room.transpose()?,
        })
    }
}

impl JoinOptions {
    /// Returns the room of the configuration file that is meant, if it is no invitation.
    ///
    /// # Errors
    /// Returns a message if there is no such room.
    pub(crate) fn room<'a>(&self, config: &'a Config) -> Result<Option<&'a RoomProfile>, String> {
        if self.invitation.starts_with(SCHEME) || self.invitation.starts_with('@') {
            return Ok(None);
        }
        config.room(&self.invitation).map(Some)
    }

    /// Reads the invitation, or that of this room.
    ///
    /// # Errors
    /// Returns the reason for which it is none, or why its file cannot be read.
    pub(crate) fn invitation(&self, room: Option<&RoomProfile>) -> Result<Invitation, String> {
        let invitation = room.map_or(&self.invitation, RoomProfile::invitation);
        let Some(file) = invitation.strip_prefix('@') else {
            return invitation.parse();
        };
        read(Path::new(file))
    }

    /// Returns the words of the client that this starts.
    ///
    /// # Errors
    /// Returns a message if there is no name.
    pub(crate) fn words(
        &self,
        invitation: &Invitation,
        room: Option<&RoomProfile>,
    ) -> Result<Vec<String>, String> {
        let (name, options) = match self.words.split_first() {
            Some((name, options)) if !name.starts_with('-') => (Some(name.as_str()), options),
            _ => (None, &self.words[..]),
        };
        let name = name.or_else(|| room?.name());
        let name = name.ok_or("your name in the room must follow")?;
        let key = invitation.server_key.to_string();
        let port = invitation.port.to_string();
        let words = ["ChatApp", "-c", name, &invitation.host, &port, "0"];
        let words = words.into_iter().chain(["--server-key", &key]);
        let words = words.map(str::to_owned);
        Ok(words.chain(options.iter().cloned()).collect())
    }
}

/// Reads an invitation from a file. With a room key, it must be for this user alone.
fn read(file: &Path) -> Result<Invitation, String> {
    let unreadable = |error: io::Error| format!("cannot read {}: {error}", file.display());
    let mut opened = File::open(file).map_err(unreadable)?;
    let mut text = Zeroizing::new(String::new());
    opened.read_to_string(&mut text).map_err(unreadable)?;
    let invitation: Invitation = text.parse()?;
    if invitation.room.is_some() {
        store::check_private(&opened, file).map_err(|error| error.to_string())?;
    }
    Ok(invitation)
}

/// Runs `ChatApp invite`.
///
/// # Errors
/// Returns a failure if no key of the server is known, or the room key cannot be read.
pub(crate) fn run(options: &InviteOptions) -> Result<Exit, Failure> {
    let state = state_folder(options.data_dir.as_deref())?;
    let (host, port) = (unbracketed(&options.host), options.port);
    let room = options.room_key.as_deref().map(store::room_secret);
    let invitation = Invitation {
        host: host.to_owned(),
        port,
        server_key: server_key(&state, host, port)?,
        room: room
            .transpose()
            .map_err(unusable)?
            .map(|key| Secret::new(*key)),
    };
    if invitation.room.is_some() {
        let warning = "ChatApp: this line contains the room key: give it to members only, through \
                       a private medium\n";
        complain(io::stderr(), warning.to_owned());
    }
    let line = invitation.line();
    let mut text = format!("{line}\n");
    if options.qr {
        let code = QrCode::new(line.as_bytes());
        let code = code.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        text.push_str(&code.render::<Dense1x2>().build());
        text.push('\n');
    }
    print(text.as_bytes())
}

/// Returns the key of the server: that which a client on this machine knows for this host, or that
/// of the server on this machine.
fn server_key(state: &Path, host: &str, port: u16) -> Result<PublicKey, Failure> {
    let title = server_title(host, port);
    let known = store::known_keys(state).map_err(unusable)?;
    let known = known.iter().filter(|known| known.server == title);
    if let Some(key) = known.filter_map(|known| known.server_key).next() {
        return Ok(key);
    }
    let own = store::own_servers(state).map_err(unusable)?;
    let on_port = store::server_folder(state, port);
    let own = own.into_iter();
    let mut own = own.filter(|(folder, _)| *folder == on_port || folder == state);
    let (folder, key) = own.next().ok_or_else(|| {
        let message = format!(
            "no key of the server at {} is known: enter the room first, or run this on the \
             machine of the server, with its --data-dir",
            Visible(&title)
        );
        Failure::new(Exit::Usage, message)
    })?;
    let notice = format!(
        "ChatApp: the key is that of the server in {}\n",
        folder.display()
    );
    complain(io::stderr(), notice);
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation(room: Option<[u8; 32]>) -> Invitation {
        Invitation {
            host: "fe80::1%eth0".into(),
            port: 4_119,
            server_key: PublicKey([0xab; 32]),
            room: room.map(Secret::new),
        }
    }

    #[test]
    fn reads_what_it_writes() {
        for room in [None, Some([7; 32])] {
            let invitation = invitation(room);
            let line = invitation.line();
            assert!(line.starts_with("chatapp:fe80::1%eth0,4119,abab"));
            assert_eq!(line.parse(), Ok(invitation));
        }
        let line = format!(" {}\r\n", invitation(None).line());
        assert_eq!(line.parse(), Ok(invitation(None)));
    }

    #[test]
    fn reports_the_mistake_in_an_invitation() {
        let key = "ab".repeat(32);
        for (line, words) in [
            (String::new(), "begins with chatapp:"),
            ("chatapp:".into(), "no address"),
            ("chatapp:host".into(), "no port"),
            (format!("chatapp:host,80,{key}"), "not a port"),
            ("chatapp:host,4119,ab".into(), "the server has 64 digits"),
            (format!("chatapp:host,4119,{key},"), "the room has 64"),
            (
                format!("chatapp:host,4119,{key},{key},{key}"),
                "more than four",
            ),
        ] {
            let error = line.parse::<Invitation>().unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
