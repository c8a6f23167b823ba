//! A stream with a number of in-flight messages, and the latency of each message.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Bookkeeping of a stream whose messages are acknowledged in order.
pub(crate) struct Stream {
    start: Instant,
    count: usize,
    in_flight: usize,
    sent: VecDeque<Instant>,
    took: Vec<Duration>,
}

impl Stream {
    pub(crate) fn new(count: usize, in_flight: usize) -> Self {
        Self {
            start: Instant::now(),
            count,
            in_flight,
            sent: VecDeque::with_capacity(in_flight),
            took: Vec::with_capacity(count),
        }
    }

    /// Formats an order for [`Self::parse`].
    pub(crate) fn order(count: usize, in_flight: usize) -> String {
        format!("{count} {in_flight}")
    }

    pub(crate) fn parse(order: &str) -> Self {
        let mut numbers = order.split(' ').map(|word| word.parse().expect("a number"));
        let mut number = || numbers.next().expect("two numbers");
        Self::new(number(), number())
    }

    /// Returns the number of messages that may be sent now.
    pub(crate) fn room(&self) -> usize {
        let left = self.count - self.took.len() - self.sent.len();
        left.min(self.in_flight - self.sent.len())
    }

    pub(crate) fn sent(&mut self, count: usize) {
        let now = Instant::now();
        self.sent.extend(std::iter::repeat_n(now, count));
    }

    pub(crate) fn acknowledged(&mut self, count: usize) {
        let now = Instant::now();
        let done = self.sent.drain(..count);
        self.took.extend(done.map(|sent| now - sent));
    }

    /// Returns the times, once all messages are acknowledged.
    pub(crate) fn times(&mut self) -> Option<Times> {
        if self.took.len() < self.count {
            return None;
        }
        let all = self.start.elapsed();
        self.took.sort_unstable();
        let at = |part: usize| self.took[(self.count * part / 100).min(self.count - 1)];
        Some(Times {
            all,
            median: at(50),
            p99: at(99),
        })
    }
}

/// Duration of a stream, and the latency of each message from sending to acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) all: Duration,
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = [self.all, self.median, self.p99].map(|time| time.as_nanos());
        write!(f, "{} {} {}", nanos[0], nanos[1], nanos[2])
    }
}

impl FromStr for Times {
    type Err = std::num::ParseIntError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let mut times = line
            .split(' ')
            .map(|nanos| nanos.parse().map(Duration::from_nanos));
        let mut time = || times.next().unwrap_or(Ok(Duration::ZERO));
        Ok(Self {
            all: time()?,
            median: time()?,
            p99: time()?,
        })
    }
}
