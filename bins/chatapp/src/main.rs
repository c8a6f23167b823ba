//! `ChatApp`: a chat room over UDP; its server and its client in one program.
//!
//! This crate parses arguments and connects parts: the protocol is `chatapp-core`, sockets and time
//! are `chatapp-mio`, and a network stack on a TAP device is `chatapp-tap`. Commands and lines are
//! `chatapp-console`, and storage is `chatapp-store`. This crate has:
//!
//! - `cli`, `prompt`, `quoting`: the arguments, and the `$ ` prompt that asks for them
//! - `client`, `server`, `demo`: the modes of the program
//! - `limits`, `operator`, `order`: the capacities of a server, and the orders of its operator
//! - `admin`, `admin_socket`, `answer`: orders from another process, and their answers
//! - `network`: the transport, with capture and fault injection
//! - `data`: the state folder on disk
//! - `keys`, `keyring`, `fingerprint`: the identity, the known keys, and codes that people compare
//! - `lists`: the allow list and the deny list of a server
//! - `config`: the configuration file
//! - `invite`, `secret`: invitations, and entering a room with one
//! - `lan`: rooms on the local network
//! - `ping`: the question whether a server answers
//! - `store`: the backup, check and inspection of a server's store
//! - `log`, `server_log`: the log of a server on standard error
//! - `counters`, `metrics`: the counters of a server for programs
//! - `spill`: captures and key logs into pipes
//! - `manual`: the texts of `--help`, the manual page, completions for shells
//! - `typed`: the commands of a client, as they are typed
//! - `input`, `display`: threads between the event loop and blocking parts of the system
//! - `platform`: all that differs by operating system
//! - `terminal`, `style`: features of a terminal: a line editor, colours
#![forbid(unsafe_code)]

mod address;
mod admin;
mod admin_socket;
mod answer;
mod cli;
mod client;
mod config;
mod counters;
mod data;
mod demo;
mod display;
mod exit;
mod fingerprint;
mod help;
mod input;
mod invite;
mod keyring;
mod keys;
mod lan;
mod limits;
mod lists;
mod local_time;
mod log;
mod manual;
mod metrics;
mod moving;
mod network;
mod operator;
mod order;
mod ping;
mod platform;
mod prompt;
mod quoting;
mod rotating;
mod secret;
mod server;
mod server_log;
mod spelling;
mod spill;
mod store;
mod style;
mod supervisor;
mod terminal;
mod typed;

use std::process::ExitCode;

use cli::Mode;
use exit::{Exit, Failure, complain};

fn main() -> ExitCode {
    match run() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            // A client may have failed after it took the terminal.
            terminal::give_back();
            complain(std::io::stderr(), format!("ChatApp: {failure}\n"));
            failure.exit.into()
        }
    }
}

fn run() -> Result<Exit, Failure> {
    let mode = match cli::from_arguments() {
        Mode::Ask => match prompt::ask()? {
            Some(mode) => mode,
            None => return Ok(Exit::Done),
        },
        mode => mode,
    };
    match mode {
        Mode::Serve(options) => server::run(&options),
        Mode::Chat(options) => client::run(&options),
        Mode::Demo => demo::run(),
        Mode::Ping(options) => ping::run(&options),
        Mode::Admin(options) => admin::run(&options),
        Mode::Config => config::run(),
        Mode::Invite(options) => invite::run(&options),
        Mode::Store(action) => store::run(&action),
        Mode::Keys(action) => keyring::run(&action),
        Mode::Completions(shell) => manual::print_completions(shell),
        Mode::Man => manual::print_page(),
        Mode::Dissector => manual::print_dissector(),
        Mode::Ask => Ok(Exit::Done),
    }
}
