//! The network of a driver, as the operating system sees it.

use std::io;
use std::net::SocketAddr;

use chatapp_core::Network;
use mio::{Registry, Token};

/// A [`Network`] that an event queue of the operating system can wait for: a socket, or a network
/// stack on a device.
pub trait Transport: Network {
    /// Asks the event queue to report, under this token, when there is something to receive.
    ///
    /// # Errors
    /// Returns an error if the event queue rejects the request.
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()>;

    /// Notes that the event queue has reported an event.
    fn on_event(&mut self) {}

    /// Asks the event queue, after each poll, to report room to send if the transport waits for it.
    ///
    /// # Errors
    /// Returns an error if the event queue or the device failed. Network errors are never returned.
    fn update_interest(&mut self, registry: &Registry) -> io::Result<()>;

    /// Returns the address at which it receives.
    fn local_addr(&self) -> SocketAddr;

    /// Returns the source address of datagrams to `to`; the unspecified address without a route.
    fn local_addr_towards(&self, to: SocketAddr) -> SocketAddr;

    /// Returns whether datagrams to this address can leave at all.
    fn reaches(&self, to: SocketAddr) -> bool;
}
