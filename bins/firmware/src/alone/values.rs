//! Values that the compiler cannot predict.
#![allow(dead_code, reason = "each image uses a part of it")]

use core::hint::black_box;
use core::net::SocketAddr;

use chatapp_core::{Identity, Instant, RoomKey, StaticKey};

/// Returns the value through a black box: the compiler must keep the code for all values.
pub(crate) fn any<T>(value: T) -> T {
    black_box(value)
}

/// Uses a value, as far as the compiler can tell.
pub(crate) fn keep<T>(value: T) {
    black_box(value);
}

/// Returns an unpredictable part of the buffer.
pub(crate) fn any_bytes(buffer: &mut [u8]) -> &mut [u8] {
    let len = any(0);
    any(buffer).get_mut(..len).unwrap_or_default()
}

/// Returns an unpredictable text.
pub(crate) fn any_text() -> &'static str {
    any("")
}

/// Returns an unpredictable time.
pub(crate) fn any_time() -> Instant {
    Instant::from_millis(any(0))
}

/// Returns any identity, in any room.
pub(crate) fn any_identity() -> Identity {
    let room = any(None::<[u8; 32]>).map(RoomKey::new);
    #[cfg(feature = "noise")]
    let key = StaticKey::new(any([0; 32]));
    #[cfg(not(feature = "noise"))]
    let key = StaticKey::transparent(any([0; 32]));
    Identity::new(key, room)
}

/// Returns an unpredictable address.
pub(crate) fn any_address() -> SocketAddr {
    any(([0; 4], 0).into())
}
