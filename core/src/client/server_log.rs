//! The positions in the logs of the server: the client's mailbox and the channel.
//!
//! A message is taken when it arrives, and shown when no receipt is outstanding any more.

use super::receipts::Receipts;

/// The numbers of the latest stored message and channel message, in one store epoch.
pub(super) struct ServerLog {
    /// The store epoch that these numbers belong to.
    epoch: u64,
    mail: u64,
    channel: u32,
    mail_shown: u64,
    channel_shown: u32,
    announced: bool,
}

impl ServerLog {
    /// No messages of any server.
    pub(super) const START: Self = Self {
        epoch: 0,
        mail: 0,
        channel: 0,
        mail_shown: 0,
        channel_shown: 0,
        announced: false,
    };

    /// Returns the store epoch.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the number of a stored message that was shown, with all before it.
    pub(super) fn mail_shown(&self) -> u64 {
        if Receipts::ARE_LATE {
            self.mail_shown
        } else {
            self.mail
        }
    }

    /// Returns the number of a channel message that was shown, with all before it.
    pub(super) fn channel_shown(&self) -> u32 {
        if Receipts::ARE_LATE {
            self.channel_shown
        } else {
            self.channel
        }
    }

    /// Starts a session in this store epoch. In another epoch, the numbers start anew.
    pub(super) fn start_session(&mut self, epoch: u64) {
        if self.epoch != epoch {
            *self = Self {
                epoch,
                ..Self::START
            };
        }
        self.announced = false;
    }

    /// Returns whether a stored message is new.
    pub(super) fn is_new_mail(&self, serial: u64) -> bool {
        serial > self.mail
    }

    /// Records a stored message; true if it is new.
    pub(super) fn take_mail(&mut self, serial: u64) -> bool {
        let is_new = self.is_new_mail(serial);
        self.mail = self.mail.max(serial);
        is_new
    }

    /// Returns whether a stored message that is not new may not be written yet.
    pub(super) fn is_unwritten_mail(&self, serial: u64) -> bool {
        serial > self.mail_shown()
    }

    /// Returns whether a channel message that is not new may not be written yet.
    pub(super) fn is_unwritten_entry(&self, number: u32) -> bool {
        number > self.channel_shown()
    }

    /// Returns whether a channel message is new.
    pub(super) fn is_new_entry(&self, number: u32) -> bool {
        number > self.channel
    }

    /// Records a channel message; true if it is new.
    pub(super) fn take_entry(&mut self, number: u32) -> bool {
        let is_new = self.is_new_entry(number);
        self.channel = self.channel.max(number);
        is_new
    }

    /// Records that all messages so far were shown.
    pub(super) fn note_shown(&mut self) {
        if Receipts::ARE_LATE {
            self.mail_shown = self.mail;
            self.channel_shown = self.channel;
        }
    }

    /// Returns whether stored messages were announced in this session.
    pub(super) fn has_announced(&self) -> bool {
        self.announced
    }

    /// Records that stored messages were announced.
    pub(super) fn announce(&mut self) {
        self.announced = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_anew_in_another_store_epoch() {
        let mut log = ServerLog::START;
        log.start_session(5);
        assert!(log.take_mail(3) && !log.take_mail(3) && !log.take_mail(2));
        assert!(log.take_entry(8) && !log.take_entry(8));
        log.announce();
        log.start_session(5);
        if Receipts::ARE_LATE {
            assert_eq!((log.mail_shown(), log.channel_shown()), (0, 0));
        }
        log.note_shown();
        assert_eq!((log.mail_shown(), log.channel_shown()), (3, 8));
        assert!(!log.has_announced(), "a new session has announced messages");
        log.start_session(6);
        assert_eq!(log.epoch(), 6);
        assert_eq!((log.mail_shown(), log.channel_shown()), (0, 0));
        assert!(log.is_new_mail(1) && log.is_new_entry(1));
    }
}
