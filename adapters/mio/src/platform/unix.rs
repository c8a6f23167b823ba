//! Unix: Linux, macOS and the BSDs.

/// Error of a kernel that is short of memory for datagrams.
pub(crate) const NO_BUFFERS: i32 = libc::ENOBUFS;
