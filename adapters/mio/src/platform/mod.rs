//! All that differs by operating system, and nothing else of this crate does.
//!
//! Linux has segmentation offload: the kernel takes and returns datagrams of equal length to one
//! address as one buffer. Each then costs a tenth. The kernel also says which local address a
//! datagram was sent to, and takes the one that a datagram leaves from. `plain` is the counterpart
//! on other systems: it sends and receives one by one, and refuses bursts.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{RECEIVED_LEN_MAX, enable, enable_local_addresses, receive, send};

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod plain;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use plain::{RECEIVED_LEN_MAX, enable, enable_local_addresses, receive, send};

#[cfg(unix)]
mod as_fd;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::NO_BUFFERS;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::NO_BUFFERS;
