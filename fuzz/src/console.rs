//! Runs the parser of typed lines and the output of a console on any input.

use chatapp_console::{Input, Row, Stamp, Visible, Wording, parse, without_mark};
use chatapp_core::wire::Refusal;
use chatapp_core::{
    ClientEvent, Command, CommandError, CommandId, MessageId, MessageStatus, Name, NameError,
    Request, TableEntry, UnixSeconds, drives_display,
};

use crate::people::address;

/// Takes `bytes` as lines. Each is typed, and is also a received message: a name, a blank and a
/// text.
///
/// # Panics
/// If a parsed line has another meaning when it is typed again, or if a name or a text is shown
/// incompletely or harmfully.
pub fn console(bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).split('\n') {
        typed(line);
        let (name, text) = line.split_once(' ').unwrap_or((line, line));
        visible(text);
        received(name, text);
        reported(name, text);
        not_taken(name, text);
        listed(name);
    }
}

fn typed(line: &str) {
    let understood = parse(line);
    let is_blank = without_mark(line).trim_matches([' ', '\t']).is_empty();
    assert_eq!(understood == Ok(None), is_blank);
    match understood {
        Ok(Some(input)) => {
            let plain = retyped(input);
            assert_eq!(parse(&plain), Ok(Some(input)), "{line:?}");
            assert_eq!(parse(&format!("\t {plain}")), Ok(Some(input)), "{line:?}");
        }
        Ok(None) => {}
        Err(error) => harmless(&error.to_string()),
    }
}

/// Returns the plainest line with this meaning.
fn retyped(input: Input<'_>) -> String {
    match input {
        Input::Command(Command::Send { to, text }) => format!("send {to} {text}"),
        Input::Command(Command::SendAll { text }) => format!("send_all {text}"),
        Input::Command(Command::Register { name }) => format!("reg {name}"),
        Input::Command(Command::Deregister { name }) => format!("dereg {name}"),
        Input::Help => "help".to_owned(),
        Input::Table => "table".to_owned(),
        Input::Quit => "quit".to_owned(),
    }
}

/// Checks that all characters of a text are either unchanged, or harmful and escaped.
fn visible(text: &str) {
    let shown = Visible(text).to_string();
    harmless(&shown);
    let mut rest = shown.as_str();
    for character in text.chars() {
        let escaped = character.escape_default().to_string();
        rest = match rest.strip_prefix(character) {
            Some(behind) => behind,
            None => rest.strip_prefix(&*escaped).expect("each is shown"),
        };
    }
    assert_eq!(rest, "");
}

/// Checks that a message is shown with its sender, path and time.
fn received(name: &str, text: &str) {
    let (from, shown) = (Visible(name), Visible(text));
    for (channel, way) in [(false, ""), (true, "Channel_Message ")] {
        let message = |kept_at| ClientEvent::Message {
            from: name,
            id: MessageId::default(),
            text,
            channel,
            kept_at,
            sent_at: None,
            receipt: None,
        };
        // An announcement has no sender.
        let is_announced = channel && name.is_empty();
        let worded = |text: &str| match is_announced {
            true => format!("[From the server: {text}]"),
            false => format!("{way}{from}: {text}"),
        };
        let plain = match is_announced {
            true => shown.to_string(),
            false => without_time(text),
        };
        assert_eq!(lines(name, message(None)), [worded(&plain)]);
        let at = UnixSeconds(number(text));
        let stamp = Stamp {
            at,
            utc_offset: utc_offset(at),
        };
        assert_eq!(stamp.to_string().len(), "2022-03-24 19:31:32".len());
        assert_eq!(
            lines(name, message(Some(at))),
            [worded(&format!("<{stamp}> {shown}"))]
        );
    }
}

/// Returns how a text is shown that has no time in front. It must not look as if it had one.
fn without_time(text: &str) -> String {
    let shown = Visible(text).to_string();
    let time = text
        .strip_prefix("<sent ")
        .or_else(|| text.strip_prefix('<'));
    let begins_with_year = time.is_some_and(|time| {
        let mut characters = time.chars();
        let year = characters.by_ref().take(4).filter(char::is_ascii_digit);
        year.count() == 4 && characters.next() == Some('-')
    });
    if begins_with_year {
        shown.replacen('<', "\\u{3c}", 1)
    } else {
        shown
    }
}

