//! Ceilings that are kept in the repository, for what is measured.

/// A text with lines that end in a number: what is called as the words before it may take so much,
/// and no more.
#[derive(Clone, Copy, Debug)]
pub struct Ceilings(&'static str);

impl Ceilings {
    /// The ceilings in this text.
    pub const fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// Returns the ceiling of a measured value.
    ///
    /// # Panics
    /// There is no ceiling for it: each measured value needs one.
    pub fn of(&self, what: &str) -> f64 {
        let mut lines = self.0.lines().filter_map(|line| line.rsplit_once(' '));
        lines
            .find(|(name, _)| name.trim_end() == what)
            .and_then(|(_, number)| number.parse().ok())
            .unwrap_or_else(|| panic!("there is a ceiling for {what}"))
    }

    /// Returns whether a value is within its ceiling. NaN is not.
    pub fn allows(&self, what: &str, measured: f64) -> bool {
        measured <= self.of(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Ceilings =
        Ceilings::new("What each may take: 3 per cent more.\n\nwork 7\nwork in bursts  2.5\n");

    #[test]
    fn what_is_kept_is_the_most_that_is_allowed() {
        assert!(KEPT.allows("work", 7.0));
        assert!(!KEPT.allows("work", 7.1));
        assert!(KEPT.allows("work in bursts", 2.5));
        assert!(!KEPT.allows("work in bursts", 2.6));
        assert!(!KEPT.allows("work", f64::NAN));
    }

    #[test]
    #[should_panic(expected = "there is a ceiling for rest")]
    fn what_has_no_ceiling_is_not_let_pass() {
        KEPT.allows("rest", 0.0);
    }
}
