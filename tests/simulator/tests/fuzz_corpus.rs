//! Replays the corpora of the fuzzers on a stable compiler.

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let corpora = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"));
    let folder = corpora.join(target);
    let files: Vec<_> = fs::read_dir(folder)
        .expect("the corpus is a folder")
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let path = file.expect("the folder can be listed").path();
        // The test's output names the file that failed.
        println!("{}", path.display());
        run(&fs::read(path).expect("the file can be read"));
    }
}

#[test]
fn replays_datagrams() {
    replay("datagram", chatapp_fuzz::datagram);
}

#[test]
fn replays_handshakes() {
    replay("handshake", chatapp_fuzz::handshake);
}

#[test]
fn replays_encrypted_datagrams() {
    replay("encrypted", chatapp_fuzz::encrypted);
}

#[test]
fn replays_a_client() {
    replay("client", chatapp_fuzz::client);
}

#[test]
fn replays_a_server() {
    replay("server", chatapp_fuzz::server);
}

#[test]
fn replays_a_console() {
    replay("console", chatapp_fuzz::console);
}
