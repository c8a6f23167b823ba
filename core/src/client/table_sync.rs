//! The transfer of the roster: pages of changes, or a whole table that replaces the old one.

/// The kind of the present transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    /// Changes since the present version.
    Changes,
    /// The whole table: entries that it does not have are removed once it is complete.
    Whole,
}

/// Whether there was room for all entries since the latest restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    All,
    /// An entry found no room: the client asks for the whole table again.
    NotAll,
}

/// How much of the room the table covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    WholeRoom,
    Part,
}

/// The state of the transfer of the roster from the server.
pub(super) struct TableSync {
    /// The roster epoch that the version belongs to.
    epoch: u64,
    version: u32,
    /// Number of whole tables so far.
    generation: u32,
    transfer: Transfer,
    fit: Fit,
    scope: Scope,
    /// A page of an incomplete table had news.
    has_news: bool,
}

impl TableSync {
    /// No table of any server.
    pub(super) const START: Self = Self {
        epoch: 0,
        version: 0,
        generation: 0,
        transfer: Transfer::Changes,
        fit: Fit::All,
        scope: Scope::WholeRoom,
        has_news: false,
    };

    /// Returns the roster epoch that the version belongs to.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the present version; 0 asks for the whole table.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// Returns the number of the latest whole table.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// Returns whether the table covers only a part of the room.
    pub(super) fn is_partial(&self) -> bool {
        self.scope == Scope::Part
    }

    /// Starts a session in this roster epoch.
    pub(super) fn start_session(&mut self, epoch: u64) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.version = 0;
        }
        self.scope = Scope::WholeRoom;
    }

    /// Discards the present version: the whole table follows.
    pub(super) fn await_whole(&mut self) {
        self.transfer = Transfer::Changes;
        self.version = 0;
    }

    /// Records that the room is larger than the table.
    pub(super) fn note_partial(&mut self) {
        self.scope = Scope::Part;
    }

    /// Records that a listed name gave its room to another: the table covers a part of the room
    /// until the whole, which is requested again, fits.
    pub(super) fn note_eviction(&mut self) {
        self.scope = Scope::Part;
        self.fit = Fit::NotAll;
        self.version = 0;
    }

    /// Records that an entry found no room.
    pub(super) fn note_lack_of_room(&mut self) {
        self.fit = Fit::NotAll;
    }

    /// Begins a page; a `restart` begins a whole table. Returns whether each entry of the page is a
    /// change.
    pub(super) fn begin_page(&mut self, restart: bool) -> bool {
        if restart {
            self.generation = self.generation.wrapping_add(1).max(1);
            self.transfer = Transfer::Whole;
            self.fit = Fit::All;
        }
        self.transfer == Transfer::Changes
    }

    /// Ends a page. Returns whether it completes a whole table, so that entries of earlier
    /// generations have to be removed.
    pub(super) fn end_page(&mut self, version: u32, complete: bool) -> bool {
        self.version = match self.fit {
            Fit::All => version,
            Fit::NotAll => 0,
        };
        let completes = complete
            && core::mem::replace(&mut self.transfer, Transfer::Changes) == Transfer::Whole;
        if completes && self.fit == Fit::All {
            self.scope = Scope::WholeRoom;
        }
        completes
    }

    /// Records whether a page had news. Returns whether it completes a table with news.
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
            "entries of a whole table count as changes"
        );
        assert!(!table.end_page(7, false));
        assert!(!table.begin_page(false), "the whole table ended early");
        assert!(table.end_page(8, true));
        assert_eq!((table.version(), table.generation()), (8, 1));
        assert!(table.begin_page(false), "changes do not follow");
        assert!(!table.end_page(9, true));
    }

    #[test]
    fn covers_a_part_until_the_whole_fits_again() {
        let mut table = TableSync::START;
        table.begin_page(true);
        table.end_page(7, true);
        table.note_eviction();
        assert_eq!((table.version(), table.is_partial()), (0, true));
        table.begin_page(false);
        table.end_page(8, true);
        assert_eq!(table.version(), 0, "a change brought an evicted entry back");
        table.begin_page(true);
        table.end_page(8, true);
        assert_eq!((table.version(), table.is_partial()), (8, false));
    }

    #[test]
    fn requests_the_whole_table_until_all_fits() {
        let mut table = TableSync::START;
        table.begin_page(true);
        table.note_lack_of_room();
        table.end_page(7, true);
        assert_eq!(table.version(), 0);
        table.begin_page(false);
        table.end_page(8, true);
        assert_eq!(table.version(), 0, "a change made the table whole");
        table.begin_page(true);
        table.end_page(9, true);
        assert_eq!(table.version(), 9);
        table.await_whole();
        assert_eq!(table.version(), 0);
        assert!(table.begin_page(false), "an outdated transfer goes on");
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
    fn reports_news_once_complete() {
        let mut table = TableSync::START;
        assert!(!table.completes_news(true, false));
        assert!(table.completes_news(false, true));
        assert!(
            !table.completes_news(false, true),
            "news was reported twice"
        );
    }
}
