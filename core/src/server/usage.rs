//! How full a server is.

/// How full something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// How much is in it.
    pub used: u32,
    /// How much fits.
    pub most: u32,
}

/// How full a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Names, present and absent.
    pub names: Gauge,
    /// Those of them that are active.
    pub online: u32,
    /// Stored messages, with the receipts that are under way.
    pub kept_messages: Gauge,
    /// Messages that are stored for one name at most.
    pub mail_per_name: u32,
    /// Entries of the channel log.
    pub channel_messages: Gauge,
    /// Records that are with the store.
    pub records: Gauge,
}
