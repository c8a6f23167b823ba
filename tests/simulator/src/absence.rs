//! Checks that the server forgets only names that were offline for long enough, or that were never
//! used while the room was full.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Model;
use crate::numbers::NameId;
use crate::plan::Plan;
use crate::queue::Millis;
use crate::server_process::{ServerProcess, known_names, online_names};
use crate::violation::{Check, Violation};

/// The server counts offline time in whole seconds, and rounds again at each restart.
const ROUNDING: Millis = 3_000;
/// Longer than any run: no name expires.
const FOREVER_S: u32 = 24 * 60 * 60;

/// The history of the server's roster.
pub struct Absence {
    keep_s: u32,
    /// Whether the room can be full.
    evicts: bool,
    /// The longest delay until the roster shows that a client left. `None`: any time, because the
    /// departure may not be stored.
    late: Option<Millis>,
    listed: BTreeSet<NameId>,
    online_at: BTreeMap<NameId, Millis>,
}

impl Absence {
    /// Makes the check for the names of a run.
    pub fn new(plan: &Plan) -> Self {
        Self {
            keep_s: plan.sizes.keep_s,
            evicts: !plan.names_fit(),
            // A record waits for those before it, and the store does not take all of them at once.
            late: (plan.store.fail == 0).then_some(ROUNDING + 4 * plan.store.slow),
            listed: BTreeSet::new(),
            online_at: BTreeMap::new(),
        }
    }

    /// Notes that the store lost everything.
    pub fn forget(&mut self) {
        self.listed.clear();
    }

    /// Returns whether a name can be offline for so long that it expires, or be evicted.
    pub fn may_forget(&self) -> bool {
        self.keep_s < FOREVER_S || self.evicts
    }

    /// Looks at the roster of the server, and reports to the model each name that it lists no more.
    ///
    /// # Errors
    /// If one of these names was online too recently, unless it was evicted. If an evicted name was
    /// used.
    pub fn look(
        &mut self,
        server: Option<&ServerProcess>,
        names: &[String],
        now: Millis,
        model: &mut Model,
    ) -> Result<(), Violation> {
        if !self.may_forget() {
            return Ok(());
        }
        for name in online_names(server, names) {
            self.online_at.insert(name, now);
        }
        let listed: BTreeSet<NameId> = known_names(server, names).into_iter().collect();
        for name in self.listed.difference(&listed) {
            let away = now - self.online_at.get(name).copied().unwrap_or_default();
            let keep = Millis::from(self.keep_s) * 1_000;
            let is_early = self.late.is_some_and(|late| away + late < keep);
            if is_early && self.evicts {
                model.evicted(*name)?;
            } else if is_early {
                let detail = format!("{} was forgotten after {away} ms", names[*name]);
                return Err(Violation::new(Check::Restored, detail));
            }
            model.forgot(*name);
        }
        self.listed = listed;
        Ok(())
    }
}
