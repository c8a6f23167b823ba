//! Finds the vectors in the document: blocks marked `vector <name>`, with hexadecimal bytes, and
//! comments behind `#`.

/// One vector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    pub(crate) name: &'a str,
    text: &'a str,
}

/// Returns the vectors of a document.
pub(crate) fn blocks(document: &str) -> impl Iterator<Item = Block<'_>> {
    document.split("\n```vector ").skip(1).map(|rest| {
        let (name, rest) = rest.split_once('\n').unwrap_or((rest, ""));
        let (text, _) = rest.split_once("```").unwrap_or((rest, ""));
        Block { name, text }
    })
}

impl Block<'_> {
    /// Returns whether these are its bytes.
    pub(crate) fn says(&self, bytes: &[u8]) -> bool {
        let words = self
            .text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default())
            .flat_map(str::split_ascii_whitespace);
        let said = words.map(|word| u8::from_str_radix(word, 16).ok());
        said.eq(bytes.iter().map(|byte| Some(*byte)))
    }
}
