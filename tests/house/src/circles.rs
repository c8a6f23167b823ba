//! Files of a crate that import each other in a circle.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::path::Path;

use syn::Item;

use crate::modules::{self, Modules};
use crate::source::{Source, Sources};
use crate::violation::{Rule, Violation};

/// For each file those that it uses, and in which line first.
type Graph<'a> = BTreeMap<&'a Path, BTreeMap<&'a Path, usize>>;

/// Finds files that reach themselves; one violation for each, with a shortest way round.
pub(crate) fn check(sources: &Sources, found: &mut Vec<Violation>) {
    let children = children(sources);
    let roots = sources.all();
    for root in roots.filter(|source| !children.contains(source.path())) {
        let modules = Modules::of_crate(root, sources);
        let mut graph = Graph::new();
        for (from, to, line) in modules.uses() {
            let first = graph.entry(from).or_default().entry(to).or_insert(line);
            *first = line.min(*first);
        }
        for file in modules.files().collect::<BTreeSet<_>>() {
            if let Some(circle) = circle(file, &graph) {
                found.extend(describe(file, &circle, &graph, sources));
            }
        }
    }
    found.dedup();
}

/// Returns the files that others declare as their modules; the rest are roots of crates.
fn children(sources: &Sources) -> HashSet<&Path> {
    let declared = |source: &Source| {
        let mut found = Vec::new();
        for item in &source.syntax().items {
            if let Item::Mod(child) = item
                && child.content.is_none()
                && let Some(file) = modules::file_of(source.path(), child, sources)
            {
                found.push(file.path());
            }
        }
        found
    };
    sources.all().flat_map(declared).collect()
}

/// Returns the files after this one on a shortest way back to it, which is the last.
fn circle<'a>(start: &'a Path, graph: &Graph<'a>) -> Option<Vec<&'a Path>> {
    let mut before = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for next in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            if before.contains_key(next) {
                continue;
            }
            before.insert(*next, file);
            if *next == start {
                return Some(way_to(start, &before));
            }
            queue.push_back(next);
        }
    }
    None
}

fn way_to<'a>(end: &'a Path, before: &BTreeMap<&'a Path, &'a Path>) -> Vec<&'a Path> {
    let mut way = vec![end];
    let mut file = before[end];
    while file != end {
        way.push(file);
        file = before[file];
    }
    way.reverse();
    way
}

fn describe(
    file: &Path,
    circle: &[&Path],
    graph: &Graph<'_>,
    sources: &Sources,
) -> Option<Violation> {
    let source = sources.get(file)?;
    let line = graph.get(file)?.get(circle.first()?)?;
    let names = circle.iter().filter_map(|file| sources.get(file));
    let names: Vec<_> = names.map(Source::name).collect();
    let detail = format!("imports {}", names.join(", which imports "));
    Some(source.violation(Rule::Circle, *line, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(texts: &[(&str, &str)]) -> Vec<String> {
        let mut found = Vec::new();
        check(&Sources::of_texts(texts), &mut found);
        found.iter().map(Violation::to_string).collect()
    }

    #[test]
    fn finds_a_child_that_imports_its_parent() {
        let parent = ("a/lib.rs", "mod b;\nuse b::B;\nstruct A;");
        assert_eq!(
            circles(&[parent, ("a/b.rs", "\nuse super::A; pub struct B;")]),
            [
                "a/b.rs:2: circle: imports a/lib.rs, which imports a/b.rs",
                "a/lib.rs:2: circle: imports a/b.rs, which imports a/lib.rs",
            ]
        );
        assert_eq!(circles(&[parent, ("a/b.rs", "pub struct B;")]), [""; 0]);
    }

    #[test]
    fn follows_exports_to_the_file_that_defines() {
        let root = ("a/lib.rs", "mod b; mod c; pub use b::B; pub use c::*;");
        let b = ("a/b.rs", "use crate::C; pub struct B;");
        let plain = ("a/c.rs", "pub struct C;");
        assert_eq!(circles(&[root, b, plain]), [""; 0]);
        let back = ("a/c.rs", "pub struct C(crate::B);");
        assert_eq!(circles(&[root, b, back]).len(), 2);
        let through = ("a/c.rs", "use crate::b; pub fn f() { b::B; } pub struct C;");
        assert_eq!(circles(&[root, b, through]).len(), 2);
    }

    #[test]
    fn finds_longer_circles_in_folders() {
        let texts = [
            ("a/main.rs", "mod b;"),
            ("a/b/mod.rs", "mod c; mod d; mod e;"),
            ("a/b/c.rs", "use super::d::D; pub struct C;"),
            ("a/b/d.rs", "use super::e::E; pub struct D;"),
            (
                "a/b/e.rs",
                "use crate::b::c::C as Other; pub struct E(Other);",
            ),
        ];
        assert_eq!(circles(&texts).len(), 3);
    }

    #[test]
    fn ends_where_many_names_come_from_other_crates() {
        let root = "mod b; use x::*; use y::*; use z::*; use w::*; fn f() { n::m(); }";
        let child = "use super::*; use x::*; use y::*; use z::*; fn g() { n::m(); x::y(); }";
        assert_eq!(circles(&[("a/lib.rs", root), ("a/b.rs", child)]), [""; 0]);
    }

    #[test]
    fn leaves_tests_and_other_crates_alone() {
        let root = "mod b; use b::B; struct A; #[cfg(test)] mod tests { use super::A; }";
        let child = "pub struct B; use std::fmt; #[cfg(test)] mod tests { use crate::A; }";
        assert_eq!(circles(&[("a/lib.rs", root), ("a/b.rs", child)]), [""; 0]);
    }
}
