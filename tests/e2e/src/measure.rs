//! Resource usage of a process, as Linux reports it.

use std::fs;
use std::time::Duration;

/// Processor time and memory of a process.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Processor time of its running threads since their start; threads that have ended do not
    /// count.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub rss_bytes: u64,
}

impl Usage {
    /// Returns the resources that this process has used until now.
    ///
    /// # Panics
    /// Panics if there is no such process.
    pub fn of(process: u32) -> Self {
        let read = |file: &str| {
            fs::read_to_string(format!("/proc/{process}/{file}")).expect("the process is there")
        };
        let threads = fs::read_dir(format!("/proc/{process}/task")).expect("the process is there");
        let nanos: u64 = threads
            .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("schedstat")).ok())
            .map(|stat| -> u64 {
                let on_a_core = stat.split_whitespace().next();
                on_a_core
                    .and_then(|nanos| nanos.parse().ok())
                    .expect("time on a core is a number")
            })
            .sum();
        let pages: u64 = read("statm")
            .split_whitespace()
            .nth(1)
            .and_then(|pages| pages.parse().ok())
            .expect("resident pages are a number");
        Self {
            cpu: Duration::from_nanos(nanos),
            rss_bytes: pages * rustix::param::page_size() as u64,
        }
    }

    /// Returns the resident memory in MiB.
    pub fn rss_mib(&self) -> f64 {
        self.rss_bytes as f64 / f64::from(1 << 20)
    }
}
