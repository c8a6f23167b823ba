//! Segmentation offload: datagrams of equal length to one address cross into the kernel, and out of
//! it, as one. Each costs a tenth of what it costs alone. A system without it sends them
//! one by one.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod plain;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{RECEIVED_LEN_MAX, enable, receive, send};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use plain::{RECEIVED_LEN_MAX, enable, receive, send};
