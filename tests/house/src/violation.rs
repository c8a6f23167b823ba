//! A violation of a rule, and its place.

use std::fmt;

/// A rule of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A file has at most 500 lines.
    File,
    /// A line has at most 100 columns.
    Line,
    /// A function has at most 70 lines, outside tests.
    Function,
    /// A function nests at most 4 deep.
    Nesting,
    /// A struct of the core has at most 20 fields.
    Struct,
    /// A field of a part of the core is private to its file.
    Field,
    /// Files of a crate do not import each other in a circle.
    Circle,
    /// Only the folders `src/platform` depend on the operating system.
    System,
}

impl Rule {
    /// Returns its name, as the list of exceptions has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Line => "line",
            Self::Function => "function",
            Self::Nesting => "nesting",
            Self::Struct => "struct",
            Self::Field => "field",
            Self::Circle => "circle",
            Self::System => "system",
        }
    }
}

/// A place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// The file, as seen from the top folder.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The value that breaks it.
    pub detail: String,
}

impl Violation {
    /// Returns the folder of the package that the file belongs to.
    pub fn package(&self) -> &str {
        let folders = match self.file.split('/').next() {
            Some("adapters" | "bins" | "tests") => 2,
            _ => 1,
        };
        let mut ends = self.file.match_indices('/').map(|(end, _)| end);
        let end = ends.nth(folders - 1).unwrap_or(self.file.len());
        &self.file[..end]
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line, rule) = (&self.file, self.line, self.rule.name());
        write!(f, "{file}:{line}: {rule}: {}", self.detail)
    }
}
