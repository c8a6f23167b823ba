//! The keys that people ignore, now and at earlier times.

use std::collections::BTreeMap;

use chatapp_core::PublicKey;

use crate::numbers::{NameId, ProcessId};
use crate::queue::Millis;

/// The ignored keys of all processes.
#[derive(Default)]
pub(super) struct Ignored {
    /// Those of each process now.
    now: BTreeMap<ProcessId, Vec<PublicKey>>,
    /// Those that the next process of a name remembers.
    remembered: BTreeMap<NameId, Vec<PublicKey>>,
    spans: Vec<Span>,
}

/// The name of a process, and whether it has the memory of the name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: NameId,
    pub(super) remembers: bool,
}

/// A time in which a process ignored a key, and those after it that remembered that.
struct Span {
    whose: Owner,
    key: PublicKey,
    until: Option<Millis>,
}

impl Ignored {
    /// Notes the start of a process.
    pub(super) fn started(&mut self, process: ProcessId, name: NameId, remembers: bool) {
        let keys = self.remembered.get(&name).filter(|_| remembers);
        self.now.extend(keys.map(|keys| (process, keys.clone())));
    }

    /// Notes that the memory of a name is lost.
    pub(super) fn lost(&mut self, name: NameId) {
        self.remembered.remove(&name);
    }

    /// Returns whether a process ignores a key now.
    pub(super) fn has(&self, process: ProcessId, key: &PublicKey) -> bool {
        let keys = self.now.get(&process);
        keys.is_some_and(|keys| keys.contains(key))
    }

    /// Notes that a process ignores a key from now on.
    pub(super) fn begins(&mut self, process: ProcessId, whose: Owner, key: PublicKey) {
        let Owner { name, remembers } = whose;
        self.now.entry(process).or_default().push(key);
        if remembers {
            self.remembered.entry(name).or_default().push(key);
        }
        self.spans.push(Span {
            whose,
            key,
            until: None,
        });
    }

    /// Notes that a process does not ignore a key any more.
    pub(super) fn ends(&mut self, process: ProcessId, whose: Owner, key: &PublicKey, at: Millis) {
        let is_other = |ignored: &PublicKey| ignored != key;
        if let Some(keys) = self.now.get_mut(&process) {
            keys.retain(is_other);
        }
        // A process without the memory ends nothing for others, nor do others for it.
        if !whose.remembers {
            return;
        }
        if let Some(keys) = self.remembered.get_mut(&whose.name) {
            keys.retain(is_other);
        }
        let ends = |span: &&mut Span| span.whose == whose && span.key == *key;
        for span in self.spans.iter_mut().filter(ends) {
            span.until.get_or_insert(at);
        }
    }

    /// Returns whether a process of a name may have ignored a key at this time, or later.
    pub(super) fn may_have_since(&self, name: NameId, key: &PublicKey, since: Millis) -> bool {
        self.spans.iter().any(|span| {
            let is_past = span.until.is_some_and(|until| until < since);
            span.whose.name == name && span.key == *key && !is_past
        })
    }
}
