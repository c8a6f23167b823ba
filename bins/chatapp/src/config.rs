//! The configuration file: options of clients and servers, and rooms by their names.
//!
//! Options have the names that they have on the command line, which comes before the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use etcetera::BaseStrategy as _;
use serde::Deserialize;
use toml::Value;

use crate::exit::{Exit, Failure, print};
use crate::platform::files::is_public;

/// Selects another file than the default one; none if it is empty.
const VARIABLE: &str = "CHATAPP_CONFIG";

/// Options by their long names.
pub(crate) type Table = BTreeMap<String, Value>;

/// The content of the file; empty if there is none.
#[derive(Debug, Default)]
pub(crate) struct Config {
    file: Option<PathBuf>,
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default)]
    client: Table,
    #[serde(default)]
    server: Table,
    #[serde(default)]
    room: BTreeMap<String, RoomProfile>,
}

/// A room that `ChatApp join` knows by a name.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RoomProfile {
    /// The line of `ChatApp invite`, or `@` and a file that contains it.
    invitation: String,
    /// The name to enter under.
    name: Option<String>,
    #[serde(flatten)]
    options: Table,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// Returns a message if the file cannot be read or understood, or if others can read its keys.
    pub(crate) fn read() -> Result<Self, String> {
        let chosen = env::var_os(VARIABLE).map(PathBuf::from);
        let may_be_absent = chosen.is_none();
        let Some(file) = chosen.or_else(default_file).filter(|file| *file != *"") else {
            return Ok(Self::default());
        };
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(_) if may_be_absent && is_absent(&file) => String::new(),
            Err(error) => return Err(format!("cannot read {}: {error}", file.display())),
        };
        let content = parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        if content.room.values().any(RoomProfile::has_room_key) && is_public(&file) {
            let path = file.display();
            return Err(format!(
                "others can read the room key in {path}: type `chmod 600 {path}`"
            ));
        }
        Ok(Self {
            file: Some(file),
            content,
        })
    }

    /// Returns the options of clients.
    pub(crate) fn client(&self) -> &Table {
        &self.content.client
    }

    /// Returns the options of servers.
    pub(crate) fn server(&self) -> &Table {
        &self.content.server
    }

    /// Returns the room with this name.
    ///
    /// # Errors
    /// Returns a message that names the known rooms.
    pub(crate) fn room(&self, name: &str) -> Result<&RoomProfile, String> {
        self.content.room.get(name).ok_or_else(|| {
            let rooms: Vec<_> = self.content.room.keys().map(String::as_str).collect();
            match (rooms.is_empty(), &self.file) {
                (true, _) => {
                    format!("`{name}` is no invitation, which begins with chatapp:")
                }
                (false, None) => format!("there is no room `{name}`"),
                (false, Some(file)) => format!(
                    "there is no room `{name}` in {}, but {}",
                    file.display(),
                    rooms.join(", ")
                ),
            }
        })
    }

    /// Returns the words for the options of a table that are not `given` on the command line.
    ///
    /// # Errors
    /// Returns a message about a value that no option can have.
    pub(crate) fn words(
        &self,
        table: &Table,
        given: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, String> {
        let options = table.iter().filter(|(option, _)| !given(option));
        let words = options.map(|(option, value)| words_of(option, value));
        let words: Result<Vec<_>, _> = words.collect();
        words
            .map(|words| words.concat())
            .map_err(|error| self.blame(&error))
    }

    /// Returns a message about the file.
    pub(crate) fn blame(&self, message: &str) -> String {
        match &self.file {
            Some(file) => format!("{}: {message}", file.display()),
            None => message.to_owned(),
        }
    }

    /// Returns the file and its content, as words of the command line.
    fn summary(&self) -> Result<String, String> {
        let Some(file) = &self.file else {
            return Ok(format!("# no file: {VARIABLE} is empty\n"));
        };
        let missing = if file.exists() { "" } else { " (not there)" };
        let mut text = format!("# {}{missing}\n", file.display());
        let tables = [("client", self.client()), ("server", self.server())];
        for (title, table) in tables.into_iter().filter(|(_, table)| !table.is_empty()) {
            let words = self.words(table, |_| false)?;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{title}: {}", words.join(" "));
        }
        for (title, room) in &self.content.room {
            let mut words = vec![room.shown_invitation()];
            words.extend(room.name.clone());
            words.extend(self.words(&room.options, |_| false)?);
            let _ = writeln!(text, "join {title}: {}", words.join(" "));
        }
        Ok(text)
    }
}

