//! Command-line arguments.

use std::ffi::OsString;

use chatapp_console::without_mark;
use chatapp_core::Name;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ColorChoice, CommandFactory, FromArgMatches as _, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use crate::address::{Place, parse_port};
use crate::admin::AdminOptions;
use crate::client::PersonalOptions;
use crate::config::{Config, Table};
use crate::data::{DataOptions, KeepOptions};
use crate::help::{AFTER_LONG_HELP, USAGE};
use crate::invite::{InviteOptions, JoinOptions};
use crate::keyring::KeyAction;
use crate::keys::KeyOptions;
use crate::lan::LanOptions;
use crate::limits::LimitOptions;
use crate::log::{Format, Level, LogOptions};
use crate::metrics::MetricsOptions;
use crate::network::NetworkOptions;
use crate::ping::PingOptions;
use crate::quoting;
use crate::spelling;
use crate::store::{StoreAction, StoreArguments};
use crate::typed;

/// The role of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Ask for the arguments at a prompt.
    Ask,
    Serve(ServerOptions),
    Chat(ClientOptions),
    Demo,
    /// Ask whether a server answers.
    Ping(PingOptions),
    /// Give an order to a server.
    Admin(AdminOptions),
    /// Show the configuration file.
    Config,
    /// Print an invitation to a room.
    Invite(InviteOptions),
    /// Show, copy, check or change a server's store.
    Store(StoreAction),
    /// Show, forget or make keys.
    Keys(KeyAction),
    /// Print completions for a shell.
    Completions(Shell),
    /// Print the manual page.
    Man,
    /// Print the dissector for Wireshark.
    Dissector,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerOptions {
    pub(crate) port: u16,
    pub(crate) network: NetworkOptions,
    pub(crate) lan: LanOptions,
    pub(crate) limits: LimitOptions,
    pub(crate) data: DataOptions,
    pub(crate) keys: KeyOptions,
    pub(crate) log: LogOptions,
    pub(crate) metrics: MetricsOptions,
    pub(crate) keep: KeepOptions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientOptions {
    pub(crate) name: Name,
    /// Without a place, the client searches the local network for a room.
    pub(crate) server: Option<Place>,
    /// 0 selects any free port.
    pub(crate) port: u16,
    pub(crate) network: NetworkOptions,
    /// Capacity of the client's table, in other clients.
    pub(crate) peers: u32,
    /// Names whose keys the client can pin.
    pub(crate) pins: u32,
    pub(crate) data: DataOptions,
    pub(crate) keys: KeyOptions,
    pub(crate) color: ColorChoice,
    /// Whether typed lines are stored for later processes.
    pub(crate) has_history: bool,
    /// Whether commands and events are JSON objects.
    pub(crate) speaks_json: bool,
    /// Commands that replace standard input.
    pub(crate) exec: Vec<String>,
    /// Whether the client runs without input until a signal arrives.
    pub(crate) is_listening: bool,
    /// Whether the client tries to enter the room until the server answers.
    pub(crate) is_persistent: bool,
    pub(crate) personal: PersonalOptions,
}

/// The word that searches the local network for a room.
const LAN: &str = "lan";

/// Reads the configuration file, which only some modes need.
pub(crate) type ReadConfig = fn() -> Result<Config, String>;

/// Returns the mode that the arguments select. Exits if the arguments are wrong or ask for help.
pub(crate) fn from_arguments() -> Mode {
    parse(std::env::args_os(), Config::read).unwrap_or_else(|error| error.exit())
}

/// Parses a line of the prompt.
pub(crate) fn parse_line(line: &str, read: ReadConfig) -> Result<Mode, clap::Error> {
    let arguments = quoting::split(without_mark(line));
    match arguments.first().map(AsRef::as_ref) {
        None => Ok(Mode::Ask),
        Some("ChatApp") => parse(arguments.iter().map(AsRef::as_ref), read),
        Some(_) => Err(Arguments::command().error(
            ErrorKind::MissingSubcommand,
            "type one of\n  ChatApp -s <PORT>\n  ChatApp -c <NAME> <SERVER-IP> <SERVER-PORT> \
            <CLIENT-PORT>",
        )),
    }
}

fn parse<W: Into<OsString>>(
    words: impl IntoIterator<Item = W>,
    read: ReadConfig,
) -> Result<Mode, clap::Error> {
    let words = in_full(words.into_iter().map(Into::into).collect());
    let arguments = Arguments::try_parse_from(&words)?;
    match (&arguments.command, arguments.server, &arguments.client) {
        (Some(Action::Demo), ..) => Ok(Mode::Demo),
        (Some(Action::Ping(ping)), ..) => Ok(Mode::Ping(ping.clone())),
        (Some(Action::Admin(admin)), ..) => Ok(Mode::Admin(admin.clone())),
        (Some(Action::Invite(invite)), ..) => Ok(Mode::Invite(invite.clone())),
        (Some(Action::Join(join)), ..) => join_room(join, read),
        (Some(Action::Store(store)), ..) => Ok(Mode::Store(store.action())),
        (Some(Action::Keys { action }), ..) => Ok(Mode::Keys(action.clone())),
        (Some(Action::Completions { shell }), ..) => Ok(Mode::Completions(*shell)),
        (Some(Action::Config), ..) => Ok(Mode::Config),
        (Some(Action::Man), ..) => Ok(Mode::Man),
        (Some(Action::Dissector), ..) => Ok(Mode::Dissector),
        (None, Some(port), _) => {
            let config = read().map_err(wrong)?;
            let arguments = with_options(words, &config, config.server())?;
            Ok(Mode::Serve(server_options(port, arguments)))
        }
        (None, None, Some(_)) => {
            let config = read().map_err(wrong)?;
            let arguments = with_options(words, &config, config.client())?;
            client_options(&arguments).map(Mode::Chat).map_err(wrong)
        }
        (None, None, None) => Ok(Mode::Ask),
    }
}

/// Returns the words with those that `-c <NAME> lan [CLIENT-PORT]` leaves out. A host can have that
/// name, too: two ports follow it.
fn in_full(mut words: Vec<OsString>) -> Vec<OsString> {
    let at = words.iter().position(|word| word == "-c");
    let Some(at) = at.filter(|at| words.get(at + 2).is_some_and(|word| word == LAN)) else {
        return words;
    };
    let is_port = |word: &&OsString| word.to_str().is_some_and(|it| it.parse::<u16>().is_ok());
    match words[at + 3..].iter().take_while(is_port).count() {
        0 => drop(words.splice(at + 3..at + 3, [LAN.into(), "0".into()])),
        1 => words.insert(at + 3, LAN.into()),
        _ => {}
    }
    words
}

/// Returns the error for a mistake that clap does not find.
fn wrong(message: String) -> clap::Error {
    Arguments::command().error(ErrorKind::ValueValidation, message)
}

/// Parses the words of the command line again, with those options of the configuration file that
/// they do not contain.
fn with_options(
    mut words: Vec<OsString>,
    config: &Config,
    options: &Table,
) -> Result<Arguments, clap::Error> {
    let command = Arguments::command();
    let given = command.clone().try_get_matches_from(&words)?;
    let is_given = |option: &str| {
        let mut arguments = command.get_arguments();
        let found = arguments.find(|argument| argument.get_long() == Some(option));
        found.is_some_and(|found| {
            given.value_source(found.get_id().as_str()) == Some(ValueSource::CommandLine)
        })
    };
    let more = config.words(options, is_given).map_err(wrong)?;
    if more.is_empty() {
        return Arguments::from_arg_matches(&given);
    }
    words.extend(more.into_iter().map(OsString::from));
    Arguments::try_parse_from(words).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        wrong(config.blame(first.strip_prefix("error: ").unwrap_or(first)))
    })
}

