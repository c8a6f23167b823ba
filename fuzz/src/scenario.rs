//! A parsed input: the start of a run, and its steps.

use serde::{Deserialize, Serialize};

use crate::step::Step;

/// The state of the machine before the first step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// The machine is new.
    #[default]
    New,
    /// The machine is in a room, with open sessions.
    Registered,
}

impl Start {
    /// Reads the first byte of an input.
    fn from_byte(byte: u8) -> Self {
        if byte.is_multiple_of(2) {
            Self::New
        } else {
            Self::Registered
        }
    }
}

/// A parsed input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// The state at the start.
    pub start: Start,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Parses an input: all bytes are valid, up to the first damaged step.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let (start, rest) = match bytes.split_first() {
            Some((first, rest)) => (Start::from_byte(*first), rest),
            None => (Start::default(), bytes),
        };
        Self {
            start,
            steps: all_of(rest),
        }
    }

    /// Writes the input.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![match self.start {
            Start::New => 0,
            Start::Registered => 1,
        }];
        for step in &self.steps {
            bytes = postcard::to_extend(step, bytes).expect("there is memory for a step");
        }
        bytes
    }
}

/// Parses values up to the first damaged one.
fn all_of<'a, T: Deserialize<'a> + Serialize>(mut bytes: &'a [u8]) -> Vec<T> {
    let mut all = Vec::new();
    while let Ok((value, rest)) = postcard::take_from_bytes(bytes) {
        all.push(value);
        bytes = rest;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame_step::FrameStep;
    use crate::step::{Fate, Say};
    use crate::values::{Jump, Rarely, Words};

    fn scenario() -> Scenario {
        let text = FrameStep::Text {
            counter: Jump(-1),
            text: Words::Long(300),
        };
        let say = Say {
            session: 1,
            head: Rarely::default(),
            frames: vec![text, FrameStep::Partial],
            fate: Fate::Cut(40),
        };
        Scenario {
            start: Start::Registered,
            steps: vec![Step::Deadline, Step::Say(say), Step::Wait { ms: 500 }],
        }
    }

    #[test]
    fn reads_what_it_writes() {
        let scenario = scenario();
        assert_eq!(Scenario::from_bytes(&scenario.to_bytes()), scenario);
    }

    #[test]
    fn reads_steps_before_damage() {
        let scenario = scenario();
        let mut bytes = scenario.to_bytes();
        bytes.extend([0xff; 3]);
        assert_eq!(Scenario::from_bytes(&bytes), scenario);
        assert_eq!(Scenario::from_bytes(&[]), Scenario::default());
    }
}
