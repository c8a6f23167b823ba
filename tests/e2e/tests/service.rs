//! The unit of systemd that is in `bins/chatapp/dist`: it is valid and hardened. Without systemd's
//! tools, the tests say so and check nothing.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Output};

use chatapp_e2e::{Home, PATIENCE, Process, binary, free_port};
use rustix::process::Signal;
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

/// Plays the service manager: the unit has `Type=notify` and `WatchdogSec=`.
#[test]
fn reports_its_state_to_the_service_manager() {
    assert!(UNIT.contains("Type=notify\n"));
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("manager");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    manager.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let next = || {
        let mut report = [0; 256];
        let len = manager.recv(&mut report).expect("a report");
        String::from_utf8_lossy(&report[..len])
            .trim_end()
            .to_owned()
    };
    let port = free_port();
    let mut command = Command::new(binary());
    command.env("NOTIFY_SOCKET", &path);
    command.env("WATCHDOG_USEC", "100000");
    let home = Home::of_server(port);
    let arguments = ["-s", &port.to_string()];
    let mut server = Process::start_command("the service", command, &home, &arguments);
    assert_eq!(next(), "READY=1");
    // No client is there, so nothing else wakes the server.
    for _ in 0..3 {
        assert_eq!(next(), "WATCHDOG=1");
    }
    let next_but_watchdog = || loop {
        let report = next();
        if report != "WATCHDOG=1" {
            return report;
        }
    };
    server.is_sent(Signal::HUP);
    assert_eq!(next_but_watchdog(), "RELOADING=1");
    assert_eq!(next_but_watchdog(), "READY=1");
    server.is_sent(Signal::TERM);
    assert_eq!(next_but_watchdog(), "STOPPING=1");
    assert_eq!(server.ends(), 0);
}

/// As in a container: a user id without a name or a home, and a file system that is read-only but
/// for the server's folder.
#[test]
fn serves_as_any_user_on_a_read_only_root() {
    const ISOLATED: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind / && \
        exec setpriv --reuid 54321 --regid 54321 --clear-groups env -i \
        \"$2\" -s \"$3\" --data-dir \"$1\"";
    let home = Home::new();
    let folder = TempDir::new().expect("a folder");
    if std::os::unix::fs::chown(folder.path(), Some(54_321), Some(54_321)).is_err() {
        let may_skip = std::env::var_os("CHATAPP_NO_SKIP").is_none();
        assert!(may_skip, "the test needs the rights of root");
        println!("skipped: the test needs the rights of root");
        return;
    }
    let path = |path: &Path| path.to_str().expect("a sane name").to_owned();
    let (data, program) = (path(folder.path()), path(binary()));
    let port = free_port().to_string();
    let private = ["--mount", "--propagation", "private", "sh", "-c", ISOLATED];
    let arguments = [&private[..], &["sh", &data, &program, &port]].concat();
    let mut server = Process::start_command("isolated", Command::new("unshare"), &home, &arguments);
    let starts = |line: &str| line.starts_with("The server starts!");
    server.shows_where("the first line", starts);
    assert!(folder.path().join("room.db").exists());
    server.is_sent(Signal::TERM);
    assert_eq!(server.ends(), 0);
}
