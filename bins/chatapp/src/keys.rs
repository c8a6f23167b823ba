//! Key options: the identity of this program, and the files that name clients.

use std::path::{Path, PathBuf};

use chatapp_core::crypto::KEY_LEN;
use chatapp_core::{Identity, PublicKey, StaticKey};
use chatapp_mio::fill_random;
use chatapp_store as store;
use clap::Args;
use zeroize::Zeroizing;

use crate::data::unusable;
use crate::exit::Failure;
use crate::secret::Secret;

/// Options about keys.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Access")]
pub(crate) struct KeyOptions {
    /// Only clients with the same key file can see that there is a room; `ChatApp keys new-room`
    /// makes it
    #[arg(long, value_name = "FILE")]
    room_key: Option<PathBuf>,

    /// The secret of the room in an invitation.
    #[arg(skip)]
    invited_to: Option<Secret>,

    /// The server's public key, as `ChatApp keys server` prints it: no other one is trusted
    #[arg(
        long, value_name = "KEY", value_parser = parse_public_key, requires = "client",
        conflicts_with = "server"
    )]
    server_key: Option<PublicKey>,

    /// Only these names may register: each line of this file is `name` or `name key`, as `ChatApp
    /// keys show` prints it
    #[arg(
        long,
        value_name = "FILE",
        requires = "server",
        conflicts_with = "client"
    )]
    allow_file: Option<PathBuf>,

    /// Keep these clients out: each line of this file is a name, `key` and a key, or `address` and
    /// an IP address
    #[arg(
        long,
        alias = "deny",
        value_name = "FILE",
        requires = "server",
        conflicts_with = "client"
    )]
    deny_file: Option<PathBuf>,
}

impl KeyOptions {
    /// Returns the identity of a client. Loads its key from the file, or creates the file. Without
    /// a file, the key exists only in this process.
    pub(crate) fn identity(&self, file: Option<&Path>) -> Result<Identity, Failure> {
        self.identity_of(file, store::private_key)
    }

    /// Returns the identity of a server with this folder, as [`identity`](Self::identity) does.
    pub(crate) fn server_identity(&self, folder: Option<&Path>) -> Result<Identity, Failure> {
        self.identity_of(folder, store::server_key)
    }

    fn identity_of(
        &self,
        place: Option<&Path>,
        load: impl FnOnce(&Path, &[u8; KEY_LEN]) -> Result<StaticKey, store::Error>,
    ) -> Result<Identity, Failure> {
        let fresh = random()?;
        let key = match place {
            Some(place) => load(place, &fresh).map_err(unusable)?,
            None => StaticKey::new(*fresh),
        };
        let room = self.room_key.as_deref().map(store::room_key).transpose();
        let invited_to = || self.invited_to.as_ref().map(Secret::key);
        Ok(Identity::new(
            key,
            room.map_err(unusable)?.or_else(invited_to),
        ))
    }

    /// Uses the secret of an invitation, unless there is a file with the key of the room.
    pub(crate) fn invite_to(&mut self, room: Option<Secret>) {
        self.invited_to = room;
    }

    /// Returns the key that the server must have.
    pub(crate) fn server_key(&self) -> Option<PublicKey> {
        self.server_key
    }

    /// Returns the file with the names that may register.
    pub(crate) fn allow_file(&self) -> Option<&Path> {
        self.allow_file.as_deref()
    }

    /// Returns the file with the clients that are kept out.
    pub(crate) fn deny_file(&self) -> Option<&Path> {
        self.deny_file.as_deref()
    }
}

pub(crate) fn parse_public_key(digits: &str) -> Result<PublicKey, String> {
    let key = store::parse_key(digits).map(PublicKey);
    key.ok_or_else(|| "a key has 64 hexadecimal digits".to_owned())
}

/// Returns 32 unpredictable bytes from the operating system.
pub(crate) fn random() -> Result<Zeroizing<[u8; 32]>, Failure> {
    let mut bytes = Zeroizing::new([0; 32]);
    fill_random(&mut bytes).map_err(Failure::system("cannot get random numbers"))?;
    Ok(bytes)
}
