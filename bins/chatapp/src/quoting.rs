//! Splits a typed start into its arguments.

use std::borrow::Cow;

/// Splits a line at white space. An argument, or the value behind the `=` of an option, may stand
/// in quotes: it ends at the next quote of the same kind.
///
/// A quote elsewhere is a character as any other, and so is one without a second quote at the end
/// of an argument: names may have them. There are no escapes, because paths have backslashes.
pub(crate) fn split(line: &str) -> Vec<Cow<'_, str>> {
    let mut arguments = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (argument, behind) = first(rest);
        arguments.push(argument);
        rest = behind.trim_start();
    }
    arguments
}

/// Returns the first argument of a line, and the rest of the line.
fn first(line: &str) -> (Cow<'_, str>, &str) {
    let word_end = line.find(char::is_whitespace).unwrap_or(line.len());
    let (word, behind) = line.split_at(word_end);
    if let Some((value, behind)) = quoted(line) {
        return (Cow::Borrowed(value), behind);
    }
    let option_len = word.find('=').filter(|_| word.starts_with("--"));
    if let Some((option, value)) = option_len.map(|len| line.split_at(len + 1))
        && let Some((value, behind)) = quoted(value)
    {
        return (Cow::Owned(format!("{option}{value}")), behind);
    }
    (Cow::Borrowed(word), behind)
}

/// Returns the text in the quotes at the beginning of a line, and the rest of the line; `None` if
/// it does not begin with an argument in quotes.
fn quoted(line: &str) -> Option<(&str, &str)> {
    let quote = line
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''))?;
    let (value, behind) = line.get(1..)?.split_once(quote)?;
    let is_end = behind.is_empty() || behind.starts_with(char::is_whitespace);
    is_end.then_some((value, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_quotes_around_arguments_off() {
        for (line, arguments) in [
            ("  ChatApp\t-s 4119\r\n", &["ChatApp", "-s", "4119"][..]),
            ("--data-dir \"my room\" x", &["--data-dir", "my room", "x"]),
            (
                "--data-dir='C:\\my room' x",
                &["--data-dir=C:\\my room", "x"],
            ),
            ("--exec 'send bob \"hi\"'", &["--exec", "send bob \"hi\""]),
            ("-c \"\" ''", &["-c", "", ""]),
            ("\"Zo\u{eb}\u{3000}x\" y", &["Zo\u{eb}\u{3000}x", "y"]),
        ] {
            assert_eq!(split(line), arguments, "{line}");
        }
    }

    #[test]
    fn keeps_other_quotes() {
        for line in [
            "o'brien x",
            "'tis x",
            "\"al x y",
            "\"a\"b x",
            "a=\"b c\"",
            "'",
            "--x='a",
        ] {
            let words: Vec<_> = line.split_whitespace().collect();
            assert_eq!(split(line), words, "{line}");
        }
        assert!(split(" \n").is_empty());
    }
}
