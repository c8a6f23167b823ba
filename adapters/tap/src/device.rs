//! The TAP device: Ethernet frames, one for each read and write.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::mem::size_of;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use chatapp_smoltcp::smoltcp::phy::{self, DeviceCapabilities, Medium};
use chatapp_smoltcp::smoltcp::time::Instant;
use nix::errno::Errno;
use nix::libc;

use crate::TapError;

/// Maximum frame length: 1,500 bytes of payload. A longer frame is no datagram of ChatApp; the
/// kernel truncates it, and the stack drops it.
const FRAME_LEN_MAX: usize = 1_514;

nix::ioctl_write_ptr_bad!(
    attach,
    nix::request_code_write!(b'T', 202, size_of::<libc::c_int>()),
    libc::ifreq
);

/// Open TAP device. The one of smoltcp panics when its link goes down.
#[derive(Debug)]
pub(crate) struct Device {
    file: File,
    received: Box<[u8; FRAME_LEN_MAX]>,
    sent: Box<[u8; FRAME_LEN_MAX]>,
    /// The device was removed and will never return frames again.
    is_gone: bool,
}

impl Device {
    /// Attaches to an existing device.
    ///
    /// # Errors
    /// Returns an error if it is no TAP device, or this process has no permission for it.
    pub(crate) fn open(name: &str) -> Result<Self, TapError> {
        let no_rights = || TapError::NoRights(name.into());
        let file = File::options()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/net/tun")
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => TapError::NoTun,
                ErrorKind::PermissionDenied => no_rights(),
                _ => TapError::System(error),
            })?;
        let mut request = libc::ifreq {
            ifr_name: [0; libc::IFNAMSIZ],
            ifr_ifru: libc::__c_anonymous_ifr_ifru {
                ifru_flags: (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short,
            },
        };
        // The last byte stays 0. No device has a longer name.
        let place = &mut request.ifr_name[..libc::IFNAMSIZ - 1];
        place
            .iter_mut()
            .zip(name.bytes())
            .for_each(|(to, from)| *to = from as libc::c_char);
        // SAFETY: the descriptor is open, and the kernel reads an `ifreq`, which lives until the
        // call returns.
        let attached = unsafe { attach(file.as_raw_fd(), &raw const request) };
        attached.map_err(|errno| match errno {
            Errno::EPERM => no_rights(),
            Errno::EBUSY => TapError::InUse(name.into()),
            Errno::EINVAL => TapError::NotTap(name.into()),
            errno => TapError::System(errno.into()),
        })?;
        Ok(Self {
            file,
            received: Box::new([0; FRAME_LEN_MAX]),
            sent: Box::new([0; FRAME_LEN_MAX]),
            is_gone: false,
        })
    }

    /// Returns whether the device was removed.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone
    }
}

impl AsRawFd for Device {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl phy::Device for Device {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sent<'a>;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_LEN_MAX;
        capabilities
    }

    fn receive(&mut self, _now: Instant) -> Option<(Received<'_>, Sent<'_>)> {
        let Self {
            file,
            received,
            sent,
            is_gone,
        } = self;
        match file.read(received.as_mut_slice()) {
            Ok(len) => Some((Received(received.get(..len)?), Sent { file, buffer: sent })),
            Err(error) => {
                // A link that is only down returns another error, and may come up again.
                *is_gone |= error.raw_os_error() == Some(libc::EBADFD);
                None
            }
        }
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sent<'_>> {
        let Self { file, sent, .. } = self;
        Some(Sent { file, buffer: sent })
    }
}

/// A received frame.
#[derive(Debug)]
pub(crate) struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

/// A frame to send.
#[derive(Debug)]
pub(crate) struct Sent<'a> {
    file: &'a mut File,
    buffer: &'a mut [u8; FRAME_LEN_MAX],
}

impl phy::TxToken for Sent<'_> {
    /// If the kernel rejects a frame, it is lost, as on any wire. This happens while the link is
    /// down. A TAP device never lacks room.
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let len = len.min(FRAME_LEN_MAX);
        let frame = &mut self.buffer[..len];
        let result = fill(frame);
        let _ = self.file.write(frame);
        result
    }
}
