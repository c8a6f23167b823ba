//! Network of Ethernet frames or IP packets that can lose frames, block and fail.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use chatapp_smoltcp::smoltcp::phy::{
    self, Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium,
};
use chatapp_smoltcp::smoltcp::time::Instant as Timestamp;

/// Hub that delivers every frame to all other ports, and drops some.
#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) ports: Vec<VecDeque<Vec<u8>>>,
    /// Percentage of lost frames, drawn from a fixed seed. A periodic loss could coincide with
    /// every retransmission.
    pub(crate) loss_percent: u8,
    pub(crate) random: fastrand::Rng,
    pub(crate) is_down: bool,
}

/// One port of the hub.
pub(crate) struct Port {
    pub(crate) hub: Rc<RefCell<Hub>>,
    pub(crate) number: usize,
    pub(crate) medium: Medium,
    /// Number of frames until the device is full.
    pub(crate) room: Option<usize>,
}

pub(crate) struct Received(Vec<u8>);
pub(crate) struct Sending<'a>(&'a mut Port);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

impl phy::TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut frame = vec![0; len];
        let result = fill(&mut frame);
        let mut hub = self.0.hub.borrow_mut();
        self.0.room = self.0.room.map(|room| room - 1);
        let lost = hub.random.u8(0..100) < hub.loss_percent || hub.is_down;
        if !lost {
            for (number, queue) in hub.ports.iter_mut().enumerate() {
                if number != self.0.number {
                    queue.push_back(frame.clone());
                }
            }
        }
        result
    }
}

impl Device for Port {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Timestamp) -> Option<(Received, Sending<'_>)> {
        if self.room == Some(0) {
            return None;
        }
        let frame = self.hub.borrow_mut().ports[self.number].pop_front()?;
        Some((Received(frame), Sending(self)))
    }

    fn transmit(&mut self, _: Timestamp) -> Option<Sending<'_>> {
        (self.room != Some(0)).then_some(Sending(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = self.medium;
        capabilities.max_transmission_unit = 1_514;
        let mut checksum = ChecksumCapabilities::ignored();
        checksum.udp = Checksum::Both;
        checksum.ipv4 = Checksum::Both;
        capabilities.checksum = checksum;
        capabilities
    }
}
