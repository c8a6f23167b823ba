//! Which names may register at all.

use crate::crypto::PublicKey;
use crate::name::Name;

/// Registrations that could not be stored, and are remembered.
const REJECTED: usize = 8;

/// One name of those that may register at all, and the key it must have, if that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The name.
    pub name: Name,
    /// Its key; none for whichever registers first.
    pub key: Option<PublicKey>,
}

/// Which names may register, and whose registrations were rejected lately.
pub(super) struct Admission<'a> {
    /// The names that may register, sorted; `None` for all.
    allowed: Option<&'a [Allowed]>,
    /// Requests whose registrations could not be stored lately, by their session ids.
    rejected: heapless::Deque<u64, REJECTED>,
}

impl<'a> Admission<'a> {
    /// Lets all names in.
    pub(super) fn new() -> Self {
        Self {
            allowed: None,
            rejected: heapless::Deque::new(),
        }
    }

    /// Lets only these names in, which are sorted.
    pub(super) fn admit_only(&mut self, allowed: &'a [Allowed]) {
        debug_assert!(allowed.is_sorted_by(|one, next| one.name.as_str() <= next.name.as_str()));
        self.allowed = Some(allowed);
    }

    /// Returns whether a name may register with this key. Cost: the logarithm of the number of
    /// names.
    pub(super) fn allows(&self, name: &str, key: &PublicKey) -> bool {
        let Some(allowed) = self.allowed else {
            return true;
        };
        let from = allowed.partition_point(|entry| entry.name.as_str() < name);
        allowed
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|entry| entry.name.as_str() == name)
            .any(|entry| entry.key.is_none_or(|only| only == *key))
    }

    /// Notes that the registration with this session id could not be stored: its client is told
    /// when it asks again.
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
        let entry = |name, key| Allowed {
            name: Name::new(name).unwrap(),
            key,
        };
        let allowed = [entry("ann", None), entry("bob", Some(one))];
        let mut admission = Admission::new();
        assert!(admission.allows("zoe", &one), "all names may register");
        admission.admit_only(&allowed);
        assert!(admission.allows("ann", &one) && admission.allows("ann", &other));
        assert!(admission.allows("bob", &one) && !admission.allows("bob", &other));
        assert!(!admission.allows("zoe", &one) && !admission.allows("al", &one));
    }

    #[test]
    fn remembers_eight_rejected_registrations() {
        let mut admission = Admission::new();
        (1..=9).for_each(|id| admission.reject(id));
        assert!(!admission.has_rejected(1));
        assert!((2..=9).all(|id| admission.has_rejected(id)));
    }
}
