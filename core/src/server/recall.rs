//! After a restart: those who were here are told that their sessions are gone, and ask for new ones at once.

use super::Server;
use crate::reply::Reply;
use crate::time::Instant;
use crate::wire::Datagram;

impl Server<'_> {
    /// This name was here in an earlier life of the server, in the session with this id.
    pub(super) fn recall_later(&mut self, slot: u32, session: u64) {
        let now = self.now;
        self.forget_recall(slot);
        if session != 0 {
            let name = self.names.at_mut(slot);
            name.recall = session;
            name.recall_at = now;
            name.recalls = 0;
            self.recalls.push(&mut self.names, slot);
        }
    }

    /// It has a new session, or needs none.
    pub(super) fn forget_recall(&mut self, slot: u32) {
        self.recalls.remove(&mut self.names, slot);
        self.names.at_mut(slot).recall = 0;
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
        let (to, echo) = (name.address.get(), name.recall);
        let token = self.identity.reset_token(echo);
        self.recalls.remove(&mut self.names, slot);
        if !last {
            self.recalls.push(&mut self.names, slot);
        }
        Reply::new(&self.identity, to, &Datagram::Reset { echo, token })
    }
}
