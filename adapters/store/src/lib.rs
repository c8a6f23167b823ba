//! Stores the state of ChatApp servers and clients in SQLite files, which `sqlite3` can read, and
//! their private keys in key files.
//!
//! - [`Store`]: one folder with the file `room.db`, used by one server at a time.
//! - [`StoreJournal`]: stores the server's records beside its event loop, one transaction for all
//!   that wait.
//! - [`Memory`]: stored state of a client. It has the known keys of servers and peers, and the
//!   identities of shown messages, which the next process does not repeat.
//! - [`private_key`]: the key that identifies a client or server.
//! - [`PersonExport`]: keys and stored state of a client, for another machine.
//! - [`Report`]: the content of a store, for people and for scripts.
//! - [`backup`], [`restore_backup`], [`check`]: copies of a room with its key, while a server runs.
//!
//! A record is reported as stored when it is on the disk: the write-ahead log is synced with every
//! transaction. If a record cannot be stored, its whole transaction is reported as failed. The next
//! transaction is tried anyway, so the store recovers when the disk does.
//!
//! ```no_run
//! use chatapp_core::{Identity, Journal, Server, ServerConfig};
//! use chatapp_mio::{Driver, ServerLimits, ServerMemory, Socket, fill_random, seed};
//! use chatapp_store::{Options, Store, server_key};
//!
//! let mut driver = Driver::new(Socket::bind(None, 4_119)?)?;
//! let mut memory = ServerMemory::new(ServerLimits::default())?;
//! let folder = "/var/lib/chatapp".as_ref();
//! let mut random = [0; 32];
//! fill_random(&mut random)?;
//! let key = server_key(folder, &random)?;
//! let identity = Identity::new(key, None);
//! let (config, seed) = (ServerConfig::default(), seed(&mut random)?);
//! let mut server = Server::new(config, memory.storage(), identity, seed)?;
//! let mut store = Store::open(folder, &Options::default())?;
//! store.restore(driver.wall(), |record| server.restore(record))?;
//! let waker = driver.waker();
//! let mut journal = store.into_journal(move || waker.wake())?;
//! loop {
//!     driver.poll(&mut server, |server, now| {
//!         journal.exchange(server, now);
//!         while server.poll_event().is_some() {}
//!     })?;
//!     journal.submit();
//!     driver.park(&server)?;
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod backup;
mod error;
mod folder;
mod journal;
mod keys;
mod medium;
mod memory;
mod owned;
mod person;
mod platform;
mod report;
mod restore;
mod restrictions;
mod schema;
mod serials;
mod store;
mod wal;
mod write;

pub use backup::{Restored, backup, check, forget_name, restore_backup};
pub use error::Error;
pub use folder::{default_folder, file_name, server_folder};
pub use journal::StoreJournal;
pub use keys::{
    client_key_file, create_file, make_room_key, own_names, own_servers, parse_key, private_key,
    read_private_file, room_key, room_secret, server_key, server_key_file,
};
pub use medium::MediumFile;
pub use memory::{
    KnownKeys, KnownPeer, Memory, forget_peer, forget_server, known_keys, verify_peer,
};
pub use person::PersonExport;
pub use platform::check_private;
pub use report::{KeptName, Report};
pub use store::{Options, Store};