fn server_options(port: u16, arguments: Arguments) -> ServerOptions {
    ServerOptions {
        port,
        network: arguments.network,
        lan: arguments.lan,
        limits: arguments.limits,
        data: arguments.data,
        keys: arguments.keys,
        keep: arguments.keep,
        metrics: arguments.metrics,
        log: LogOptions {
            level: arguments.log,
            format: arguments.log_format,
        },
    }
}

/// Returns the mode of a client that enters the room of an invitation.
fn join_room(join: &JoinOptions, read: ReadConfig) -> Result<Mode, clap::Error> {
    let config = read().map_err(wrong)?;
    let room = join.room(&config).map_err(wrong)?;
    let invitation = join.invitation(room).map_err(wrong)?;
    let words = join.words(&invitation, room).map_err(wrong)?;
    let mut options = config.client().clone();
    options.extend(room.into_iter().flat_map(|room| room.options().clone()));
    let words = words.into_iter().map(OsString::from).collect();
    let arguments = with_options(words, &config, &options)?;
    if arguments.command.is_some() || arguments.server.is_some() {
        return Err(wrong("only options of a client may follow the name".into()));
    }
    let mut options = client_options(&arguments).map_err(wrong)?;
    options.keys.invite_to(invitation.into_room());
    Ok(Mode::Chat(options))
}

