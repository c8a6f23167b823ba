//! The records for the next process of the same name: messages that were shown, and pinned keys.

use crate::crypto::PublicKey;

/// One fact to remember, for [`Client::restore`](crate::Client::restore) in the next process of the
/// same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientRecord<'a> {
    /// A message was shown: nothing of that process up to it is shown again.
    Shown(Shown),
    /// The key of the server, which has proved that it has it. Another one is refused from now on.
    ServerKey(PublicKey),
    /// The key of a peer that messages were exchanged with. Another one is refused from now on.
    PeerKey {
        /// The name it belongs to.
        name: &'a str,
        /// The key.
        key: PublicKey,
    },
}

/// A message that was shown. Given back to [`Client::restore`](crate::Client::restore), it keeps
/// the next process from showing it again, or anything that its sender had sent before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The sender's process: a number that follows from its incarnation and the sender's name.
    pub process: u64,
    /// It was sent to the channel.
    pub channel: bool,
    /// The sender's number of the message.
    pub counter: u32,
}
