//! Looks at the source of the whole project and finds what breaks the rules of `CONTRIBUTING.md`.
//!
//! `sizes` counts lines, columns, fields and nesting; `fields` finds fields of parts that other
//! files can reach; `circles` finds files of a crate that import each other; `systems` finds
//! code that depends on the operating system outside of the platform layers. `cargo run -p
//! chatapp-house` prints every violation, `cargo test -p chatapp-house` fails if there is one.

#![expect(
    missing_debug_implementations,
    reason = "syntax trees are not for reading"
)]

mod circles;
mod fields;
mod modules;
mod nesting;
mod paths;
mod sizes;
mod source;
mod systems;
mod violation;

pub use source::Sources;
pub use violation::{Rule, Violation};

/// Returns all violations, in the order of rules, files and lines.
pub fn violations(sources: &Sources) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources.all() {
        sizes::check(source, &mut found);
        nesting::check(source, &mut found);
        systems::check(source, &mut found);
        if source.is_of_core() {
            fields::check(source, &mut found);
        }
    }
    circles::check(sources, &mut found);
    found.sort();
    found
}
