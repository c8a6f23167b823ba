//! The places that depend on the operating system: only folders `platform` of packages may.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Macro, Meta};

use crate::source::Source;
use crate::violation::{Rule, Violation};

/// Conditions that name a system.
const CONDITIONS: [&str; 5] = [
    "target_family",
    "target_os",
    "target_vendor",
    "unix",
    "windows",
];

/// Packages for one system alone: the TAP device of Linux, and boards without a system.
const ONE_SYSTEM: [&str; 2] = ["adapters/tap/", "bins/firmware/"];

/// Finds conditions about the system in a file that is not part of a platform layer. Tests may have
/// them, because they show what differs.
pub(crate) fn check(source: &Source, found: &mut Vec<Violation>) {
    let name = source.name();
    let is_product = ["core/", "adapters/", "bins/"]
        .iter()
        .any(|folder| name.starts_with(folder));
    let is_excepted = name.contains("/src/platform/")
        || ONE_SYSTEM.iter().any(|package| name.starts_with(package));
    if is_product && !source.is_test() && !is_excepted {
        Systems { source, found }.visit_file(source.syntax());
    }
}

struct Systems<'a> {
    source: &'a Source,
    found: &'a mut Vec<Violation>,
}

impl Systems<'_> {
    fn condition(&mut self, line: usize, tokens: &str) {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let mut words = tokens.split(|c| !is_name(c));
        if let Some(word) = words.find(|word| CONDITIONS.contains(word)) {
            let detail = format!("depends on `{word}` outside of `src/platform`");
            self.found
                .push(self.source.violation(Rule::System, line, detail));
        }
    }
}

impl<'ast> Visit<'ast> for Systems<'_> {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta
            && (list.path.is_ident("cfg") || list.path.is_ident("cfg_attr"))
        {
            self.condition(attribute.span().start().line, &list.tokens.to_string());
        }
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        if item.path.is_ident("cfg") {
            self.condition(item.span().start().line, &item.tokens.to_string());
        }
        visit::visit_macro(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(name: &str, text: &str) -> Vec<usize> {
        let mut found = Vec::new();
        check(&Source::of_text(name, text), &mut found);
        found.iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn finds_conditions_about_systems() {
        let text = "#[cfg(unix)]\nfn a() {}\n#[cfg(all(test, not(windows)))]\nmod b {}\n\
            fn c() { if cfg!(target_os = \"linux\") {} }\n\
            #[cfg_attr(target_family = \"unix\", test)]\nfn d() {}\n";
        assert_eq!(lines("bins/chatapp/src/a.rs", text), [1, 3, 5, 6]);
    }

    #[test]
    fn lets_platforms_and_tests_have_them() {
        let text = "#[cfg(unix)]\nmod unix;\n";
        for name in [
            "adapters/mio/src/platform/mod.rs",
            "adapters/tap/src/lib.rs",
            "tests/e2e/src/lib.rs",
        ] {
            assert_eq!(lines(name, text), []);
        }
        let other = "#[cfg(feature = \"ring\")]\n#[cfg(test)]\nmod a {}\n";
        assert_eq!(lines("core/src/a.rs", other), []);
    }
}
