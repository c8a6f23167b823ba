//! The descriptor of a socket.

use std::os::fd::{AsFd, BorrowedFd};

use crate::socket::Socket;

/// For socket options that this adapter does not set.
impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.udp.as_fd()
    }
}
