//! Announcements of the operator: each is shown once and in order, by all that the server knew.

use chatapp_core::UnixSeconds;

use super::restrictions::Announcement;
use super::{Model, NameId, ProcessId, stamps};
use crate::queue::Millis;
use crate::violation::{Check, Violation};

/// Returns the text of an announcement.
fn text_of(number: usize) -> String {
    format!("announcement {number}")
}

impl Model {
    /// Returns the text of the next announcement.
    pub fn next_announcement(&self) -> String {
        text_of(self.announcements.len())
    }

    /// Notes an announcement that the server took, while it knew these names; returns its number.
    pub fn announced(&mut self, at: Millis, known: Vec<NameId>) -> usize {
        self.announcements.push(Announcement {
            at,
            memory: self.memory,
            done: None,
            recipients: known,
            shown: Vec::new(),
        });
        self.announcements.len() - 1
    }

    /// Notes whether an announcement is stored: the server has said so.
    pub fn announcement_done(&mut self, number: usize, is_done: bool) {
        self.announcements[number].done = Some(is_done);
    }

    /// Checks an announcement that a process shows.
    pub(super) fn shown_announcement(
        &mut self,
        process: ProcessId,
        text: &str,
        kept_at: Option<UnixSeconds>,
        at: Millis,
    ) -> Result<(), Violation> {
        let who = self.label(process);
        let wrong = |check, why: &str| {
            let detail = format!("{who} shows {text:?} of the server: {why}");
            Err(Violation::new(check, detail))
        };
        let mut numbers = 0..self.announcements.len();
        let Some(number) = numbers.find(|number| text_of(*number) == text) else {
            return wrong(Check::ShownAsSent, "it was never ordered");
        };
        let announcement = &self.announcements[number];
        if announcement.done == Some(false) {
            return wrong(Check::RefusalIsTrue, "it was not stored");
        }
        let life = &self.lives[process];
        if !self.limits.forgetful_dedup {
            let knows = |other: &ProcessId| {
                let other = &self.lives[*other];
                let inherits = life.remembers && other.remembers && life.key == other.key;
                other.name == life.name && inherits
            };
            let shown = &announcement.shown;
            if shown.contains(&process) || shown.iter().any(knows) {
                return wrong(Check::ShownOnce, "it was shown before");
            }
            let later = &self.announcements[number + 1..];
            if later.iter().any(|later| later.shown.contains(&process)) {
                return wrong(Check::ShownInOrder, "it follows a later one");
            }
        }
        if let Some(stamp) = kept_at.filter(|_| !self.server_lies) {
            if !life.ever_greeted {
                return wrong(Check::ShownAsSent, "no stored messages were announced");
            }
            if !stamps(announcement.at..=at).contains(&stamp.0) {
                return wrong(Check::ShownAsSent, "it has another time");
            }
            self.lives[process].greeted = false;
        }
        self.announcements[number].shown.push(process);
        Ok(())
    }

    /// Notes that the server knows a name no more.
    pub(super) fn no_announcements_for(&mut self, name: NameId) {
        for announcement in &mut self.announcements {
            announcement.recipients.retain(|other| *other != name);
        }
    }

    /// Returns the announcements that were done, and are missing at a recipient. Others of a name
    /// are `excused`: it was told that so many entries of the log are lost.
    pub(super) fn missing_announcements(&self, excused: &mut [u32]) -> Vec<Violation> {
        let mut missing = Vec::new();
        for (number, announcement) in self.announcements.iter().enumerate() {
            if announcement.done != Some(true) || announcement.memory != self.memory {
                continue;
            }
            for name in &announcement.recipients {
                let is_reader = |process: &ProcessId| self.lives[*process].name == *name;
                if announcement.shown.iter().any(is_reader) {
                    continue;
                }
                if excused[*name] > 0 {
                    excused[*name] -= 1;
                    continue;
                }
                let detail = format!("{} never reached {}", text_of(number), self.names[*name]);
                missing.push(Violation::new(Check::SavedIsShown, detail));
            }
        }
        missing
    }
}
