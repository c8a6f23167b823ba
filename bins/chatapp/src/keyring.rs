//! The command `ChatApp keys`: shows, compares and forgets known keys, or makes a room key.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chatapp_console::Visible;
use chatapp_core::{Name, PublicKey};
use chatapp_store as store;
use clap::{Args, Subcommand};

use crate::address::unbracketed;
use crate::data::{state_folder, unusable};
use crate::exit::{Exit, Failure, print};
use crate::fingerprint::{Fingerprint, Person, SafetyCode};
use crate::keys::random;
use crate::moving::ExportFile;
use crate::spelling;

/// Actions of `ChatApp keys`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum KeyAction {
    /// Show your names with their public keys, as lines for --allow-file, and all known keys
    Show {
        /// Show only this one of your names
        #[arg(value_parser = parse_name)]
        name: Option<Name>,

        #[command(flatten)]
        place: Place,
    },
    /// Print the public key of your server, for --server-key, and its fingerprint
    Server {
        /// The server's folder [default: all servers in your state folder]
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,

        #[command(flatten)]
        place: Place,
    },
    /// Show the code that you and this name must see alike
    Verify {
        /// The name
        #[arg(value_parser = parse_name)]
        name: Name,

        /// Remember that you have compared it
        #[arg(long)]
        yes: bool,

        #[command(flatten)]
        place: Place,
    },
    /// Forget a key: the next key of that name or server is trusted
    #[command(disable_help_subcommand = true)]
    Forget {
        #[command(subcommand)]
        what: Forget,
    },
    /// Write all your names, with what is remembered under them, to a new file under a passphrase
    Export {
        #[command(flatten)]
        file: ExportFile,

        #[command(flatten)]
        place: Place,
    },
    /// Take the names of such a file over on this machine; nothing is replaced
    Import {
        #[command(flatten)]
        file: ExportFile,

        #[command(flatten)]
        place: Place,
    },
    /// Make a key for --room-key, in a new file that you alone can read
    NewRoom {
        /// The new file; an existing file is never overwritten
        file: PathBuf,
    },
}

/// Owner of the key to forget.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Forget {
    /// Forget the key of a server: its next key is trusted
    Server {
        /// Its address or host name, as you type it after -c: localhost and 127.0.0.1 are two
        #[arg(value_name = "SERVER-IP")]
        host: String,

        /// Its port
        #[arg(value_name = "SERVER-PORT")]
        port: u16,

        #[command(flatten)]
        place: Place,
    },
    /// Forget the key of another client, in all rooms
    Name {
        /// The name
        #[arg(value_parser = parse_name)]
        name: Name,

        #[command(flatten)]
        place: Place,
    },
}

/// Location of the keys.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder of --data-dir [default: your state folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Place {
    fn folder(&self) -> Result<PathBuf, Failure> {
        state_folder(self.data_dir.as_deref())
    }
}

