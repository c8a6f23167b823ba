//! Tests of the dissector for Wireshark, run in tshark.

mod handshakes;
mod live;
mod room;
mod simulated;
mod vectors;

use std::io;
use std::path::Path;
use std::process::{Command, Output};

/// The dissector's text for datagrams that it cannot parse.
const COMPLAINT: &str = "not as the protocol says";

/// A field in the output of tshark.
#[derive(Debug)]
struct Field {
    /// Text of the field, for example `window: 32`.
    text: String,
    place: usize,
    len: usize,
}

/// Returns tshark with the dissector and a key log, set up to print the fields of each datagram.
fn tshark(key_log: &Path) -> Command {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../adapters/wireshark/chatapp.lua"
    );
    let mut command = Command::new("tshark");
    command
        .arg("-X")
        .arg(format!("lua_script:{script}"))
        .arg("-o")
        .arg(format!("chatapp.keylog:{}", key_log.display()))
        .args(["-T", "pdml"]);
    command
}

/// Returns the result of starting tshark; `None` if this machine has none.
fn started<T>(outcome: io::Result<T>) -> Option<T> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            assert!(
                std::env::var_os("CHATAPP_NO_SKIP").is_none(),
                "there is no tshark"
            );
            eprintln!("skipped: there is no tshark");
            None
        }
        outcome => Some(outcome.expect("tshark can be started")),
    }
}

/// Dissects a capture with tshark into the fields of each datagram. `None` if this machine has no
/// tshark.
fn dissected(capture: &Path, key_log: &Path) -> Option<Vec<Vec<Field>>> {
    let output = tshark(key_log).arg("-r").arg(capture).output();
    let Output {
        status,
        stdout,
        stderr,
    } = started(output)?;
    let complaints = String::from_utf8_lossy(&stderr);
    assert!(
        status.success() && !complaints.contains("Lua"),
        "{complaints}"
    );
    let text = String::from_utf8(stdout).expect("XML is UTF-8");
    assert!(!text.contains("Lua Error"), "the dissector failed");
    let packets = text.split("<packet>").skip(1);
    Some(
        packets
            .map(|packet| packet.lines().filter_map(field).collect())
            .collect(),
    )
}

fn field(line: &str) -> Option<Field> {
    let attribute = |name: &str| {
        let (_, rest) = line.split_once(&format!(" {name}=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    };
    if !attribute("name")?.starts_with("chatapp") {
        return None;
    }
    Some(Field {
        text: attribute("showname")?.to_owned(),
        place: attribute("pos")?.parse().ok()?,
        len: attribute("size")?.parse().ok()?,
    })
}
