//! What a person has seen, for the next process of the same person: it must not show it again.

use super::Client;

/// A message that was shown. Given back to [`Client::restore`], it keeps the next process from showing it, or anything
/// that its sender had sent before it, again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The sender's process.
    pub incarnation: u64,
    /// It was sent to the channel.
    pub channel: bool,
    /// The sender's number of the message.
    pub counter: u32,
}

impl Client<'_> {
    /// What to remember of the message in the event that was taken last, if it was one. The latest of each process
    /// and kind stands for those before it.
    ///
    /// Whoever keeps it should do so when the message has been shown: before that, a crash would lose the message, after
    /// it, show it again.
    pub fn poll_persist(&mut self) -> Option<Shown> {
        self.shown.take()
    }

    /// Takes back what an earlier process of the same name has shown, before anything else happens; what was shown
    /// last comes last.
    pub fn restore(&mut self, shown: Shown) {
        if let Some(slot) = self.window_slot(shown.incarnation) {
            let window = if shown.channel {
                &mut slot.channel
            } else {
                &mut slot.direct
            };
            window.accept(shown.counter);
        }
    }
}