impl RoomProfile {
    /// Returns the invitation, or `@` and a file that contains it.
    pub(crate) fn invitation(&self) -> &String {
        &self.invitation
    }

    /// Returns the name to enter under, if it is given.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the options of a client in this room.
    pub(crate) fn options(&self) -> &Table {
        &self.options
    }

    /// Returns the place of the room key in the invitation, if that has one.
    fn room_key_at(&self) -> Option<usize> {
        let commas = self.invitation.match_indices(',');
        commas.map(|(at, _)| at).nth(2)
    }

    fn has_room_key(&self) -> bool {
        self.room_key_at().is_some()
    }

    /// Returns the invitation without the room key.
    fn shown_invitation(&self) -> String {
        match self.room_key_at().and_then(|at| self.invitation.get(..at)) {
            Some(public) => format!("{public},(room key)"),
            None => self.invitation.clone(),
        }
    }
}

/// Runs `ChatApp config`.
///
/// # Errors
/// Returns a failure if the file cannot be read or understood.
pub(crate) fn run() -> Result<Exit, Failure> {
    let usage = |message| Failure::new(Exit::Usage, message);
    let config = Config::read().map_err(usage)?;
    print(config.summary().map_err(usage)?.as_bytes())
}

/// Returns whether there is no such file. A folder that cannot be entered is that of another user,
/// such as the one who started this service.
fn is_absent(file: &Path) -> bool {
    file.symlink_metadata().is_err()
}

fn default_file() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.config_dir().join("chatapp").join("config.toml"))
}

fn parse(text: &str) -> Result<Content, String> {
    toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
}

/// Returns the words of an option.
fn words_of(option: &str, value: &Value) -> Result<Vec<String>, String> {
    let with = |text: &dyn std::fmt::Display| Ok(vec![format!("--{option}={text}")]);
    match value {
        Value::Boolean(true) => Ok(vec![format!("--{option}")]),
        Value::Boolean(false) => Ok(Vec::new()),
        Value::String(text) => with(text),
        Value::Integer(number) => with(number),
        Value::Array(values) => {
            let words = values.iter().map(|value| words_of(option, value));
            let words: Result<Vec<_>, _> = words.collect();
            words.map(|words| words.concat())
        }
        _ => Err(format!(
            "`{option}` is text, a whole number, true, false, or a list of these"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config {
            file: Some("config.toml".into()),
            content: parse(text).unwrap(),
        }
    }

    #[test]
    fn returns_options_as_words() {
        let config = config(
            "[client]\nbell = 'all'\nno-history = true\njson = false\npeers = 8\n\
            exec = ['table', 'quit']\n",
        );
        let words = config.words(config.client(), |option| option == "bell");
        let expected = ["--exec=table", "--exec=quit", "--no-history", "--peers=8"];
        assert_eq!(words.unwrap(), expected);
        assert!(config.server().is_empty());
    }

    #[test]
    fn reports_mistakes_with_the_file() {
        let wrong = config("[server]\nkeep = 1.5\n");
        let error = wrong.words(wrong.server(), |_| false).unwrap_err();
        assert!(error.starts_with("config.toml: `keep` is text"), "{error}");
        for text in [
            "[clients]\n",
            "bell = 1\n",
            "[client\n",
            "[room.home]\nname = 'a'\n",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let rooms = config("[room.home]\ninvitation = 'chatapp:h,1,k'\n");
        let error = rooms.room("work").unwrap_err();
        assert!(error.ends_with("in config.toml, but home"), "{error}");
    }

    #[test]
    fn shows_no_room_key() {
        let config = config(
            "[room.home]\ninvitation = 'chatapp:h,1,server,secret'\nname = 'al'\nbell = 'all'\n",
        );
        let summary = config.summary().unwrap();
        let line = "join home: chatapp:h,1,server,(room key) al --bell=all\n";
        assert!(summary.ends_with(line), "{summary}");
        assert!(config.room("home").unwrap().has_room_key());
    }
}
