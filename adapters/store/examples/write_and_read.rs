//! Writes records of a server to a store, and reads them back:
//! `cargo run -p chatapp-store --example write_and_read`.

use std::error::Error;
use std::sync::mpsc;

use chatapp_core::{Journal, Record, Ticket, UnixSeconds};
use chatapp_store::{Options, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let records = [
        Record::Epoch {
            epoch: 7,
            serial: 0,
            log_next: 1,
        },
        Record::Channel {
            number: 1,
            from: "alice",
            incarnation: 9,
            counter: 1,
            request: 1,
            stamp: UnixSeconds(1_700_000_000),
            text: "hello, room",
        },
    ];

    // The journal writes on its own thread, and wakes this one.
    let (wake, woken) = mpsc::channel();
    let store = Store::open(folder.path(), &Options::default())?;
    let mut journal = store.into_journal(move || {
        let _ = wake.send(());
    })?;
    for (number, record) in (1..).zip(records) {
        journal.store(Ticket::new(number), record);
    }
    journal.submit();
    for _ in 0..records.len() {
        let (ticket, result) = loop {
            match journal.poll_stored() {
                Some(stored) => break stored,
                None => woken.recv()?,
            }
        };
        println!("record {} is stored: {}", ticket.number(), result.is_ok());
    }
    drop(journal);

    let mut store = Store::open(folder.path(), &Options::default())?;
    store.restore(UnixSeconds(1_700_000_100), |record| {
        println!("{record:?}");
        Ok(())
    })?;
    Ok(())
}
