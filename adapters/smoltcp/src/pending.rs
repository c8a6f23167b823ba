//! Queue of datagrams that wait for neighbour resolution (ARP, or NDP in IPv6).
//!
//! The stack asks for the hardware address of the next router or machine. Until the answer arrives,
//! the datagram would block the socket's queue for all other addresses. So it waits here, and is
//! retried when the answer may have arrived.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use chatapp_core::Instant;
use chatapp_core::limits::DATAGRAM_LEN_MAX;

/// Maximum wait of a datagram. By then the protocol has retransmitted it, if it mattered.
const TIMEOUT_MS: u64 = 2_500;
/// Interval between retries if no frame arrives.
const RETRY_EVERY_MS: u64 = 250;
/// The stack asks for at most one hardware address in this time.
const ASK_EVERY_MS: u64 = 1_000;

/// Slot for one pending datagram.
#[derive(Clone, Copy, Debug)]
pub struct PendingSlot {
    /// Length of the datagram; 0 for a vacant slot.
    len: usize,
    to: SocketAddr,
    since: Instant,
    datagram: [u8; DATAGRAM_LEN_MAX],
}

impl PendingSlot {
    /// An unused slot.
    pub const VACANT: Self = Self {
        len: 0,
        to: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        since: Instant::ZERO,
        datagram: [0; DATAGRAM_LEN_MAX],
    };

    fn is_vacant(&self) -> bool {
        self.len == 0
    }

    fn is_over(&self, now: Instant) -> bool {
        now.millis_since(self.since) > TIMEOUT_MS
    }
}

/// All pending datagrams.
#[derive(Debug)]
pub(crate) struct Pending<'a> {
    slots: &'a mut [PendingSlot],
    retried_at: Instant,
    /// A frame arrived since the last retry: it may be the answer.
    frame_arrived: bool,
    /// Time of the last request of the stack, and the slot whose turn is next. An address that
    /// never answers must not use up the requests of all others.
    asked_at: Option<Instant>,
    next: usize,
}

impl<'a> Pending<'a> {
    pub(crate) fn new(slots: &'a mut [PendingSlot]) -> Self {
        Self {
            slots,
            retried_at: Instant::ZERO,
            frame_arrived: false,
            asked_at: None,
            next: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.iter().all(PendingSlot::is_vacant)
    }

    /// Returns whether a datagram to this address is already pending.
    pub(crate) fn waits_for(&self, to: SocketAddr) -> bool {
        self.slots
            .iter()
            .any(|slot| !slot.is_vacant() && slot.to.ip() == to.ip())
    }

    /// Notes a received frame, which may be the answer.
    pub(crate) fn on_frame(&mut self) {
        self.frame_arrived = true;
    }

    /// Returns when the next retry is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.is_empty()).then(|| self.retried_at.plus_millis(RETRY_EVERY_MS))
    }

    /// Returns whether a retry is due.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        !self.is_empty() && (self.frame_arrived || self.due().is_some_and(|due| due <= now))
    }

    /// Stores a datagram, in place of the oldest one if all slots are in use. Returns false if it
    /// replaced a datagram. `asked` is whether the stack has sent a request for its address.
    pub(crate) fn push(
        &mut self,
        to: SocketAddr,
        datagram: &[u8],
        now: Instant,
        asked: bool,
    ) -> bool {
        let Some((number, slot)) = self
            .slots
            .iter_mut()
            .enumerate()
            .min_by_key(|(_, slot)| (!slot.is_vacant(), slot.since))
        else {
            return false;
        };
        let was_vacant = slot.is_vacant();
        slot.len = datagram.len().min(DATAGRAM_LEN_MAX);
        slot.to = to;
        slot.since = now;
        slot.datagram
            .iter_mut()
            .zip(datagram)
            .for_each(|(to, from)| *to = *from);
        if asked {
            self.note_request(number, now);
        }
        was_vacant
    }

    /// Notes that the datagram in this slot did not leave: if the stack sent a request, it was for
    /// this one.
    fn note_request(&mut self, slot: usize, now: Instant) {
        if self
            .asked_at
            .is_none_or(|at| now.millis_since(at) >= ASK_EVERY_MS)
        {
            self.asked_at = Some(now);
            self.next = slot + 1;
        }
    }

    /// Retries each datagram once; `send` returns whether it has left. Returns how many have waited
    /// too long.
    pub(crate) fn retry(
        &mut self,
        now: Instant,
        mut send: impl FnMut(SocketAddr, &[u8]) -> bool,
    ) -> u64 {
        self.retried_at = now;
        self.frame_arrived = false;
        let (start, count) = (self.next, self.slots.len());
        let mut lost = 0;
        for ahead in 0..count {
            let number = (start + ahead) % count;
            let Some(slot) = self.slots.get_mut(number).filter(|slot| !slot.is_vacant()) else {
                continue;
            };
            let datagram = slot.datagram.get(..slot.len).unwrap_or_default();
            if send(slot.to, datagram) {
                slot.len = 0;
                continue;
            }
            if slot.is_over(now) {
                slot.len = 0;
                lost += 1;
            }
            self.note_request(number, now);
        }
        lost
    }
}
