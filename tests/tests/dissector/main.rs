//! The dissector for Wireshark, in tshark.

mod handshakes;
mod room;
mod simulated;
mod vectors;

use std::io;
use std::path::Path;
use std::process::{Command, Output};

/// What the dissector says of what it cannot read.
const COMPLAINT: &str = "not as the protocol says";

/// A field as tshark tells it.
#[derive(Debug)]
struct Field {
    /// For example `window: 32`.
    text: String,
    place: usize,
    len: usize,
}

/// What tshark makes of a capture: the fields of each datagram. `None` if there is no tshark.
fn dissected(capture: &Path, key_log: &Path) -> Option<Vec<Vec<Field>>> {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../adapters/wireshark/chatapp.lua"
    );
    let output = Command::new("tshark")
        .arg("-X")
        .arg(format!("lua_script:{script}"))
        .arg("-o")
        .arg(format!("chatapp.keylog:{}", key_log.display()))
        .args(["-T", "pdml", "-r"])
        .arg(capture)
        .output();
    let Output {
        status,
        stdout,
        stderr,
    } = match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            assert!(
                std::env::var_os("CHATAPP_NO_SKIP").is_none(),
                "there is no tshark"
            );
            eprintln!("skipped: there is no tshark");
            return None;
        }
        output => output.expect("tshark can be started"),
    };
    let complaints = String::from_utf8_lossy(&stderr);
    assert!(
        status.success() && !complaints.contains("Lua"),
        "{complaints}"
    );
    let text = String::from_utf8(stdout).expect("XML is UTF-8");
    assert!(!text.contains("Lua Error"), "the script fails");
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
