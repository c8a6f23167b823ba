//! The result of a datagram that the engine accepted.

use crate::wire::{Cookie, Frames, Header, Opened};

/// A decrypted datagram of a session.
pub(crate) struct Received<'d> {
    pub(crate) slot: u32,
    pub(crate) header: Header,
    pub(crate) frames: Frames<'d>,
    /// Its source is another address than that of the session.
    pub(crate) moved: bool,
    /// Its packet number is the highest so far.
    newest: bool,
}

impl<'d> Received<'d> {
    pub(super) fn new(slot: u32, opened: Opened<'d>, moved: bool) -> Self {
        Self {
            slot,
            header: opened.header,
            frames: opened.frames,
            moved,
            newest: opened.newest,
        }
    }

    /// Returns the cookie, which proves that its sender receives at its source address. An old
    /// datagram proves nothing: an attacker may have recorded it.
    //= PROTOCOL.md#5.8
    pub(super) fn proof(&self) -> Option<Cookie> {
        self.header.cookie.filter(|_| self.newest)
    }
}

/// A request for a session that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// Its source is another address than that of the session.
    WrongAddress,
    /// The owner has not confirmed the session in this slot yet.
    Unconfirmed(u32),
    /// The answer of the session in this slot is due again.
    Answered(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    //= PROTOCOL.md#5.8
    fn proves_an_address_by_the_newest_datagram_only() {
        let cookie = Cookie {
            issued_at_ms: 5,
            mac: 6,
        };
        for (cookie, newest, proof) in [
            (Some(cookie), true, Some(cookie)),
            (Some(cookie), false, None),
            (None, true, None),
        ] {
            let header = Header {
                cookie,
                ..Header::default()
            };
            let opened = Opened {
                header,
                frames: Frames::new(&[]),
                newest,
            };
            assert_eq!(Received::new(3, opened, true).proof(), proof);
        }
    }
}
