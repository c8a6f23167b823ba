//! What the processes of one name have shown, as the state folder of a person keeps it: the latest of each sender.

use chatapp_core::{Client, Shown};

/// What was shown, the most recent last.
#[derive(Clone, Debug, Default)]
pub struct Memory(Vec<Shown>);

impl Memory {
    /// A message was shown.
    pub fn notes(&mut self, shown: Shown) {
        self.0.retain(|before| {
            (before.incarnation, before.channel) != (shown.incarnation, shown.channel)
        });
        self.0.push(shown);
    }

    /// Gives everything to a new process.
    pub fn restore(&self, client: &mut Client<'_>) {
        self.0.iter().for_each(|shown| client.restore(*shown));
    }
}
