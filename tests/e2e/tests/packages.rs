//! Release files of `bins/chatapp/dist/release`: an archive and a Debian package with all that
//! belongs to the program, the same bytes each time.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use chatapp_e2e::binary;
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The files of both, but those for a service. Completions have the names that shells look for.
const PACKAGED: [&str; 11] = [
    "./usr/bin/ChatApp",
    "./usr/lib/systemd/system/chatapp@.service",
    "./usr/lib/sysusers.d/chatapp.conf",
    "./usr/share/bash-completion/completions/ChatApp",
    "./usr/share/chatapp/chatapp.lua",
    "./usr/share/doc/chatapp/GUIDE.md",
    "./usr/share/doc/chatapp/JSON.md",
    "./usr/share/doc/chatapp/OPERATING.md",
    "./usr/share/fish/vendor_completions.d/ChatApp.fish",
    "./usr/share/man/man1/ChatApp.1.gz",
    "./usr/share/zsh/vendor-completions/_ChatApp",
];

const ARCHIVED: [&str; 16] = [
    "CHANGELOG.md",
    "ChatApp",
    "ChatApp.1",
    "GUIDE.md",
    "JSON.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "OPERATING.md",
    "README.md",
    "chatapp.lua",
    "chatapp.sysusers.conf",
    "chatapp@.service",
    "completions/ChatApp.bash",
    "completions/ChatApp.elvish",
    "completions/ChatApp.fish",
    "completions/ChatApp.zsh",
];

/// Returns what a command writes; it must succeed.
fn output(mut command: Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("it can be run");
    let text = String::from_utf8_lossy(&stdout).into_owned();
    let errors = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}\n{text}{errors}");
    text
}

fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> String {
    let mut command = Command::new(program);
    command.args(arguments);
    output(command)
}

/// Runs the script on this program; returns the checksums.
fn release(program: &Path, folder: &Path) -> String {
    let mut command = Command::new(format!("{ROOT}/bins/chatapp/dist/release"));
    command.env("PROGRAM", program);
    command.env("CARGO_TARGET_DIR", folder);
    output(command)
}

/// Returns whether one of these tools is not installed, and says so.
///
/// # Panics
/// Panics if skipping is not allowed (`CHATAPP_NO_SKIP` is set).
fn lacks(tools: &[&str]) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |tool: &str| std::env::split_paths(&folders).any(|at| at.join(tool).is_file());
    let missing = tools.iter().find(|tool| !is_there(tool));
    let may_skip = std::env::var_os("CHATAPP_NO_SKIP").is_none();
    assert!(
        missing.is_none() || may_skip,
        "{missing:?} is not installed"
    );
    if let Some(tool) = missing {
        println!("skipped: {tool} is not installed");
    }
    missing.is_some()
}

/// Returns the only file of a folder whose name ends so.
fn only(folder: &Path, ending: &str) -> String {
    let names = fs::read_dir(folder).expect("a folder");
    let paths = names.map(|entry| entry.expect("an entry").path());
    let mut found = paths.filter(|path| path.to_string_lossy().ends_with(ending));
    let first = found.next().expect("a file");
    assert_eq!(found.next(), None);
    first.to_string_lossy().into_owned()
}

#[test]
fn packages_all_that_belongs_to_the_program() {
    if lacks(&["cargo-deb", "dpkg-deb", "dpkg-shlibdeps", "mandoc", "strip"]) {
        return;
    }
    let (first, second) = (TempDir::new(), TempDir::new());
    let (first, second) = (first.expect("a folder"), second.expect("a folder"));
    // With what a debugger needs, it would have four times the size.
    let small = first.path().join("ChatApp");
    let paths = [binary(), &small].map(|path| path.to_str().expect("a sane name"));
    run("strip", &["-o", paths[1], paths[0]]);
    let sums = release(&small, first.path());
    assert_eq!(sums.lines().count(), 2, "{sums}");
    assert_eq!(sums, release(&small, second.path()), "not the same bytes");

    let dist = first.path().join("dist");
    let page = dist.join("share/ChatApp.1");
    let page = page.to_str().expect("a sane name");
    run("mandoc", &["-Tlint", "-W", "warning", page]);
    let archived = run("tar", &["--list", "--file", &only(&dist, ".tar.gz")]);
    for file in ARCHIVED {
        let ending = format!("/{file}");
        assert!(
            archived.lines().any(|line| line.ends_with(&ending)),
            "{file}"
        );
    }
    let package = only(&dist, ".deb");
    let listed = run("dpkg-deb", &["--contents", &package]);
    for file in PACKAGED {
        let ending = format!(" {file}");
        let line = listed.lines().find(|line| line.ends_with(&ending));
        let line = line.unwrap_or_else(|| panic!("{file} is not in\n{listed}"));
        assert!(line.contains(" 0/0 "), "{line}");
    }
    let root = first.path().join("root");
    let root_text = root.to_str().expect("a sane name");
    run("dpkg-deb", &["--extract", &package, root_text]);
    let program = root.join("usr/bin/ChatApp");
    let version = run(program.to_str().expect("a sane name"), &["--version"]);
    assert_eq!(
        version.trim_end(),
        format!("ChatApp {}", env!("CARGO_PKG_VERSION"))
    );
    let control = run(
        "dpkg-deb",
        &["--field", &package, "Package", "Version", "Depends"],
    );
    assert!(control.contains("Package: chatapp\n"), "{control}");
    assert!(control.contains("libc6"), "{control}");
}
