//! Future events, in the order of time, then of scheduling.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Milliseconds of virtual time since the start of the world.
pub type Millis = u64;

/// A queue of future events.
#[derive(Debug)]
pub struct Queue<E> {
    heap: BinaryHeap<Reverse<Scheduled<E>>>,
    scheduled: u64,
}

#[derive(Debug)]
struct Scheduled<E> {
    at: Millis,
    sequence: u64,
    event: E,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            scheduled: 0,
        }
    }
}

impl<E> Queue<E> {
    /// Adds an event behind all that have the same time.
    pub fn schedule(&mut self, at: Millis, event: E) {
        self.scheduled += 1;
        self.heap.push(Reverse(Scheduled {
            at,
            sequence: self.scheduled,
            event,
        }));
    }

    /// Returns the time of the next event.
    pub fn next_at(&self) -> Option<Millis> {
        self.heap.peek().map(|Reverse(next)| next.at)
    }

    /// Takes the next event, with its time.
    pub fn pop(&mut self) -> Option<(Millis, E)> {
        self.heap.pop().map(|Reverse(next)| (next.at, next.event))
    }
}

impl<E> Scheduled<E> {
    fn key(&self) -> (Millis, u64) {
        (self.at, self.sequence)
    }
}

impl<E> PartialEq for Scheduled<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Scheduled<E> {}

impl<E> PartialOrd for Scheduled<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Scheduled<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_events_by_time_then_by_scheduling() {
        let mut queue = Queue::default();
        for (at, event) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b')] {
            queue.schedule(at, event);
        }
        assert_eq!(queue.next_at(), Some(1));
        let order: String = std::iter::from_fn(|| queue.pop())
            .map(|(_, event)| event)
            .collect();
        assert_eq!(order, "abcd");
    }
}
