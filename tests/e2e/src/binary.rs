//! Finds the `ChatApp` binary, after building it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Path of the `ChatApp` binary, built from the sources as they are now, in the profile of these
/// tests.
///
/// Cargo builds the binary of another package for nobody's tests, so this asks for it: a matter of
/// milliseconds if it is there.
///
/// # Panics
/// If it does not build.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
        escargot::CargoBuild::new()
            .manifest_path(manifest)
            // With the features of the whole workspace, what the tests were built with is used
            // again.
            .arg("--workspace")
            .bin("ChatApp")
            .current_release()
            .run()
            .expect("`cargo build --bin ChatApp` works")
            .path()
            .to_owned()
    })
}

/// Path of an example of any package, built as [`binary`] is.
///
/// # Panics
/// If it does not build.
pub fn example(name: &str) -> PathBuf {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    escargot::CargoBuild::new()
        .manifest_path(manifest)
        .arg("--workspace")
        .example(name)
        .current_release()
        .run()
        .expect("`cargo build --example` works")
        .path()
        .to_owned()
}
