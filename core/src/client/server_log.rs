//! How far the logs of the server were taken: the client's mailbox and the channel.

/// The latest kept message and channel message that came, by the numbers of one life of the server.
pub(super) struct ServerLog {
    /// The life of the server that these numbers belong to.
    epoch: u64,
    mail: u64,
    channel: u32,
    announced: bool,
}

impl ServerLog {
    /// Nothing was taken from any server.
    pub(super) const START: Self = Self {
        epoch: 0,
        mail: 0,
        channel: 0,
        announced: false,
    };

    /// Returns the life of the server.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the number of the latest kept message.
    pub(super) fn mail(&self) -> u64 {
        self.mail
    }

    /// Returns the number of the latest channel message.
    pub(super) fn channel(&self) -> u32 {
        self.channel
    }

    /// Starts a session in this life of the server. In another one, its numbers say nothing about
    /// what came before.
    pub(super) fn start_session(&mut self, epoch: u64) {
        if self.epoch != epoch {
            *self = Self {
                epoch,
                ..Self::START
            };
        }
        self.announced = false;
    }

    /// Returns whether a kept message is new.
    pub(super) fn is_new_mail(&self, serial: u64) -> bool {
        serial > self.mail
    }

    /// Notes a kept message; true if it is new.
    pub(super) fn take_mail(&mut self, serial: u64) -> bool {
        let is_new = self.is_new_mail(serial);
        self.mail = self.mail.max(serial);
        is_new
    }

    /// Returns whether a channel message is new.
    pub(super) fn is_new_entry(&self, number: u32) -> bool {
        number > self.channel
    }

    /// Notes a channel message; true if it is new.
    pub(super) fn take_entry(&mut self, number: u32) -> bool {
        let is_new = self.is_new_entry(number);
        self.channel = self.channel.max(number);
        is_new
    }

    /// Returns whether this session has announced that messages follow which were kept.
    pub(super) fn has_announced(&self) -> bool {
        self.announced
    }

    /// Notes that kept messages were announced.
    pub(super) fn announce(&mut self) {
        self.announced = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_over_in_another_life_of_the_server() {
        let mut log = ServerLog::START;
        log.start_session(5);
        assert!(log.take_mail(3) && !log.take_mail(3) && !log.take_mail(2));
        assert!(log.take_entry(8) && !log.take_entry(8));
        log.announce();
        log.start_session(5);
        assert_eq!((log.mail(), log.channel()), (3, 8));
        assert!(!log.has_announced(), "each session announces once");
        log.start_session(6);
        assert_eq!((log.epoch(), log.mail(), log.channel()), (6, 0, 0));
        assert!(log.is_new_mail(1) && log.is_new_entry(1));
    }
}
