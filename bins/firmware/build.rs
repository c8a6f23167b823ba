//! Passes the memory layout of the board to the linker, and the size of the room to the code.

use std::env;
use std::fs;
use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-env-changed=CHATAPP_ROOM");
    let room = env::var("CHATAPP_ROOM").unwrap_or_else(|_| "8".into());
    println!("cargo:rustc-env=CHATAPP_ROOM={room}");

    println!("cargo:rerun-if-changed=memory.x");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        fs::copy("memory.x", out.join("memory.x")).expect("OUT_DIR is writable");
        // A board's interrupt handlers would be named here: it has none.
        fs::write(out.join("device.x"), "").expect("OUT_DIR is writable");
        println!("cargo:rustc-link-search={}", out.display());
        println!("cargo:rustc-link-arg-bins=-Tlink.x");
    }
}
