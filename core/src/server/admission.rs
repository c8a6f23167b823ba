//! The allow list, the restrictions, and recently rejected registrations.

use super::restriction::Suspect;
use super::restrictions::Restrictions;
use crate::crypto::PublicKey;
use crate::name::Name;
use crate::time::UnixSeconds;
use crate::wire::Refusal;

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
    restrictions: Restrictions<'a>,
    /// Session ids of registrations that could not be stored lately.
    rejected: heapless::Deque<u64, REJECTED>,
}

impl<'a> Admission<'a> {
    /// Allows all keys, and those new names that the function allows.
    pub(super) fn new(is_name_allowed: fn(&str) -> bool) -> Self {
        Self {
            allow_list: None,
            is_name_allowed,
            restrictions: Restrictions::new(),
            rejected: heapless::Deque::new(),
        }
    }

    /// Allows only these names. The entries must be sorted by name.
    pub(super) fn set_allow_list(&mut self, allow_list: &'a [AllowEntry]) {
        debug_assert!(allow_list.is_sorted_by(|one, next| one.name.as_str() <= next.name.as_str()));
        self.allow_list = Some(allow_list);
    }

    /// Returns the restrictions of the operator.
    pub(super) fn restrictions(&self) -> &Restrictions<'a> {
        &self.restrictions
    }

    /// Returns the restrictions of the operator, to change them.
    pub(super) fn restrictions_mut(&mut self) -> &mut Restrictions<'a> {
        &mut self.restrictions
    }

    /// Returns whether everybody may be in the room and write.
    pub(super) fn is_open(&self) -> bool {
        self.allow_list.is_none() && self.restrictions.is_empty()
    }

    /// Returns why a client may not be in the room, if it may not.
    pub(super) fn refusal(&self, client: Suspect<'_>, now: UnixSeconds) -> Option<Refusal> {
        if !self.allows(client.name, client.key) {
            return Some(Refusal::NotAllowed);
        }
        self.restrictions.refusal(client, now)
    }

    /// Returns whether a name may register with this key. Cost: the logarithm of the number of
    /// names.
    fn allows(&self, name: &str, key: &PublicKey) -> bool {
        let may = |allow_list| has_entry(allow_list, name, |only| only.is_none_or(|it| it == *key));
        self.allow_list.is_none_or(may)
    }

    /// Returns whether the allow list gives a name to another key than the present one.
    pub(super) fn reassigns(&self, name: &str, present: &PublicKey, other: &PublicKey) -> bool {
        let gives = |allow_list| has_entry(allow_list, name, |only| only == Some(*other));
        self.allow_list.is_some_and(gives) && !self.allows(name, present)
    }

    /// Returns whether a process with this key must not learn that another one has the name: there
    /// is an allow list, and it does not have this key for the name.
    pub(super) fn hides(&self, name: &str, key: &PublicKey) -> bool {
        let hides = |allow_list| !has_entry(allow_list, name, |only| only == Some(*key));
        self.allow_list.is_some_and(hides)
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

/// Returns whether a sorted list has an entry of this name with such a key.
fn has_entry(
    allow_list: &[AllowEntry],
    name: &str,
    is_right: impl Fn(Option<PublicKey>) -> bool,
) -> bool {
    let from = allow_list.partition_point(|entry| entry.name.as_str() < name);
    allow_list
        .get(from..)
        .unwrap_or_default()
        .iter()
        .take_while(|entry| entry.name.as_str() == name)
        .any(|entry| is_right(entry.key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the list, bob's key and another one.
    fn ann_with_any_key_and_bob_with_one() -> ([AllowEntry; 2], [PublicKey; 2]) {
        let keys = [1, 2].map(|byte| PublicKey([byte; 32]));
        let entry = |name, key| AllowEntry {
            name: Name::new(name).unwrap(),
            key,
        };
        ([entry("ann", None), entry("bob", Some(keys[0]))], keys)
    }

    #[test]
    fn allows_listed_names_with_their_keys() {
        let (allow_list, [one, other]) = ann_with_any_key_and_bob_with_one();
        let mut admission = Admission::new(|_| true);
        assert!(admission.allows("zoe", &one), "all names may register");
        admission.set_allow_list(&allow_list);
        assert!(admission.allows("ann", &one) && admission.allows("ann", &other));
        assert!(admission.allows("bob", &one) && !admission.allows("bob", &other));
        assert!(!admission.allows("zoe", &one) && !admission.allows("al", &one));
    }

    #[test]
    fn hides_names_from_keys_that_are_not_listed() {
        let (allow_list, [one, other]) = ann_with_any_key_and_bob_with_one();
        let mut admission = Admission::new(|_| true);
        assert!(!admission.hides("ann", &one), "the room is open to all");
        admission.set_allow_list(&allow_list);
        assert!(admission.hides("ann", &one) && admission.hides("zoe", &one));
        assert!(!admission.hides("bob", &one) && admission.hides("bob", &other));
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
