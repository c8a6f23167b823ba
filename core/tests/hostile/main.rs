//! Malicious processes and a busy machine cannot harm a client or a server. Some cases need
//! datagrams that only a test writes.

mod absence;
mod allow_lists;
mod bursts;
#[cfg(feature = "call-guard")]
mod call_limits;
mod caller;
mod calls;
mod client;
mod client_rig;
mod cookies;
mod damage;
mod delayed_acks;
mod delayed_entry_acks;
mod deltas;
mod feed;
#[cfg(feature = "ignore")]
mod ignored;
#[cfg(feature = "kept-receipts")]
mod kept_receipts;
mod lines;
#[cfg(feature = "medium-keys")]
mod medium_keys;
#[cfg(feature = "moderation")]
mod moderation;
mod moves;
mod offline;
mod people;
mod pins;
#[cfg(feature = "quotas")]
mod quotas;
mod receipts;
mod registrations;
mod restored;
mod roster;
mod server;
mod server_rig;
mod shown;
mod silence;
mod stored_messages;
mod storing;
mod strangers;
mod trust;
