//! Orders of an operator, given by `ChatApp admin`, and what the clients show that they concern.

use std::path::Path;

use crate::{Home, Process};

/// The last line of a client that is banned without an end.
pub const BANNED: &str = "[The operator of the server has banned you from this room.]";

/// Gives an order to the server in this folder; returns its output and its exit code.
///
/// # Panics
/// Panics if the program cannot be started.
pub fn admin(folder: &Path, order: &str) -> (String, i32) {
    let folder = folder.to_str().expect("temporary folders have sane names");
    let words = order.split(' ');
    let arguments: Vec<&str> = ["admin", folder].into_iter().chain(words).collect();
    let (code, output) = Process::run(&Home::of("operator"), &arguments);
    (output, code)
}

/// Gives an order, which must be done; returns its output.
///
/// # Panics
/// Panics if it is not done.
pub fn orders(folder: &Path, order: &str) -> String {
    let (output, code) = admin(folder, order);
    assert_eq!(code, 0, "{order}: {output}");
    output
}

/// Returns the key of a name in the answer to `who --json`.
///
/// # Panics
/// Panics if the answer does not have the name.
pub fn key_of(who: &str, name: &str) -> String {
    let (_, rest) = who
        .split_once(&format!("\"name\":\"{name}\""))
        .unwrap_or_else(|| panic!("{name} in {who}"));
    let (_, key) = rest.split_once("\"key\":\"").expect("it has a key");
    key[..64].to_owned()
}
