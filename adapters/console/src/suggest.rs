//! Suggests a command for an unknown word.

use crate::commands::COMMANDS;

/// Maximum length in bytes of a word that gets a suggestion.
const WORD_LEN_MAX: usize = 12;

/// Command names of other chat programs and shells.
const FOREIGN: [(&str, &str); 18] = [
    ("msg", "send"),
    ("tell", "send"),
    ("whisper", "send"),
    ("w", "send"),
    ("all", "send_all"),
    ("say", "send_all"),
    ("broadcast", "send_all"),
    ("who", "table"),
    ("names", "table"),
    ("list", "table"),
    ("users", "table"),
    ("?", "help"),
    ("join", "reg"),
    ("leave", "dereg"),
    ("part", "dereg"),
    ("exit", "quit"),
    ("q", "quit"),
    ("bye", "quit"),
];

/// Returns the command for a name in another program.
pub(crate) fn foreign(word: &str) -> Option<&'static str> {
    FOREIGN
        .iter()
        .find(|(theirs, _)| word.eq_ignore_ascii_case(theirs))
        .map(|(_, ours)| *ours)
}

/// Returns the command that an unknown word probably meant.
pub(crate) fn suggestion(word: &str) -> Option<&'static str> {
    let word = word.strip_prefix('/').unwrap_or(word);
    if let Some(command) = foreign(word) {
        return Some(command);
    }
    if word.len() > WORD_LEN_MAX {
        return None;
    }
    COMMANDS
        .into_iter()
        .map(|command| (distance(word.as_bytes(), command.as_bytes()), command))
        // At most a third of the word may differ.
        .filter(|(distance, command)| distance * 3 <= word.len().max(command.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, command)| command)
}

/// Returns the edit distance with swaps of neighbours, ignoring case. `a` has at most
/// [`WORD_LEN_MAX`] bytes.
fn distance(a: &[u8], b: &[u8]) -> usize {
    // Three rows of the usual matrix: the present one and the two before it.
    let mut row: [usize; WORD_LEN_MAX + 1] = core::array::from_fn(|column| column);
    let mut above = row;
    for (i, of_b) in b.iter().enumerate() {
        let two_above = above;
        above = row;
        row[0] = i + 1;
        for (j, of_a) in a.iter().enumerate().take(WORD_LEN_MAX) {
            let same = |x: &u8, y: &u8| x.eq_ignore_ascii_case(y);
            let replaced = above[j] + usize::from(!same(of_a, of_b));
            row[j + 1] = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && same(of_a, &b[i - 1]) && same(&a[j - 1], of_b) {
                row[j + 1] = row[j + 1].min(two_above[j - 1] + 1);
            }
        }
    }
    row[a.len().min(WORD_LEN_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (a, b, edits) in [
            ("", "send", 4),
            ("send", "send", 0),
            ("SEND", "send", 0),
            ("snd", "send", 1),
            ("sned", "send", 1),
            ("xend", "send", 1),
            ("sendall", "send_all", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), edits, "{a} {b}");
        }
    }

    #[test]
    fn suggests_only_similar_commands() {
        for (word, command) in [
            ("snd", Some("send")),
            ("/snd", Some("send")),
            ("sendall", Some("send_all")),
            ("send-all", Some("send_all")),
            ("tabel", Some("table")),
            ("Quit", Some("quit")),
            ("derge", Some("dereg")),
            ("exit", Some("quit")),
            ("hello", None),
            ("x", None),
            ("frobnicate", None),
            ("", None),
            ("sendsendsendsendsend", None),
        ] {
            assert_eq!(suggestion(word), command, "{word}");
        }
    }

    #[test]
    fn translates_only_to_commands() {
        for (theirs, ours) in FOREIGN {
            assert!(
                COMMANDS.contains(&ours) && !COMMANDS.contains(&theirs),
                "{theirs}"
            );
        }
    }
}
