//! The server: its address, its key, and its cookies.

use core::net::SocketAddr;

use crate::crypto::PublicKey;
use crate::retry::RetryPolicy;
use crate::time::Instant;
use crate::wire::Cookie;

/// The state of the server's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServerKey {
    Unknown,
    /// An unauthenticated Cookie had this key.
    Claimed(PublicKey),
    /// The server has proved this key, which was not stored yet.
    Unsaved(PublicKey),
    /// The server has proved this key, to this process or an earlier one.
    Proved(PublicKey),
}

/// The search for the address of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Search {
    /// There is one address.
    Off,
    /// Several addresses were tried. None has answered.
    On,
    /// An address has answered this handshake.
    Answered,
}

/// The server as a remote endpoint.
pub(super) struct ServerLink {
    address: SocketAddr,
    search: Search,
    key: ServerKey,
    /// The cookie for the next ClientHello.
    cookie: Option<Cookie>,
    /// The cookie to return in the present session, after a change of address.
    path_cookie: Option<Cookie>,
    /// When the next request for a cookie may be sent in an open session.
    ask_at: Instant,
}

impl ServerLink {
    /// Creates the state of the server at this address.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            search: Search::Off,
            key: ServerKey::Unknown,
            cookie: None,
            path_cookie: None,
            ask_at: Instant::ZERO,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tries another address. The answer may also come from an earlier one.
    pub(super) fn try_at(&mut self, address: SocketAddr) {
        self.address = address;
        self.search = Search::On;
        self.cookie = None;
    }

    /// Returns whether to ask for a cookie in an open session: once in the time after which a
    /// silent server is given up, so that it gets few requests.
    pub(super) fn may_ask(&mut self, now: Instant, retry: RetryPolicy) -> bool {
        let may_ask = now >= self.ask_at;
        if may_ask {
            self.ask_at = now.plus_millis(retry.patience_ms());
        }
        may_ask
    }

    /// Returns whether an answer to the present handshake may come from any address. Only a host
    /// that got the request knows its 64-bit id.
    pub(super) fn is_searched(&self) -> bool {
        self.search == Search::On
    }

    /// Returns whether an address has answered the present handshake.
    pub(super) fn has_answered(&self) -> bool {
        self.search == Search::Answered
    }

    /// Records an answer to the present handshake, which ends the search.
    pub(super) fn answer_from(&mut self, address: SocketAddr) {
        self.address = address;
        self.search = Search::Answered;
    }

    /// Records that the handshake is over.
    pub(super) fn end_search(&mut self) {
        self.search = Search::Off;
    }

    /// Returns the cookie and the key for a ClientHello; `None` before the server sent them.
    pub(super) fn hello(&self) -> Option<(Cookie, PublicKey)> {
        let cookie = self.cookie?;
        match self.key {
            ServerKey::Unknown => None,
            ServerKey::Claimed(key) | ServerKey::Unsaved(key) | ServerKey::Proved(key) => {
                Some((cookie, key))
            }
        }
    }

    /// Stores a cookie and the key that comes with it. False if the server has proved another key.
    pub(super) fn take_cookie(&mut self, cookie: Cookie, key: PublicKey) -> bool {
        match self.key {
            ServerKey::Unsaved(proved) | ServerKey::Proved(proved) => {
                if proved != key {
                    return false;
                }
            }
            ServerKey::Unknown | ServerKey::Claimed(_) => self.key = ServerKey::Claimed(key),
        }
        self.cookie = Some(cookie);
        true
    }

    /// Records that the server has accepted a session, which proves its key. Returns the key if it
    /// was not proved before.
    pub(super) fn prove(&mut self) -> Option<PublicKey> {
        self.path_cookie = None;
        let ServerKey::Claimed(key) = self.key else {
            return None;
        };
        self.key = ServerKey::Unsaved(key);
        Some(key)
    }

    /// Returns the key that the server has proved: it stands for the room.
    pub(super) fn key(&self) -> Option<PublicKey> {
        match self.key {
            ServerKey::Unknown | ServerKey::Claimed(_) => None,
            ServerKey::Unsaved(key) | ServerKey::Proved(key) => Some(key),
        }
    }

    /// Returns whether the server has proved its key.
    pub(super) fn is_proved(&self) -> bool {
        self.key().is_some()
    }

    /// Discards the cookie of a silent server, unless the key was proved: an attacker may have sent
    /// it.
    pub(super) fn discard_unproved_cookie(&mut self) {
        if matches!(self.key, ServerKey::Unknown | ServerKey::Claimed(_)) {
            self.cookie = None;
        }
    }

    /// Takes the key that has to be stored, once.
    pub(super) fn take_unsaved_key(&mut self) -> Option<PublicKey> {
        let ServerKey::Unsaved(key) = self.key else {
            return None;
        };
        self.key = ServerKey::Proved(key);
        Some(key)
    }

    /// Restores the key that an earlier process stored.
    pub(super) fn restore_key(&mut self, key: PublicKey) {
        self.key = ServerKey::Proved(key);
    }

    /// Stores the cookie with which this client proves its new address.
    pub(super) fn set_path_cookie(&mut self, cookie: Cookie) {
        self.path_cookie = Some(cookie);
    }

    /// Returns whether a cookie waits for the next datagram to the server.
    pub(super) fn has_path_cookie(&self) -> bool {
        self.path_cookie.is_some()
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
    fn accepts_claims_until_a_key_is_proved() {
        let mut link = link();
        assert_eq!(link.hello(), None);
        assert!(link.take_cookie(COOKIE, OTHER));
        assert!(link.take_cookie(COOKIE, ONE));
        assert_eq!(link.hello(), Some((COOKIE, ONE)));
        link.discard_unproved_cookie();
        assert_eq!(link.hello(), None, "the cookie was not discarded");
        link.take_cookie(COOKIE, ONE);
        assert_eq!(
            link.take_unsaved_key(),
            None,
            "an unproved key was returned"
        );
        assert_eq!((link.is_proved(), link.prove()), (false, Some(ONE)));
        assert!(!link.take_cookie(COOKIE, OTHER));
        assert!(link.take_cookie(COOKIE, ONE));
        link.discard_unproved_cookie();
        assert_eq!(link.hello(), Some((COOKIE, ONE)));
        assert_eq!(link.take_unsaved_key(), Some(ONE));
        assert_eq!((link.is_proved(), link.prove()), (true, None));
        assert_eq!(link.take_unsaved_key(), None, "the key was returned twice");
    }

    #[test]
    fn asks_a_server_for_few_cookies() {
        let mut link = link();
        let asked = [0, 1, 2_999, 3_000, 5_999, 9_000].map(|ms| {
            let now = Instant::from_millis(ms);
            link.may_ask(now, RetryPolicy::DEFAULT)
        });
        assert_eq!(asked, [true, false, false, true, false, true]);
    }

    #[test]
    fn refuses_another_key_than_restored() {
        let mut link = link();
        link.restore_key(ONE);
        assert!(!link.take_cookie(COOKIE, OTHER) && link.hello().is_none());
        assert!(link.take_cookie(COOKIE, ONE));
        link.prove();
        assert_eq!(link.take_unsaved_key(), None, "a restored key was returned");
    }
}
