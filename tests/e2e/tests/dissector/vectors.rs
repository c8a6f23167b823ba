//! Dissects the test vectors of `core/PROTOCOL.md`: every field has the name, place and length of
//! the document.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use chatapp_core::wire::VERSION;
use chatapp_wireshark::{Capture, KeyLog};
use tempfile::TempDir;

use crate::{COMPLAINT, Field, dissected};

const PROTOCOL: &str = include_str!("../../../../core/PROTOCOL.md");
const SESSION: u64 = 0x1122_3344_5566_7788;
/// Length of the IPv4 and UDP headers of a datagram in this capture.
const HEADERS_LEN: usize = 20 + 8;

/// A test vector: its parts with their comments in the document.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) parts: Vec<(Vec<u8>, String)>,
}

impl Vector {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.parts
            .iter()
            .flat_map(|(bytes, _)| bytes.clone())
            .collect()
    }

    /// Returns whether this is the plaintext of a Data datagram.
    fn is_plain_data(&self) -> bool {
        matches!(&*self.parts[0].1, "header" | "flags")
    }

    fn is_datagram(&self) -> bool {
        self.parts[0].1 == "version"
    }
}

pub(crate) fn vectors() -> Vec<Vector> {
    let blocks = PROTOCOL.split("```vector ").skip(1);
    blocks
        .map(|block| {
            let (name, rest) = block.split_once('\n').expect("a name");
            let (body, _) = rest.split_once("```").expect("an end");
            let (mut parts, mut bytes) = (Vec::new(), Vec::new());
            for line in body.lines() {
                let (hex, comment) = line.split_once('#').unwrap_or((line, ""));
                let line_bytes = hex
                    .split_whitespace()
                    .map(|byte| u8::from_str_radix(byte, 16));
                bytes.extend(line_bytes.map(|byte| byte.expect("a byte")));
                if !comment.is_empty() {
                    parts.push((std::mem::take(&mut bytes), comment.trim().to_owned()));
                }
            }
            Vector {
                name: name.to_owned(),
                parts,
            }
        })
        .collect()
}

/// Returns a Data datagram with this plaintext.
fn encrypted(key: &[u8], counter: u64, plain: &[u8]) -> Vec<u8> {
    let mut datagram = vec![VERSION, 8];
    datagram.extend(SESSION.to_le_bytes());
    datagram.extend(counter.to_le_bytes());
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_le_bytes());
    let cipher = ChaCha20Poly1305::new(&Key::try_from(key).expect("32 bytes"));
    let payload = Payload {
        msg: plain,
        aad: &datagram,
    };
    let encrypted = cipher
        .encrypt(&Nonce::from(nonce), payload)
        .expect("it is short");
    datagram.extend(encrypted);
    datagram
}

/// Returns whether a field has the name or the value of the document's comment. A value may follow
/// the name.
fn is_called(text: &str, comment: &str) -> bool {
    // Only an example follows this word.
    let comment = match comment.strip_prefix("payload ") {
        Some(rest) if rest.ends_with(", encrypted") => "payload, encrypted",
        _ => comment,
    };
    let (name, value) = text.split_once(": ").unwrap_or((text, ""));
    let follows_name = comment
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    follows_name || value.contains(comment)
}

/// Checks that the fields have the places, bytes and names of the vector.
pub(crate) fn has_fields(vector: &Vector, mut place: usize, fields: &[Field]) {
    for (bytes, comment) in &vector.parts {
        // These are no field names: the decrypted parts have vectors of their own.
        let is_field = !matches!(
            &**comment,
            "header" | "acknowledgement, see below" | "the same, encrypted"
        );
        let is_there = fields.iter().any(|field| {
            field.place == place && field.len == bytes.len() && is_called(&field.text, comment)
        });
        assert!(
            is_there || !is_field,
            "{}: {comment:?}, {} bytes at {place}, in {fields:#?}",
            vector.name,
            bytes.len()
        );
        place += bytes.len();
    }
}

#[test]
fn names_every_field_as_in_the_document() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let all = vectors();
    let session_key = all
        .iter()
        .find(|vector| vector.name == "session-send")
        .expect("a key")
        .bytes();
    let checked: Vec<&Vector> = all
        .iter()
        .filter(|vector| vector.is_datagram() || vector.is_plain_data())
        .collect();
    assert!(checked.len() > 30, "the document has vectors");

    let (capture, key_log) = (
        folder.path().join("room.pcap"),
        folder.path().join("room.keys"),
    );
    let mut writer = Capture::new(fs::File::create(&capture).unwrap()).unwrap();
    let mut keys = KeyLog::new(fs::File::create(&key_log).unwrap());
    // The dissector ignores another key for the same session.
    keys.session(SESSION, &[7; 32]).unwrap();
    keys.session(SESSION, session_key[..].try_into().expect("32 bytes"))
        .unwrap();
    let [from, to]: [SocketAddr; 2] = [
        ([192, 0, 2, 1], 4_119).into(),
        ([192, 0, 2, 7], 5_000).into(),
    ];
    for (counter, vector) in (1..).zip(&checked) {
        let datagram = if vector.is_plain_data() {
            encrypted(&session_key, counter, &vector.bytes())
        } else {
            vector.bytes()
        };
        writer.write(Duration::ZERO, from, to, &datagram).unwrap();
    }

    let Some(dissected) = dissected(&capture, &key_log) else {
        return;
    };
    assert_eq!(dissected.len(), checked.len());
    for (vector, fields) in checked.iter().zip(&dissected) {
        assert!(
            !fields.iter().any(|field| field.text.contains(COMPLAINT)),
            "{}: {fields:#?}",
            vector.name
        );
        let place = if vector.is_plain_data() {
            0
        } else {
            HEADERS_LEN
        };
        has_fields(vector, place, fields);
        let is_opened = fields
            .iter()
            .any(|field| field.text == "acknowledged: 300" || field.text == "acknowledged: 0");
        assert_eq!(
            is_opened,
            vector.is_plain_data() || vector.name.starts_with("encrypted"),
            "{}",
            vector.name
        );
    }
}
