//! Values that several vectors contain, and the types that pass vectors on.

#[cfg(feature = "moderation")]
use chatapp_core::UnixSeconds;
use chatapp_core::wire::{Cookie, Header};

/// The bytes of a vector.
pub(crate) type Bytes = heapless::Vec<u8, 256>;

/// Takes vectors, each with its name.
pub(crate) type Take<'a> = &'a mut dyn FnMut(&'static str, &[u8]);

/// The session id of the recipient.
pub const OTHER: u64 = 0x1122_3344_5566_7788;
pub(crate) const BOBS: u64 = 0x1112_1314_1516_1718;
/// The session id of the initiator; that of the responder is [`OTHER`].
pub(crate) const CLIENT: u64 = 0x99aa_bbcc_ddee_ff00;
pub(crate) const INCARNATION: u64 = 0x0102_0304_0506_0708;
pub(crate) const COOKIE: Cookie = Cookie {
    issued_at_ms: 0x1_0000,
    mac: 0x5555_6666_7777_8888,
};

/// When the operator's ban in the vectors ends: a day after the other times.
#[cfg(feature = "moderation")]
pub(crate) const BAN_ENDS: UnixSeconds = UnixSeconds(1_648_236_692);

/// Returns a header without flags.
pub fn plain() -> Header {
    Header {
        acknowledged: 300,
        window: 32,
        first: 1,
        ..Header::default()
    }
}
