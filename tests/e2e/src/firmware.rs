//! Images of the firmware, built from the present sources.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

const TARGET: &str = "thumbv7m-none-eabi";

/// Images that were built together.
#[derive(Debug)]
pub struct Firmware {
    images: HashMap<String, PathBuf>,
}

impl Firmware {
    /// Returns the images for tests, with the default size of the room.
    ///
    /// # Panics
    /// Panics if the build fails.
    pub fn usual() -> &'static Self {
        static USUAL: OnceLock<Firmware> = OnceLock::new();
        USUAL.get_or_init(|| Self::build(&["client", "server", "replay", "vectors"], None, &[]))
    }

    /// Builds these images with these options of Cargo, for a room of the default or the given
    /// size. The next build may overwrite them.
    ///
    /// # Panics
    /// Panics if the build fails.
    pub fn build(images: &[&str], room: Option<usize>, options: &[&str]) -> Self {
        let mut build = Command::new(env!("CARGO"));
        build
            .args(["build", "--release", "--locked"])
            .arg("--message-format=json-render-diagnostics")
            .args(images.iter().flat_map(|image| ["--bin", image]))
            .args(options)
            // Cargo reads the configuration of this folder.
            .current_dir(Self::sources())
            .stderr(Stdio::inherit());
        match room {
            Some(room) => build.env("CHATAPP_ROOM", room.to_string()),
            None => build.env_remove("CHATAPP_ROOM"),
        };
        let built = build.output().expect("cargo can be started");
        assert!(built.status.success(), "the firmware builds");
        let messages = String::from_utf8(built.stdout).expect("cargo writes UTF-8");
        Self {
            images: messages.lines().filter_map(executable).collect(),
        }
    }

    /// Returns the path of this image.
    ///
    /// # Panics
    /// Panics if it was not built.
    pub fn image(&self, name: &str) -> &Path {
        self.images
            .get(name)
            .unwrap_or_else(|| panic!("cargo names no image {name}"))
    }

    /// Returns the folder of its sources.
    pub fn sources() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../bins/firmware"))
    }
}

/// Returns name and path of a program from a message of Cargo; `None` for other messages.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let name = message["target"]["name"].as_str()?;
    let path = message["executable"].as_str()?;
    Some((name.to_owned(), path.into()))
}

/// Returns whether this machine can emulate boards; if not, the reason is on stderr.
///
/// # Panics
/// Panics if it cannot, and skipping is not allowed (`CHATAPP_NO_SKIP` is set).
pub fn can_emulate() -> bool {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let Some(reason) = MISSING.get_or_init(missing_tool) else {
        return true;
    };
    assert!(
        std::env::var_os("CHATAPP_NO_SKIP").is_none(),
        "no emulated board: {reason}"
    );
    eprintln!("skipped: no emulated board: {reason}");
    false
}

/// Returns the reason why this machine cannot emulate boards.
fn missing_tool() -> Option<String> {
    for program in ["qemu-system-arm", "setpriv", "prlimit"] {
        let started = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        if let Err(error) = started {
            return Some(format!("{program}: {error}"));
        }
    }
    let rustc = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    match rustc {
        Err(error) => Some(format!("rustc: {error}")),
        Ok(output) => {
            let library = String::from_utf8_lossy(&output.stdout);
            let is_missing = !Path::new(library.trim()).exists();
            is_missing.then(|| format!("run `rustup target add {TARGET}`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_programs_in_messages_of_cargo() {
        let program =
            r#"{"reason":"compiler-artifact","target":{"name":"client"},"executable":"/a/client"}"#;
        let expected = ("client".to_owned(), PathBuf::from("/a/client"));
        assert_eq!(executable(program), Some(expected));
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"core"},"executable":null}"#;
        assert_eq!(executable(library), None);
        assert_eq!(executable("not a message"), None);
    }
}
