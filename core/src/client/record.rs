//! The records for the next process of the same name: shown messages, and pinned keys.

#[cfg(feature = "medium-keys")]
use crate::crypto::MediumSecrets;
use crate::crypto::PublicKey;

/// One record to store. The next process of the same name gets it by
/// [`Client::restore`](crate::Client::restore).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientRecord<'a> {
    /// A shown message: the client does not show it again, nor earlier messages of its process.
    Shown(Shown),
    /// The key of the server, which has proved it. The client refuses another one from now on.
    ServerKey(PublicKey),
    /// The key of a peer that the client has exchanged messages with. The client refuses another
    /// one from now on.
    PeerKey {
        /// The name that the key belongs to.
        name: &'a str,
        /// The pinned key.
        key: PublicKey,
    },
    /// A key that the user ignores, and the name that it had then. No client asks for it to be
    /// stored: the caller does so when [`ignore`](crate::Client::ignore) returns.
    #[cfg(feature = "ignore")]
    Ignored {
        /// The name under which the key was ignored.
        name: &'a str,
        /// The ignored key.
        key: PublicKey,
    },
    /// The secrets of all medium-term keys of the client, in place of those before. Once they are
    /// stored, and synced, the caller calls
    /// [`handle_medium_keys_stored`](crate::Client::handle_medium_keys_stored). The next process
    /// gets them by [`use_medium_keys`](crate::Client::use_medium_keys).
    #[cfg(feature = "medium-keys")]
    MediumKeys(&'a MediumSecrets),
}

/// A message that was shown. After [`Client::restore`](crate::Client::restore), the next process
/// does not show it again, nor anything that its sender sent before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The sender's process: a hash of its incarnation and the sender's name.
    pub process: u64,
    /// Whether the message was sent to the channel.
    pub channel: bool,
    /// The sender's number of the message.
    pub counter: u32,
}
