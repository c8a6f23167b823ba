//! Datagrams that wait for neighbour resolution (ARP, or NDP in IPv6).
//!
//! The stack asks for the hardware address of the next router or machine. Until the answer arrives,
//! the datagram would stay at the head of the socket's queue and block those to other addresses.
//! So it waits here, and is offered again when the answer may have arrived.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use chatapp_core::Instant;
use chatapp_core::limits::DATAGRAM_LEN_MAX;

/// How long a datagram waits. By then the protocol has retransmitted it, if it mattered.
const PATIENCE_MS: u64 = 2_500;
/// How often it is offered again if nothing arrives.
const OFFER_EVERY_MS: u64 = 250;
/// The stack asks for one hardware address in this time at most.
const ASK_EVERY_MS: u64 = 1_000;

/// One datagram that waits.
#[derive(Clone, Copy, Debug)]
pub struct PendingSlot {
    /// Its length; 0 for none.
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
        now.millis_since(self.since) > PATIENCE_MS
    }
}

/// All datagrams that wait.
#[derive(Debug)]
pub(crate) struct Pending<'a> {
    slots: &'a mut [PendingSlot],
    offered_at: Instant,
    /// A frame arrived since they were last offered: it may be the answer.
    hopeful: bool,
    /// When the stack last asked for a hardware address, and the slot whose turn is next: one that
    /// is never answered must not use up the requests of all others.
    asked_at: Option<Instant>,
    next: usize,
}

impl<'a> Pending<'a> {
    pub(crate) fn new(slots: &'a mut [PendingSlot]) -> Self {
        Self {
            slots,
            offered_at: Instant::ZERO,
            hopeful: false,
            asked_at: None,
            next: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.iter().all(PendingSlot::is_vacant)
    }

    /// Returns whether a datagram waits for this address already.
    pub(crate) fn waits_for(&self, to: SocketAddr) -> bool {
        self.slots
            .iter()
            .any(|slot| !slot.is_vacant() && slot.to.ip() == to.ip())
    }

    /// Notes that a frame arrived.
    pub(crate) fn hope(&mut self) {
        self.hopeful = true;
    }

    /// Returns when they are to be offered again.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.is_empty()).then(|| self.offered_at.plus_millis(OFFER_EVERY_MS))
    }

    /// Returns whether it is time to offer them.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        !self.is_empty() && (self.hopeful || self.due().is_some_and(|due| due <= now))
    }

    /// Stores a datagram, in place of the oldest one if all slots are in use. Returns false if a
    /// datagram was lost for it. `asked` says whether the stack has sent a request for its address.
    pub(crate) fn keep(
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

    /// The datagram in this slot did not leave: if the stack may ask at all, it asked for this one.
    fn note_request(&mut self, slot: usize, now: Instant) {
        if self
            .asked_at
            .is_none_or(|at| now.millis_since(at) >= ASK_EVERY_MS)
        {
            self.asked_at = Some(now);
            self.next = slot + 1;
        }
    }

    /// Offers each datagram once; `send` says whether it has left. Returns how many waited for too
    /// long.
    pub(crate) fn offer(
        &mut self,
        now: Instant,
        mut send: impl FnMut(SocketAddr, &[u8]) -> bool,
    ) -> u64 {
        self.offered_at = now;
        self.hopeful = false;
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
