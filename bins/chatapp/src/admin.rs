//! The command `ChatApp admin`: gives an order to the server that runs in a folder.

use std::path::PathBuf;

use clap::Args;

use crate::exit::{Exit, Failure};

/// Arguments of `ChatApp admin`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdminOptions {
    /// The server's folder: that of --data-dir, or server-4119 in your state folder for port 4119
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// An order as typed at the server, such as `ban bob 1h`; or `backup TO`
    #[arg(value_name = "ORDER", required = true, num_args = 1..)]
    order: Vec<String>,

    /// Print the answer as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs `ChatApp admin`.
///
/// # Errors
/// Returns a failure with exit code 2 for an order that cannot be parsed, and if no server runs in
/// the folder; with exit code 1 if the order was not done.
#[cfg(unix)]
pub(crate) fn run(options: &AdminOptions) -> Result<Exit, Failure> {
    use crate::exit::print;
    use crate::order::Order;
    use crate::store::{StoreAction, run as run_store};

    if let [word, to] = &*options.order
        && word == "backup"
    {
        return run_store(&StoreAction::Backup {
            folder: options.folder.clone(),
            to: to.into(),
        });
    }
    let line = options.order.join(" ");
    match Order::parse(&line) {
        Ok(Some(_)) => {}
        Ok(None) => return Err(Failure::new(Exit::Usage, "the order is empty")),
        Err(message) => return Err(Failure::new(Exit::Usage, message)),
    }
    let answer = ask(options, &line)?;
    let parsed: serde_json::Value = serde_json::from_str(&answer)
        .map_err(|error| Failure::new(Exit::System, format!("the answer is damaged: {error}")))?;
    let message = parsed["message"].as_str().unwrap_or_default();
    let is_done = parsed["ok"] == true;
    if options.json {
        print(answer.as_bytes())?;
    } else if is_done {
        print(format!("{message}\n").as_bytes())?;
    } else {
        return Err(Failure::new(Exit::System, message));
    }
    Ok(if is_done { Exit::Done } else { Exit::System })
}

/// Sends the order, and returns the answer with its line end.
#[cfg(unix)]
fn ask(options: &AdminOptions, line: &str) -> Result<String, Failure> {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixStream;

    use crate::admin_socket::{ANSWER_TIME, FILE};

    let file = options.folder.join(FILE);
    let mut stream = UnixStream::connect(&file).map_err(|error| {
        let file = file.display();
        Failure::new(
            Exit::Usage,
            format!("no server takes orders at {file}: {error}"),
        )
    })?;
    let lost = |error| Failure::system("the server did not answer; the order may be done")(error);
    stream
        .set_read_timeout(Some(2 * ANSWER_TIME))
        .map_err(lost)?;
    stream
        .write_all(format!("{line}\n").as_bytes())
        .map_err(lost)?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .map_err(lost)?;
    if answer.is_empty() {
        let error = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        return Err(lost(error));
    }
    Ok(answer)
}

#[cfg(not(unix))]
pub(crate) fn run(options: &AdminOptions) -> Result<Exit, Failure> {
    let AdminOptions {
        folder,
        order,
        json,
    } = options;
    let _ = (folder, order, json);
    Err(Failure::new(
        Exit::Usage,
        "`ChatApp admin` needs Unix sockets: type the order at the server",
    ))
}
