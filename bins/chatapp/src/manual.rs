//! What the program says about itself: `--help`, its manual page, completions for shells, a
//! dissector for Wireshark.

use std::io::{self, Write};

use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::cli::definition;
use crate::exit::{Exit, Failure};

/// Prints completions for a shell.
///
/// # Errors
/// The output is closed.
pub(crate) fn print_completions(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "ChatApp", &mut script);
    print(&script)
}

/// Prints the manual page.
///
/// # Errors
/// The output is closed.
pub(crate) fn print_page() -> Result<Exit, Failure> {
    print(&page().map_err(Failure::system("cannot write the manual page"))?)
}

/// Prints the dissector for Wireshark.
///
/// # Errors
/// The output is closed.
pub(crate) fn print_dissector() -> Result<Exit, Failure> {
    print(chatapp_wireshark::DISSECTOR.as_bytes())
}

fn print(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut output = io::stdout().lock();
    output
        .write_all(bytes)
        .and_then(|()| output.flush())
        .map_err(Failure::system("cannot write to standard output"))?;
    Ok(Exit::Done)
}

fn page() -> io::Result<Vec<u8>> {
    // The text of --help is laid out for a terminal; it gets sections of its own.
    let man = Man::new(definition().after_long_help("")).title("CHATAPP");
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
    Ok(page)
}

/// One line for each; they have no pages of their own.
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

/// The sections of [`AFTER_LONG_HELP`]. A paragraph without a heading belongs to the section before
/// it.
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

/// How the program is called.
pub(crate) const USAGE: &str = "\
ChatApp [OPTIONS] -s <PORT>
       ChatApp [OPTIONS] -c <NAME> <SERVER-IP> <SERVER-PORT> <CLIENT-PORT>
       ChatApp store [--json] <DIR>
       ChatApp keys show | forget | new-room <FILE>
       ChatApp demo | man | completions <SHELL> | dissector
       ChatApp";

/// What `--help` says below the options, in sections. Its lines fit a terminal of 80 columns, so
/// that none is broken.
pub(crate) const AFTER_LONG_HELP: &str = "\
Commands of a client, one a line:
  send <name> <text>   send a message to one person, kept if that person is away
  send_all <text>      send a message to everybody in the room
  dereg <name>         leave the room under your name; messages are kept
  reg <name>           come back under your name, and get what was kept
  table                show who is in the room
  quit                 finish what is on its way, leave the room and end
  help                 show these commands
A slash in front, as in /send, does no harm. A text begins one blank behind the
name.

The end of the input and Ctrl-C end a client like `quit`; a second Ctrl-C ends
it at once.

Lines that a client prints:
  alice: hi                                      a message for you
  Channel_Message alice: hi                      a message for everybody
  [You have messages]                            these were kept for you:
  alice: <2022-03-24 19:31:32> hi                  when the server got it
  [Message received by bob.]                     bob's program has shown it
  [Message received by Server.]                  everybody in the room gets it
  [No ACK from bob, message sent to server.]     bob is away; then one of these:
  [Messages received by the server and saved]      bob gets it when he returns
  [Client bob exists!!]                            bob is back; it goes to him
  [Client bob does not exist.]                     nobody has that name
  [Mailbox of bob is full; the message was not saved.]
  [bob has another key than before: ...]         perhaps somebody else: see Keys
  [Server not responding]                        no answer to 6 attempts in 3 s
  [Client table updated.]                        somebody came or left
  [The server's limits make you wait; ...]       it goes on by itself
At a terminal each line begins with `>>> ` and the time. Control characters from
others are shown as \\u{1b} and the like.

At a terminal:
  Tab          complete a command, or a name behind `send`: those online first
  Up, Down     bring typed lines back; Ctrl-R searches them
  Ctrl-C       leave, as Ctrl-D does on an empty line
Typed lines are remembered for each name in ~/.local/state/chatapp/history, or
under $XDG_STATE_HOME; not those that begin with a blank, and none with
--no-history. Many pasted lines are sent only after a question.

A server takes `stats` (its counters, as SIGUSR1 does), `quit` and `help`.

Keys:
Everything that is sent is sealed, and a private message can be read by its
recipient alone. A name belongs to the key that it was first registered with,
which is made then. A client remembers the keys of servers and of those it has
talked to, and tells nothing to whoever comes with another one.
  ChatApp keys show                  your names with their public keys, and
                                     whose keys you know
  ChatApp keys show alice            one of your names, a line for --allow-file
  ChatApp keys forget server localhost 4119
                                     trust its next key, if it was set up anew;
                                     the host is as you type it behind -c
  ChatApp keys forget name bob       the same, if bob has lost his key
  ChatApp keys new-room room.key     make a key for --room-key, in a new file
Each private key is a file in ~/.local/state/chatapp/keys that you alone can
read. Who has a copy is you: keep one, and take it to your other machines.

What is kept on disk:
A server keeps names, waiting messages and the log of the channel, in `room.db`
(SQLite) in its folder, and its private key beside it. It is on the disk before
anybody is told so; a server that is killed goes on where it was when it is
started again. A client keeps keys, and which messages it has shown, so that it
shows none of them again after a restart. Your state folder, where all of it is
unless --data-dir says another one, is ~/.local/state/chatapp on Linux.

Exit codes:
  0  done
  1  the machine failed, for example standard output was closed
  2  wrong usage, or a port, address, store or key that cannot be used
  3  the server does not respond, or speaks another version of the protocol
  4  the server refused the name, or another process took it over
  5  the server has another key than before
  6  what was to be sent with --exec did not arrive, and is not kept either

Examples, in two terminals:
  ChatApp -s 4119
  ChatApp -c alice localhost 4119 0
One message from a script:
  ChatApp -c robot localhost 4119 0 --exec 'send alice Backup done.'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_command() {
        for line in chatapp_console::HELP {
            let (usage, _) = line.split_once("  ").unwrap();
            assert!(AFTER_LONG_HELP.contains(usage), "{usage}");
        }
    }

    #[test]
    fn help_fits_a_terminal_of_80_columns() {
        for line in AFTER_LONG_HELP.lines().chain(USAGE.lines()) {
            assert!(line.len() <= 80, "{} bytes: {line}", line.len());
        }
        // What is laid out for it is not broken once more; what is not, is.
        let help = definition().term_width(80).render_long_help().to_string();
        assert!(help.contains(AFTER_LONG_HELP), "{help}");
        for line in help.lines() {
            assert!(line.len() <= 80, "{} bytes: {line}", line.len());
        }
    }

    #[test]
    fn the_page_has_every_section_and_option() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        for part in [
            ".SH SYNOPSIS",
            ".SH KEYS",
            ".SH \"EXIT CODES\"",
            "send_all",
            "no answer to 6 attempts",
            "\\-\\-no\\-history",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
