//! The server: names, the table, the channel log, and messages that it stores for offline
//! recipients.
//!
//! Each file holds one part: a type with private state that does not know the server. `machine.rs`
//! composes the parts, and the files in `machine/` route between them.

mod absence;
mod admission;
mod challenge;
mod channel_cursor;
mod channel_log;
mod claim;
mod config;
mod delivery;
#[cfg(feature = "moderation")]
mod deny_list;
mod event;
mod event_queue;
mod feed;
mod holdings;
mod in_flight;
mod journal;
mod listing;
mod liveness;
mod machine;
mod mail_quota;
mod mailboxes;
mod membership;
mod memory;
mod name_list;
mod name_quota;
mod name_slot;
mod origin;
mod process;
#[cfg(feature = "medium-keys")]
mod published;
#[cfg(not(feature = "medium-keys"))]
#[path = "no_published.rs"]
mod published;
mod quotas;
mod record;
mod restart_notices;
mod restriction;
#[cfg(not(feature = "moderation"))]
#[path = "no_restrictions.rs"]
mod restrictions;
#[cfg(feature = "moderation")]
mod restrictions;
mod results;
mod roster;
mod send_queue;
mod share;
mod storage;
mod table;
mod usage;

pub use admission::AllowEntry;
pub use channel_log::LogSlot;
pub use config::ServerConfig;
#[cfg(feature = "moderation")]
pub use deny_list::DenyEntry;
pub use event::{Departure, ServerEvent};
pub use in_flight::InFlightSlot;
pub use journal::JournalSlot;
pub use machine::Server;
pub use mailboxes::MailSlot;
pub use memory::ServerMemory;
pub use name_slot::NameSlot;
pub use quotas::{RateLimits, SourceSlot};
pub use record::{NameRecord, Persist, Record, RestoreError, StoreFailed, Ticket};
pub use restriction::{OrderError, OrderId, Restriction, RestrictionKind, Subject};
#[cfg(feature = "moderation")]
pub use restrictions::RestrictionSlot;
pub use storage::ServerStorage;
pub use table::ChangeSlot;
pub use usage::{Gauge, Usage};
