//! Whether a name is in the room, and what the server knows of it.

use crate::wire::Status;

/// Where the client of a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Standing {
    Offline,
    /// The registration waits to be stored.
    Registering,
    /// Registered; the messages that were stored for it are being handed over.
    Returning,
    Online,
    /// Online; another session of the same process waits to be stored.
    Renewing,
}

/// What was stored of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
#[repr(u8)]
enum Tenure {
    /// Nothing yet.
    New,
    /// It was admitted at least once.
    Known,
    /// It is forgotten: no process has the name any more.
    Gone,
}

/// Whether a name is in the room, and what the server knows of it.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct Membership {
    standing: Standing,
    tenure: Tenure,
    /// It was offline for too long; that waits to be stored.
    expiring: bool,
    /// The change that waits to be stored has to be announced to all.
    unannounced: bool,
    /// Messages and changes before this place were stored before the registration.
    boundary: u64,
}

/// What a stored registration means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    /// The name is in the room anew; `returning` if it was known before.
    Registered { returning: bool },
    /// The process that was online has another session.
    Renewed,
}

impl Membership {
    /// A new name without a client; all zero bits.
    pub(super) const VACANT: Self = Self {
        standing: Standing::Offline,
        tenure: Tenure::New,
        expiring: false,
        unannounced: false,
        boundary: 0,
    };

    // ---- what it is ----

    /// Returns whether the client is in the room, with or without the table having said so.
    pub(super) fn is_here(&self) -> bool {
        self.standing != Standing::Offline
    }

    /// Returns whether the client is in the room, and has got what was stored for it.
    pub(super) fn is_online(&self) -> bool {
        matches!(self.standing, Standing::Online | Standing::Renewing)
    }

    /// Returns whether the client is being handed what was stored for it.
    pub(super) fn is_returning(&self) -> bool {
        self.standing == Standing::Returning
    }

    /// Returns whether a registration waits to be stored.
    pub(super) fn is_registering(&self) -> bool {
        matches!(self.standing, Standing::Registering | Standing::Renewing)
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

    /// Returns what the table is to say of it.
    pub(super) fn status(&self) -> Status {
        if self.tenure == Tenure::Gone {
            Status::Gone
        } else if self.is_online() {
            Status::Online
        } else {
            Status::Offline
        }
    }

    /// Returns the place among all messages and changes at which the client registered: earlier
    /// ones were stored for it, later ones are merely late.
    pub(super) fn boundary(&self) -> u64 {
        self.boundary
    }

    /// Returns whether the change that was stored has to be announced to all; it is, then.
    pub(super) fn take_announcement(&mut self) -> bool {
        core::mem::take(&mut self.unannounced)
    }

    // ---- what becomes of it ----

    /// Notes a registration behind so many messages and changes, which is to be stored. The name
    /// stays online meanwhile if its `same` process was, and others are told if it has moved.
    pub(super) fn register(&mut self, same: bool, has_moved: bool, order: u64) {
        if same && self.is_online() {
            self.standing = Standing::Renewing;
            self.unannounced |= has_moved;
        } else {
            self.standing = Standing::Registering;
            self.boundary = order + 1;
        }
    }

    /// Notes that the client receives somewhere else now.
    pub(super) fn on_moved(&mut self) {
        self.unannounced |= self.is_online();
    }

    /// Notes that the registration is stored.
    pub(super) fn admit(&mut self) -> Admitted {
        let returning = self.tenure == Tenure::Known;
        self.tenure = Tenure::Known;
        if self.standing == Standing::Renewing {
            self.standing = Standing::Online;
            return Admitted::Renewed;
        }
        self.standing = Standing::Returning;
        Admitted::Registered { returning }
    }

    /// Notes that the registration could not be stored; a name that was not known is gone.
    pub(super) fn reject(&mut self) {
        self.standing = Standing::Offline;
        if self.tenure != Tenure::Known {
            self.tenure = Tenure::Gone;
        }
    }

    /// Notes that everything that was stored for the client is handed over.
    pub(super) fn settle(&mut self) {
        self.standing = Standing::Online;
        self.unannounced = true;
    }

    /// Notes that the client is not in the room any more; returns whether it was.
    pub(super) fn leave(&mut self) -> bool {
        let was_here = self.is_here();
        self.standing = Standing::Offline;
        self.unannounced |= was_here;
        was_here
    }

    /// Notes that the name was offline for too long.
    pub(super) fn expire(&mut self) {
        self.expiring = true;
    }

    /// Notes that no process has the name any more.
    pub(super) fn forget(&mut self) {
        *self = Self {
            tenure: Tenure::Gone,
            ..Self::VACANT
        };
    }

    /// Takes back what an earlier life of the server has stored.
    pub(super) fn restore(&mut self, registered: bool) {
        self.tenure = Tenure::Known;
        self.standing = if registered {
            Standing::Online
        } else {
            Standing::Offline
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_through_registration_and_departure() {
        let mut name = Membership::VACANT;
        name.register(false, true, 7);
        assert_eq!(name.boundary(), 8);
        assert!(!name.take_announcement(), "it is not online");
        assert!(name.is_here() && name.is_registering() && !name.is_known());
        assert_eq!(name.admit(), Admitted::Registered { returning: false });
        assert!(name.is_returning() && name.is_known());
        assert_eq!(name.status(), Status::Offline);
        name.settle();
        assert_eq!(name.status(), Status::Online);
        assert!(name.take_announcement() && !name.take_announcement());
        name.register(true, true, 9);
        assert_eq!(name.boundary(), 8, "the same process stays online");
        assert!(name.take_announcement(), "it has moved");
        assert_eq!(name.status(), Status::Online);
        assert_eq!(name.admit(), Admitted::Renewed);
        assert!(name.leave() && !name.leave());
        name.register(false, false, 0);
        assert_eq!(name.admit(), Admitted::Registered { returning: true });
    }

    #[test]
    fn is_gone_when_rejected_or_forgotten() {
        let mut name = Membership::VACANT;
        name.register(false, false, 0);
        name.reject();
        assert!(name.is_gone());
        name.register(false, false, 0);
        assert!(!name.is_gone(), "a process asks for it");
        name.admit();
        name.register(false, false, 0);
        name.reject();
        assert!(name.is_known(), "it was before");
        name.expire();
        assert!(!name.is_known() && name.is_expiring());
        name.forget();
        assert!(name.is_gone() && !name.is_expiring());
        assert_eq!(name.status(), Status::Gone);
    }
}
