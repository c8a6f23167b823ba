//! Storage of clients and servers on the heap, sized from limits.

use std::error::Error;
use std::fmt;

use chatapp_core::limits::{MAIL_LEN_MAX, TEXT_LEN_MAX, TEXT_WORDS_MAX};
use chatapp_core::{
    ChangeSlot, ClientStorage, ConnectionSlot, CountSlot, DedupSlot, InFlightSlot, JournalSlot,
    LogSlot, MailSlot, NameSlot, OutboxSlot, PeerSlot, PinSlot, ServerStorage, SourceSlot,
};
use zerocopy::FromZeros;

/// Capacities of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// Entries of its table, including itself.
    pub peers: usize,
    /// Commands that may be pending at a time.
    pub commands: usize,
    /// Processes that left the table and whose repeated messages are still recognised.
    pub former_peers: usize,
    /// Names whose keys can be pinned. No pin is ever evicted: further names are not trusted.
    pub pins: usize,
}

impl Default for ClientLimits {
    /// The largest room of a server with default limits.
    fn default() -> Self {
        Self {
            peers: ServerLimits::default().names,
            commands: 1_024,
            former_peers: 1_024,
            pins: 65_536,
        }
    }
}

/// Capacities of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Names, online and offline.
    pub names: usize,
    /// Stored messages for all offline clients together.
    pub kept_messages: usize,
    /// Entries of the channel log.
    pub log_entries: usize,
    /// In-flight frames to one client.
    pub window: u16,
    /// Records that wait for the journal.
    pub records: usize,
    /// Addresses and networks with a rate limit of their own at a time; further ones share.
    pub sources: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            names: 16_384,
            kept_messages: 100_000,
            log_entries: 65_536,
            window: 128,
            records: 1_024,
            sources: 4_096,
        }
    }
}

/// Error: the machine has not enough memory for the requested limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is not enough memory for these limits")
    }
}

impl Error for OutOfMemory {}

/// Allocates vacant slots in zeroed memory. The system provides a page on first use, so unused
/// capacity costs address space only.
fn vacant<T: FromZeros>(count: usize) -> Result<Vec<T>, OutOfMemory> {
    T::new_vec_zeroed(count).map_err(|_| OutOfMemory)
}

/// Storage of one [`Client`](chatapp_core::Client).
#[derive(Debug)]
pub struct ClientMemory {
    peers: Vec<PeerSlot>,
    connections: Vec<ConnectionSlot>,
    names: Vec<u32>,
    addresses: Vec<u32>,
    sessions: Vec<u32>,
    outbox: Vec<OutboxSlot>,
    dedup: Vec<DedupSlot>,
    pins: Vec<PinSlot>,
    pin_names: Vec<u32>,
}

impl ClientMemory {
    /// Allocates all memory that a client within these limits ever needs.
    ///
    /// # Errors
    /// Returns [`OutOfMemory`] if the system cannot provide it.
    pub fn new(limits: ClientLimits) -> Result<Self, OutOfMemory> {
        let peers = limits.peers + 1;
        Ok(Self {
            peers: vacant(peers)?,
            connections: vacant(peers)?,
            names: vacant(2 * peers)?,
            addresses: vacant(2 * peers)?,
            sessions: vacant(4 * peers)?,
            outbox: vec![OutboxSlot::VACANT; limits.commands],
            dedup: vacant(limits.former_peers)?,
            pins: vacant(limits.pins)?,
            pin_names: vacant(2 * limits.pins)?,
        })
    }

    /// Returns the storage for the client.
    pub fn storage(&mut self) -> ClientStorage<'_> {
        ClientStorage {
            peers: &mut self.peers,
            connections: &mut self.connections,
            names: &mut self.names,
            addresses: &mut self.addresses,
            sessions: &mut self.sessions,
            outbox: &mut self.outbox,
            dedup: &mut self.dedup,
            pins: &mut self.pins,
            pin_names: &mut self.pin_names,
        }
    }
}

