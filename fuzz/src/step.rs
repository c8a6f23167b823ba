//! The structure of an input: the steps of one run.

#[cfg(feature = "libfuzzer")]
use arbitrary::Arbitrary;
use serde::{Deserialize, Serialize};

use crate::frame_step::FrameStep;
use crate::medium::MediumHabit;
use crate::values::{Jump, NameStep, Rarely, Words};

/// The next event at the tested machine. Participants, sessions and requests have numbers. A number
/// that counts backwards starts at the latest one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub enum Step {
    /// Any bytes arrive.
    Bytes {
        /// Number of the sender.
        from: u8,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// A datagram with a valid tag, or encrypted, around any content.
    Content {
        /// Number of the sender.
        from: u8,
        /// The second byte of the datagram.
        kind: u8,
        /// Which session, or request for a session, counted backwards.
        back: u8,
        /// The plaintext behind the session id, without a tag.
        content: Vec<u8>,
    },
    /// A participant asks for a cookie.
    AskCookie {
        /// Its number.
        from: u8,
    },
    /// The server answers a request for a session with a cookie.
    GiveCookie {
        /// Which request, counted backwards.
        back: u8,
        /// The participant whose key the cookie has.
        key: Option<u8>,
    },
    /// A participant begins a handshake.
    Open(Open),
    /// A participant answers a handshake of the machine.
    Answer {
        /// Number of the participant.
        from: u8,
        /// Which handshake, counted backwards.
        back: u8,
        /// 0: the participant accepts the session; otherwise the reason of its refusal.
        refusal: Rarely<u8>,
        /// Epoch of the store and of the roster.
        epoch: u8,
        /// Frames that the participant accepts, see [`Head::window`].
        window: Rarely<u8>,
    },
    /// A datagram with well-formed frames.
    Say(Say),
    /// The frames of the latest datagram of a session are sent again in a new datagram.
    Resend {
        /// Which session, counted backwards.
        session: u8,
    },
    /// A datagram of this run arrives again, or for the first time if it was delayed.
    Repeat {
        /// The datagram, counted backwards.
        back: u8,
        /// Its fate on the path.
        fate: Fate,
    },
    /// A participant says that it does not have a session any more.
    Reset {
        /// Which session, counted backwards.
        session: u8,
        /// Bits of the token that are wrong.
        wrong: Rarely<u8>,
    },
    /// A handshake is refused without proof.
    Refuse {
        /// Which request, counted backwards.
        back: u8,
        /// Why.
        reason: u8,
    },
    /// Time passes.
    Wait {
        /// Milliseconds.
        ms: u16,
    },
    /// Time passes until the next deadline of the machine.
    Deadline,
    /// A command for a client.
    Command(CommandStep),
    /// The display of a client takes events, or does not.
    Display {
        /// Whether it takes none.
        full: bool,
    },
    /// The store of the machine answers at once, or only when it is asked to. That of a client
    /// has the secrets of its medium-term keys.
    Store {
        /// Whether it answers at once.
        at_once: bool,
    },
    /// The store of the machine answers.
    Stored {
        /// Whether it failed.
        failed: bool,
    },
    /// A client uses medium-term keys from now on.
    MediumKeys(MediumHabit),
    /// A client gets to know the time of day.
    Clock {
        /// Hours since the start of the run.
        hours: u8,
    },
    /// The process of a client ends, and the next one starts with its records.
    Restart {
        /// The secrets without an answer of the store that it has synced.
        written: u8,
    },
}

impl Step {
    /// Returns the step in which these frames arrive in a session, counted backwards.
    pub(crate) fn says(session: u8, frames: Vec<FrameStep>) -> Self {
        Self::Say(Say {
            session,
            head: Rarely::default(),
            frames,
            fate: Fate::Arrives,
        })
    }
}

/// The first message of a handshake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub struct Open {
    /// Number of the participant.
    pub from: u8,
    /// The name that it asks for, or calls from.
    pub name: NameStep,
    /// Which of its processes.
    pub process: Rarely<u8>,
    /// Session id, if not the next one.
    pub id: Rarely<u8>,
    /// Distance of the number of the session from the next one.
    pub session_sequence: Jump,
    /// Frames that are accepted, see [`Head::window`].
    pub window: Rarely<u8>,
    /// Whether the epochs and versions that were heard last are told.
    pub knows_table: bool,
    /// Entries that its table can hold.
    pub capacity: u8,
    /// Whose cookie is presented, counted from its own.
    pub cookie_of: Rarely<u8>,
}

impl Open {
    /// Returns the message of a participant that asks for its own name.
    pub(crate) fn by(from: u8) -> Self {
        Self {
            from,
            name: NameStep::Of(from),
            process: Rarely(0),
            id: Rarely(0),
            session_sequence: Jump::default(),
            window: Rarely(0),
            knows_table: false,
            capacity: 8,
            cookie_of: Rarely(0),
        }
    }
}

/// A datagram in a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub struct Say {
    /// Which session, counted backwards.
    pub session: u8,
    /// The differences from the usual header.
    pub head: Rarely<Head>,
    /// The frames, with the next numbers.
    pub frames: Vec<FrameStep>,
    /// The fate of the datagram on its path.
    pub fate: Fate,
}

/// How a header differs from the usual one, which acknowledges all that came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub struct Head {
    /// A frame is missing.
    pub nack: bool,
    /// An answer is wanted.
    pub probe: bool,
    /// A new retransmission phase begins.
    pub phase: bool,
    /// The phase that was heard is the other one.
    pub peer_phase: bool,
    /// Distance of the acknowledgement.
    pub acknowledged: Jump,
    /// 0 for 32 frames; otherwise one more than the frames.
    pub window: Rarely<u8>,
    /// Distance of the number of the first frame.
    pub first: Jump,
    /// Distance of the table version from the known one.
    pub table: Option<Jump>,
    /// Why the session ends.
    pub closed: Rarely<u8>,
    /// Whether the latest cookie is presented.
    pub cookie: bool,
}

/// The fate of a datagram on its path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Fate {
    /// It arrives.
    #[default]
    Arrives,
    /// It is kept back: a [`Step::Repeat`] may deliver it.
    Waits,
    /// It arrives from another address.
    From(u8),
    /// It arrives changed.
    Changed(u16, u8),
    /// Its end is missing.
    Cut(u16),
}

#[cfg(feature = "libfuzzer")]
impl<'a> Arbitrary<'a> for Fate {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u.int_in_range(0..=15)? {
            0 => Self::Waits,
            1 => Self::From(u.arbitrary()?),
            2 => Self::Changed(u.arbitrary()?, u.arbitrary()?),
            3 => Self::Cut(u.arbitrary()?),
            _ => Self::Arrives,
        })
    }
}

/// A command for a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "libfuzzer", derive(Arbitrary))]
pub enum CommandStep {
    /// Register under a name.
    Register(NameStep),
    /// Deregister.
    Deregister(NameStep),
    /// Send a text to a name.
    Send(NameStep, Words),
    /// Send a text to all.
    SendAll(Words),
}
