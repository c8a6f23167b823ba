//! The imports of a module, and all paths in it.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{ImplItem, Item, ItemUse, UseTree, VisRestricted};

use crate::source::is_for_tests;

/// A name that a module has from elsewhere.
pub(crate) struct Import {
    /// `None` for all that is there.
    pub(crate) name: Option<String>,
    pub(crate) path: Vec<String>,
}

/// A path in the source, and its line.
pub(crate) struct Used {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// Returns the imports and the paths of these items, without those of tests and of modules inside.
pub(crate) fn of_items(items: &[Item]) -> (Vec<Import>, Vec<Used>) {
    let mut paths = Paths {
        imports: Vec::new(),
        used: Vec::new(),
    };
    for item in items {
        paths.visit_item(item);
    }
    (paths.imports, paths.used)
}

struct Paths {
    imports: Vec<Import>,
    used: Vec<Used>,
}

impl Paths {
    fn import(&mut self, before: &[String], tree: &UseTree) {
        let mut path = before.to_vec();
        let name = match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                return self.import(&path, &tree.tree);
            }
            UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|tree| self.import(before, tree));
            }
            // `use module::{self}` names the module.
            UseTree::Name(tree) if tree.ident == "self" => path.last().cloned(),
            UseTree::Name(tree) => {
                path.push(tree.ident.to_string());
                path.last().cloned()
            }
            UseTree::Rename(tree) => {
                path.extend((tree.ident != "self").then(|| tree.ident.to_string()));
                Some(tree.rename.to_string())
            }
            UseTree::Glob(_) => None,
        };
        self.used.push(Used {
            segments: path.clone(),
            line: tree.span().start().line,
        });
        self.imports.push(Import { name, path });
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            // It has paths of its own.
            Item::Mod(_) => return,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        match item {
            ImplItem::Fn(item) if is_for_tests(&item.attrs) => {}
            _ => visit::visit_impl_item(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&[], &item.tree);
    }

    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // Names alone come from an import or from the same file.
        if path.segments.len() > 1 {
            let segments = path.segments.iter();
            self.used.push(Used {
                segments: segments.map(|segment| segment.ident.to_string()).collect(),
                line: path.span().start().line,
            });
        }
        visit::visit_path(self, path);
    }
}