/// Builds the options of a client from the words after `-c` and the other arguments.
fn client_options(arguments: &Arguments) -> Result<ClientOptions, String> {
    let Some([name, host, server_port, port]) = arguments.client.as_deref() else {
        return Err("-c needs <NAME> <SERVER-IP> <SERVER-PORT> <CLIENT-PORT>".into());
    };
    let server = if [&**host, server_port] == [LAN; 2] {
        None
    } else {
        Some(Place {
            host: host.clone(),
            port: parse_port(server_port).map_err(|error| format!("server port: {error}"))?,
        })
    };
    // One's own name is known by its key.
    let name = spelling::known(name, |name| arguments.data.has_key_of(name));
    Ok(ClientOptions {
        name: Name::new(&name).map_err(|error| format!("invalid name: {error}"))?,
        server,
        port: if port == "0" {
            0
        } else {
            parse_port(port).map_err(|error| format!("client port: {error} (0: any free one)"))?
        },
        network: arguments.network.clone(),
        peers: arguments.peers,
        pins: arguments.pins,
        data: arguments.data.clone(),
        keys: arguments.keys.clone(),
        color: arguments.color,
        has_history: !arguments.no_history && !arguments.data.is_ephemeral(),
        speaks_json: arguments.json,
        exec: arguments.exec.clone(),
        is_listening: arguments.listen,
        is_persistent: arguments.wait,
        personal: arguments.personal.clone(),
    })
}

/// A chat room over UDP: messages arrive once and in order, and are stored for offline names.
///
/// Start one server, then a client for each person. Without arguments, ChatApp asks for one of the
/// lines below at a `$ ` prompt.
#[derive(Parser)]
#[command(
    name = "ChatApp",
    bin_name = "ChatApp",
    version,
    override_usage = USAGE,
    after_help = "Try `ChatApp demo`, and `ChatApp --help` for the commands and exit codes.",
    after_long_help = AFTER_LONG_HELP,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    // Longer lines are hard to read.
    max_term_width = 100
)]
struct Arguments {
    /// Serve a chat room on this UDP port (1024 to 65535)
    #[arg(short = 's', value_name = "PORT", value_parser = parse_port, conflicts_with = "client")]
    server: Option<u16>,