/// Checks that every other event has one or two lines. The fuzzer chooses one event for each line.
fn reported(name: &str, text: &str) {
    use MessageStatus::*;
    let id = CommandId::default();
    let statuses = [
        SentToServer,
        Exists,
        Delivered,
        Saved,
        MailboxFull,
        NotStored,
        NoSuchClient,
        NotDelivered,
    ];
    let requests = [Request::Register, Request::Deregister, Request::SendAll];
    let refusals = [
        Refusal::Wait,
        Refusal::NameTaken,
        Refusal::Evicted,
        Refusal::RoomFull,
        Refusal::NotStored,
        Refusal::BadName,
        Refusal::NotMe,
    ];
    let count = number(text);
    let others = [
        ClientEvent::Registered,
        ClientEvent::TableUpdated,
        ClientEvent::KeptMessages,
        ClientEvent::ChannelDropped {
            count,
            receipt: None,
        },
        ClientEvent::Posted { id },
        ClientEvent::NotPosted {
            id,
            store_failed: count.is_multiple_of(2),
        },
        ClientEvent::Offline { id },
        ClientEvent::Deregistered { id },
        ClientEvent::ForeignVersion {
            version: count as u8,
        },
    ];
    let statuses = statuses.map(|status| ClientEvent::MessageStatus {
        id,
        to: name,
        status,
    });
    let requests = requests.map(|request| ClientEvent::ServerNotResponding { id, request });
    let refusals = refusals.map(|reason| ClientEvent::Refused { reason });
    let events = [&statuses[..], &requests, &refusals, &others].concat();
    let event = events[count as usize % events.len()];
    let lines = lines(name, event);
    assert!(matches!(lines.len(), 1..=2), "{event:?}: {lines:?}");
}

/// Checks that each reason to refuse a command has one or two lines.
fn not_taken(name: &str, text: &str) {
    let mut errors = vec![
        CommandError::Busy,
        CommandError::EmptyText,
        CommandError::TextTooLong(text.len()),
        CommandError::NotYourName,
        CommandError::Offline,
        CommandError::AlreadyRegistered,
        CommandError::TableFull,
        CommandError::Ended,
        CommandError::NumbersUsedUp,
        CommandError::BadName(NameError::Empty),
    ];
    errors.extend(Name::new(name).err().map(CommandError::BadName));
    let error = errors[number(text) as usize % errors.len()];
    harmless(&wording(text).command_error(error, name).to_string());
}

/// Checks that a valid name is shown as in a message in the table.
fn listed(name: &str) {
    let Ok(name) = Name::new(name) else {
        return;
    };
    let entry = TableEntry {
        name: name.as_str(),
        address: address(1),
        online: true,
        foreign_key: false,
    };
    for name_width in [0, 40] {
        let row = Row { entry, name_width }.to_string();
        harmless(&row);
        let shown = row.split_once("  ").map(|(name, _)| name.to_owned());
        assert_eq!(shown, Some(Visible(entry.name).to_string()));
    }
}

fn lines(name: &str, event: ClientEvent<'_>) -> Vec<String> {
    let lines = wording(name).event(&event).map(|line| line.to_string());
    lines.inspect(|line| harmless(line)).collect()
}

fn wording(name: &str) -> Wording<'_> {
    Wording { name, utc_offset }
}

/// Returns a UTC offset of less than a day to the east or west.
fn utc_offset(at: UnixSeconds) -> i32 {
    (at.0 % 172_799) as i32 - 86_399
}

/// Returns a number that the fuzzer chooses.
fn number(text: &str) -> u32 {
    let mut bytes = [0; 4];
    bytes
        .iter_mut()
        .zip(text.bytes())
        .for_each(|(to, from)| *to = from);
    u32::from_le_bytes(bytes)
}

/// Checks that a line has no character that drives the display but joiners between two others.
fn harmless(shown: &str) {
    let is_joiner = |character| matches!(character, '\u{200c}' | '\u{200d}');
    let drives = |character| drives_display(character) && !is_joiner(character);
    assert!(!shown.contains(drives), "{shown:?}");
    let mut before = ' ';
    for character in shown.chars().chain([' ']) {
        let is_bare = |character: char| character == ' ' || is_joiner(character);
        assert!(!(is_bare(character) && is_joiner(before)), "{shown:?}");
        assert!(!(is_joiner(character) && is_bare(before)), "{shown:?}");
        before = character;
    }
}
