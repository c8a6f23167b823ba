//! Ethernet controller as a `smoltcp` device; a port to another board replaces it.

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

/// Bits of [`RECEIVE_CONTROL`]: reset the queue; receive, including multicast, without damaged
/// frames.
const RESET_QUEUE: u32 = 1 << 4;
const RECEIVE: u32 = 1 << 0 | 1 << 1 | 1 << 3;
/// Bits of [`TRANSMIT_CONTROL`]: enable, with padding, checksum and full duplex.
const SEND: u32 = 0b1111;
/// Value of [`THRESHOLD`]: no frame leaves before it is complete.
const WHOLE_FRAMES: u32 = 0x3f;

/// Lengths of the Ethernet header and of the longest frame in bytes: it carries a ChatApp datagram
/// over IPv4. Longer frames are dropped.
const HEADER_LEN: usize = 14;
const FRAME_LEN_MAX: usize = HEADER_LEN + 20 + 8 + RECEIVE_LEN;
/// Length of the length field itself and of the checksum after the frame; a received length
/// includes both.
const LENGTH_LEN: usize = 2;
const CHECKSUM_LEN: usize = 4;

/// Buffer for a frame.
type Frame = [u8; FRAME_LEN_MAX];

/// Ethernet controller, with a buffer for one frame in each direction besides its own queues.
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
    /// Initialises the controller; `None` if that was done before.
    ///
    /// # Safety
    /// No other code uses the controller.
    pub(super) unsafe fn new() -> Option<Self> {
        static RECEIVED_FRAME: ConstStaticCell<Frame> = ConstStaticCell::new([0; FRAME_LEN_MAX]);
        static SENT_FRAME: ConstStaticCell<Frame> = ConstStaticCell::new([0; FRAME_LEN_MAX]);
        // SAFETY: The device exists, and only this driver uses it.
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

    /// Returns the hardware address of the board.
    pub fn address(&self) -> EthernetAddress {
        let [a, b, c, d] = self.registers.read(ADDRESS_LOW).to_le_bytes();
        let [e, f, ..] = self.registers.read(ADDRESS_HIGH).to_le_bytes();
        EthernetAddress([a, b, c, d, e, f])
    }

    /// Moves the next frame out of the controller's queue; returns its length.
    fn take_frame(&mut self) -> Option<usize> {
        loop {
            // The order matters: a frame that arrives between the two is seen now, and a later one
            // wakes the processor.
            self.registers.write(INTERRUPT_STATUS, RECEIVED);
            if self.registers.read(FRAMES_WAITING) == 0 {
                return None;
            }
            let [low, high, first, second] = self.registers.read(DATA).to_le_bytes();
            let total = usize::from(u16::from_le_bytes([low, high]));
            let len = total.saturating_sub(LENGTH_LEN + CHECKSUM_LEN);
            let mut words = core::iter::from_fn(|| Some(self.registers.read(DATA)));
            // The driver must read all words of a frame, even of a dropped one: the next frame
            // begins after them.
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

/// A received frame.
#[derive(Debug)]
pub struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

/// Buffer for a frame to send.
#[derive(Debug)]
pub struct Sender<'a> {
    registers: &'a mut Registers,
    frame: &'a mut Frame,
}

impl phy::TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        // smoltcp asks for at most the advertised length, and for at least a whole header.
        let frame = &mut self.frame[..len];
        let result = fill(frame);
        // If the driver answers during reception, the frame before may still be leaving.
        while self.registers.read(TRANSMIT) & 1 != 0 {}
        // The length, which excludes the header, and then the frame, in words.
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
