//! Checks the form of `PROTOCOL.md`: numbering, links, line lengths, constants.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chatapp_vectors::DOCUMENT;

const LINE_LEN_MAX: usize = 100;

/// A section of the document.
#[derive(Debug)]
struct Section {
    /// Its number, such as `7.3` or `A.1`.
    number: String,
    /// The name of it in links.
    anchor: String,
    /// Its lines outside of code blocks, without those of its subsections.
    lines: Vec<String>,
}

/// Returns the lines outside of code blocks.
fn prose(document: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    document.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Returns the anchor that GitHub gives to a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading
        .to_lowercase()
        .chars()
        .filter(kept)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Returns the number that a heading begins with.
fn number(heading: &str) -> Option<String> {
    let heading = heading.strip_prefix("Appendix ").unwrap_or(heading);
    let (number, _) = heading.split_once(' ')?;
    let number = number.strip_suffix('.').unwrap_or(number);
    let is_part = |part: &str| {
        part.chars().all(|c| c.is_ascii_digit()) || (part.len() == 1 && ("A"..="Z").contains(&part))
    };
    number.split('.').all(is_part).then(|| number.to_owned())
}

/// Returns the sections of a document, in their order.
fn sections(document: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in prose(document) {
        let heading = line.trim_start_matches('#').trim_start();
        let level = line.len() - line.trim_start_matches('#').len();
        if level > 1 {
            let number = number(heading).unwrap_or_else(|| panic!("{line} has no number"));
            assert_eq!(number.split('.').count(), level - 1, "level of {line}");
            sections.push(Section {
                number,
                anchor: anchor(heading),
                lines: Vec::new(),
            });
        } else if let Some(section) = sections.last_mut() {
            section.lines.push(line.to_owned());
        }
    }
    sections
}

/// Whether a section can follow another one without a gap.
fn follows(before: &str, next: &str) -> bool {
    let (before, next): (Vec<_>, Vec<_>) = (before.split('.').collect(), next.split('.').collect());
    let level = next.len();
    let shared = level - 1;
    if level > before.len() + 1 || before.get(..shared) != next.get(..shared) {
        return false;
    }
    let last = next[shared];
    match before.get(shared).map(|number| number.parse::<u32>()) {
        None => last == "1",
        Some(Ok(number)) => last == (number + 1).to_string() || (level == 1 && last == "A"),
        Some(Err(_)) => false,
    }
}

#[test]
fn numbers_sections_without_gaps() {
    let sections = sections(DOCUMENT);
    assert_eq!(sections[0].number, "1");
    for pair in sections.windows(2) {
        let (before, next) = (&pair[0].number, &pair[1].number);
        assert!(follows(before, next), "{next} behind {before}");
    }
}

#[test]
fn notices_a_gap_between_sections() {
    for (before, next) in [("1", "1.1"), ("1.3", "2"), ("1.3", "1.4"), ("9.2", "A")] {
        assert!(follows(before, next), "{next} behind {before}");
    }
    for (before, next) in [("1", "3"), ("1.1", "1.3"), ("1.1", "2.2"), ("1", "1.2")] {
        assert!(!follows(before, next), "{next} behind {before}");
    }
}

/// Returns the destinations of links by their labels.
fn destinations(document: &str) -> BTreeMap<&str, &str> {
    let definition = |line| {
        let (label, destination) = str::strip_prefix(line, "[")?.split_once("]: ")?;
        Some((label, destination))
    };
    prose(document).filter_map(definition).collect()
}

/// Returns the section numbers in brackets.
fn references(line: &str) -> impl Iterator<Item = &str> {
    let in_brackets = line.split('[').skip(1);
    in_brackets.filter_map(|rest| {
        let (label, _) = rest.split_once(']')?;
        let is_number = !label.is_empty() && number(&format!("{label} ")).is_some();
        is_number.then_some(label)
    })
}

#[test]
fn resolves_internal_links() {
    let sections = sections(DOCUMENT);
    let destinations = destinations(DOCUMENT);
    let anchors: BTreeMap<_, _> = sections
        .iter()
        .map(|section| (&*section.number, format!("#{}", section.anchor)))
        .collect();
    for section in &sections {
        for label in section.lines.iter().flat_map(|line| references(line)) {
            let (from, to) = (&section.number, destinations.get(label));
            assert!(to.is_some(), "{from} refers to [{label}], which is no link");
        }
    }
    for (label, destination) in destinations {
        assert_eq!(anchors.get(label).map(|to| &**to), Some(destination));
    }
}

#[test]
fn keeps_lines_within_100_columns() {
    for line in DOCUMENT.lines().filter(|line| !line.starts_with('|')) {
        assert!(line.chars().count() <= LINE_LEN_MAX, "{line}");
    }
}

/// Returns the folder of the workspace.
fn workspace() -> PathBuf {
    let is_root = |folder: &&Path| folder.join("core/PROTOCOL.md").is_file();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .find(is_root)
        .expect("the document exists")
        .to_owned()
}

/// Calls `visit` with each Rust file in a folder.
fn visit_sources(folder: &Path, visit: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            visit_sources(&path, visit);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            visit(
                &path,
                &fs::read_to_string(&path).expect("the file can be read"),
            );
        }
    }
}

