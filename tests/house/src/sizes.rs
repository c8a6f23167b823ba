//! How long files, lines and functions are, and how many fields structs have.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, ItemMod, ItemStruct, Signature, TraitItemFn};

use crate::source::{Source, is_for_tests};
use crate::violation::{Rule, Violation};

const FILE_LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;
const FIELDS_MAX: usize = 20;

/// Finds what is too large in a file.
pub(crate) fn check(source: &Source, found: &mut Vec<Violation>) {
    let lines = source.text().lines().count();
    if lines > FILE_LINES_MAX {
        let detail = format!("{lines} lines");
        found.push(source.violation(Rule::File, lines, detail));
    }
    for (index, line) in source.text().lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS_MAX {
            let detail = format!("{columns} columns");
            found.push(source.violation(Rule::Line, index + 1, detail));
        }
    }
    Sizes { source, found }.visit_file(source.syntax());
}

struct Sizes<'a> {
    source: &'a Source,
    found: &'a mut Vec<Violation>,
}

impl Sizes<'_> {
    fn function(&mut self, signature: &Signature, block: &Block) {
        let first = signature.span().start().line;
        let lines = block.brace_token.span.close().end().line + 1 - first;
        if lines > FUNCTION_LINES_MAX && !self.source.is_test() {
            let detail = format!("`{}` has {lines} lines", signature.ident);
            let violation = self.source.violation(Rule::Function, first, detail);
            self.found.push(violation);
        }
    }
}

impl<'ast> Visit<'ast> for Sizes<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !is_for_tests(&item.attrs) {
            self.function(&item.sig, &item.block);
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        let fields = item.fields.len();
        if fields > FIELDS_MAX && self.source.is_of_core() {
            let line = item.ident.span().start().line;
            let detail = format!("`{}` has {fields} fields", item.ident);
            self.found
                .push(self.source.violation(Rule::Struct, line, detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<(Rule, usize)> {
        let mut found = Vec::new();
        check(&Source::of_text("core/src/a.rs", text), &mut found);
        let place = |violation: &Violation| (violation.rule, violation.line);
        found.iter().map(place).collect()
    }

    #[test]
    fn finds_long_lines_and_files() {
        assert_eq!(rules(&format!("//{}", " ".repeat(98))), []);
        let wide = format!("// a\n//{}", " ".repeat(99));
        assert_eq!(rules(&wide), [(Rule::Line, 2)]);
        assert_eq!(rules(&"\n".repeat(500)), []);
        assert_eq!(rules(&"\n".repeat(501)), [(Rule::File, 501)]);
    }

    #[test]
    fn finds_long_functions_outside_tests() {
        let function = |lines: usize| format!("fn a() {{{}}}", "\n".repeat(lines - 1));
        assert_eq!(rules(&function(70)), []);
        assert_eq!(rules(&function(71)), [(Rule::Function, 1)]);
        let method = format!("impl A {{ {} }}", function(71));
        assert_eq!(rules(&method), [(Rule::Function, 1)]);
        let tests = format!("#[cfg(test)] mod tests {{ {} }}", function(71));
        assert_eq!(rules(&tests), []);
    }

    #[test]
    fn finds_structs_with_many_fields() {
        let fields = |count: usize| format!("struct A({});", "u8,".repeat(count));
        assert_eq!(rules(&fields(20)), []);
        assert_eq!(rules(&fields(21)), [(Rule::Struct, 1)]);
    }
}
