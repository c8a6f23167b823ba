//! How far the roster has come: pages of changes, or a whole table in place of what was here.

/// What the pages bring at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    /// Changes since the version that is here.
    Changes,
    /// The whole table: entries that it does not name are gone when it is complete.
    Whole,
}

/// Whether all entries that came since the latest restart found room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    All,
    /// One did not: the whole table is asked for again.
    NotAll,
}

/// How much of the room the table names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    WholeRoom,
    Part,
}

/// The state of the transfer of the roster from the server.
pub(super) struct TableSync {
    /// The life of the server's table that the version belongs to.
    epoch: u64,
    version: u32,
    /// Whole tables so far.
    generation: u32,
    transfer: Transfer,
    fit: Fit,
    scope: Scope,
    /// A page of a table that is not complete yet had something new.
    has_news: bool,
}

impl TableSync {
    /// Nothing came from any server.
    pub(super) const START: Self = Self {
        epoch: 0,
        version: 0,
        generation: 0,
        transfer: Transfer::Changes,
        fit: Fit::All,
        scope: Scope::WholeRoom,
        has_news: false,
    };

    /// Returns the life of the server's table that the version belongs to.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the version that is here; 0 asks for the whole table.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// Returns the number of the latest whole table.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// Returns whether the table names only a part of the room.
    pub(super) fn is_partial(&self) -> bool {
        self.scope == Scope::Part
    }

    /// Starts a session in this life of the server's table.
    pub(super) fn start_session(&mut self, epoch: u64) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.version = 0;
        }
        self.scope = Scope::WholeRoom;
    }

    /// Discards what the pages said: the whole table follows.
    pub(super) fn await_whole(&mut self) {
        self.transfer = Transfer::Changes;
        self.version = 0;
    }

    /// Notes that the room is larger than the table.
    pub(super) fn note_partial(&mut self) {
        self.scope = Scope::Part;
    }

    /// Notes that there was no room for an entry.
    pub(super) fn note_lack_of_room(&mut self) {
        self.fit = Fit::NotAll;
    }

    /// Begins a page, with which a whole table starts if it is a `restart`. Returns whether each of
    /// its entries is a change.
    pub(super) fn begin_page(&mut self, restart: bool) -> bool {
        if restart {
            self.generation = self.generation.wrapping_add(1).max(1);
            self.transfer = Transfer::Whole;
            self.fit = Fit::All;
        }
        self.transfer == Transfer::Changes
    }

    /// Ends a page. Returns whether it completes a whole table, so that entries of earlier
    /// generations are gone.
    pub(super) fn end_page(&mut self, version: u32, complete: bool) -> bool {
        self.version = match self.fit {
            Fit::All => version,
            Fit::NotAll => 0,
        };
        complete && core::mem::replace(&mut self.transfer, Transfer::Changes) == Transfer::Whole
    }

    /// Notes whether a page had news. Returns whether it completes a table with news.
    pub(super) fn completes_news(&mut self, has_news: bool, complete: bool) -> bool {
        let has_news = has_news || self.has_news;
        self.has_news = has_news && !complete;
        has_news && complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_whole_table_with_its_last_page() {
        let mut table = TableSync::START;
        assert!(
            !table.begin_page(true),
            "what a whole table names may be known"
        );
        assert!(!table.end_page(7, false));
        assert!(!table.begin_page(false), "it goes on");
        assert!(table.end_page(8, true));
        assert_eq!((table.version(), table.generation()), (8, 1));
        assert!(table.begin_page(false), "changes follow");
        assert!(!table.end_page(9, true));
    }

    #[test]
    fn asks_again_for_all_until_all_fits() {
        let mut table = TableSync::START;
        table.begin_page(true);
        table.note_lack_of_room();
        table.end_page(7, true);
        assert_eq!(table.version(), 0);
        table.begin_page(false);
        table.end_page(8, true);
        assert_eq!(table.version(), 0, "a change does not make it whole");
        table.begin_page(true);
        table.end_page(9, true);
        assert_eq!(table.version(), 9);
        table.await_whole();
        assert_eq!(table.version(), 0);
        assert!(table.begin_page(false), "what was on its way is void");
    }

    #[test]
    fn keeps_version_only_in_same_table_epoch() {
        let mut table = TableSync::START;
        table.start_session(3);
        table.end_page(7, true);
        table.note_partial();
        table.start_session(3);
        assert_eq!((table.version(), table.is_partial()), (7, false));
        table.start_session(4);
        assert_eq!((table.version(), table.epoch()), (0, 4));
    }

    #[test]
    fn holds_news_back_until_complete() {
        let mut table = TableSync::START;
        assert!(!table.completes_news(true, false));
        assert!(table.completes_news(false, true));
        assert!(!table.completes_news(false, true), "it was told once");
    }
}
