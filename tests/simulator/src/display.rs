//! The display of a client: it takes events, and writes them at once, late or never.

use std::collections::VecDeque;

use chatapp_core::{ClientEvent, MessageId, NotShownReason, Receipt, UnixSeconds};

use crate::numbers::ProcessId;
use crate::queue::Millis;

/// Lines that a display takes before it has written the first of them.
const LINES_MAX: usize = 40;

/// Whether a display takes and writes lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It takes lines and writes them.
    Writes,
    /// It takes lines, and writes none.
    Stalls,
    /// It takes no line, and writes those that it has taken.
    Full,
}

/// A display with the lines that it has taken and not written.
#[derive(Debug)]
pub struct Display {
    flow: Flow,
    /// Time from taking a line to writing it.
    lag: Millis,
    lines: VecDeque<(Millis, Line)>,
}

/// An event that waits to be written.
#[derive(Debug)]
pub struct Line {
    from: String,
    text: String,
    content: Content,
    receipt: Option<Receipt>,
}

#[derive(Debug)]
enum Content {
    Announcement,
    Message {
        id: MessageId,
        channel: bool,
        kept_at: Option<UnixSeconds>,
        sent_at: Option<UnixSeconds>,
    },
    NotShown {
        channel: bool,
        reason: NotShownReason,
    },
    Dropped {
        count: u32,
    },
}

impl Display {
    /// Creates the display of a process. If `some_are_slow`, the process decides how slow it is: it
    /// answers at once, soon, after the delay of an acknowledgement, or after a retransmission.
    pub fn new(process: ProcessId, some_are_slow: bool) -> Self {
        const LAGS: [Millis; 4] = [0, 5, 80, 700];
        let lag = if some_are_slow { LAGS[process % 4] } else { 0 };
        Self {
            flow: Flow::Writes,
            lag,
            lines: VecDeque::new(),
        }
    }

    /// Changes whether it takes and writes lines.
    pub fn set_flow(&mut self, flow: Flow) {
        self.flow = flow;
    }

    /// Lets it write lines as soon as it takes them.
    pub fn hasten(&mut self) {
        self.lag = 0;
    }

    /// Returns whether it takes lines and writes none.
    pub fn stalls(&self) -> bool {
        self.flow == Flow::Stalls
    }

    /// Returns whether it takes no line now.
    pub fn is_full(&self) -> bool {
        self.flow == Flow::Full || self.lines.len() >= LINES_MAX
    }

    /// Takes an event about messages; returns false for any other one.
    pub fn take(&mut self, event: &ClientEvent<'_>, now: Millis) -> bool {
        let Some(line) = Line::of(event) else {
            return false;
        };
        self.lines.push_back((now + self.lag, line));
        true
    }

    /// Returns the next line that is written now.
    pub fn write(&mut self, now: Millis) -> Option<Line> {
        self.due().filter(|due| *due <= now)?;
        self.lines.pop_front().map(|(_, line)| line)
    }

    /// Returns when the next line is written.
    pub fn due(&self) -> Option<Millis> {
        let (due, _) = self.lines.front()?;
        (self.flow != Flow::Stalls).then_some(*due)
    }
}

impl Line {
    fn of(event: &ClientEvent<'_>) -> Option<Self> {
        let (from, text, content) = match *event {
            ClientEvent::KeptMessages => ("", "", Content::Announcement),
            ClientEvent::Message {
                from,
                id,
                text,
                channel,
                kept_at,
                sent_at,
                receipt: Some(_),
            } => {
                let content = Content::Message {
                    id,
                    channel,
                    kept_at,
                    sent_at,
                };
                (from, text, content)
            }
            ClientEvent::NotShown {
                from,
                channel,
                reason,
                ..
            } => (from, "", Content::NotShown { channel, reason }),
            ClientEvent::ChannelDropped { count, .. } => ("", "", Content::Dropped { count }),
            _ => return None,
        };
        Some(Self {
            from: from.to_owned(),
            text: text.to_owned(),
            content,
            receipt: event.receipt(),
        })
    }

    /// Returns the event again.
    pub fn event(&self) -> ClientEvent<'_> {
        let (from, receipt) = (self.from.as_str(), self.receipt.as_ref());
        match self.content {
            Content::Announcement => ClientEvent::KeptMessages,
            Content::Message {
                id,
                channel,
                kept_at,
                sent_at,
            } => ClientEvent::Message {
                from,
                id,
                text: &self.text,
                channel,
                kept_at,
                sent_at,
                receipt,
            },
            Content::NotShown { channel, reason } => ClientEvent::NotShown {
                from,
                channel,
                reason,
                receipt,
            },
            Content::Dropped { count } => ClientEvent::ChannelDropped { count, receipt },
        }
    }
}
