//! The client: one member of the room.
//!
//! [`Client`] is composed of parts, each in a file of its own. A part does not know the client, nor
//! parts that it does not use. The client only routes: an input goes to the part that it concerns,
//! and the result of that part to the next.

mod call_limits;
mod command;
mod config;
mod contact;
mod dedup;
mod event;
mod events;
#[cfg(feature = "ignore")]
mod ignored;
#[cfg(not(feature = "ignore"))]
#[path = "no_ignored.rs"]
mod ignored;
mod inbox;
#[cfg(feature = "kept-receipts")]
mod kept_count;
#[cfg(not(feature = "kept-receipts"))]
#[path = "no_kept_count.rs"]
mod kept_count;
mod listing;
mod machine;
#[cfg(feature = "medium-keys")]
mod medium_keys;
mod memory;
mod message_keys;
mod message_text;
mod notices;
mod outbox;
mod outbox_slot;
mod peer_key;
mod peer_slot;
mod peers;
mod pin_marks;
mod pins;
#[cfg(feature = "late-receipts")]
mod receipts;
#[cfg(not(feature = "late-receipts"))]
#[path = "receipts_at_once.rs"]
mod receipts;
mod record;
mod registration;
mod requests;
mod route;
mod send_queue;
mod server_link;
mod server_log;
mod shown_frame;
mod storage;
mod table_sync;
#[cfg(feature = "late-receipts")]
mod unwritten;

pub use command::{Command, CommandError, CommandId};
pub use config::ClientConfig;
pub use dedup::DedupSlot;
pub use event::{ClientEvent, MessageId, MessageStatus, NotShownReason, Request};
#[cfg(feature = "ignore")]
pub use ignored::{IgnoreError, IgnoredSlot};
pub use machine::Client;
#[cfg(feature = "medium-keys")]
pub use medium_keys::OwnMediumKeys;
pub use memory::ClientMemory;
pub use outbox_slot::OutboxSlot;
pub use peer_slot::PeerSlot;
pub use pins::PinSlot;
pub use receipts::Receipt;
pub use record::{ClientRecord, Shown};
pub use storage::ClientStorage;
