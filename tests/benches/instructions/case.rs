//! The counted cases, and their functions.

use std::hint::black_box;

/// Number of messages of a burst.
pub(crate) const BURST: usize = 32;

/// A counted case.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Case {
    Store,
    Acknowledgement,
    KeepAlive,
    Post,
    Lookup,
    Return,
    Text,
    TextAcknowledgement,
    Exchange,
    Burst,
    Seal,
    Open,
    ForgedStart,
    ForgedEnd,
    First,
    Second,
    Complete,
}

impl Case {
    pub(crate) const ALL: [Self; 17] = [
        Self::Store,
        Self::Acknowledgement,
        Self::KeepAlive,
        Self::Post,
        Self::Lookup,
        Self::Return,
        Self::Text,
        Self::TextAcknowledgement,
        Self::Exchange,
        Self::Burst,
        Self::Seal,
        Self::Open,
        Self::ForgedStart,
        Self::ForgedEnd,
        Self::First,
        Self::Second,
        Self::Complete,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Store => "server: a message for an offline name",
            Self::Acknowledgement => "server: an acknowledgement",
            Self::KeepAlive => "server: a keep-alive",
            Self::Post => "server: a channel message, for each recipient",
            Self::Lookup => "server: a lookup",
            Self::Return => "server: a datagram of a client that returns",
            Self::Text => "client: a direct message received",
            Self::TextAcknowledgement => "client: a direct message acknowledged",
            Self::Exchange => "both clients: a direct message and its acknowledgement",
            Self::Burst => "both clients: the same in bursts of 32, for each",
            Self::Seal => "encryption of 128 bytes",
            Self::Open => "decryption of 128 bytes",
            Self::ForgedStart => "the same, refused: the first byte of its tag differs",
            Self::ForgedEnd => "the same, refused: the last byte of its tag differs",
            Self::First => "handshake: the first message",
            Self::Second => "handshake: the first read, the second message",
            Self::Complete => "handshake: the second read",
        }
    }

    /// Returns the function whose calls contain the case.
    pub(crate) const fn function(self) -> &'static str {
        match self {
            Self::Store => "measured_store",
            Self::Acknowledgement => "measured_acknowledgement",
            Self::KeepAlive => "measured_keep_alive",
            Self::Post => "measured_post",
            Self::Lookup => "measured_lookup",
            Self::Return => "measured_return",
            Self::Text => "measured_text",
            Self::TextAcknowledgement => "measured_direct_acknowledgement",
            Self::Exchange => "measured_exchange",
            Self::Burst => "measured_burst",
            Self::Seal => "measured_seal",
            Self::Open => "measured_open",
            Self::ForgedStart => "measured_forged_start",
            Self::ForgedEnd => "measured_forged_end",
            Self::First => "measured_first",
            Self::Second => "measured_second",
            Self::Complete => "measured_complete",
        }
    }

    /// Returns the number of equal parts of one call.
    pub(crate) fn units(self, clients: usize) -> f64 {
        match self {
            Self::Post => (clients - 1) as f64,
            Self::Burst => BURST as f64,
            _ => 1.0,
        }
    }

    pub(crate) fn run(self, work: &mut dyn FnMut()) {
        match self {
            Self::Store => measured_store(work),
            Self::Acknowledgement => measured_acknowledgement(work),
            Self::KeepAlive => measured_keep_alive(work),
            Self::Post => measured_post(work),
            Self::Lookup => measured_lookup(work),
            Self::Return => measured_return(work),
            Self::Text => measured_text(work),
            Self::TextAcknowledgement => measured_direct_acknowledgement(work),
            Self::Exchange => measured_exchange(work),
            Self::Burst => measured_burst(work),
            Self::Seal => measured_seal(work),
            Self::Open => measured_open(work),
            Self::ForgedStart => measured_forged_start(work),
            Self::ForgedEnd => measured_forged_end(work),
            Self::First => measured_first(work),
            Self::Second => measured_second(work),
            Self::Complete => measured_complete(work),
        }
    }
}

/// Functions that the compiler neither inlines nor merges, because Callgrind distinguishes them by
/// name.
macro_rules! measured {
    ($($name:ident)*) => {
        $(#[inline(never)]
        fn $name(work: &mut dyn FnMut()) {
            work();
            black_box(stringify!($name));
        })*
    };
}

measured! {
    measured_store measured_acknowledgement measured_keep_alive measured_post measured_lookup
    measured_return measured_text measured_direct_acknowledgement measured_exchange measured_burst
    measured_seal measured_open measured_forged_start measured_forged_end measured_first
    measured_second measured_complete
}
