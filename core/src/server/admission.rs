//! The allow list, and recently rejected registrations.

use crate::crypto::PublicKey;
use crate::name::Name;

/// Number of rejected registrations that the server remembers.
const REJECTED: usize = 8;

/// An entry of an allow list: a name that may register, and the key that it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowEntry {
    /// The name that may register.
    pub name: Name,
    /// The key of the name; `None` for the key that registers first.
    pub key: Option<PublicKey>,
}

/// Decides which names may register, and remembers which registrations were rejected lately.
pub(super) struct Admission<'a> {
    /// The names that may register, sorted; `None` for all.
    allow_list: Option<&'a [AllowEntry]>,
    is_name_allowed: fn(&str) -> bool,
    /// Session ids of registrations that could not be stored lately.
    rejected: heapless::Deque<u64, REJECTED>,
}

impl<'a> Admission<'a> {
    /// Allows all keys, and those new names that the function allows.
    pub(super) fn new(is_name_allowed: fn(&str) -> bool) -> Self {
        Self {
            allow_list: None,
            is_name_allowed,
            rejected: heapless::Deque::new(),
        }
    }

    /// Allows only these names. The entries must be sorted by name.
    pub(super) fn set_allow_list(&mut self, allow_list: &'a [AllowEntry]) {
        debug_assert!(allow_list.is_sorted_by(|one, next| one.name.as_str() <= next.name.as_str()));
        self.allow_list = Some(allow_list);
    }

    /// Returns whether a name may register with this key. Cost: the logarithm of the number of
    /// names.
    pub(super) fn allows(&self, name: &str, key: &PublicKey) -> bool {
        let Some(allow_list) = self.allow_list else {
            return true;
        };
        let from = allow_list.partition_point(|entry| entry.name.as_str() < name);
        allow_list
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|entry| entry.name.as_str() == name)
            .any(|entry| entry.key.is_none_or(|only| only == *key))
    }

    /// Returns whether a name may come into the room. Names that are in it stay valid.
    pub(super) fn allows_new(&self, name: &str) -> bool {
        (self.is_name_allowed)(name)
    }

    /// Records that the registration with this session id could not be stored. The server refuses
    /// it when the client repeats its ClientHello.
    pub(super) fn reject(&mut self, id: u64) {
        if self.rejected.is_full() {
            self.rejected.pop_front();
        }
        let _ = self.rejected.push_back(id);
    }

    /// Returns whether the registration with this session id could not be stored.
    pub(super) fn has_rejected(&self, id: u64) -> bool {
        self.rejected.iter().any(|rejected| *rejected == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_listed_names_with_their_keys() {
        let [one, other] = [1, 2].map(|byte| PublicKey([byte; 32]));
        let entry = |name, key| AllowEntry {
            name: Name::new(name).unwrap(),
            key,
        };
        let allow_list = [entry("ann", None), entry("bob", Some(one))];
        let mut admission = Admission::new(|_| true);
        assert!(admission.allows("zoe", &one), "all names may register");
        admission.set_allow_list(&allow_list);
        assert!(admission.allows("ann", &one) && admission.allows("ann", &other));
        assert!(admission.allows("bob", &one) && !admission.allows("bob", &other));
        assert!(!admission.allows("zoe", &one) && !admission.allows("al", &one));
    }

    #[test]
    fn asks_the_caller_about_new_names() {
        let admission = Admission::new(|name| name != "[Server");
        assert!(admission.allows_new("ann") && !admission.allows_new("[Server"));
    }

    #[test]
    fn remembers_eight_rejected_registrations() {
        let mut admission = Admission::new(|_| true);
        (1..=9).for_each(|id| admission.reject(id));
        assert!(!admission.has_rejected(1));
        assert!((2..=9).all(|id| admission.has_rejected(id)));
    }
}
