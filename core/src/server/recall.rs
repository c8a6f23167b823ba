//! After a restart: those who were here are told that their sessions are gone, and ask for new ones at once.

use super::Server;
use crate::session::reply::Reply;
use crate::time::Instant;

impl Server<'_> {
    /// This name was here in an earlier life of the server: it is told that its session with that is over.
    pub(super) fn recall_later(&mut self, slot: u32) {
        let now = self.now;
        self.forget_recall(slot);
        let name = self.names.at_mut(slot);
        if self.sessions.at(slot).local_id() != 0 {
            name.recall_at = now;
            name.recalls = 0;
            self.recalls.push(&mut self.names, slot);
        }
    }

    /// It has a new session, or needs none.
    pub(super) fn forget_recall(&mut self, slot: u32) {
        self.recalls.remove(&mut self.names, slot);
    }

    pub(super) fn recall_deadline(&self) -> Option<Instant> {
        let first = self.recalls.first()?;
        Some(self.names.at(first).recall_at)
    }

    /// The next one to be told; each is, by the rule for everything that waits for an answer.
    pub(super) fn next_recall(&mut self) -> Option<Reply> {
        let slot = self.recalls.first()?;
        let (now, retry) = (self.now, self.retry);
        let name = self.names.at_mut(slot);
        if name.recall_at > now {
            return None;
        }
        name.recalls += 1;
        name.recall_at = now.plus_millis(retry.interval_ms.into());
        let last = name.recalls > retry.retries;
        let (to, id) = (name.address.get(), self.sessions.at(slot).local_id());
        self.recalls.remove(&mut self.names, slot);
        if !last {
            self.recalls.push(&mut self.names, slot);
        }
        Reply::reset(&self.identity, to, id)
    }
}