/// Returns the cells of a table row.
fn cells(row: &str) -> Vec<&str> {
    let inner = row.trim_matches('|');
    inner.split('|').map(str::trim).collect()
}

/// Returns whether a source line defines a constant, field or function of this name; and the
/// value of a constant that is one integer.
fn definition(line: &str, name: &str) -> Option<Option<u64>> {
    let words: Vec<_> = line.split_whitespace().collect();
    let at = words
        .iter()
        .position(|word| word.split([':', '(', '<']).next() == Some(name))?;
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    match before {
        Some(&"const") => {
            let (_, value) = line.split_once(" = ")?;
            Some(value.trim_end_matches(';').replace('_', "").parse().ok())
        }
        Some(&"fn" | &"struct" | &"pub") => Some(None),
        _ => None,
    }
}

#[test]
fn lists_constants_as_the_code_defines_them() {
    let mut lines = Vec::new();
    visit_sources(&workspace().join("core/src"), &mut |_, text| {
        lines.extend(text.lines().map(str::to_owned));
    });
    let mut count = 0;
    for section in sections(DOCUMENT)
        .iter()
        .filter(|section| section.number.starts_with("16."))
    {
        for row in section.lines.iter().filter(|line| line.contains("| `")) {
            let [_, value, name] = cells(row)[..] else {
                panic!("{row} has other columns");
            };
            let name = name.trim_matches('`');
            let found: Vec<_> = lines
                .iter()
                .filter_map(|line| definition(line, name))
                .collect();
            assert!(!found.is_empty(), "{name} does not exist: {row}");
            let documented = value.replace(',', "");
            for defined in found.into_iter().flatten() {
                let is_same = documented
                    .split(' ')
                    .any(|word| word == defined.to_string());
                assert!(is_same, "{name} is {defined}, not {value}");
            }
            count += 1;
        }
    }
    assert!(count > 30, "only {count} constants are listed");
}

/// Returns the sections that state a requirement.
fn required(document: &str) -> BTreeSet<String> {
    let is_must = |word: &str| word == "MUST";
    let has_must = |line: &String| line.split_whitespace().any(is_must);
    sections(document)
        .into_iter()
        .filter(|section| section.lines.iter().any(has_must))
        .map(|section| section.number)
        .collect()
}

#[test]
fn states_requirements_in_sections() {
    let required = required(DOCUMENT);
    assert!(required.contains("7.3") && !required.contains("1.2"));
    assert!(required.len() > 40, "{required:?}");
}

/// The start of a source comment that cites a section.
const CITATION: &str = "//= PROTOCOL.md#";

/// Returns the sections that the sources in a folder cite: the code, and its tests.
fn citations(folder: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut by_code, mut by_tests) = (BTreeSet::new(), BTreeSet::new());
    visit_sources(folder, &mut |path, text| {
        let mut is_test = path
            .components()
            .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")));
        for line in text.lines().map(str::trim) {
            is_test |= line == "#[cfg(test)]";
            if let Some(number) = line.strip_prefix(CITATION) {
                let cited = if is_test { &mut by_tests } else { &mut by_code };
                cited.insert(number.to_owned());
            }
        }
    });
    (by_code, by_tests)
}

#[test]
fn cites_each_required_section_in_code_and_tests() {
    let (by_code, mut by_tests) = citations(&workspace().join("core"));
    by_tests.extend(citations(&workspace().join("tests")).1);
    let required = required(DOCUMENT);
    let uncited = |cited| required.difference(cited).collect::<Vec<_>>();
    assert_eq!(uncited(&by_code), [""; 0], "not cited by the code");
    assert_eq!(uncited(&by_tests), [""; 0], "not cited by a test");
    let all: BTreeSet<_> = sections(DOCUMENT)
        .into_iter()
        .map(|section| section.number)
        .collect();
    let unknown = |cited: &BTreeSet<String>| cited.difference(&all).cloned().collect::<Vec<_>>();
    assert_eq!(unknown(&by_code), [""; 0], "the code cites no section");
    assert_eq!(unknown(&by_tests), [""; 0], "a test cites no section");
}
