//! Documentation in the program: the manual page, completions for shells, and the dissector for
//! Wireshark.

use std::io;

use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::cli::definition;
use crate::exit::{Exit, Failure, print};
use crate::help::{AFTER_LONG_HELP, USAGE};

/// The date of the version that the page describes.
const DATE: &str = "2026-12-01";

/// Prints completions for a shell.
///
/// # Errors
/// Returns an error if the output cannot be written.
pub(crate) fn print_completions(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "ChatApp", &mut script);
    print(&script)
}

/// Prints the manual page.
///
/// # Errors
/// Returns an error if the output cannot be written.
pub(crate) fn print_page() -> Result<Exit, Failure> {
    print(&page().map_err(Failure::system("cannot write the manual page"))?)
}

/// Prints the dissector for Wireshark.
///
/// # Errors
/// Returns an error if the output cannot be written.
pub(crate) fn print_dissector() -> Result<Exit, Failure> {
    print(chatapp_wireshark::DISSECTOR.as_bytes())
}

fn page() -> io::Result<Vec<u8>> {
    // The text of --help is laid out for a terminal; the page formats its sections itself.
    let definition = definition().after_long_help("");
    let man = Man::new(definition).title("CHATAPP").date(DATE);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    as_it_stands("SYNOPSIS", USAGE.lines().map(str::trim_start)).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    as_it_stands("SUBCOMMANDS", subcommands().iter().map(String::as_str)).to_writer(&mut page)?;
    for (heading, lines) in sections() {
        as_it_stands(heading, lines.into_iter()).to_writer(&mut page)?;
    }
    man.render_version_section(&mut page)?;
    // An empty line between two line breaks is a space, and `mandoc` wants it written as one.
    let page = String::from_utf8(page).map_err(io::Error::other)?;
    Ok(page.replace("\n.br\n\n.br\n", "\n.sp\n").into_bytes())
}

/// Returns one line for each subcommand; subcommands have no pages of their own.
fn subcommands() -> Vec<String> {
    let line = |command: &clap::Command| {
        let about = command.get_about().map(ToString::to_string);
        format!(
            "  ChatApp {:12} {}",
            command.get_name(),
            about.unwrap_or_default()
        )
    };
    definition().get_subcommands().map(line).collect()
}

/// Returns the sections of [`AFTER_LONG_HELP`]. A paragraph without a heading belongs to the
/// section before it.
fn sections() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut sections: Vec<(&str, Vec<&str>)> = Vec::new();
    for paragraph in AFTER_LONG_HELP.split("\n\n") {
        let (first, rest) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
        match (first.strip_suffix(':'), sections.last_mut()) {
            (None, Some((_, lines))) => {
                lines.push("");
                lines.extend(paragraph.lines());
            }
            (heading, _) => sections.push((heading.unwrap_or(first), rest.lines().collect())),
        }
    }
    sections
}

fn as_it_stands<'a>(heading: &str, lines: impl Iterator<Item = &'a str>) -> Roff {
    let mut section = Roff::new();
    section
        .control("SH", [heading.to_uppercase().as_str()])
        .control("nf", []);
    for line in lines {
        section.text([roman(line)]);
    }
    section.control("fi", []);
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_every_command_in_the_help() {
        for line in chatapp_console::HELP {
            let (usage, _) = line.split_once("  ").unwrap();
            assert!(AFTER_LONG_HELP.contains(usage), "{usage}");
        }
    }

    #[test]
    fn fits_the_help_into_80_columns() {
        for line in AFTER_LONG_HELP.lines().chain(USAGE.lines()) {
            assert!(line.len() <= 80, "{} bytes: {line}", line.len());
        }
        // Clap wraps no line that fits this width, and would wrap a longer one.
        let help = definition().term_width(80).render_long_help().to_string();
        assert!(help.contains(AFTER_LONG_HELP), "{help}");
        for line in help.lines() {
            assert!(line.len() <= 80, "{} bytes: {line}", line.len());
        }
    }

    #[test]
    fn lists_every_section_and_option_on_the_page() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        for part in [
            ".SH SYNOPSIS",
            ".SH KEYS",
            ".SH \"EXIT CODES\"",
            "send_all",
            "no reply to 6 attempts",
            "\\-\\-no\\-history",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
