//! Windows.

/// Error of a kernel that is short of memory for datagrams: `WSAENOBUFS`.
pub(crate) const NO_BUFFERS: i32 = 10_055;
