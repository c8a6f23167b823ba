//! The unit of systemd that is in `bins/chatapp/dist`: it is valid and hardened. Without systemd's
//! tools, the tests say so and check nothing.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use chatapp_e2e::binary;
use tempfile::TempDir;

const UNIT: &str = include_str!("../../../bins/chatapp/dist/chatapp@.service");
const USERS: &str = "../../bins/chatapp/dist/chatapp.sysusers.conf";

/// Runs a tool; `None` if it is not installed.
fn run(tool: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(tool).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: {tool} cannot be run: {error}");
            None
        }
    }
}

fn succeeds(output: &Output) {
    let text = [&*output.stdout, &*output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{text}");
}

#[test]
fn is_a_valid_and_hardened_unit() {
    let folder = TempDir::new().expect("a folder");
    // The installed program may be missing here, which is an error of its own.
    let program = binary().to_str().expect("the path has a sane name");
    let unit = UNIT.replace("/usr/bin/ChatApp", program);
    assert!(unit.contains(program));
    let file = folder.path().join("chatapp@.service");
    fs::write(&file, unit).expect("a file");
    let instance = folder.path().join("chatapp@4119.service");
    let path = |path: &Path| path.to_str().expect("a sane name").to_owned();
    let verify = ["verify", "--man=no", &path(&instance)];
    let Some(verified) = run("systemd-analyze", &verify) else {
        return;
    };
    succeeds(&verified);
    // At most 2.0, in tenths.
    let offline = ["security", "--offline=true", "--threshold=20", "--no-pager"];
    let file = path(&file);
    let security = [&offline[..], &[&file]].concat();
    if let Some(secure) = run("systemd-analyze", &security) {
        succeeds(&secure);
    }
}

#[test]
fn makes_the_user_of_the_unit() {
    assert!(UNIT.contains("User=chatapp\n"));
    let users = Path::new(env!("CARGO_MANIFEST_DIR")).join(USERS);
    let users = users.to_str().expect("a sane name").to_owned();
    let Some(made) = run("systemd-sysusers", &["--dry-run", &users]) else {
        return;
    };
    succeeds(&made);
}
