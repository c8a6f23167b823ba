//! Key logs, with which the dissector decrypts a capture.

use std::fmt::Write as _;
use std::io::{self, Write};

/// Length of a key, and of a transcript hash, in bytes.
const KEY_LEN: usize = 32;

/// Writer of a key log, one line for each key. Its readers can decrypt all traffic.
#[derive(Debug)]
pub struct KeyLog<W> {
    out: W,
}

impl<W: Write> KeyLog<W> {
    /// Creates a key log.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes the key of datagrams to this session id, from counter 0 on.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn session(&mut self, id: u64, key: &[u8; KEY_LEN]) -> io::Result<()> {
        self.line(&format!("SESSION {id:016x} {}\n", hex(key)))
    }

    /// Writes one handshake key of this session id. The transcript hash is the associated data of
    /// that part of the handshake.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn handshake(
        &mut self,
        id: u64,
        key: &[u8; KEY_LEN],
        transcript: &[u8; KEY_LEN],
    ) -> io::Result<()> {
        let (key, transcript) = (hex(key), hex(transcript));
        self.line(&format!("HANDSHAKE {id:016x} {key} {transcript}\n"))
    }

    /// Writes the key of the stored messages of a process to a name.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn message_key(
        &mut self,
        incarnation: u64,
        to: &str,
        key: &[u8; KEY_LEN],
    ) -> io::Result<()> {
        self.line(&format!("MESSAGES {incarnation:016x} {to} {}\n", hex(key)))
    }

    /// Notes that this many keys are missing.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn lost(&mut self, count: u32) -> io::Result<()> {
        self.line(&format!("LOST {count}\n"))
    }

    /// Writes a line with one call of the writer: a reader never gets a part of it.
    fn line(&mut self, line: &str) -> io::Result<()> {
        self.out.write_all(line.as_bytes())
    }

    /// Flushes the writer.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn hex(key: &[u8]) -> String {
    key.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
