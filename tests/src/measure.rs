//! What a process uses of the machine, as Linux tells it.

use std::fs;
use std::time::Duration;

/// Processor time and memory of a process.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Processor time since it started, in steps of 10 ms.
    pub cpu: Duration,
    /// Resident memory.
    pub rss_bytes: u64,
}

impl Usage {
    /// What this process has used until now.
    ///
    /// # Panics
    /// If there is no such process.
    pub fn of(process: u32) -> Self {
        let read = |file: &str| {
            fs::read_to_string(format!("/proc/{process}/{file}")).expect("the process is there")
        };
        // Behind the name in brackets: the state is field 3, times in user and kernel are 14 and 15.
        let stat = read("stat");
        let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().expect("ticks are a number"))
            .sum();
        let per_second = rustix::param::clock_ticks_per_second();
        let pages: u64 = read("statm")
            .split_whitespace()
            .nth(1)
            .and_then(|pages| pages.parse().ok())
            .expect("resident pages are a number");
        Self {
            cpu: Duration::from_millis(ticks * 1_000 / per_second),
            rss_bytes: pages * rustix::param::page_size() as u64,
        }
    }

    /// Resident memory in MiB.
    pub fn rss_mib(&self) -> f64 {
        self.rss_bytes as f64 / f64::from(1 << 20)
    }
}
