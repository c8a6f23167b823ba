//! Live capture: the key log grows while tshark reads the datagrams.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use chatapp_core::Identity;
use chatapp_core::crypto::HandshakeKey;
use chatapp_wireshark::{Capture, KeyLog};
use tempfile::TempDir;

use crate::handshakes::{BEFORE, SESSION, answering, handshake_keys};
use crate::vectors::vectors;
use crate::{Field, field, started, tshark};

/// Two decrypted parts of the first message of a handshake, as tshark shows them.
const SHOWN: [&str; 2] = ["s: ", "session sequence: "];

/// A running tshark that reads from a pipe.
struct Live {
    tshark: Child,
    shown: Lines<BufReader<ChildStdout>>,
    capture: Capture<std::process::ChildStdin>,
}

impl Live {
    /// Starts tshark; `None` if this machine has none.
    fn start(key_log: &Path) -> Option<Self> {
        let mut command = tshark(key_log);
        command.args(["-l", "-i", "-"]);
        let spawned = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut tshark = started(spawned)?;
        let output = tshark.stdout.take().expect("it is a pipe");
        let input = tshark.stdin.take().expect("it is a pipe");
        let capture = Capture::new(input).expect("tshark reads");
        Some(Self {
            tshark,
            shown: BufReader::new(output).lines(),
            capture,
        })
    }

    /// Sends a datagram to tshark, and returns which of its parts are shown.
    fn shows(&mut self, datagram: &[u8]) -> [bool; 2] {
        let [from, to]: [SocketAddr; 2] = [
            ([192, 0, 2, 1], 4_119).into(),
            ([192, 0, 2, 7], 5_000).into(),
        ];
        let written = self.capture.write(Duration::ZERO, from, to, datagram);
        written
            .and_then(|()| self.capture.flush())
            .expect("tshark reads");
        let lines = self.shown.by_ref().map(|line| line.expect("XML is UTF-8"));
        let fields: Vec<Field> = lines
            .take_while(|line| !line.contains("</packet>"))
            .filter_map(|line| field(&line))
            .collect();
        SHOWN.map(|start| fields.iter().any(|field| field.text.starts_with(start)))
    }

    fn ends(mut self) {
        drop(self.capture);
        assert!(self.tshark.wait().expect("it ends").success());
    }
}

/// Returns the lines of a key log for one handshake.
fn lines(identity: &Identity, first: &[u8]) -> Vec<String> {
    let mut log = Vec::new();
    for HandshakeKey { key, transcript } in &handshake_keys(identity, first) {
        KeyLog::new(&mut log)
            .handshake(SESSION, key, transcript)
            .expect("writing to a vector cannot fail");
    }
    let text = String::from_utf8(log).expect("a log is text");
    text.lines().map(|line| format!("{line}\n")).collect()
}

#[test]
fn finds_keys_added_during_the_capture() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let key_log = folder.path().join("room.keys");
    let all = vectors();
    let called = |name: &str| {
        let found = all.iter().find(|vector| vector.name == name);
        found.expect("the document has it").bytes()
    };
    let unsupported = called(BEFORE);
    let [(hello, keys), (call, other_keys)] = [0, 2].map(|place| {
        let (name, identity) = &answering()[place];
        let bytes = called(name);
        let keys = lines(identity, &bytes);
        (bytes, keys)
    });
    let append = |text: &str| {
        let mut log = OpenOptions::new().append(true).open(&key_log).unwrap();
        log.write_all(text.as_bytes()).unwrap();
    };
    // The dissector reads the log while the second key of three is half written.
    let (half, rest) = keys[1].split_at(40);
    fs::write(&key_log, keys[0].clone() + half).unwrap();
    let Some(mut live) = Live::start(&key_log) else {
        return;
    };
    // Another dissector may get the first datagram; once one was recognised, ChatApp's gets the
    // later ones.
    assert_eq!(live.shows(&unsupported), [false, false]);
    assert_eq!(live.shows(&hello), [true, false]);
    append(rest);
    assert_eq!(live.shows(&hello), [true, true]);

    // A new file replaces the log, with the same length.
    assert_eq!(live.shows(&call), [false, false]);
    fs::write(&key_log, other_keys[..2].concat()).unwrap();
    assert_eq!(live.shows(&call), [true, true]);
    assert_eq!(live.shows(&hello), [true, true], "these keys are known");
    live.ends();
}
