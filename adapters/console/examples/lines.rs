//! Parses typed lines as commands, and formats events as lines:
//! `cargo run -p chatapp-console --example lines`.
//! Type `send bob hi`, `table`, `help`, or anything else.

use std::io;

use chatapp_console::{HELP, Input, Wording, parse};
use chatapp_core::{ClientEvent, MessageId};

fn main() -> io::Result<()> {
    let wording = Wording {
        name: "alice",
        utc_offset: |_| 0,
    };
    let message = ClientEvent::Message {
        from: "bob",
        id: MessageId::default(),
        text: "hi, \u{1b}[31mred\u{1b}[0m does not reach the terminal",
        channel: false,
        kept_at: None,
        sent_at: None,
        receipt: None,
    };
    for line in wording.event(&message) {
        println!("{line}");
    }
    for line in io::stdin().lines() {
        match parse(&line?) {
            Ok(None) => {}
            Ok(Some(Input::Command(command))) => println!("a command: {command:?}"),
            Ok(Some(Input::Help)) => HELP.iter().for_each(|line| println!("{line}")),
            Ok(Some(Input::Table)) => println!("the table"),
            Ok(Some(Input::Quit)) => break,
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}
