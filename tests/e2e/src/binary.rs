//! Finds the `ChatApp` binary, after building it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Variable with the path of a build that the tests start instead of their own.
const PROGRAM: &str = "CHATAPP_PROGRAM";

/// Variable with a command that runs that build, such as `wine`.
const RUNNER: &str = "CHATAPP_RUNNER";

/// Returns a command that starts `ChatApp`: the build that `CHATAPP_PROGRAM` names, through the
/// command that `CHATAPP_RUNNER` names, or the binary of the present sources.
///
/// # Panics
/// Panics if the build of the present sources fails.
pub fn chatapp() -> Command {
    let Some(program) = std::env::var_os(PROGRAM) else {
        return Command::new(binary());
    };
    let Some(runner) = std::env::var_os(RUNNER) else {
        return Command::new(program);
    };
    let mut command = Command::new(runner);
    command.arg(program);
    command
}

/// Returns the path of the `ChatApp` binary, built from the present sources in the profile of these
/// tests.
///
/// Cargo does not build binaries of other packages for tests, so this calls Cargo. That takes
/// milliseconds if the binary is up to date.
///
/// # Panics
/// Panics if the build fails, or if the tests are to try another program.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    assert!(
        std::env::var_os(PROGRAM).is_none(),
        "this test starts the program in its own way, and cannot try another one: {PROGRAM} is set"
    );
    BINARY.get_or_init(|| {
        #[cfg(unix)]
        catch_hangups();
        build()
            .bin("ChatApp")
            .run()
            .expect("`cargo build --bin ChatApp` works")
            .path()
            .to_owned()
    })
}

/// Returns a build with the profile of these tests, and with the features of the whole workspace:
/// Cargo reuses the artifacts of the build of the tests.
///
/// Cargo has described the package of the tests in variables. Build scripts that watch them would
/// run again, and all that depends on them would be built again.
fn build() -> escargot::CargoBuild {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let build = escargot::CargoBuild::new()
        .manifest_path(manifest)
        .arg("--workspace")
        .current_release();
    let describes_package =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| describes_package(name))
        .fold(build, |build, name| build.env_remove(name))
}

/// Lets the programs that the tests start get SIGHUP. `nohup` ignores it for its program, and for
/// all that this starts; a signal that is caught has its default action again in a new program.
#[cfg(unix)]
fn catch_hangups() {
    let is_caught = std::sync::Arc::default();
    signal_hook::flag::register(signal_hook::consts::SIGHUP, is_caught)
        .expect("SIGHUP can be caught");
}

/// Returns the path of an example of any package, built as [`binary`] is.
///
/// # Panics
/// Panics if the build fails.
pub fn example(name: &str) -> PathBuf {
    build()
        .example(name)
        .run()
        .expect("`cargo build --example` works")
        .path()
        .to_owned()
}
