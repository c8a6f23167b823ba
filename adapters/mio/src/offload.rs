//! Segmentation offload: the kernel takes and returns datagrams of equal length to one address as
//! one buffer. Each then costs a tenth. A system without it sends them one by one. The kernel also
//! says which local address a datagram was sent to, and takes the one that a datagram leaves from.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod plain;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{RECEIVED_LEN_MAX, enable, enable_local_addresses, receive, send};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use plain::{RECEIVED_LEN_MAX, enable, enable_local_addresses, receive, send};
