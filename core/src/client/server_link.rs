//! The server: its address, its key, and its cookies.

use core::net::SocketAddr;

use crate::crypto::PublicKey;
use crate::wire::Cookie;

/// What is known of the server's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServerKey {
    Unknown,
    /// A datagram without authentication said so.
    Claimed(PublicKey),
    /// The server has proved that it has the key, which is to be remembered.
    Untold(PublicKey),
    /// The server has proved it, or had for an earlier process.
    Proved(PublicKey),
}

/// The server as a remote endpoint.
pub(super) struct ServerLink {
    address: SocketAddr,
    key: ServerKey,
    /// The cookie that proves the address of this client when it asks for a session.
    cookie: Option<Cookie>,
    /// The cookie to be returned in the present session, from another address than before.
    path_cookie: Option<Cookie>,
}

impl ServerLink {
    /// Creates it for the server at this address.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            key: ServerKey::Unknown,
            cookie: None,
            path_cookie: None,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the key and the cookie that a session is asked for with; `None` before the server
    /// gave them.
    pub(super) fn hello(&self) -> Option<(Cookie, PublicKey)> {
        let cookie = self.cookie?;
        match self.key {
            ServerKey::Unknown => None,
            ServerKey::Claimed(key) | ServerKey::Untold(key) | ServerKey::Proved(key) => {
                Some((cookie, key))
            }
        }
    }

    /// Takes a cookie, and the key that comes with it. False if the server has proved another key.
    pub(super) fn take_cookie(&mut self, cookie: Cookie, key: PublicKey) -> bool {
        match self.key {
            ServerKey::Untold(proved) | ServerKey::Proved(proved) => {
                if proved != key {
                    return false;
                }
            }
            ServerKey::Unknown | ServerKey::Claimed(_) => self.key = ServerKey::Claimed(key),
        }
        self.cookie = Some(cookie);
        true
    }

    /// The server opened a session, and has proved its key by that.
    pub(super) fn prove(&mut self) {
        if let ServerKey::Claimed(key) = self.key {
            self.key = ServerKey::Untold(key);
        }
        self.path_cookie = None;
    }

    /// The server is silent. The cookie may be from another, unless the key was proved.
    pub(super) fn doubt(&mut self) {
        if matches!(self.key, ServerKey::Unknown | ServerKey::Claimed(_)) {
            self.cookie = None;
        }
    }

    /// Takes the key that is to be remembered, once.
    pub(super) fn take_untold_key(&mut self) -> Option<PublicKey> {
        let ServerKey::Untold(key) = self.key else {
            return None;
        };
        self.key = ServerKey::Proved(key);
        Some(key)
    }

    /// Takes back the key that an earlier process was to remember.
    pub(super) fn restore_key(&mut self, key: PublicKey) {
        self.key = ServerKey::Proved(key);
    }

    /// The server asks for a proof of the new address of this client.
    pub(super) fn set_path_cookie(&mut self, cookie: Cookie) {
        self.path_cookie = Some(cookie);
    }

    pub(super) fn take_path_cookie(&mut self) -> Option<Cookie> {
        self.path_cookie.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KEY_LEN;

    const ONE: PublicKey = PublicKey([1; KEY_LEN]);
    const OTHER: PublicKey = PublicKey([2; KEY_LEN]);
    const COOKIE: Cookie = Cookie {
        issued_at_ms: 1,
        mac: 2,
    };

    fn link() -> ServerLink {
        ServerLink::new("192.0.2.1:5000".parse().unwrap())
    }

    #[test]
    fn believes_claims_until_a_key_is_proved() {
        let mut link = link();
        assert_eq!(link.hello(), None);
        assert!(link.take_cookie(COOKIE, OTHER));
        assert!(link.take_cookie(COOKIE, ONE));
        assert_eq!(link.hello(), Some((COOKIE, ONE)));
        link.doubt();
        assert_eq!(link.hello(), None, "the cookie is asked for again");
        link.take_cookie(COOKIE, ONE);
        assert_eq!(link.take_untold_key(), None, "a claim is not told");
        link.prove();
        assert!(!link.take_cookie(COOKIE, OTHER));
        assert!(link.take_cookie(COOKIE, ONE));
        link.doubt();
        assert_eq!(link.hello(), Some((COOKIE, ONE)));
        assert_eq!(link.take_untold_key(), Some(ONE));
        link.prove();
        assert_eq!(link.take_untold_key(), None, "it was told");
    }

    #[test]
    fn refuses_another_key_than_restored() {
        let mut link = link();
        link.restore_key(ONE);
        assert!(!link.take_cookie(COOKIE, OTHER) && link.hello().is_none());
        assert!(link.take_cookie(COOKIE, ONE));
        link.prove();
        assert_eq!(link.take_untold_key(), None, "it is remembered");
    }
}
