//! The modules of a crate, and the file that defines what a path names.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use syn::{Item, ItemMod};

use crate::paths::{self, Import, Used};
use crate::source::{Source, Sources, is_for_tests};

/// Re-exports that a path goes through at most.
const STEPS_MAX: usize = 16;

/// A module: the root of a crate, a file, or a part of a file.
pub(crate) struct Module {
    file: PathBuf,
    parent: Option<usize>,
    children: HashMap<String, usize>,
    items: HashSet<String>,
    imports: Vec<Import>,
    used: Vec<Used>,
}

/// The modules of one crate, the root first.
pub(crate) struct Modules(Vec<Module>);

impl Modules {
    /// Follows the modules of a crate from its root.
    pub(crate) fn of_crate(root: &Source, sources: &Sources) -> Self {
        let mut modules = Self(Vec::new());
        modules.add(root.path(), &root.syntax().items, None, sources);
        modules
    }

    /// Returns the files of the crate.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|module| &*module.file)
    }

    /// Returns each use of another file: from, to, and the line.
    pub(crate) fn uses(&self) -> Vec<(&Path, &Path, usize)> {
        let mut uses = Vec::new();
        for (index, module) in self.0.iter().enumerate() {
            for used in &module.used {
                let defining = self.resolve(index, &used.segments, STEPS_MAX);
                if let Some(file) = defining.filter(|file| *file != module.file) {
                    uses.push((&*module.file, file, used.line));
                }
            }
        }
        uses
    }

    fn add(
        &mut self,
        file: &Path,
        items: &[Item],
        parent: Option<usize>,
        sources: &Sources,
    ) -> usize {
        let index = self.0.len();
        let (imports, used) = paths::of_items(items);
        self.0.push(Module {
            file: file.to_owned(),
            parent,
            children: HashMap::new(),
            items: items.iter().filter_map(name_of).collect(),
            imports,
            used,
        });
        for item in items {
            let Item::Mod(child) = item else { continue };
            if is_for_tests(&child.attrs) {
                continue;
            }
            let added = match &child.content {
                Some((_, items)) => Some(self.add(file, items, Some(index), sources)),
                None => file_of(file, child, sources).map(|source| {
                    self.add(source.path(), &source.syntax().items, Some(index), sources)
                }),
            };
            if let Some(added) = added {
                self.0[index]
                    .children
                    .insert(child.ident.to_string(), added);
            }
        }
        index
    }

    /// Returns the file that defines what this path names, as seen from a module.
    fn resolve(&self, from: usize, path: &[String], steps: usize) -> Option<&Path> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.find(0, rest, steps),
            "self" => self.find(from, rest, steps),
            "super" => {
                let parent = self.0[from].parent?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.resolve(parent, rest, steps),
                    _ => self.find(parent, rest, steps),
                }
            }
            _ => self.find(from, path, steps),
        }
    }

    /// Returns the file that defines what this path names below a module; modules define nothing.
    fn find(&self, module: usize, path: &[String], steps: usize) -> Option<&Path> {
        let (name, rest) = path.split_first()?;
        let steps = steps.checked_sub(1)?;
        let inside = &self.0[module];
        if let Some(child) = inside.children.get(name) {
            return self.find(*child, rest, steps);
        }
        if inside.items.contains(name) {
            return Some(&inside.file);
        }
        inside.imports.iter().find_map(|import| match &import.name {
            Some(imported) if imported == name => {
                let next = [&import.path, rest].concat();
                // An import from another crate under the same name leads back here.
                (next != path).then(|| self.resolve(module, &next, steps))?
            }
            Some(_) => None,
            None => {
                let all = self.module_of(module, &import.path)?;
                (all != module).then(|| self.find(all, path, steps))?
            }
        })
    }

    /// Returns the module of this crate that a path names, as seen from another one.
    fn module_of(&self, from: usize, path: &[String]) -> Option<usize> {
        let mut module = from;
        for name in path {
            module = match name.as_str() {
                "crate" => 0,
                "self" => module,
                "super" => self.0[module].parent?,
                _ => *self.0[module].children.get(name)?,
            };
        }
        Some(module)
    }
}

/// Returns the name that an item defines.
fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Returns the file of a module that is declared in another file.
pub(crate) fn file_of<'a>(
    parent: &Path,
    child: &ItemMod,
    sources: &'a Sources,
) -> Option<&'a Source> {
    let (folder, name) = (parent.parent()?, child.ident.to_string());
    let inside = folder.join(parent.file_stem()?);
    [inside, folder.to_owned()].iter().find_map(|folder| {
        let file = sources.get(&folder.join(format!("{name}.rs")));
        file.or_else(|| sources.get(&folder.join(&name).join("mod.rs")))
    })
}
