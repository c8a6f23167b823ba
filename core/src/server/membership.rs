//! The state of a name: its presence in the room, and its history.

use crate::wire::Status;

/// The presence of a client in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Presence {
    Offline,
    /// The registration waits to be stored.
    Registering,
    /// Registered; the client has not acknowledged all messages from before its registration.
    Returning,
    Online,
    /// Online; another session of the same process waits to be stored.
    Renewing,
}

/// The history of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Tenure {
    /// No process of the name was ever heard.
    New,
    /// A process of the name was heard at least once.
    Known,
    /// The name is forgotten: no process has it any more.
    Gone,
}

/// The state of a name: its presence in the room, and its history.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Membership {
    presence: Presence,
    tenure: Tenure,
    /// The name was offline for too long; its expiry waits to be stored.
    expiring: bool,
    /// The change that waits to be stored has to be announced to all.
    unannounced: bool,
    /// No datagram of the present session has arrived: it may be that of a process that is gone.
    unconfirmed: bool,
    /// Another process had the name before the unconfirmed one.
    is_provisional: bool,
    /// The registration has replaced another process that was in the room.
    has_replaced: bool,
    /// The store has a registration of the name.
    is_stored: bool,
    /// Messages and changes before this position were stored before the registration.
    boundary: u64,
}

/// The effect of a confirmed registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    /// The name has entered the room; `returning` if it was known before. `evicted` if another
    /// process had to leave.
    Registered { returning: bool, evicted: bool },
    /// The process that was online has another session.
    Renewed,
}

/// How a client was in the room that has left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It was not.
    Absent,
    /// Nobody knew of it yet.
    Unconfirmed,
    /// It was, or another process that it has replaced.
    Registered,
}

impl Membership {
    /// A new name without a client; all zero bits.
    pub(super) const VACANT: Self = Self {
        presence: Presence::Offline,
        tenure: Tenure::New,
        expiring: false,
        unannounced: false,
        unconfirmed: false,
        is_provisional: false,
        has_replaced: false,
        is_stored: false,
        boundary: 0,
    };

    // ---- the state ----

    /// Returns whether the client is in the room, even if the table does not list it as online yet.
    pub(super) fn is_here(&self) -> bool {
        self.presence != Presence::Offline
    }

    /// Returns whether the client is in the room, and has acknowledged all messages from before its
    /// registration.
    pub(super) fn is_online(&self) -> bool {
        matches!(self.presence, Presence::Online | Presence::Renewing)
    }

    /// Returns whether messages from before the registration are being delivered.
    pub(super) fn is_returning(&self) -> bool {
        self.presence == Presence::Returning && !self.unconfirmed
    }

