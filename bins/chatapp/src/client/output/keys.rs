//! The output about keys: first contacts, codes to compare, and ignored keys.

use chatapp_console::{Part, Visible};
use chatapp_core::{Client, PublicKey};
use serde_json::Value;

use super::Output;
use crate::client::ignoring::IgnoringError;
use crate::client::json::{Event, IgnoredKey};
use crate::client::known_keys::{KeyError, Verification};
use crate::fingerprint::Fingerprint;

impl Output<'_> {
    /// Shows a key that is pinned from now on, of a peer or the server. Scripts that read the lines
    /// of the room get no further line.
    pub(in crate::client) fn first_contact(&self, name: Option<&str>, key: PublicKey) {
        let fingerprint = Fingerprint::of(&key);
        if self.speaks_json() {
            return self.object(&Event::KeyPinned {
                name,
                key: key.to_string(),
                fingerprint: fingerprint.to_string(),
            });
        }
        if !self.look().is_stamped {
            return;
        }
        match name {
            Some(name) => {
                let name = Visible(name);
                self.words(
                    Part::Notice,
                    format_args!(
                        "[First contact with {name}, key {fingerprint}. `keys verify` compares it.]"
                    ),
                );
            }
            None => self.words(
                Part::Notice,
                format_args!("[First contact with this server, key {fingerprint}.]"),
            ),
        }
    }

    /// Shows a person that the disk does not take a key. Scripts get no further line.
    pub(in crate::client) fn disk_stalls(&self) {
        if !self.speaks_json() && self.look().is_stamped {
            let notice =
                "[The disk does not answer: a key is not stored, and messages wait for it.]";
            self.words(Part::Notice, notice);
        }
    }

    /// Shows the code to compare with a peer, or that it was compared.
    pub(in crate::client) fn verification(
        &mut self,
        name: &str,
        verification: &Verification,
        tag: Option<&Value>,
    ) {
        let code = verification.code;
        if self.speaks_json() {
            return self.object(&Event::Verification {
                name,
                code: code.to_string(),
                verified: verification.is_verified,
                tag,
            });
        }
        let name = Visible(name);
        if verification.is_verified {
            self.words(Part::Success, format_args!("[{name} is verified: {code}]"));
        } else {
            self.words(Part::Notice, format_args!("[{code}]"));
            self.words(
                Part::Notice,
                format_args!(
                    "[Compare it with {name} by voice. If {name} sees the same, type keys verified \
                     {name}.]"
                ),
            );
        }
    }

    /// Shows why there is no code for a name, or why it is not remembered.
    pub(in crate::client) fn no_verification(
        &mut self,
        name: &str,
        error: &KeyError,
        tag: Option<&Value>,
    ) {
        self.ledger.reject_line();
        if self.speaks_json() {
            return self.rejected(error.word(), error, tag);
        }
        let name = Visible(name);
        match error {
            KeyError::NoKey => self.words(
                Part::Error,
                format_args!("[No key of {name} is known: exchange a message first.]"),
            ),
            KeyError::OwnName => self.words(Part::Error, "[That is your own name.]"),
            _ => self.words(Part::Error, format_args!("[{error}]")),
        }
    }

    /// Shows that a name is ignored from now on.
    pub(in crate::client) fn ignores(&self, client: &Client<'_>, name: &str, tag: Option<&Value>) {
        if self.speaks_json() {
            return self.ignored(client, tag);
        }
        let name = Visible(name);
        self.words(
            Part::Success,
            format_args!("[You ignore {name} from now on. `unignore {name}` ends it.]"),
        );
    }

    /// Shows that a name is not ignored any more.
    pub(in crate::client) fn unignores(
        &self,
        client: &Client<'_>,
        name: &str,
        tag: Option<&Value>,
    ) {
        if self.speaks_json() {
            return self.ignored(client, tag);
        }
        let name = Visible(name);
        self.words(
            Part::Success,
            format_args!("[You do not ignore {name} any more.]"),
        );
    }

    /// Shows all ignored keys.
    pub(in crate::client) fn ignored(&self, client: &Client<'_>, tag: Option<&Value>) {
        let mut keys: Vec<_> = client.ignored().collect();
        keys.sort_unstable_by_key(|(name, _)| *name);
        if self.speaks_json() {
            let keys = keys.into_iter().map(|(name, key)| IgnoredKey {
                name,
                key: key.to_string(),
            });
            let keys = keys.collect();
            return self.object(&Event::Ignored { keys, tag });
        }
        if keys.is_empty() {
            return self.words(Part::Notice, "[You ignore nobody.]");
        }
        for (name, key) in keys {
            let (name, key) = (Visible(name), Fingerprint::of(&key));
            self.words(Part::Notice, format_args!("[You ignore {name}, key {key}]"));
        }
    }

    /// Shows why a name is not ignored, or not any more, or only for now.
    pub(in crate::client) fn not_ignored(
        &mut self,
        name: &str,
        error: &IgnoringError,
        tag: Option<&Value>,
    ) {
        self.ledger.reject_line();
        if self.speaks_json() {
            return self.rejected(error.word(), error, tag);
        }
        let name = Visible(name);
        match error {
            IgnoringError::NoKey => self.words(
                Part::Error,
                format_args!("[No key of {name} is known: the name is not in the table.]"),
            ),
            IgnoringError::OwnName => self.words(Part::Error, "[That is your own name.]"),
            IgnoringError::Full => self.words(
                Part::Error,
                format_args!("[{name} is not ignored: {error}]"),
            ),
            IgnoringError::NotIgnored => {
                self.words(Part::Error, format_args!("[You do not ignore {name}.]"));
            }
            IgnoringError::Memory(error) => self.words(
                Part::Error,
                format_args!("[For {name}, this holds until the program ends: {error}]"),
            ),
        }
    }
}
