//! The silence of the server, which is shown once.

use chatapp_core::{ClientEvent, MessageStatus};

/// Tells whether the silence of the server is shown already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silence {
    is_shown: bool,
}

impl Silence {
    /// Takes an event that is about to be shown. Returns whether it only repeats that the server is
    /// silent: the line about a request that failed has said so.
    pub fn repeats(&mut self, event: &ClientEvent<'_>) -> bool {
        match event {
            ClientEvent::ServerNotResponding { .. }
            | ClientEvent::MessageStatus {
                status: MessageStatus::NotDelivered,
                ..
            } => self.is_shown = true,
            ClientEvent::ServerSilent => return self.note(),
            ClientEvent::ServerBack | ClientEvent::TableUpdated => self.is_shown = false,
            _ => {}
        }
        false
    }

    /// Records that the silence is shown; returns whether it was shown before.
    pub fn note(&mut self) -> bool {
        core::mem::replace(&mut self.is_shown, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chatapp_core::{CommandId, Request};

    #[test]
    fn is_shown_once_until_the_server_is_back() {
        let mut silence = Silence::default();
        assert!(!silence.repeats(&ClientEvent::ServerSilent));
        assert!(silence.repeats(&ClientEvent::ServerSilent));
        assert!(!silence.repeats(&ClientEvent::ServerBack));
        let failed = ClientEvent::ServerNotResponding {
            request: Request::SendAll,
            id: CommandId::default(),
        };
        assert!(!silence.repeats(&failed));
        assert!(silence.repeats(&ClientEvent::ServerSilent));
        assert!(!silence.repeats(&ClientEvent::TableUpdated));
        assert!(!silence.note() && silence.note());
    }
}
