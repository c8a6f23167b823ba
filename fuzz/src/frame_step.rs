//! Frames in a step: their numbers are relative to the conversation.

#[cfg(feature = "libfuzzer")]
use arbitrary::Arbitrary;
use serde::{Deserialize, Serialize};

use crate::medium::MediumKeyStep;
use crate::values::{Jump, NameStep, Rarely, Words};

/// A frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub enum FrameStep {
    /// A direct message.
    Text {
        /// Distance of the number of the message.
        counter: Jump,
        /// The text.
        text: Words,
    },
    /// A message to be stored.
    Store(StoreStep),
    /// A channel message.
    Post {
        /// Distance of the number of the request.
        request: Jump,
        /// Distance of the counter of the message.
        counter: Jump,
        /// The text.
        text: Words,
    },
    /// A client deregisters.
    Leave {
        /// Distance of the number of the request.
        request: Jump,
    },
    /// A client asks for the entry of a name.
    Lookup {
        /// Distance of the number of the query.
        query: Jump,
        /// The name.
        name: NameStep,
    },
    /// The outcome of a request of the machine.
    Result {
        /// Which request, counted backwards.
        back: Rarely<u8>,
        /// The outcome.
        outcome: u8,
    },
    /// A recipient has acknowledged messages of the machine.
    Receipt {
        /// The recipient.
        to: NameStep,
        /// Which message, counted backwards.
        back: Rarely<u8>,
    },
    /// A stored message.
    Mail(MailStep),
    /// An entry of the channel log.
    Channel {
        /// Distance of its number.
        number: Jump,
        /// The sender.
        from: Author,
        /// The text.
        text: Words,
    },
    /// Entries of the channel log were dropped.
    Skipped {
        /// Number of entries.
        count: u8,
    },
    /// A part of the roster.
    Page {
        /// Distance of its version.
        version: Jump,
        /// Whether it begins a whole roster.
        restart: bool,
        /// Whether there is no newer version.
        complete: bool,
        /// The entries.
        entries: Vec<EntryStep>,
    },
    /// The entry that was looked up.
    Found {
        /// Which query, counted backwards.
        back: Rarely<u8>,
        /// The entry.
        entry: EntryStep,
    },
    /// There is no such name.
    Missing {
        /// Which query, counted backwards.
        back: Rarely<u8>,
    },
    /// The roster does not fit.
    Partial,
    /// A client publishes its medium-term key.
    Publish {
        /// Distance of the number of the request.
        request: Jump,
        /// The key.
        key: MediumKeyStep,
        /// 0 for the usual length; otherwise one more than the bytes behind the key.
        rest: Rarely<u8>,
    },
    /// A message to be stored, encrypted for a medium-term key, too.
    StoreFor {
        /// The key that it is encrypted for.
        key: MediumKeyStep,
        /// The message.
        store: StoreStep,
    },
    /// The medium-term key of a name.
    MediumKey {
        /// The name.
        name: NameStep,
        /// The key.
        key: MediumKeyStep,
    },
    /// A stored message that was encrypted for a medium-term key, too.
    MailFor {
        /// The key that it was encrypted for.
        key: MediumKeyStep,
        /// The message.
        mail: MailStep,
    },
}

/// A message to be stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub struct StoreStep {
    /// Distance of the number of the request.
    pub request: Jump,
    /// Distance of the counter of the message.
    pub counter: Jump,
    /// The process of the recipient that was tried; 0 if none was.
    pub tried: Rarely<u8>,
    /// Whether it comes back if the recipient is online.
    pub bounce: bool,
    /// The recipient.
    pub to: NameStep,
    /// The length of the ciphertext, as a text of that length.
    pub text: Words,
}

impl StoreStep {
    /// Returns the next message to a name.
    pub(crate) fn to(number: u8) -> Self {
        Self {
            request: Jump::default(),
            counter: Jump::default(),
            tried: Rarely(0),
            bounce: false,
            to: NameStep::Of(number),
            text: Words::Short("hi".into()),
        }
    }
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub struct MailStep {
    /// Distance of its serial number.
    pub serial: Jump,
    /// The sender.
    pub from: Author,
    /// Whether the ciphertext can be decrypted.
    pub is_genuine: bool,
    /// The text.
    pub text: Words,
}

/// The sender of a message that the server delivers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub struct Author {
    /// The name.
    pub name: NameStep,
    /// Which process of the name.
    pub process: Rarely<u8>,
    /// Distance of the counter of the message.
    pub counter: Jump,
    /// Whether it was accepted before the registration.
    pub kept: bool,
    /// Distance of the owner of the key.
    pub key_of: Rarely<u8>,
}

/// An entry of the roster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub struct EntryStep {
    /// The name.
    pub name: NameStep,
    /// 0: offline, 1: online, 2: gone.
    pub status: u8,
    /// Which process has the name.
    pub process: Rarely<u8>,
    /// Distance of the owner of the key.
    pub key_of: Rarely<u8>,
    /// Distance of the owner of the address.
    pub address_of: Rarely<u8>,
}

impl EntryStep {
    /// Returns the entry of a name with its own key, address and process.
    pub(crate) fn of(number: u8, status: u8) -> Self {
        Self {
            name: NameStep::Of(number),
            status,
            process: Rarely(0),
            key_of: Rarely(0),
            address_of: Rarely(0),
        }
    }
}