/// Storage of one [`Server`](chatapp_core::Server).
#[derive(Debug)]
pub struct ServerMemory {
    names: Vec<NameSlot>,
    connections: Vec<ConnectionSlot>,
    name_index: Vec<u32>,
    name_counts: Vec<CountSlot>,
    session_index: Vec<u32>,
    sources: Vec<SourceSlot>,
    in_flight: Vec<InFlightSlot>,
    changes: Vec<ChangeSlot>,
    mail: Vec<MailSlot>,
    mail_texts: Vec<u32>,
    mail_counts: Vec<CountSlot>,
    log: Vec<LogSlot>,
    log_texts: Vec<u32>,
    journal: Vec<JournalSlot>,
}

/// Returns the words for this many texts of this length, at most the 256 MiB that the core can use.
fn text_words(texts: usize, len: usize) -> usize {
    (texts * (1 + len.div_ceil(4))).min(TEXT_WORDS_MAX)
}

impl ServerMemory {
    /// Allocates all memory that a server within these limits ever needs.
    ///
    /// # Errors
    /// Returns [`OutOfMemory`] if the system cannot provide it.
    pub fn new(limits: ServerLimits) -> Result<Self, OutOfMemory> {
        let ServerLimits {
            names,
            kept_messages,
            log_entries,
            window,
            records,
            sources,
        } = limits;
        Ok(Self {
            names: vacant(names)?,
            connections: vacant(names)?,
            name_index: vacant(2 * names)?,
            name_counts: vacant(4 * names)?,
            session_index: vacant(4 * names)?,
            sources: vacant(sources)?,
            in_flight: vacant(names * usize::from(window))?,
            changes: vacant(2 * names)?,
            mail: vacant(kept_messages)?,
            mail_texts: vacant(text_words(kept_messages, MAIL_LEN_MAX))?,
            mail_counts: vacant(2 * kept_messages)?,
            log: vacant(log_entries)?,
            log_texts: vacant(text_words(log_entries, TEXT_LEN_MAX))?,
            journal: vec![JournalSlot::VACANT; records],
        })
    }

    /// Returns the storage for the server.
    pub fn storage(&mut self) -> ServerStorage<'_> {
        ServerStorage {
            names: &mut self.names,
            connections: &mut self.connections,
            name_index: &mut self.name_index,
            name_counts: &mut self.name_counts,
            session_index: &mut self.session_index,
            sources: &mut self.sources,
            in_flight: &mut self.in_flight,
            changes: &mut self.changes,
            mail: &mut self.mail,
            mail_texts: &mut self.mail_texts,
            mail_counts: &mut self.mail_counts,
            log: &mut self.log,
            log_texts: &mut self.log_texts,
            journal: &mut self.journal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chatapp_core::{
        Client, ClientConfig, Identity, Name, Seed, Server, ServerConfig, StaticKey,
    };

    fn identity() -> Identity {
        Identity::new(StaticKey::new([1; 32]), None)
    }

    #[test]
    fn accepts_default_and_minimal_limits() {
        let least = ServerLimits {
            names: 1,
            kept_messages: 1,
            log_entries: 1,
            window: 2,
            records: 1,
            sources: 1,
        };
        for limits in [ServerLimits::default(), least] {
            let mut memory = ServerMemory::new(limits).unwrap();
            Server::new(
                ServerConfig::default(),
                memory.storage(),
                identity(),
                Seed::new(&mut [1; 32]),
            )
            .unwrap();
        }
        let least = ClientLimits {
            peers: 1,
            commands: 1,
            former_peers: 0,
            pins: 1,
        };
        for limits in [ClientLimits::default(), least] {
            let mut memory = ClientMemory::new(limits).unwrap();
            let server = "192.0.2.1:4119".parse().unwrap();
            let config = ClientConfig::new(Name::new("alice").unwrap(), server);
            Client::new(
                config,
                memory.storage(),
                identity(),
                Seed::new(&mut [1; 32]),
            )
            .unwrap();
        }
    }

    #[test]
    fn rejects_limits_beyond_the_memory() {
        let limits = ServerLimits {
            names: usize::MAX / 8,
            ..ServerLimits::default()
        };
        assert_eq!(ServerMemory::new(limits).err(), Some(OutOfMemory));
    }
}
