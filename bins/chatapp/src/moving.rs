//! `ChatApp keys export` and `import`: one file, under a passphrase, takes a person to another
//! machine.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use chatapp_console::{Visible, without_mark};
use chatapp_store::{PersonExport, create_file, read_private_file};
use clap::Args;
use orion::{aead, kdf};
use zeroize::Zeroizing;

use crate::data::unusable;
use crate::exit::{Exit, Failure, print};
use crate::keys::random;

/// Begins the file. Another format gets another number.
const HEAD: &[u8] = b"ChatApp export 1\n";

/// Bytes of the salt behind it.
const SALT_LEN: usize = 16;

/// Cost of a guess at the passphrase, a part of the format: passes of Argon2id over this memory, in
/// one thread.
const PASSES: u32 = 3;
const MEMORY_KIB: u32 = 64 * 1_024;

/// Length of a passphrase in characters; a file can be tried at any speed.
const PASSPHRASE_MIN: usize = 10;

/// The file, and its passphrase.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExportFile {
    /// The file
    file: PathBuf,

    /// Read the passphrase from the first line of this file, and do not ask for it
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

type Passphrase = Zeroizing<String>;

impl ExportFile {
    /// Writes all names of a state folder to the file.
    pub(crate) fn export(&self, state: &Path) -> Result<Exit, Failure> {
        let person = PersonExport::collect(state).map_err(unusable)?;
        let names = listed(&person);
        if names.is_empty() {
            let message = format!("there are no names in {}", state.display());
            return Err(Failure::new(Exit::Usage, message));
        }
        let passphrase = self.passphrase(true)?;
        let random = random()?;
        let salt = &random[..SALT_LEN];
        let content = person.to_bytes().map_err(unusable)?;
        let sealed = aead::seal(&key(&passphrase, salt)?, &content).map_err(broken)?;
        let bytes = [HEAD, salt, &sealed].concat();
        let is_new = create_file(&self.file, &bytes)
            .map_err(|error| self.wrong(&format!("cannot be written: {error}")))?;
        if !is_new {
            return Err(self.wrong("exists: choose another file"));
        }
        let text = format!(
            "{} has {names}. Import it on the other machine, and run no client here any more: both \
             would replace and delete their keys.\n",
            self.file.display()
        );
        print(text.as_bytes())
    }

    /// Puts all names of the file into a state folder.
    pub(crate) fn import(&self, state: &Path) -> Result<Exit, Failure> {
        let bytes = fs::read(&self.file)
            .map_err(|error| self.wrong(&format!("cannot be read: {error}")))?;
        let rest = bytes.strip_prefix(HEAD);
        let (salt, sealed) = rest
            .and_then(|rest| rest.split_at_checked(SALT_LEN))
            .ok_or_else(|| self.wrong("was not made by `ChatApp keys export`"))?;
        let passphrase = self.passphrase(false)?;
        let content = aead::open(&key(&passphrase, salt)?, sealed)
            .map_err(|_| self.wrong("has another passphrase, or is damaged"))?;
        let content = Zeroizing::new(content);
        let person = PersonExport::from_bytes(&content).map_err(unusable)?;
        person.place(state).map_err(unusable)?;
        let text = format!("{} is here now.\n", listed(&person));
        print(text.as_bytes())
    }

    /// Asks for the passphrase, a new one twice.
    fn passphrase(&self, is_new: bool) -> Result<Passphrase, Failure> {
        let passphrase = match &self.passphrase_file {
            Some(file) => first_line(file)?,
            None => asked(is_new)?,
        };
        if is_new && passphrase.chars().count() < PASSPHRASE_MIN {
            let message = format!("the passphrase needs {PASSPHRASE_MIN} characters or more");
            return Err(Failure::new(Exit::Usage, message));
        }
        Ok(passphrase)
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::new(Exit::Usage, format!("{} {what}", self.file.display()))
    }
}

/// Returns the names of an export as a list.
fn listed(person: &PersonExport) -> String {
    let names = person.names();
    let names: Vec<_> = names.iter().map(|name| Visible(name).to_string()).collect();
    names.join(", ")
}

fn first_line(file: &Path) -> Result<Passphrase, Failure> {
    let content = read_private_file(file).map_err(unusable)?;
    let text = str::from_utf8(&content).map_err(|error| {
        let message = format!("{} cannot be read: {error}", file.display());
        Failure::new(Exit::Usage, message)
    })?;
    let line = without_mark(text).lines().next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

fn asked(twice: bool) -> Result<Passphrase, Failure> {
    if !std::io::stdin().is_terminal() {
        let message = "there is no terminal to ask for the passphrase: use --passphrase-file";
        return Err(Failure::new(Exit::Usage, message));
    }
    let ask = |prompt| {
        let typed = rpassword::prompt_password(prompt).map(Zeroizing::new);
        typed.map_err(Failure::system("cannot read the passphrase"))
    };
    let passphrase = ask("Passphrase: ")?;
    if twice && ask("The same again: ")? != passphrase {
        return Err(Failure::new(Exit::Usage, "the two are not the same"));
    }
    Ok(passphrase)
}

/// Derives the key of a file.
fn key(passphrase: &Passphrase, salt: &[u8]) -> Result<aead::SecretKey, Failure> {
    let password = kdf::Password::try_from(passphrase.as_bytes()).map_err(|_| {
        let message = "the passphrase is empty";
        Failure::new(Exit::Usage, message)
    })?;
    let salt = kdf::Salt::try_from(salt).map_err(broken)?;
    let cost = kdf::CostParams::new(PASSES, MEMORY_KIB, 1).map_err(broken)?;
    kdf::derive_key(&password, &salt, &cost, 32).map_err(broken)
}

/// Reports a failure of the cipher, of which the memory can be the only reason.
fn broken(_: orion::errors::UnknownCryptoError) -> Failure {
    Failure::new(Exit::System, "the keys cannot be encrypted")
}
