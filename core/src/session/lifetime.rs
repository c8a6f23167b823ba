//! How long a session lasts: nothing counts in one that is older, or has carried more datagrams.

use super::connection::Connection;
use crate::crypto::Suite;
use crate::time::Instant;

/// The greatest age of a session, in milliseconds.
const AGE_MAX_MS: u32 = 60 * 60 * 1_000;

/// Returns the most datagrams in one direction of a session: 2^20.
pub(super) fn datagrams_max(suite: Suite) -> u64 {
    16 << suite.rekey_bits()
}

/// Returns whether a session has reached its greatest age, or number of datagrams.
//= PROTOCOL.md#5.9
pub(super) fn is_over(connection: &Connection, suite: Suite, now: Instant) -> bool {
    connection.age_ms(now) >= AGE_MAX_MS || connection.keys().used() >= datagrams_max(suite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::PackedAddress;
    use crate::crypto::SessionKeys;
    use crate::session::connection::PeerParameters;

    const SUITE: Suite = Suite::Noise;

    fn open() -> Connection {
        let peer = PeerParameters {
            id: 9,
            window: 8,
            reset: [0; 16],
        };
        let mut connection = Connection::VACANT;
        connection.open(8, PackedAddress::VACANT);
        connection.opened(peer, &SessionKeys::new(&[1; 32], &[2; 32]));
        connection.begin_age(Instant::from_millis(7));
        connection
    }

    #[test]
    //= PROTOCOL.md#5.9
    fn ends_a_session_after_an_hour() {
        let connection = open();
        let hour = Instant::from_millis(7 + 3_600_000);
        assert!(is_over(&connection, SUITE, hour));
        let before = Instant::from_millis(7 + 3_599_999);
        assert!(!is_over(&connection, SUITE, before));
    }

    #[test]
    //= PROTOCOL.md#5.9
    fn ends_a_session_after_a_million_datagrams() {
        let mut connection = open();
        let now = Instant::from_millis(7);
        for _ in 0..1_u64 << 20 {
            assert!(!is_over(&connection, SUITE, now));
            connection.keys_mut().seal(SUITE, &[], &mut []);
        }
        assert!(is_over(&connection, SUITE, now));
    }
}