    /// Enter a room under a name
    ///
    /// NAME has 1 to 32 bytes and no white space. SERVER-IP is an IP address or a host name.
    /// CLIENT-PORT is the UDP port to chat from, 1024 to 65535, or 0 for any free one. The word
    /// `lan` instead of SERVER-IP and SERVER-PORT searches the local network for a room.
    #[arg(
        short = 'c',
        num_args = 4,
        value_names = ["NAME", "SERVER-IP", "SERVER-PORT", "CLIENT-PORT"]
    )]
    client: Option<Vec<String>>,

    #[command(flatten)]
    data: DataOptions,

    /// Size of a client's table; in a larger room, the client looks up the names that it talks to
    #[arg(
        long, requires = "client", conflicts_with = "server", value_name = "N",
        default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=16_777_216)
    )]
    peers: u32,

    /// Maximum number of names whose keys a client remembers; none gives way to another
    #[arg(
        long, requires = "client", conflicts_with = "server", value_name = "N",
        default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1..=16_777_216)
    )]
    pins: u32,

    /// When a client uses colours; `auto`: at a terminal, unless NO_COLOR is set or TERM is dumb
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        requires = "client",
        conflicts_with = "server"
    )]
    color: ColorChoice,

    /// Read commands and write events as JSON, one object per line; see JSON.md
    #[arg(long, requires = "client", conflicts_with = "server")]
    json: bool,

    /// Run this command, and end when it is settled; can be repeated. Standard input is not read
    #[arg(
        long, value_name = "COMMAND", value_parser = typed::check, requires = "client",
        conflicts_with = "server"
    )]
    exec: Vec<String>,

    /// Do not read standard input; run until a signal arrives
    #[arg(long, requires = "client", conflicts_with = "server")]
    listen: bool,

    /// Keep trying until the server is found and answers, for scripts at the start of a machine
    #[arg(long, requires = "client", conflicts_with = "server")]
    wait: bool,

    /// Do not store typed lines
    #[arg(long, requires = "client", conflicts_with = "server")]
    no_history: bool,

    #[command(flatten)]
    personal: PersonalOptions,

    /// Log level of a server, on standard error
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "info",
        requires = "server",
        conflicts_with = "client"
    )]
    log: Level,

    /// Log format of a server
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        requires = "server",
        conflicts_with = "client"
    )]
    log_format: Format,

    #[command(flatten)]
    metrics: MetricsOptions,
    #[command(flatten)]
    keys: KeyOptions,
    #[command(flatten)]
    network: NetworkOptions,
    #[command(flatten)]
    lan: LanOptions,
    #[command(flatten)]
    limits: LimitOptions,
    #[command(flatten)]
    keep: KeepOptions,

    #[command(subcommand)]
    command: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Run a server and three clients on this machine, for some seconds
    Demo,
    /// Ask whether a server answers, without a name: exit code 0 if it does, 1 if not
    #[command(disable_help_subcommand = true)]
    Ping(PingOptions),
    /// Give an order to a running server: who may be in the room, and who may write
    #[command(disable_help_subcommand = true)]
    Admin(AdminOptions),
    /// Show the configuration file: options, and rooms for `join`
    Config,
    /// Print one line with which others enter a room: its address and keys
    #[command(disable_help_subcommand = true)]
    Invite(InviteOptions),
    /// Enter the room of an invitation
    #[command(disable_help_subcommand = true)]
    Join(JoinOptions),
    /// Show the contents of a server's store; copy, restore, check or change it
    #[command(disable_help_subcommand = true)]
    Store(StoreArguments),
    /// Show known keys, forget one, or make one for a closed room
    #[command(disable_help_subcommand = true)]
    Keys {
        #[command(subcommand)]
        action: KeyAction,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
    /// Print the dissector for Wireshark
    Dissector,
}

/// Returns the definition of all arguments, for help, manual and completions. Shells complete file
/// names only for arguments that are files.
pub(crate) fn definition() -> clap::Command {
    let no_file = |argument: clap::Arg| {
        let takes_value = argument.get_action().takes_values();
        if takes_value && argument.get_value_hint() == ValueHint::Unknown {
            argument.value_hint(ValueHint::Other)
        } else {
            argument
        }
    };
    Arguments::command()
        .mut_args(no_file)
        .mut_subcommands(move |command| {
            command
                .mut_args(no_file)
                .mut_subcommands(move |command| command.mut_args(no_file))
        })
}

#[cfg(test)]
mod tests;
