//! Formats events of a server as lines of its log.

use core::fmt;

use chatapp_core::ServerEvent;
use chatapp_core::wire::VERSION;

use crate::address::Address;

/// Line of the server's log. Valid names contain no control characters.
#[derive(Clone, Copy, Debug)]
pub struct LogLine<'a>(pub ServerEvent<'a>);

impl fmt::Display for LogLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ServerEvent::Registered {
                name,
                address,
                returning: false,
            } => {
                write!(f, "{name} registered from {}", Address(address))
            }
            ServerEvent::Registered {
                name,
                address,
                returning: true,
            } => {
                write!(f, "{name} returned from {}", Address(address))
            }
            ServerEvent::Departed { name, reason } => write!(f, "{name} departed: {reason}"),
            ServerEvent::Refused {
                name,
                address,
                reason,
            } => {
                write!(f, "refused {name} from {}: {reason}", Address(address))
            }
            ServerEvent::Forgotten { name } => {
                write!(f, "{name} was offline and has expired")
            }
            ServerEvent::ForeignVersion { address, version } => {
                write!(
                    f,
                    "{} has protocol version {version}, this server has version {VERSION}",
                    Address(address)
                )
            }
            ServerEvent::Throttled { name } => {
                write!(f, "{name} exceeds the rate of its address, and has to wait")
            }
            ServerEvent::StoreFailed => f.write_str("the store failed, nothing is saved"),
            ServerEvent::StoreRecovered => f.write_str("the store works again"),
            ServerEvent::EventsLost { count } => write!(f, "{count} lines of the log were lost"),
            _ => f.write_str("an unknown event happened"),
        }
    }
}
