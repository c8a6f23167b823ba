//! The arguments, and the `$ ` prompt that asks for them.

use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;

use chatapp_core::Name;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::data::DataOptions;
use crate::exit::Failure;
use crate::limits::LimitOptions;

/// What the program is asked to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// To be asked at a prompt.
    Ask,
    Serve(ServerOptions),
    Chat(ClientOptions),
    Demo,
    /// Show what is in a server's store.
    Store {
        folder: PathBuf,
        json: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerOptions {
    pub(crate) port: u16,
    /// `None`: all addresses of this machine.
    pub(crate) bind: Option<IpAddr>,
    pub(crate) limits: LimitOptions,
    pub(crate) data: DataOptions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientOptions {
    pub(crate) name: Name,
    /// An IP address or a host name.
    pub(crate) server_host: String,
    pub(crate) server_port: u16,
    /// 0: any free one.
    pub(crate) port: u16,
    /// `None`: all addresses of this machine.
    pub(crate) bind: Option<IpAddr>,
    /// Other clients that the table has room for.
    pub(crate) peers: u32,
    pub(crate) data: DataOptions,
}

/// The mode that the program was started in. Ends the program if the arguments are wrong or ask for help.
pub(crate) fn from_arguments() -> Mode {
    parse(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

/// Asks for a line such as `ChatApp -s 4119` until there is a good one; `None` at the end of input.
pub(crate) fn ask() -> Result<Option<Mode>, Failure> {
    let at_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut line = String::new();
    loop {
        if at_terminal {
            print!("$ ");
            io::stdout()
                .flush()
                .map_err(Failure::system("cannot write to standard output"))?;
        }
        line.clear();
        let read = io::stdin().lock().read_line(&mut line);
        if read.map_err(Failure::system("cannot read standard input"))? == 0 {
            return Ok(None);
        }
        match parse_line(&line) {
            Ok(Mode::Ask) => {}
            Ok(mode) => return Ok(Some(mode)),
            Err(error) if at_terminal => {
                // Where it goes was a terminal a moment ago.
                let _ = error.print();
            }
            Err(error) => error.exit(),
        }
    }
}

fn parse_line(line: &str) -> Result<Mode, clap::Error> {
    let mut words = line.split_whitespace().peekable();
    match words.peek() {
        None => Ok(Mode::Ask),
        Some(&"ChatApp") => parse(words),
        Some(_) => Err(Arguments::command().error(
            ErrorKind::MissingSubcommand,
            "type one of\n  ChatApp -s <PORT>\n  ChatApp -c <NAME> <SERVER-IP> <SERVER-PORT> <CLIENT-PORT>",
        )),
    }
}

fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Mode, clap::Error> {
    let Arguments {
        server,
        client,
        bind,
        peers,
        limits,
        data,
        command,
    } = Arguments::try_parse_from(arguments)?;
    match (command, server, client) {
        (Some(Tool::Demo), ..) => Ok(Mode::Demo),
        (Some(Tool::Store { folder, json }), ..) => Ok(Mode::Store { folder, json }),
        (None, Some(port), _) => Ok(Mode::Serve(ServerOptions {
            port,
            bind,
            limits,
            data,
        })),
        (None, None, Some(words)) => client_options(&words, bind, peers, data)
            .map(Mode::Chat)
            .map_err(|message| Arguments::command().error(ErrorKind::ValueValidation, message)),
        (None, None, None) => Ok(Mode::Ask),
    }
}

/// The four words behind `-c`.
fn client_options(
    words: &[String],
    bind: Option<IpAddr>,
    peers: u32,
    data: DataOptions,
) -> Result<ClientOptions, String> {
    let [name, server_host, server_port, port] = words else {
        return Err("-c needs <NAME> <SERVER-IP> <SERVER-PORT> <CLIENT-PORT>".into());
    };
    Ok(ClientOptions {
        name: Name::new(name).map_err(|error| format!("invalid name: {error}"))?,
        server_host: server_host.clone(),
        server_port: parse_port(server_port).map_err(|error| format!("server port: {error}"))?,
        port: if port == "0" {
            0
        } else {
            parse_port(port).map_err(|error| format!("client port: {error} (0: any free one)"))?
        },
        bind,
        peers,
        data,
    })
}

const PORT_MIN: u16 = 1_024;

fn parse_port(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|port| *port >= PORT_MIN)
        .ok_or_else(|| format!("{text:?} is not a port from {PORT_MIN} to {}", u16::MAX))
}

/// A chat room over UDP: messages arrive once, in order, and wait for those who are away.
///
/// Start one server, then a client for each person. Without arguments, ChatApp asks for one of the lines below
/// at a `$ ` prompt.
#[derive(Parser)]
#[command(
    name = "ChatApp",
    bin_name = "ChatApp",
    version,
    override_usage = USAGE,
    after_help = "Try `ChatApp demo`, and `ChatApp --help` for the commands and exit codes.",
    after_long_help = AFTER_LONG_HELP,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Arguments {
    /// Serve a chat room on this UDP port (1024 to 65535)
    #[arg(short = 's', value_name = "PORT", value_parser = parse_port, conflicts_with = "client")]
    server: Option<u16>,

    /// Enter a room under a name
    ///
    /// NAME has 1 to 32 bytes and no white space. SERVER-IP is an IP address or a host name. CLIENT-PORT is the
    /// UDP port to chat from, 1024 to 65535, or 0 for any free one.
    #[arg(
        short = 'c',
        num_args = 4,
        value_names = ["NAME", "SERVER-IP", "SERVER-PORT", "CLIENT-PORT"]
    )]
    client: Option<Vec<String>>,

    /// Use only this address of this machine [default: all, IPv4 and IPv6]
    #[arg(long, value_name = "IP")]
    bind: Option<IpAddr>,

    /// Other clients that a client's table has room for; in a larger room it looks up those it talks to
    #[arg(long, requires = "client", conflicts_with = "server", value_name = "N", default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    peers: u32,

    #[command(flatten)]
    limits: LimitOptions,
    #[command(flatten)]
    data: DataOptions,

    #[command(subcommand)]
    command: Option<Tool>,
}

#[derive(Subcommand)]
enum Tool {
    /// Show a room at work: a server and three clients on this machine, for some seconds
    Demo,

    /// Show what is in a server's store: names, what waits for them, the log of the channel
    Store {
        /// The folder, as it was given to --data-dir
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// As one line of JSON
        #[arg(long)]
        json: bool,
    },
}

const USAGE: &str = "\
ChatApp [OPTIONS] -s <PORT>
       ChatApp [OPTIONS] -c <NAME> <SERVER-IP> <SERVER-PORT> <CLIENT-PORT>
       ChatApp store [--json] <DIR>
       ChatApp demo
       ChatApp";

const AFTER_LONG_HELP: &str = "\
Commands of a client, one a line:
  send <name> <text>   send a message to one person; it is kept if the person is away
  send_all <text>      send a message to everybody in the room
  dereg <name>         leave the room under your name; messages for you are kept
  reg <name>           come back under your name, and get what was kept
  table                show who is in the room
  quit                 finish what is on its way, leave the room and end
  help                 show these commands

The end of the input and Ctrl-C end a client like `quit`; a second Ctrl-C ends it at once.

Lines that a client prints:
  alice: hi                                      a message for you
  Channel_Message alice: hi                      a message for everybody
  [You have messages]                            what follows was kept while you were away:
  alice: <2022-03-24 19:31:32> hi                  when the server got it
  [Message received by bob.]                     bob's program has shown it
  [Message received by Server.]                  everybody in the room gets it
  [No ACK from bob, message sent to server.]     bob is away; one of these lines follows:
  [Messages received by the server and saved]      bob gets it when he returns
  [Client bob exists!!]                            bob is back; it goes to him
  [Client bob does not exist.]                     nobody has that name
  [Mailbox of bob is full; the message was not saved.]
  [Server not responding]                        no answer to 6 attempts within 3 seconds
  [Client table updated.]                        somebody came or left
  [The server's limits make you wait; ...]       you ask for more at once than the server allows; it goes on by itself
A server takes the lines `stats`, `quit` and `help`; SIGUSR1 shows its counters, too.

At a terminal each line of a client begins with `>>> `. Control characters from others are shown as \\u{1b} and the like.

What a server keeps: names, waiting messages and the log of the channel, in `room.db` (SQLite) in its folder. It is on
the disk before anybody is told so; a server that is killed goes on where it was when it is started again. What a client
keeps: which messages it has shown, so that it shows none of them again after a restart.

Exit codes:
  0  done
  1  the machine failed, for example standard output was closed
  2  wrong usage, or a port, address or store that cannot be used
  3  the server does not respond, or speaks another version of the protocol
  4  the server refused the name, or another process took it over

Example, in two terminals:
  ChatApp -s 4119
  ChatApp -c alice localhost 4119 0";

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        let error = parse_line(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        error.to_string()
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn reads_both_lines() {
        let Mode::Serve(ServerOptions { port, bind, .. }) =
            parse_line("ChatApp -s 4119\n").unwrap()
        else {
            panic!("a server is wanted");
        };
        assert_eq!((port, bind), (4_119, None));
        let chat = ClientOptions {
            name: Name::new("alice").unwrap(),
            server_host: "localhost".into(),
            server_port: 4_119,
            port: 0,
            bind: Some("::1".parse().unwrap()),
            peers: 64,
            data: DataOptions::default(),
        };
        for line in [
            "ChatApp -c alice localhost 4119 0 --bind ::1 --peers 64",
            "ChatApp --bind ::1 --peers 64 -c alice localhost 4119 0",
        ] {
            assert_eq!(
                parse_line(line).unwrap(),
                Mode::Chat(chat.clone()),
                "{line}"
            );
        }
        assert_eq!(parse_line("ChatApp demo").unwrap(), Mode::Demo);
        assert_eq!(
            parse_line("ChatApp store --json room").unwrap(),
            Mode::Store {
                folder: "room".into(),
                json: true
            }
        );
        assert_eq!(parse_line("  \n").unwrap(), Mode::Ask);
    }

    #[test]
    fn mistakes_say_what_is_wrong() {
        for (line, words) in [
            ("ChatApp -s 80", "\"80\" is not a port from 1024 to 65535"),
            ("ChatApp -s 65536", "\"65536\" is not a port"),
            ("ChatApp -s", "a value is required"),
            ("ChatApp -c alice localhost 4119", "4 values required"),
            ("ChatApp -c alice localhost 4119 0 0", "cannot be used with"),
            (
                "ChatApp -c alice localhost 0 0",
                "server port: \"0\" is not a port",
            ),
            (
                "ChatApp -c alice localhost 4119 80",
                "client port: \"80\" is not a port",
            ),
            (
                "ChatApp -c a\u{1b}b localhost 4119 0",
                "invalid name: a name has no white space",
            ),
            (
                "ChatApp -s 4119 -c alice localhost 4119 0",
                "cannot be used with",
            ),
            ("ChatApp -s 4119 --bind nowhere", "invalid value"),
            ("ChatApp -s 4119 --names 0", "0 is not in 1..=16777216"),
            ("ChatApp -s 4119 --peers 5", "cannot be used with"),
            (
                "ChatApp -c alice localhost 4119 0 --names 5",
                "cannot be used with '--names",
            ),
            (
                "ChatApp -s 4119 --data-dir room --ephemeral",
                "cannot be used with",
            ),
            ("ChatApp store", "<DIR>"),
            ("ChatApp dance", "unrecognized subcommand"),
            ("-s 4119", "ChatApp -s <PORT>"),
        ] {
            let message = refusal(line);
            assert!(message.contains(words), "{line}: {message}");
        }
    }

    #[test]
    fn help_names_every_command() {
        for line in chatapp_console::HELP {
            let (usage, _) = line.split_once("  ").unwrap();
            assert!(AFTER_LONG_HELP.contains(usage), "{usage}");
        }
    }
}