/// Returns the title under which a server's key is stored: its address as the user typed it.
pub(crate) fn server_title(host: &str, port: u16) -> String {
    let host = unbracketed(host).to_ascii_lowercase();
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Runs `ChatApp keys`.
pub(crate) fn run(action: &KeyAction) -> Result<Exit, Failure> {
    match action {
        KeyAction::Show { name: None, place } => print(list(&place.folder()?)?.as_bytes()),
        KeyAction::Show {
            name: Some(name),
            place,
        } => print(line_of(&place.folder()?, name)?.as_bytes()),
        KeyAction::Server { folder, place } => {
            let folder = folder.clone().map_or_else(|| place.folder(), Ok)?;
            print(servers(&folder)?.as_bytes())
        }
        KeyAction::Verify { name, yes, place } => {
            print(verify(&place.folder()?, name.as_str(), *yes)?.as_bytes())
        }
        KeyAction::Forget {
            what: Forget::Server { host, port, place },
        } => {
            let title = server_title(host, *port);
            let count = store::forget_server(&place.folder()?, &title).map_err(unusable)?;
            forgot(count, &format!("of the server at {}", Visible(&title)))
        }
        KeyAction::Forget {
            what: Forget::Name { name, place },
        } => {
            let folder = place.folder()?;
            let count = spelling::try_both(name, |name| {
                let count = store::forget_peer(&folder, name.as_str())?;
                Ok((count != 0).then_some(count))
            });
            forgot(count.map_err(unusable)?.unwrap_or(0), &format!("of {name}"))
        }
        KeyAction::Export { file, place } => file.export(&place.folder()?),
        KeyAction::Import { file, place } => file.import(&place.folder()?),
        KeyAction::NewRoom { file } => {
            store::make_room_key(file, &*random()?).map_err(unusable)?;
            let text = format!(
                "Give {} to all members through a private medium; they start with --room-key.\n",
                file.display()
            );
            print(text.as_bytes())
        }
    }
}

fn forgot(count: usize, whose: &str) -> Result<Exit, Failure> {
    if count == 0 {
        let message = format!("no key {whose} is known: `ChatApp keys show` lists the known keys");
        return Err(Failure::new(Exit::Usage, message));
    }
    print(format!("The key {whose} is forgotten.\n").as_bytes())
}

/// Formats one of the user's own names as a line of an allow list.
fn line_of(state: &Path, name: &Name) -> Result<String, Failure> {
    let names = store::own_names(state).map_err(unusable)?;
    let name = spelling::known(name.as_str(), |name| {
        names.iter().any(|(own, _)| own == name)
    });
    let own = names.iter().find(|(own, _)| *own == name);
    let (_, key) = own.ok_or_else(|| {
        let message =
            format!("{name} has no key yet: the first attempt to enter a room creates it");
        Failure::new(Exit::Usage, message)
    })?;
    Ok(format!("{name} {key}\n"))
}

/// Formats the public keys of the servers in a folder.
fn servers(folder: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    for (folder, key) in store::own_servers(folder).map_err(unusable)? {
        let fingerprint = Fingerprint::of(&key);
        let folder = folder.display();
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "# the server in {folder}: {fingerprint}\n{key}");
    }
    if text.is_empty() {
        let message = format!("there is no server in {}", folder.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(text)
}

/// Formats the safety codes with a name, for each own name and room, and remembers that they were
/// compared.
fn verify(state: &Path, name: &str, is_compared: bool) -> Result<String, Failure> {
    let own_names = store::own_names(state).map_err(unusable)?;
    let mut text = String::new();
    for known in store::known_keys(state).map_err(unusable)? {
        let peer = known.peers.iter().find(|peer| peer.name == name);
        let own = own_names.iter().find(|(own, _)| *own == known.name);
        let (Some(peer), Some((own, key)), Some(server_key)) = (peer, own, known.server_key) else {
            continue;
        };
        let is_verified = if is_compared {
            store::verify_peer(state, &known, peer).map_err(unusable)?
        } else {
            peer.is_verified
        };
        let own_person = Person {
            name: own,
            key: *key,
        };
        let peer = Person {
            name,
            key: peer.key,
        };
        let code = SafetyCode::of(&server_key, own_person, peer);
        let (name, own, server) = (Visible(name), Visible(own), Visible(&known.server));
        let mark = if is_verified { VERIFIED } else { "" };
        let _ = writeln!(text, "# {own} and {name} at {server}{mark}:\n{code}");
    }
    if text.is_empty() {
        let message = format!(
            "no key of {} is known: exchange a message first",
            Visible(name)
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(text)
}

/// Mark of a key that was compared.
const VERIFIED: &str = ", verified";

fn list(state: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let names = store::own_names(state).map_err(unusable)?;
    if !names.is_empty() {
        text += "# your names:\n";
        add_names(&mut text, &names);
    }
    for (folder, key) in store::own_servers(state).map_err(unusable)? {
        let _ = writeln!(text, "# the server in {}:\n#   {key}", folder.display());
    }
    for known in store::known_keys(state).map_err(unusable)? {
        let (name, server) = (Visible(&known.name), Visible(&known.server));
        let _ = writeln!(text, "# known to {name} at {server}, the server first:");
        let _ = match known.server_key {
            Some(key) => writeln!(text, "#   {key}"),
            None => writeln!(text, "#   not known"),
        };
        for peer in &known.peers {
            let mark = if peer.is_verified { " # verified" } else { "" };
            let _ = writeln!(text, "{} {}{mark}", Visible(&peer.name), peer.key);
        }
    }
    if text.is_empty() {
        let _ = writeln!(text, "# no keys in {}", state.display());
    }
    Ok(text)
}

fn add_names(text: &mut String, names: &[(String, PublicKey)]) {
    for (name, key) in names {
        let _ = writeln!(text, "{} {key}", Visible(name));
    }
}

fn parse_name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_servers_as_they_were_typed() {
        assert_eq!(
            server_title("Chat.Example.org", 4_119),
            "chat.example.org:4119"
        );
        for host in ["::1", "[::1]"] {
            assert_eq!(server_title(host, 4_119), "[::1]:4119");
        }
    }
}
