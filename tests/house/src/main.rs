//! Prints all violations of the rules of the house.

use std::path::Path;

use chatapp_house::{Sources, violations};

fn main() {
    let top = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    for violation in violations(&Sources::read(top)) {
        println!("{violation}");
    }
}
