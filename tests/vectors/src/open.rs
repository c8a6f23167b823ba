//! Builds the datagrams that contain neither ciphertext nor a handshake message.

use chatapp_core::Identity;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Datagram, Refusal, VERSION};

use crate::values::{Bytes, CLIENT, COOKIE, OTHER};

/// Passes these datagrams of an identity to `take`, each with its name.
pub fn open_datagrams(identity: &Identity, take: &mut dyn FnMut(&'static str, &[u8])) {
    let key = Some(identity.public());
    let reset = Datagram::Reset {
        echo: OTHER,
        token: *b"reset, the other",
    };
    let datagrams = [
        (
            "unsupported",
            Datagram::Unsupported {
                version: VERSION,
                echo: OTHER,
            },
        ),
        ("cookie-request", Datagram::CookieRequest { id: CLIENT }),
        (
            "cookie",
            Datagram::Cookie {
                to: CLIENT,
                cookie: COOKIE,
                key,
            },
        ),
        (
            "cookie-of-a-path",
            Datagram::Cookie {
                to: CLIENT,
                cookie: COOKIE,
                key: None,
            },
        ),
        (
            "refuse",
            Datagram::Refuse {
                to: CLIENT,
                reason: Refusal::RateExceeded,
            },
        ),
        ("reset", reset),
    ];
    for (name, datagram) in datagrams {
        take(name, &emitted(identity, &datagram));
    }
}

/// Builds a datagram and reads it back.
pub(crate) fn emitted(identity: &Identity, datagram: &Datagram<'_>) -> Bytes {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(identity, &mut out);
    assert_eq!(
        Datagram::parse(identity, &out[..len]).as_ref(),
        Ok(datagram)
    );
    Bytes::from_slice(&out[..len]).expect("vectors are short")
}
