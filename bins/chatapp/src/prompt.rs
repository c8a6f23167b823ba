//! The `$ ` prompt, which asks for arguments.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};

use crate::cli::{Mode, parse_line};
use crate::config::Config;
use crate::exit::{Exit, Failure, complain};

/// Asks for a line such as `ChatApp -s 4119` until one is valid; `None` at the end of input.
pub(crate) fn ask() -> Result<Option<Mode>, Failure> {
    const NOT_UTF8: &str = "the line is not UTF-8";

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
        match io::stdin().lock().read_line(&mut line) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::InvalidData && at_terminal => {
                complain(io::stderr(), format!("error: {NOT_UTF8}\n"));
                continue;
            }
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(Failure::new(Exit::Usage, NOT_UTF8));
            }
            Err(error) => return Err(Failure::system("cannot read standard input")(error)),
        }
        match parse_line(&line, Config::read) {
            Ok(Mode::Ask) => {}
            Ok(mode) => return Ok(Some(mode)),
            Err(error) if at_terminal => {
                // The output was a terminal a moment ago; if it is gone, nothing else can be
                // reported.
                let _ = error.print();
            }
            Err(error) => error.exit(),
        }
    }
}
