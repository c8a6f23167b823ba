//! Fields of parts of the core that other files can reach.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use syn::visit::Visit;
use syn::{ItemMod, ItemStruct, Visibility};

use crate::source::{Source, is_for_tests};
use crate::violation::{Rule, Violation};

/// Structs that are plain values, by name.
static VALUES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("../values.txt").lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
});

/// Finds visible fields of structs that are no plain values.
pub(crate) fn check(source: &Source, found: &mut Vec<Violation>) {
    Fields { source, found }.visit_file(source.syntax());
}

struct Fields<'a> {
    source: &'a Source,
    found: &'a mut Vec<Violation>,
}

impl<'ast> Visit<'ast> for Fields<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_for_tests(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        let part = item.ident.to_string();
        if VALUES.contains(&*part) {
            return;
        }
        for (index, field) in item.fields.iter().enumerate() {
            if matches!(field.vis, Visibility::Inherited) {
                continue;
            }
            let name = field
                .ident
                .as_ref()
                .map_or(index.to_string(), |name| name.to_string());
            let line = syn::spanned::Spanned::span(&field.ty).start().line;
            let detail = format!("`{part}::{name}` is visible outside of its file");
            self.found
                .push(self.source.violation(Rule::Field, line, detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_visible_fields_of_parts() {
        let text = "pub struct Part {\n a: u8,\n pub(crate) b: u8,\n pub c: u8 }\n\
                    struct Pair(pub(super) u8);\npub struct ServerConfig { pub a: u8 }";
        let mut found = Vec::new();
        check(&Source::of_text("core/src/a.rs", text), &mut found);
        let lines: Vec<_> = found.iter().map(|violation| violation.line).collect();
        assert_eq!(lines, [3, 4, 5]);
    }
}
