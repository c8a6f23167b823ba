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
    /// The name was never admitted.
    New,
    /// The name was admitted at least once.
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
    /// Messages and changes before this position were stored before the registration.
    boundary: u64,
}

/// The effect of a stored registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    /// The name has entered the room; `returning` if it was known before.
    Registered { returning: bool },
    /// The process that was online has another session.
    Renewed,
}

impl Membership {
    /// A new name without a client; all zero bits.
    pub(super) const VACANT: Self = Self {
        presence: Presence::Offline,
        tenure: Tenure::New,
        expiring: false,
        unannounced: false,
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
        self.presence == Presence::Returning
    }

    /// Returns whether a registration waits to be stored.
    pub(super) fn is_registering(&self) -> bool {
        matches!(self.presence, Presence::Registering | Presence::Renewing)
    }

    /// Returns whether the name was admitted once, and is not about to be forgotten.
    pub(super) fn is_known(&self) -> bool {
        self.tenure == Tenure::Known && !self.expiring
    }

    /// Returns whether the name was forgotten, and no process has asked for it since.
    pub(super) fn is_gone(&self) -> bool {
        self.tenure == Tenure::Gone && !self.is_registering()
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

    /// Returns whether the stored change has to be announced, and clears that.
    pub(super) fn take_announcement(&mut self) -> bool {
        core::mem::take(&mut self.unannounced)
    }

    // ---- transitions ----

    /// Begins a registration at position `order`, which has to be stored. If the `same` process was
    /// online, the name stays so, and a move is announced.
    pub(super) fn register(&mut self, same: bool, has_moved: bool, order: u64) {
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
    pub(super) fn admit(&mut self) -> Admitted {
        let returning = self.tenure == Tenure::Known;
        self.tenure = Tenure::Known;
        if self.presence == Presence::Renewing {
            self.presence = Presence::Online;
            return Admitted::Renewed;
        }
        self.presence = Presence::Returning;
        Admitted::Registered { returning }
    }

    /// Reverts a registration that could not be stored; a name that was not known is gone.
    pub(super) fn reject(&mut self) {
        self.presence = Presence::Offline;
        if self.tenure != Tenure::Known {
            self.tenure = Tenure::Gone;
        }
    }

    /// Marks the client as online: all messages from before its registration are delivered.
    pub(super) fn settle(&mut self) {
        self.presence = Presence::Online;
        self.unannounced = true;
    }

    /// Records that the client has left the room; returns whether it was there.
    pub(super) fn leave(&mut self) -> bool {
        let was_here = self.is_here();
        self.presence = Presence::Offline;
        self.unannounced |= was_here;
        was_here
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
        assert_eq!(name.admit(), Admitted::Registered { returning: false });
        assert!(name.is_returning() && name.is_known());
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
        assert!(name.take_announcement(), "the move was not announced");
        assert_eq!(name.status(), Status::Online);
        assert_eq!(name.admit(), Admitted::Renewed);
        assert!(name.leave() && !name.leave());
        name.register(false, false, 0);
        assert_eq!(name.admit(), Admitted::Registered { returning: true });
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
