//! Lines for a terminal: the same words with time and colours.

use std::fmt;

use anstyle::{AnsiColor, Effects, Style};
use chatapp_console::{Brush, Line, Part, Stamp, Visible};
use chatapp_core::UnixSeconds;

use crate::local_time::utc_offset;

/// Colours for names: visible on any background. Red is excluded because errors use it.
const NAME_COLORS: [AnsiColor; 10] = [
    AnsiColor::Green,
    AnsiColor::Yellow,
    AnsiColor::Blue,
    AnsiColor::Magenta,
    AnsiColor::Cyan,
    AnsiColor::BrightGreen,
    AnsiColor::BrightYellow,
    AnsiColor::BrightBlue,
    AnsiColor::BrightMagenta,
    AnsiColor::BrightCyan,
];

/// Appearance of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) has_colors: bool,
    /// `>>> HH:MM ` begins each line.
    pub(crate) is_stamped: bool,
}

impl Look {
    /// Formats a line, shown at this time.
    pub(crate) fn line(self, line: &Line<'_>, wall: UnixSeconds) -> String {
        let mut brush = self.brush(wall);
        // Writing to a string cannot fail.
        let _ = line.paint(&mut brush);
        brush.painted
    }

    /// Formats the line of a message that mentions the person.
    pub(crate) fn mention(self, line: &Line<'_>, wall: UnixSeconds) -> String {
        let mut brush = Colors {
            is_mention: true,
            ..self.brush(wall)
        };
        let _ = line.paint(&mut brush);
        brush.painted
    }

    /// Formats other words in one style, shown at this time.
    pub(crate) fn words(
        self,
        part: Part<'_>,
        words: impl fmt::Display,
        wall: UnixSeconds,
    ) -> String {
        let mut brush = self.brush(wall);
        let _ = brush.paint(part, format_args!("{words}"));
        brush.painted
    }

    /// Formats a name in its colour.
    pub(crate) fn name(self, name: &str) -> String {
        self.styled(name_style(name), Visible(name))
    }

    /// Formats words dimmed.
    pub(crate) fn dim(self, words: impl fmt::Display) -> String {
        self.styled(Style::new().dimmed(), words)
    }

    fn styled(self, style: Style, words: impl fmt::Display) -> String {
        if self.has_colors {
            format!("{style}{words}{style:#}")
        } else {
            words.to_string()
        }
    }

    fn brush(self, wall: UnixSeconds) -> Colors {
        let mut painted = String::new();
        if self.is_stamped {
            painted.push_str(&self.dim(format_args!(">>> {}", clock(wall))));
            painted.push(' ');
        }
        Colors {
            painted,
            look: self,
            is_mention: false,
        }
    }
}

/// A span of time in seconds, in its largest unit.
pub(crate) struct Age(pub(crate) u64);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ 0..120 => write!(f, "{seconds} s"),
            seconds @ 120..7_200 => write!(f, "{} min", seconds / 60),
            seconds => write!(f, "{} h", seconds / 3_600),
        }
    }
}

/// Formats a time as `HH:MM`, in local time.
pub(crate) fn clock(at: UnixSeconds) -> String {
    let stamp = Stamp {
        at,
        utc_offset: utc_offset(at),
    };
    let stamp = stamp.to_string();
    let time = stamp.split(' ').next_back().unwrap_or_default();
    time.get(..5).unwrap_or_default().into()
}

/// Returns the colour of a name: the same in every process.
fn name_style(name: &str) -> Style {
    // FNV-1a: any hash with a few good bits suffices.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let color = NAME_COLORS[(hash ^ hash >> 16) as usize % NAME_COLORS.len()];
    color.on_default()
}

struct Colors {
    painted: String,
    look: Look,
    is_mention: bool,
}

impl Brush for Colors {
    fn paint(&mut self, part: Part<'_>, words: fmt::Arguments<'_>) -> fmt::Result {
        let style = part_style(part);
        let style = match part {
            Part::Text | Part::Sender { .. } if self.is_mention => style.effects(Effects::BOLD),
            _ => style,
        };
        self.painted.push_str(&self.look.styled(style, words));
        Ok(())
    }
}

fn part_style(part: Part<'_>) -> Style {
    match part {
        Part::Success => AnsiColor::Green.on_default(),
        Part::Error => AnsiColor::Red.on_default(),
        Part::ChannelMark => AnsiColor::Cyan.on_default().dimmed(),
        // A private message must stand out.
        Part::Sender {
            name,
            channel: false,
        } => name_style(name).effects(Effects::BOLD),
        Part::Sender { name, .. } => name_style(name),
        Part::Stamp => Style::new().dimmed(),
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_words_plain_without_colors() {
        let look = Look {
            has_colors: false,
            is_stamped: false,
        };
        let words = look.words(Part::Error, "[No.]", UnixSeconds(0));
        assert_eq!(words, "[No.]");
        assert_eq!(look.name("bob"), "bob");
    }

    #[test]
    fn resets_the_color_after_the_words() {
        let look = Look {
            has_colors: true,
            is_stamped: true,
        };
        let line = look.words(Part::Error, "[No.]", UnixSeconds(0));
        assert!(line.starts_with("\u{1b}[2m>>> "), "{line:?}");
        assert!(
            line.ends_with("\u{1b}[0m \u{1b}[31m[No.]\u{1b}[0m"),
            "{line:?}"
        );
    }

    #[test]
    fn gives_each_name_a_constant_color() {
        let colors: std::collections::HashSet<String> = ["alice", "bob", "carol", "dave", "eve"]
            .map(|name| name_style(name).to_string())
            .into();
        assert!(colors.len() > 2, "{colors:?}");
        assert_eq!(name_style("alice"), name_style("alice"));
    }
}
