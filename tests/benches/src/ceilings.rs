//! Ceilings of measured values, stored in the repository.

/// Text with lines that end in a number: the maximum of the value that the words before it name.
#[derive(Clone, Copy, Debug)]
pub struct Ceilings(&'static str);

impl Ceilings {
    /// Creates ceilings from this text.
    pub const fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// Returns the ceiling of a measured value.
    ///
    /// # Panics
    /// Panics if there is no ceiling for it: each measured value needs one.
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
    fn allows_values_up_to_the_ceiling() {
        assert!(KEPT.allows("work", 7.0));
        assert!(!KEPT.allows("work", 7.1));
        assert!(KEPT.allows("work in bursts", 2.5));
        assert!(!KEPT.allows("work in bursts", 2.6));
        assert!(!KEPT.allows("work", f64::NAN));
    }

    #[test]
    #[should_panic(expected = "there is a ceiling for rest")]
    fn panics_without_a_ceiling() {
        KEPT.allows("rest", 0.0);
    }
}
