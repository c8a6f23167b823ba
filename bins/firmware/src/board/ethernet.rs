//! The Ethernet controller, as a porter's `smoltcp` device.

use chatapp_core::limits::RECEIVE_LEN;
use chatapp_smoltcp::smoltcp::phy::{self, DeviceCapabilities, Medium};
use chatapp_smoltcp::smoltcp::time::Instant;
use chatapp_smoltcp::smoltcp::wire::EthernetAddress;
use static_cell::ConstStaticCell;

use super::registers::Registers;

const ETHERNET: usize = 0x4004_8000;

const INTERRUPT_STATUS: usize = 0x00;
const INTERRUPT_MASK: usize = 0x04;
const RECEIVE_CONTROL: usize = 0x08;
const TRANSMIT_CONTROL: usize = 0x0c;
const DATA: usize = 0x10;
const ADDRESS_LOW: usize = 0x14;
const ADDRESS_HIGH: usize = 0x18;
const THRESHOLD: usize = 0x1c;
const FRAMES_WAITING: usize = 0x34;
const TRANSMIT: usize = 0x38;

const RECEIVED: u32 = 1 << 0;
const ALL_INTERRUPTS: u32 = 0x7f;

/// Of [`RECEIVE_CONTROL`]: empty the queue; receive, frames to groups too, none that are damaged.
const RESET_QUEUE: u32 = 1 << 4;
const RECEIVE: u32 = 1 << 0 | 1 << 1 | 1 << 3;
/// Of [`TRANSMIT_CONTROL`]: on, with padding and checksum, both directions at once.
const SEND: u32 = 0b1111;
/// Of [`THRESHOLD`]: nothing leaves before it is complete.
const WHOLE_FRAMES: u32 = 0x3f;

/// The header of a frame, and the longest frame, in bytes: one that carries a ChatApp datagram over
/// IPv4. Longer ones are dropped.
const HEADER_LEN: usize = 14;
const FRAME_LEN_MAX: usize = HEADER_LEN + 20 + 8 + RECEIVE_LEN;
/// Bytes that the length of a received frame counts besides the frame: itself, and a checksum
/// behind the frame.
const LENGTH_LEN: usize = 2;
const CHECKSUM_LEN: usize = 4;

/// Room for a frame.
type Frame = [u8; FRAME_LEN_MAX];

/// The Ethernet controller, with room for one frame each way besides its own queues.
pub struct Ethernet {
    registers: Registers,
    received: &'static mut Frame,
    sent: &'static mut Frame,
}

impl core::fmt::Debug for Ethernet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Ethernet")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

impl Ethernet {
    /// Sets the controller up; `None` if that was done before.
    ///
    /// # Safety
    /// Nothing else uses it.
    pub(super) unsafe fn new() -> Option<Self> {
        static RECEIVED_FRAME: ConstStaticCell<Frame> = ConstStaticCell::new([0; FRAME_LEN_MAX]);
        static SENT_FRAME: ConstStaticCell<Frame> = ConstStaticCell::new([0; FRAME_LEN_MAX]);
        // SAFETY: The device is there, and only this driver uses it.
        let mut registers = unsafe { Registers::at(ETHERNET) };
        registers.write(INTERRUPT_MASK, 0);
        registers.write(RECEIVE_CONTROL, RESET_QUEUE);
        registers.write(INTERRUPT_STATUS, ALL_INTERRUPTS);
        registers.write(THRESHOLD, WHOLE_FRAMES);
        registers.write(TRANSMIT_CONTROL, SEND);
        registers.write(RECEIVE_CONTROL, RECEIVE);
        registers.write(INTERRUPT_MASK, RECEIVED);
        Some(Self {
            registers,
            received: RECEIVED_FRAME.try_take()?,
            sent: SENT_FRAME.try_take()?,
        })
    }

    /// The hardware address that the board was given.
    pub fn address(&self) -> EthernetAddress {
        let [a, b, c, d] = self.registers.read(ADDRESS_LOW).to_le_bytes();
        let [e, f, ..] = self.registers.read(ADDRESS_HIGH).to_le_bytes();
        EthernetAddress([a, b, c, d, e, f])
    }

    /// Takes the next frame out of the queue of the controller; its length.
    fn take_frame(&mut self) -> Option<usize> {
        loop {
            // First this, then the look: what arrives between the two is seen now, what arrives
            // later wakes the processor.
            self.registers.write(INTERRUPT_STATUS, RECEIVED);
            if self.registers.read(FRAMES_WAITING) == 0 {
                return None;
            }
            let [low, high, first, second] = self.registers.read(DATA).to_le_bytes();
            let total = usize::from(u16::from_le_bytes([low, high]));
            let len = total.saturating_sub(LENGTH_LEN + CHECKSUM_LEN);
            let mut words = core::iter::from_fn(|| Some(self.registers.read(DATA)));
            // All words of a frame are read, whatever becomes of it: the next frame begins behind
            // them.
            let rest = words
                .by_ref()
                .take(total.div_ceil(4).saturating_sub(1))
                .flat_map(u32::to_le_bytes);
            let mut bytes = [first, second].into_iter().chain(rest);
            for (place, byte) in self.received.iter_mut().zip(bytes.by_ref()) {
                *place = byte;
            }
            bytes.for_each(drop);
            if (HEADER_LEN..=FRAME_LEN_MAX).contains(&len) {
                return Some(len);
            }
        }
    }
}

impl phy::Device for Ethernet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Sender<'_>)> {
        let len = self.take_frame()?;
        let Self {
            registers,
            received,
            sent,
        } = self;
        Some((
            Received(received.get(..len)?),
            Sender {
                registers,
                frame: sent,
            },
        ))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sender<'_>> {
        let is_free = self.registers.read(TRANSMIT) & 1 == 0;
        let Self {
            registers, sent, ..
        } = self;
        is_free.then_some(Sender {
            registers,
            frame: sent,
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_LEN_MAX;
        capabilities.max_burst_size = Some(1);
        capabilities
    }
}

/// A frame that arrived.
#[derive(Debug)]
pub struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

/// Room for a frame to send.
#[derive(Debug)]
pub struct Sender<'a> {
    registers: &'a mut Registers,
    frame: &'a mut Frame,
}

impl phy::TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        // smoltcp asks for no more than it was told that fits, and for a whole header.
        let frame = &mut self.frame[..len];
        let result = fill(frame);
        // When a reply is sent while a frame is received, the one before it may still be leaving.
        while self.registers.read(TRANSMIT) & 1 != 0 {}
        // The length, which does not count the header, and the frame behind it, in words.
        let body_len = u16::try_from(len.saturating_sub(HEADER_LEN)).unwrap_or_default();
        let mut bytes = body_len
            .to_le_bytes()
            .into_iter()
            .chain(frame.iter().copied());
        for _ in 0..(LENGTH_LEN + len).div_ceil(4) {
            let word = [(); 4].map(|()| bytes.next().unwrap_or_default());
            self.registers.write(DATA, u32::from_le_bytes(word));
        }
        self.registers.write(TRANSMIT, 1);
        result
    }
}
