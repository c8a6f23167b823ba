//! Writes key logs.

use std::io::{self, Write};
use std::net::SocketAddr;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::{Disposition, Endpoint, Instant, LoggedKey, Transmit};
use chatapp_wireshark::KeyLog;

/// Writes the keys of an [`Endpoint`] to a key log, each before the datagrams that it encrypts.
///
/// The endpoint exports its keys only after a call of `log_keys`. An error of the file ends the key
/// log: see [`take_error`](Self::take_error).
#[derive(Debug)]
pub struct KeyLogger<W: Write> {
    log: Option<KeyLog<W>>,
    error: Option<io::Error>,
}

impl<W: Write> KeyLogger<W> {
    /// Starts a key log. Its readers can decrypt all traffic.
    pub fn new(out: W) -> Self {
        Self {
            log: Some(KeyLog::new(out)),
            error: None,
        }
    }

    /// Creates a logger that writes nothing.
    pub fn off() -> Self {
        Self {
            log: None,
            error: None,
        }
    }

    /// Returns whether it writes keys.
    pub fn is_on(&self) -> bool {
        self.log.is_some()
    }

    /// Wraps an endpoint: its keys are written while it is driven.
    pub fn around<'a, E: Endpoint>(&'a mut self, endpoint: &'a mut E) -> Logged<'a, E, W> {
        Logged {
            logger: self,
            endpoint,
        }
    }

    /// Returns the error that ended the key log, once.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    fn note(&mut self, endpoint: &mut impl Endpoint) {
        if let Some(log) = &mut self.log
            && let Err(error) = write_keys(log, endpoint)
        {
            self.log = None;
            self.error = Some(error);
        }
    }
}

/// Writes the new key events.
fn write_keys(log: &mut KeyLog<impl Write>, endpoint: &mut impl Endpoint) -> io::Result<()> {
    let mut is_new = false;
    while let Some(key) = endpoint.poll_key_log() {
        is_new = true;
        match key {
            LoggedKey::Session { id, key } => log.session(id, &key)?,
            LoggedKey::StoredMessages {
                incarnation,
                to,
                key,
            } => log.message_key(incarnation, to.as_str(), &key)?,
            LoggedKey::Handshake { id, part } => log.handshake(id, &part.key, &part.transcript)?,
            LoggedKey::Lost { count } => log.lost(count)?,
            _ => {}
        }
    }
    // The flush makes a key visible before the datagrams that it encrypts.
    if is_new { log.flush() } else { Ok(()) }
}

/// Endpoint whose keys are written while it is driven.
#[derive(Debug)]
pub struct Logged<'a, E, W: Write> {
    logger: &'a mut KeyLogger<W>,
    /// The wrapped endpoint.
    pub endpoint: &'a mut E,
}

impl<E: Endpoint, W: Write> Endpoint for Logged<'_, E, W> {
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Disposition {
        let disposition = self.endpoint.handle_datagram(now, from, datagram);
        self.logger.note(self.endpoint);
        disposition
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
    }

    fn poll_transmit(
        &mut self,
        now: Instant,
        out: &mut [u8; DATAGRAM_LEN_MAX],
    ) -> Option<Transmit> {
        let transmit = self.endpoint.poll_transmit(now, out)?;
        self.logger.note(self.endpoint);
        Some(transmit)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.poll_timeout()
    }
}
