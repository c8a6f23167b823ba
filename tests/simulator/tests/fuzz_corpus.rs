//! The corpora of the fuzzers, run again on a stable compiler.

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let corpora = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"));
    let folder = corpora.join(target);
    let files: Vec<_> = fs::read_dir(folder).expect("the corpus is there").collect();
    assert!(!files.is_empty());
    for file in files {
        let path = file.expect("it can be listed").path();
        // The test's output names the file that failed.
        println!("{}", path.display());
        run(&fs::read(path).expect("it can be read"));
    }
}

#[test]
fn datagrams() {
    replay("datagram", chatapp_fuzz::datagram);
}

#[test]
fn handshakes() {
    replay("handshake", chatapp_fuzz::handshake);
}

#[test]
fn what_is_sealed() {
    replay("sealed", chatapp_fuzz::sealed);
}

#[test]
fn a_client() {
    replay("client", chatapp_fuzz::client);
}

#[test]
fn a_server() {
    replay("server", chatapp_fuzz::server);
}

#[test]
fn a_console() {
    replay("console", chatapp_fuzz::console);
}
