//! The command `ChatApp admin`: gives an order to the server that runs in a folder.

use std::path::PathBuf;

use clap::Args;

use crate::admin_socket::ANSWER_TIME;
use crate::exit::{Exit, Failure, print};
use crate::order::Order;
use crate::platform::admin::ask;
use crate::store::{StoreAction, run as run_store};

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
pub(crate) fn run(options: &AdminOptions) -> Result<Exit, Failure> {
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
    let answer = ask(&options.folder, &line, 2 * ANSWER_TIME)?;
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