    /// Returns whether no datagram of the present session has arrived yet: only that proves that
    /// its process is there.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.unconfirmed && self.is_here()
    }

    /// Returns whether the present process is a new one that has not proved that it is there. It
    /// yields to any other one.
    pub(super) fn is_provisional(&self) -> bool {
        self.unconfirmed && self.is_provisional
    }

    /// Returns whether the room knows that the client is here, or will.
    pub(super) fn is_registered(&self) -> bool {
        self.is_online() || (self.is_here() && !self.unconfirmed)
    }

    /// Returns whether a registration waits to be stored.
    pub(super) fn is_registering(&self) -> bool {
        matches!(self.presence, Presence::Registering | Presence::Renewing)
    }

    /// Returns whether another session of the process that is online waits to be stored.
    pub(super) fn is_renewing(&self) -> bool {
        self.presence == Presence::Renewing
    }

    /// Returns whether a process of the name was heard once, and it is not about to be forgotten.
    pub(super) fn is_known(&self) -> bool {
        self.tenure == Tenure::Known && !self.expiring
    }

    /// Returns whether a process of the name was heard, so that the room may know of it.
    pub(super) fn was_heard(&self) -> bool {
        self.tenure == Tenure::Known
    }

    /// Returns whether the name was forgotten, no process has it, and the store knows that.
    pub(super) fn is_gone(&self) -> bool {
        self.tenure == Tenure::Gone && !self.is_here() && !self.expiring
    }

    /// Returns whether the store has a name of which no process was heard.
    pub(super) fn is_stored_unheard(&self) -> bool {
        self.is_stored && self.tenure != Tenure::Known
    }

    /// Returns whether the name is about to be forgotten.
    pub(super) fn is_expiring(&self) -> bool {
        self.expiring
    }

    /// Returns the status for the table.
    pub(super) fn status(&self) -> Status {
        if self.tenure == Tenure::Gone {
            Status::Gone
        } else if self.is_online() {
            Status::Online
        } else {
            Status::Offline
        }
    }

    /// Returns the position in the common order at which the client registered. Messages before it
    /// count as stored for the client, later ones only as late.
    pub(super) fn boundary(&self) -> u64 {
        self.boundary
    }

    /// Returns whether a change has to be announced, once it is stored and confirmed.
    pub(super) fn has_announcement(&self) -> bool {
        self.unannounced
    }

    /// Returns whether the stored change has to be announced, and clears that. Nobody learns of a
    /// session that is not confirmed.
    //= PROTOCOL.md#9.2
    pub(super) fn take_announcement(&mut self) -> bool {
        !self.is_unconfirmed() && core::mem::take(&mut self.unannounced)
    }

    // ---- transitions ----

    /// Begins a registration at position `order`, which has to be stored. If the `same` process was
    /// online, the name stays so, and a move is announced.
    pub(super) fn register(&mut self, same: bool, has_moved: bool, order: u64) {
        if !same && self.is_registered() {
            (self.has_replaced, self.unannounced) = (true, true);
        }
        self.is_provisional = !same || self.is_provisional();
        self.unconfirmed = true;
        if same && self.is_online() {
            self.presence = Presence::Renewing;
            self.unannounced |= has_moved;
        } else {
            self.presence = Presence::Registering;
            self.boundary = order + 1;
        }
    }

    /// Records that the client receives at another address.
    pub(super) fn on_moved(&mut self) {
        self.unannounced |= self.is_online();
    }

    /// Admits the client: its registration is stored.
    pub(super) fn admit(&mut self) {
        self.is_stored = true;
        self.presence = if self.presence == Presence::Renewing {
            Presence::Online
        } else {
            Presence::Returning
        };
    }

    /// Confirms the session of an admitted client, which was heard in it; returns the effect, once.
    pub(super) fn confirm(&mut self) -> Option<Admitted> {
        if !core::mem::take(&mut self.unconfirmed) {
            return None;
        }
        if self.presence == Presence::Online {
            return Some(Admitted::Renewed);
        }
        let before = core::mem::replace(&mut self.tenure, Tenure::Known);
        Some(Admitted::Registered {
            returning: before == Tenure::Known,
            evicted: core::mem::take(&mut self.has_replaced),
        })
    }

    /// Reverts a registration that could not be stored; a name that was not known is gone.
    pub(super) fn reject(&mut self) {
        self.presence = Presence::Offline;
        (self.unconfirmed, self.has_replaced) = (false, false);
        if self.tenure != Tenure::Known {
            self.tenure = Tenure::Gone;
        }
    }

    /// Marks the client as online: all messages from before its registration are delivered.
    pub(super) fn settle(&mut self) {
        self.presence = Presence::Online;
        self.unannounced = true;
    }

    /// Records that the client has left the room; returns how it was there.
    pub(super) fn leave(&mut self) -> Left {
        let left = if !self.is_here() {
            Left::Absent
        } else if self.is_registered() || self.has_replaced {
            Left::Registered
        } else {
            Left::Unconfirmed
        };
        (self.presence, self.has_replaced) = (Presence::Offline, false);
        self.unannounced |= left == Left::Registered;
        left
    }

    /// Expires the name, which was offline for too long.
    pub(super) fn expire(&mut self) {
        self.expiring = true;
    }

    /// Forgets the name: no process has it any more.
    pub(super) fn forget(&mut self) {
        *self = Self {
            tenure: Tenure::Gone,
            ..Self::VACANT
        };
    }

    /// Restores the state from the store.
    pub(super) fn restore(&mut self, registered: bool) {
        self.tenure = Tenure::Known;
        self.presence = if registered {
            Presence::Online
        } else {
            Presence::Offline
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(returning: bool, evicted: bool) -> Admitted {
        Admitted::Registered { returning, evicted }
    }

    #[test]
    fn passes_through_registration_and_departure() {
        let mut name = Membership::VACANT;
        name.register(false, true, 7);
        assert_eq!(name.boundary(), 8);
        assert!(
            !name.take_announcement(),
            "a client that is not online was announced"
        );
        assert!(name.is_here() && name.is_registering() && !name.is_known());
        name.admit();
        assert!(!name.is_known() && !name.is_returning(), "unconfirmed");
        assert_eq!(name.confirm(), Some(registered(false, false)));
        assert_eq!(name.confirm(), None);
        assert!(name.is_known() && name.is_returning());
        assert_eq!(name.status(), Status::Offline);
        name.settle();
        assert_eq!(name.status(), Status::Online);
        assert!(name.take_announcement() && !name.take_announcement());
        name.register(true, true, 9);
        assert_eq!(
            name.boundary(),
            8,
            "the boundary moved with the same process"
        );
        assert_eq!(name.status(), Status::Online);
        name.admit();
        assert!(!name.take_announcement(), "it was not confirmed");
        assert_eq!(name.confirm(), Some(Admitted::Renewed));
        assert!(name.take_announcement(), "the move was not announced");
        assert_eq!(
            [name.leave(), name.leave()],
            [Left::Registered, Left::Absent]
        );
        name.register(false, false, 0);
        name.admit();
        assert_eq!(name.confirm(), Some(registered(true, false)));
    }

    #[test]
    //= PROTOCOL.md#9.2
    fn tells_nobody_of_a_session_without_proof() {
        let mut name = Membership::VACANT;
        name.register(false, true, 7);
        name.admit();
        assert!(name.is_here() && !name.is_registered());
        assert_eq!(name.leave(), Left::Unconfirmed);
        assert!(!name.take_announcement());
        // A process that was there leaves once the next one has proved that it is.
        name.register(false, true, 7);
        name.admit();
        name.confirm();
        name.settle();
        assert!(name.take_announcement());
        name.register(false, true, 8);
        name.admit();
        assert!(!name.is_registered() && !name.take_announcement());
        assert_eq!(name.confirm(), Some(registered(true, true)));
        assert!(name.take_announcement());
        // If the next one does not, the room learns of the first one only.
        name.settle();
        name.register(false, true, 8);
        assert_eq!(name.leave(), Left::Registered);
        assert!(name.take_announcement());
    }

    #[test]
    fn is_gone_after_rejection_or_expiry() {
        let mut name = Membership::VACANT;
        name.register(false, false, 0);
        name.reject();
        assert!(name.is_gone());
        name.register(false, false, 0);
        assert!(!name.is_gone(), "a process asks for it");
        name.admit();
        assert!(!name.is_gone(), "a process may have it");
        name.confirm();
        name.register(false, false, 0);
        name.reject();
        assert!(name.is_known(), "the name was known before");
        name.expire();
        assert!(!name.is_known() && name.is_expiring());
        name.forget();
        assert!(name.is_gone() && !name.is_expiring());
        assert_eq!(name.status(), Status::Gone);
    }
}
