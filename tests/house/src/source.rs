//! The files: what is in them, and to which package they belong.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Meta};

use crate::violation::{Rule, Violation};

/// A Rust file.
pub(crate) struct Source {
    path: PathBuf,
    name: String,
    text: String,
    syntax: syn::File,
    is_test: bool,
}

impl Source {
    fn read(top: &Path, path: PathBuf, is_test: bool) -> Self {
        let text = fs::read_to_string(&path).expect("a file of Rust can be read");
        let name = path.strip_prefix(top).unwrap_or(&path).display();
        let name = name.to_string().replace('\\', "/");
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            path,
            name,
            text,
            syntax,
            is_test,
        }
    }

    /// Returns a file that is nowhere, for tests.
    #[cfg(test)]
    pub(crate) fn of_text(name: &str, text: &str) -> Self {
        Self {
            path: name.into(),
            name: name.to_owned(),
            text: text.to_owned(),
            syntax: syn::parse_file(text).unwrap(),
            is_test: false,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn syntax(&self) -> &syn::File {
        &self.syntax
    }

    /// Returns whether it belongs to the tests of its package.
    pub(crate) fn is_test(&self) -> bool {
        self.is_test
    }

    /// Returns whether it is part of the core itself.
    pub(crate) fn is_of_core(&self) -> bool {
        self.name.starts_with("core/src/")
    }

    pub(crate) fn violation(&self, rule: Rule, line: usize, detail: String) -> Violation {
        Violation {
            rule,
            file: self.name.clone(),
            line,
            detail,
        }
    }
}

/// All files of a project, by path.
pub struct Sources(BTreeMap<PathBuf, Source>);

impl Sources {
    /// Reads all files of Rust below this folder, without what Cargo built.
    ///
    /// # Panics
    /// If one cannot be read or parsed.
    pub fn read(top: &Path) -> Self {
        let mut paths = Vec::new();
        find(top, false, &mut paths);
        let read =
            |(path, is_test): (PathBuf, bool)| (path.clone(), Source::read(top, path, is_test));
        Self(paths.into_iter().map(read).collect())
    }

    #[cfg(test)]
    pub(crate) fn of_texts(texts: &[(&str, &str)]) -> Self {
        let source = |(name, text): &(&str, &str)| (name.into(), Source::of_text(name, text));
        Self(texts.iter().map(source).collect())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Source> {
        self.0.values()
    }

    pub(crate) fn get(&self, path: &Path) -> Option<&Source> {
        self.0.get(path)
    }
}

/// Collects the files in a folder, each with whether it is a test of its package.
fn find(folder: &Path, is_test: bool, paths: &mut Vec<(PathBuf, bool)>) {
    let is_package = folder.join("Cargo.toml").exists();
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a folder can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            let is_built = path.join("CACHEDIR.TAG").exists() || name == "target";
            if !is_built && !name.starts_with('.') {
                // The workspace has tests of its own in a folder of this name: packages.
                let is_tests = is_package && name == "tests" && !folder.join("tests/e2e").exists();
                find(&path, is_test || is_tests, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let is_tests = is_test || name == "tests.rs";
            paths.push((path, is_tests));
        }
    }
}

/// Returns whether these attributes make something part of the tests alone.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            let tokens = list.tokens.to_string();
            tokens == "test" || tokens == "doctest" || tokens.starts_with("all (test")
        }
        _ => false,
    })
}
