//! Writes what passes into a capture file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use chatapp_wireshark::Capture;

/// Peers whose way is remembered; behind them all are looked up anew.
const WAYS_MAX: usize = 4_096;

/// What passed, until it is written.
#[derive(Debug)]
pub(super) struct Recorder {
    capture: Capture<BufWriter<File>>,
    passed: Vec<Passed>,
    /// Which of this machine's addresses peers see.
    ways: HashMap<IpAddr, SocketAddr>,
}

#[derive(Debug)]
struct Passed {
    at: Duration,
    peer: SocketAddr,
    is_sent: bool,
    datagram: Vec<u8>,
}

impl Recorder {
    /// Begins a capture file, in the place of one of that name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut capture = Capture::new(BufWriter::new(File::create(path)?))?;
        capture.flush()?;
        Ok(Self {
            capture,
            passed: Vec::new(),
            ways: HashMap::new(),
        })
    }

    pub(super) fn note(&mut self, peer: SocketAddr, is_sent: bool, datagram: &[u8]) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.passed.push(Passed {
            at: now.unwrap_or_default(),
            peer,
            is_sent,
            datagram: datagram.to_vec(),
        });
    }

    /// Writes what was noted: the turn of an event loop, which is bounded.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&mut self, towards: impl Fn(SocketAddr) -> SocketAddr) -> io::Result<()> {
        if self.passed.is_empty() {
            return Ok(());
        }
        for Passed {
            at,
            peer,
            is_sent,
            datagram,
        } in self.passed.drain(..)
        {
            if self.ways.len() == WAYS_MAX {
                self.ways.clear();
            }
            let own = *self.ways.entry(peer.ip()).or_insert_with(|| towards(peer));
            let (from, to) = if is_sent { (own, peer) } else { (peer, own) };
            self.capture.write(at, from, to, &datagram)?;
        }
        // Whoever watches while it is written sees whole packets.
        self.capture.flush()
    }
}
