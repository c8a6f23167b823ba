//! The use of a server's storage.

/// The use and the capacity of one storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// The number of used slots.
    pub used: u32,
    /// The number of slots.
    pub most: u32,
}

/// The use of a server's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Known names, online and offline.
    pub names: Gauge,
    /// The number of names that are online.
    pub online: u32,
    /// Stored messages, with receipts that were not acknowledged.
    pub kept_messages: Gauge,
    /// Maximum number of messages stored for one name.
    pub mail_per_name: u32,
    /// Entries in the channel log.
    pub channel_messages: Gauge,
    /// Records that wait for an answer of the store.
    pub records: Gauge,
}
