//! How deep functions nest: branches, loops, matches, and the blocks of arms and closures.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Arm, Expr, ExprClosure, ExprForLoop, ExprIf, ExprLoop, ExprMatch, ExprWhile, ItemFn, Local,
};

use crate::source::Source;
use crate::violation::{Rule, Violation};

const DEPTH_MAX: usize = 4;

/// Finds what nests too deep in a file, at the first line that is too deep.
pub(crate) fn check(source: &Source, found: &mut Vec<Violation>) {
    let nesting = &mut Nesting {
        source,
        found,
        depth: 0,
    };
    nesting.visit_file(source.syntax());
}

struct Nesting<'a> {
    source: &'a Source,
    found: &'a mut Vec<Violation>,
    depth: usize,
}

impl Nesting<'_> {
    /// Visits something one deeper, which begins at this line.
    fn deeper(&mut self, line: usize, visit: impl FnOnce(&mut Self)) {
        self.depth += 1;
        if self.depth == DEPTH_MAX + 1 {
            let detail = format!("nests deeper than {DEPTH_MAX}");
            self.found
                .push(self.source.violation(Rule::Nesting, line, detail));
        }
        visit(self);
        self.depth -= 1;
    }
}

impl<'ast> Visit<'ast> for Nesting<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let outside = std::mem::take(&mut self.depth);
        visit::visit_item_fn(self, item);
        self.depth = outside;
    }

    fn visit_expr_if(&mut self, branch: &'ast ExprIf) {
        self.visit_expr(&branch.cond);
        let line = branch.if_token.span.start().line;
        self.deeper(line, |nesting| nesting.visit_block(&branch.then_branch));
        match branch.else_branch.as_ref().map(|(_, other)| &**other) {
            // A chain of conditions is one branch.
            Some(Expr::If(next)) => self.visit_expr_if(next),
            Some(other) => self.deeper(line, |nesting| nesting.visit_expr(other)),
            None => {}
        }
    }

    fn visit_expr_match(&mut self, item: &'ast ExprMatch) {
        self.visit_expr(&item.expr);
        let line = item.match_token.span.start().line;
        self.deeper(line, |nesting| {
            for arm in &item.arms {
                nesting.visit_arm(arm);
            }
        });
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        if let Some((_, guard)) = &arm.guard {
            self.visit_expr(guard);
        }
        let line = arm.fat_arrow_token.span().start().line;
        match &*arm.body {
            Expr::Block(_) => self.deeper(line, |nesting| nesting.visit_expr(&arm.body)),
            body => self.visit_expr(body),
        }
    }

    fn visit_expr_for_loop(&mut self, item: &'ast ExprForLoop) {
        self.visit_expr(&item.expr);
        let line = item.for_token.span.start().line;
        self.deeper(line, |nesting| nesting.visit_block(&item.body));
    }

    fn visit_expr_while(&mut self, item: &'ast ExprWhile) {
        self.visit_expr(&item.cond);
        let line = item.while_token.span.start().line;
        self.deeper(line, |nesting| nesting.visit_block(&item.body));
    }

    fn visit_expr_loop(&mut self, item: &'ast ExprLoop) {
        let line = item.loop_token.span.start().line;
        self.deeper(line, |nesting| nesting.visit_block(&item.body));
    }

    fn visit_local(&mut self, local: &'ast Local) {
        let Some(init) = &local.init else { return };
        self.visit_expr(&init.expr);
        if let Some((otherwise, other)) = &init.diverge {
            let line = otherwise.span.start().line;
            self.deeper(line, |nesting| nesting.visit_expr(other));
        }
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        let line = closure.or1_token.span.start().line;
        match &*closure.body {
            Expr::Block(_) => self.deeper(line, |nesting| nesting.visit_expr(&closure.body)),
            body => self.visit_expr(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let mut found = Vec::new();
        check(&Source::of_text("a.rs", text), &mut found);
        found.iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn finds_a_fifth_level() {
        let four = "fn a() { if a { for b in c {\nwhile d { match e { _ => f() } } } } }";
        assert_eq!(lines(four), []);
        let five = "fn a() { if a { for b in c { loop { match e {\n_ => if f {} } } } } }";
        assert_eq!(lines(five), [2]);
        let arm = "fn a() { if a { for b in c { loop { match e {\n_ => { f() } } } } } }";
        assert_eq!(lines(arm), [2]);
        let closure = "fn a() { if a { for b in c { loop { if d {\ne(|| {}) } } } } }";
        assert_eq!(lines(closure), [2]);
    }

    #[test]
    fn takes_a_chain_of_conditions_as_one() {
        let chain = "fn a() { if a {} else if b {} else if c {} else if d {} else if e {} }";
        assert_eq!(lines(chain), []);
    }

    #[test]
    fn begins_again_in_functions_inside_functions() {
        let inner = "fn a() { if a { if b { if c { fn d() { if e { if f {} } } } } } }";
        assert_eq!(lines(inner), []);
    }
}
