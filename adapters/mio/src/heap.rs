//! The storage of clients and servers on the heap, sized from limits.

use chatapp_core::limits::TEXT_LEN_MAX;
use chatapp_core::{
    Block, ChangeSlot, ClientStorage, FlightSlot, JournalSlot, LogSlot, MailSlot, NameSlot,
    OutboxSlot, PeerSlot, ServerStorage, SourceSlot, WindowSlot,
};

/// What a client has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// Other clients in its table, and itself.
    pub peers: usize,
    /// Commands that are not settled.
    pub commands: usize,
    /// Processes that left the table, whose messages are still recognised if they come again.
    pub former_peers: usize,
}

impl Default for ClientLimits {
    /// The largest room of a server with default limits.
    fn default() -> Self {
        Self {
            peers: ServerLimits::default().names,
            commands: 1_024,
            former_peers: 1_024,
        }
    }
}

/// What a server has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Names, present and absent.
    pub names: usize,
    /// Messages kept for all absent clients together.
    pub kept_messages: usize,
    /// Entries of the channel's log.
    pub log_entries: usize,
    /// Numbered frames on the way to one client.
    pub window: u16,
    /// Records on the way to the journal.
    pub records: usize,
    /// Addresses and networks whose rates are limited each for itself at a time; more of them share.
    pub sources: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            names: 16_384,
            kept_messages: 100_000,
            log_entries: 65_536,
            window: 32,
            records: 1_024,
            sources: 4_096,
        }
    }
}

/// The storage of one [`Client`](chatapp_core::Client).
#[derive(Debug)]
pub struct ClientMemory {
    peers: Vec<PeerSlot>,
    names: Vec<u32>,
    sessions: Vec<u32>,
    outbox: Vec<OutboxSlot>,
    windows: Vec<WindowSlot>,
}

impl ClientMemory {
    /// Allocates all that a client within these limits will ever need.
    pub fn new(limits: ClientLimits) -> Self {
        let peers = limits.peers + 1;
        Self {
            peers: vec![PeerSlot::VACANT; peers],
            names: vec![0; 2 * peers],
            sessions: vec![0; 4 * peers],
            outbox: vec![OutboxSlot::VACANT; limits.commands],
            windows: vec![WindowSlot::VACANT; limits.former_peers],
        }
    }

    /// What to hand to the client.
    pub fn storage(&mut self) -> ClientStorage<'_> {
        ClientStorage {
            peers: &mut self.peers,
            names: &mut self.names,
            sessions: &mut self.sessions,
            outbox: &mut self.outbox,
            windows: &mut self.windows,
        }
    }
}

/// The storage of one [`Server`](chatapp_core::Server).
#[derive(Debug)]
pub struct ServerMemory {
    names: Vec<NameSlot>,
    name_index: Vec<u32>,
    session_index: Vec<u32>,
    sources: Vec<SourceSlot>,
    flights: Vec<FlightSlot>,
    changes: Vec<ChangeSlot>,
    mail: Vec<MailSlot>,
    /// Bytes, not blocks: a vector of zero bytes is not touched before it is used.
    mail_blocks: Vec<u8>,
    log: Vec<LogSlot>,
    log_blocks: Vec<u8>,
    journal: Vec<JournalSlot>,
}

/// Bytes in blocks for the longest text, 60 of it in each block. Blocks that are never used are never touched, so
/// that room for the worst case costs addresses, not memory.
const BYTES_PER_MESSAGE: usize = TEXT_LEN_MAX.div_ceil(60) * size_of::<Block>();

impl ServerMemory {
    /// Allocates all that a server within these limits will ever need.
    pub fn new(limits: ServerLimits) -> Self {
        let ServerLimits {
            names,
            kept_messages,
            log_entries,
            window,
            records,
            sources,
        } = limits;
        Self {
            names: vec![NameSlot::VACANT; names],
            name_index: vec![0; 2 * names],
            session_index: vec![0; 4 * names],
            sources: vec![SourceSlot::VACANT; sources],
            flights: vec![FlightSlot::VACANT; names * usize::from(window)],
            changes: vec![ChangeSlot::VACANT; 2 * names],
            mail: vec![MailSlot::VACANT; kept_messages],
            mail_blocks: vec![0; kept_messages * BYTES_PER_MESSAGE],
            log: vec![LogSlot::VACANT; log_entries],
            log_blocks: vec![0; log_entries * BYTES_PER_MESSAGE],
            journal: vec![JournalSlot::VACANT; records],
        }
    }

    /// What to hand to the server.
    pub fn storage(&mut self) -> ServerStorage<'_> {
        ServerStorage {
            names: &mut self.names,
            name_index: &mut self.name_index,
            session_index: &mut self.session_index,
            sources: &mut self.sources,
            flights: &mut self.flights,
            changes: &mut self.changes,
            mail: &mut self.mail,
            mail_blocks: self.mail_blocks.as_chunks_mut().0,
            log: &mut self.log,
            log_blocks: self.log_blocks.as_chunks_mut().0,
            journal: &mut self.journal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chatapp_core::{Client, ClientConfig, Name, Seed, Server, ServerConfig};

    #[test]
    fn the_default_and_the_least_are_enough() {
        let least = ServerLimits {
            names: 1,
            kept_messages: 1,
            log_entries: 1,
            window: 2,
            records: 1,
            sources: 1,
        };
        for limits in [ServerLimits::default(), least] {
            let mut memory = ServerMemory::new(limits);
            Server::new(ServerConfig::default(), memory.storage(), Seed([1; 32])).unwrap();
        }
        let least = ClientLimits {
            peers: 1,
            commands: 1,
            former_peers: 0,
        };
        for limits in [ClientLimits::default(), least] {
            let mut memory = ClientMemory::new(limits);
            let server = "192.0.2.1:4119".parse().unwrap();
            let config = ClientConfig::new(Name::new("alice").unwrap(), server);
            Client::new(config, memory.storage(), Seed([1; 32])).unwrap();
        }
    }
}
