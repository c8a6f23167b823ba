//! Values of steps that are near what is expected, most of the time.

use std::borrow::Cow;

#[cfg(feature = "libfuzzer")]
use arbitrary::{Arbitrary, Result, Unstructured};
use chatapp_core::UnixSeconds;
use chatapp_core::wire::{Outcome, Refusal};
use serde::{Deserialize, Serialize};

/// Distance of a number from the one that is expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jump(pub i8);

impl Jump {
    /// Returns the number at this distance.
    pub(crate) fn from(self, expected: u32) -> u32 {
        expected.wrapping_add_signed(self.0.into())
    }
}

/// A value that is the default one most of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rarely<T>(pub T);

/// The name of a participant by its number, or another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameStep {
    /// The name of the participant with this number.
    Of(u8),
    /// Any name.
    Any(String),
}

/// Names of participants: that of the server is in no table.
const NAMES: [&str; 6] = ["", "alice", "bob", "carol", "dave", "erin"];

impl NameStep {
    /// Returns the name.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Of(number) => NAMES[usize::from(*number) % NAMES.len()],
            Self::Any(name) => name,
        }
    }

    /// Returns the number of the participant with the name, or one that any name gets.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::Of(number) => number % NAMES.len() as u8,
            Self::Any(name) => name.len() as u8 % NAMES.len() as u8,
        }
    }
}

/// A text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Words {
    /// This one.
    Short(String),
    /// One with so many bytes.
    Long(u16),
}

/// Longer than any text may be.
const LONG: usize = 1_101;

impl Words {
    /// Returns the text.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Short(text) => text.into(),
            Self::Long(len) => "x".repeat(usize::from(*len) % LONG).into(),
        }
    }
}

/// Returns the reason with this number.
pub(crate) fn refusal(number: u8) -> Refusal {
    use Refusal::*;
    let all = [
        Wait,
        NameTaken,
        Evicted,
        RoomFull,
        NotStored,
        BadName,
        NotMe,
        RateExceeded,
        ForeignKey,
        NotAllowed,
        Banned(UnixSeconds(7)),
    ];
    all[usize::from(number) % all.len()]
}

/// Returns the outcome with this number.
pub(crate) fn outcome_of(number: u8) -> Outcome {
    use Outcome::*;
    let all = [Saved, Exists, Full, NoSuchClient, NotStored, Left, Muted];
    all[usize::from(number) % all.len()]
}

#[cfg(feature = "libfuzzer")]
impl<'a> Arbitrary<'a> for Jump {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(match u.int_in_range(0..=15)? {
            0 => u.arbitrary()?,
            1 | 2 => -1,
            3 => 1,
            _ => 0,
        }))
    }
}

#[cfg(feature = "libfuzzer")]
impl<'a, T: Arbitrary<'a> + Default> Arbitrary<'a> for Rarely<T> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(if u.ratio(1, 6)? {
            u.arbitrary()?
        } else {
            T::default()
        }))
    }
}

#[cfg(feature = "libfuzzer")]
impl<'a> Arbitrary<'a> for NameStep {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(if u.ratio(1, 12)? {
            Self::Any(u.arbitrary()?)
        } else {
            Self::Of(u.int_in_range(1..=5)?)
        })
    }
}

#[cfg(feature = "libfuzzer")]
impl<'a> Arbitrary<'a> for Words {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=7)? {
            0 => Self::Short(u.arbitrary()?),
            1 => Self::Long(u.int_in_range(0..=1_050)?),
            2 => Self::Long(u.int_in_range(0..=80)?),
            _ => Self::Short("hi".into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_jump_to_expected_number() {
        assert_eq!(Jump(-2).from(7), 5);
        assert_eq!(Jump(-1).from(0), u32::MAX);
    }

    #[test]
    fn finds_names_of_participants() {
        assert_eq!(NameStep::Of(8).text(), "bob");
        assert_eq!(NameStep::Of(8).number(), 2);
        assert_eq!(NameStep::Any("bob".into()).number(), 3);
    }

    #[test]
    fn makes_texts_that_are_too_long() {
        assert_eq!(Words::Long(1_001).text().len(), 1_001);
        assert_eq!(Words::Long(1_101).text(), "");
    }
}
