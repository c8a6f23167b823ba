//! The marks of a pinned name: the highest counter of private messages that was shown of each of
//! its latest processes. Nothing but newer processes of the same name replaces them.

/// Number of processes whose marks a pin has.
const PROCESSES: usize = 2;

/// The marks of the latest processes of one name, the newest first.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromZeros))]
pub(super) struct PinMarks {
    processes: [u64; PROCESSES],
    counters: [u32; PROCESSES],
}

impl PinMarks {
    /// No marks; all zero bits.
    pub(super) const NONE: Self = Self {
        processes: [0; PROCESSES],
        counters: [0; PROCESSES],
    };

    /// Returns the mark of a process; 0 for none.
    pub(super) fn of(&self, process: u64) -> u32 {
        let marks = self.processes.iter().zip(&self.counters);
        let mut found = marks.filter(|(known, _)| **known == process);
        found.next().map_or(0, |(_, counter)| *counter)
    }

    /// Raises the mark of a process. A new one replaces the oldest.
    pub(super) fn raise(&mut self, process: u64, counter: u32) {
        if !self.processes.contains(&process) {
            self.processes.rotate_right(1);
            self.counters.rotate_right(1);
            let ([newest, ..], [mark, ..]) = (&mut self.processes, &mut self.counters);
            (*newest, *mark) = (process, 0);
        }
        let marks = self.processes.iter().zip(&mut self.counters);
        for (_, mark) in marks.filter(|(known, _)| **known == process) {
            *mark = counter.max(*mark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    //= PROTOCOL.md#10.1
    fn remembers_the_latest_two_processes() {
        let mut marks = PinMarks::NONE;
        for process in 1..=5 {
            marks.raise(process, 10);
            marks.raise(process, 7);
            assert_eq!(marks.of(process), 10);
        }
        marks.raise(4, 11);
        let all = [1, 2, 3, 4, 5].map(|process| marks.of(process));
        assert_eq!(all, [0, 0, 0, 11, 10]);
    }
}
