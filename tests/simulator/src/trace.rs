//! The events of a run: counted, hashed and, if wanted, as text.

use crate::queue::Millis;

macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident => $label:literal,)*) => {
        /// The kinds of events in a world. Many runs together must have each kind at least once.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Kind { $($(#[$about])* #[doc = $label] $kind,)* }

        impl Kind {
            /// All kinds in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Returns the name of the kind in traces and coverage tables.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$kind => $label,)* }
            }
        }
    };
}

kinds! {
    Sent => "datagram sent",
    Arrived => "datagram arrived",
    Nobody => "datagram to no process",
    Lost => "datagram lost",
    Duplicated => "datagram duplicated",
    Late => "datagram delayed beyond a retry",
    Corrupted => "datagram corrupted",
    Truncated => "datagram truncated",
    CutOff => "datagram stopped by a partition",
    Overflowed => "datagram lost in a full socket",
    Recorded => "datagram replayed to its recipient",
    Redirected => "datagram replayed from an unknown address",
    Forged => "datagram forged",
    Junk => "datagram of junk",
    Changed => "datagram changed by an attacker",
    Impersonated => "handshake in another's name",
    Swapped => "key of the server swapped",
    Rekeyed => "session rekeyed",
    OneWayCut => "one-way partition",
    FullCut => "full partition",
    CutEnded => "partition ended",

    Started => "client started",
    Rival => "client started under a name in use",
    Thief => "client started under another's name",
    Exited => "client exited",
    Crashed => "client crashed",
    CrashedInTurn => "client crashed between two outputs",
    Moved => "client changed its address",
    KeyLost => "key lost",
    Stopped => "process stopped",
    Suspended => "machine suspended",
    Resumed => "process resumed",
    DisplayFull => "display full",
    DisplayStalled => "display stalled",
    DisplayDied => "display died",
    DisplayFree => "display free again",
    SocketFull => "socket full",
    SocketFree => "socket free again",
    ServerCrashed => "server crashed",
    ServerCrashedInTurn => "server crashed between two outputs",
    ServerRestored => "server restored",
    ServerForgot => "server started without memory",

    Stored => "record stored at once",
    StoredLate => "record stored late",
    NotSynced => "record lost by a crash before its sync",
    StoreFailed => "record not stored",

    Send => "command send",
    SendSelf => "command send to oneself",
    SendUnknown => "command send to an unknown name",
    SendAll => "command send_all",
    Register => "command reg",
    Deregister => "command dereg",
    Busy => "command refused: busy",
    Invalid => "command refused: invalid",
    CommandOffline => "command refused: offline",
    Repetitious => "command refused: registered already",
    NoRoomInTable => "command refused: table full",

    Registered => "event registered",
    TableUpdated => "event table updated",
    KeptMessages => "event kept messages",
    Direct => "event message",
    Channel => "event channel message",
    KeptDirect => "event kept message",
    KeptChannel => "event kept channel message",
    ChannelDropped => "event channel messages dropped",
    Posted => "event posted",
    NotPosted => "event not posted",
    SentToServer => "event sent to server",
    Exists => "event exists",
    Delivered => "event delivered",
    Saved => "event saved",
    MailboxFull => "event mailbox full",
    NotStored => "event not stored",
    NoSuchClient => "event no such client",
    NotDelivered => "event not delivered",
    ForeignKey => "event foreign key of a recipient",
    NotShown => "event message not shown",
    ServerKeyChanged => "event server key changed",
    RegisterUnanswered => "event server not responding to reg",
    DeregisterUnanswered => "event server not responding to dereg",
    PostUnanswered => "event server not responding to send_all",
    Offline => "event offline",
    Deregistered => "event deregistered",
    Refused => "event refused",
    Throttled => "event throttled",
    ServerSilent => "event server silent",
    ServerBack => "event server back",
    KeptDelivered => "event kept messages delivered",

    Arrival => "server: arrival",
    Return => "server: return",
    Departure => "server: departure",
    Refusal => "server: refusal",
    Throttling => "server: throttling",
    PinsFull => "event no room for the pin of a recipient",
    Squatted => "new name taken by an attacker",
    Muted => "event muted",
    Ordered => "operator: order",
    OrderDone => "operator: order done",
    Ignored => "command ignore",
    Unignored => "command unignore",
}

/// The trace of one run.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: u64,
    counts: Vec<u64>,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// Creates an empty trace; with `readable` it keeps lines of text.
    pub fn new(readable: bool) -> Self {
        Self {
            hash: 0xcbf2_9ce4_8422_2325,
            counts: vec![0; Kind::ALL.len()],
            lines: readable.then(Vec::new),
        }
    }

    /// Records an event, with the numbers that distinguish it from others of its kind.
    pub fn note(
        &mut self,
        at: Millis,
        kind: Kind,
        numbers: &[u64],
        detail: impl FnOnce() -> String,
    ) {
        self.counts[kind as usize] += 1;
        self.mix(at);
        self.mix(kind as u64);
        numbers.iter().for_each(|number| self.mix(*number));
        if let Some(lines) = &mut self.lines {
            lines.push(format!(
                "{:>4}.{:03} s  {}: {}",
                at / 1_000,
                at % 1_000,
                kind.label(),
                detail()
            ));
        }
    }

    /// Returns a hash of the trace; runs that differ have different hashes.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Returns the number of events of each kind.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Returns whether lines are kept.
    pub fn is_readable(&self) -> bool {
        self.lines.is_some()
    }

    /// Returns the events as lines; empty if they were not wanted.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    fn mix(&mut self, number: u64) {
        self.hash = fold(self.hash, number);
    }
}

/// Returns a hash of a datagram for the trace.
pub fn digest(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(bytes.len() as u64, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        fold(hash, u64::from_le_bytes(word))
    })
}

/// Does one step of a multiplicative hash. It is not secret, but each bit of both numbers counts.
fn fold(hash: u64, number: u64) -> u64 {
    let product =
        (u128::from(hash ^ number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_time_kind_numbers_and_order() {
        let hash = |events: &[(Millis, Kind, u64)]| {
            let mut trace = Trace::new(false);
            events
                .iter()
                .for_each(|(at, kind, number)| trace.note(*at, *kind, &[*number], String::new));
            trace.hash()
        };
        let base = [(1, Kind::Sent, 2), (3, Kind::Lost, 4)];
        assert_eq!(hash(&base), hash(&base));
        for other in [
            [(2, Kind::Sent, 2), (3, Kind::Lost, 4)],
            [(1, Kind::Lost, 2), (3, Kind::Lost, 4)],
            [(1, Kind::Sent, 3), (3, Kind::Lost, 4)],
            [(3, Kind::Lost, 4), (1, Kind::Sent, 2)],
        ] {
            assert_ne!(hash(&base), hash(&other));
        }
    }

    #[test]
    fn hashes_every_bit_and_the_length() {
        let bytes = [0_u8; 20];
        let mut seen = vec![digest(&bytes), digest(&bytes[..19])];
        for bit in 0..160 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            seen.push(digest(&changed));
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 162);
    }
}
