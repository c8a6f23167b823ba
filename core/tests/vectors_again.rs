//! The test vectors of `PROTOCOL.md`, computed again by a script with other libraries.

use std::process::Command;

#[test]
fn another_implementation_computes_the_same_bytes() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors.py");
    // Debian's packages belong to its own Python.
    let python = ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        let found = Command::new(python)
            .args(["-c", "import cryptography"])
            .output();
        found.is_ok_and(|output| output.status.success())
    });
    let Some(python) = python else {
        assert!(
            std::env::var_os("CHATAPP_NO_SKIP").is_none(),
            "no Python with the package cryptography"
        );
        eprintln!("skipped: no Python with the package cryptography");
        return;
    };
    let output = Command::new(python).arg(script).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
