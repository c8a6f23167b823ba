//! The source keeps the rules of `CONTRIBUTING.md`, but for a list of exceptions, which shrinks.

use std::collections::BTreeMap;
use std::path::Path;

use chatapp_house::{Sources, Violation, violations};

/// Returns how many exceptions there may be, by package and rule.
fn exceptions() -> BTreeMap<(&'static str, &'static str), usize> {
    let lines = include_str!("../exceptions.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let exception = |line: &'static str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [package, rule, count] = words[..] else {
            panic!("no exception: {line}");
        };
        ((package, rule), count.parse().expect("a count is a number"))
    };
    lines.map(exception).collect()
}

#[test]
fn the_source_keeps_the_rules() {
    let top = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let found = violations(&Sources::read(top));
    let mut groups = BTreeMap::<_, Vec<&Violation>>::new();
    for violation in &found {
        let group = (violation.package(), violation.rule.name());
        groups.entry(group).or_default().push(violation);
    }
    let exceptions = exceptions();
    let mut are_kept = true;
    for (group, violations) in groups {
        let allowed = exceptions.get(&group).copied().unwrap_or_default();
        if violations.len() <= allowed {
            continue;
        }
        are_kept = false;
        let (package, rule) = group;
        println!("{package}: {rule}: {} of {allowed}:", violations.len());
        violations
            .iter()
            .for_each(|violation| println!("  {violation}"));
    }
    assert!(are_kept, "see above, and CONTRIBUTING.md");
}
