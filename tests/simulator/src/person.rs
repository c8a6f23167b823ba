//! The behaviour of people: they arrive, chat, write to all, leave, return, hurry, and make
//! mistakes.

use crate::choices::Choices;
use crate::client_process::{Ask, Nonsense};
use crate::model::Target;
use crate::numbers::NameId;

/// The longest text, in bytes.
const TEXT_LEN_MAX: usize = chatapp_core::limits::TEXT_LEN_MAX;

/// Returns the next requests of a person, in order. `registered` is the state of the client.
pub fn act(choices: &mut dyn Choices, own: NameId, names: usize, registered: bool) -> Vec<Ask> {
    if !registered && choices.chance(700) {
        return vec![Ask::Register];
    }
    match choices.below(100) {
        0..=44 => vec![direct(choices, own, names)],
        45..=59 => vec![Ask::Say(Target::Channel, filler(choices))],
        60..=74 => burst(choices, own, names),
        75..=84 => vec![Ask::Deregister],
        85..=87 => vec![Ask::Deregister, Ask::Register],
        88..=90 => vec![direct(choices, own, names), Ask::Exit],
        91..=93 => vec![Ask::Say(Target::Nobody, filler(choices))],
        94 => vec![Ask::Register],
        _ => vec![Ask::Nonsense(nonsense(choices))],
    }
}

fn direct(choices: &mut dyn Choices, own: NameId, names: usize) -> Ask {
    let to = if choices.chance(100) {
        own
    } else {
        choices.index(names)
    };
    Ask::Say(Target::Name(to), filler(choices))
}

/// Returns several messages at once, to one name or to many.
fn burst(choices: &mut dyn Choices, own: NameId, names: usize) -> Vec<Ask> {
    let count = choices.between(2, 40);
    let to = choices.index(names);
    let mixed = choices.chance(400);
    (0..count)
        .map(|_| match mixed {
            true if choices.chance(300) => Ask::Say(Target::Channel, filler(choices)),
            true => direct(choices, own, names),
            false => Ask::Say(Target::Name(to), filler(choices)),
        })
        .collect()
}

/// Returns the text after the number of a message: mostly short, sometimes as long as possible.
fn filler(choices: &mut dyn Choices) -> String {
    const LONGEST_NUMBER: usize = 8;
    match choices.below(12) {
        0 => "x".repeat(TEXT_LEN_MAX - LONGEST_NUMBER),
        1 => " é 名 ".repeat(choices.index(80)),
        2 => " \u{1b}[2J\t\u{202e}  ".to_owned(),
        _ => String::new(),
    }
}

fn nonsense(choices: &mut dyn Choices) -> Nonsense {
    match choices.below(4) {
        0 => Nonsense::Empty,
        1 => Nonsense::TooLong,
        2 => Nonsense::OtherName,
        _ => Nonsense::BadName,
    }
}
