//! The network of a driver, as far as the operating system is concerned.

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
    /// The event queue does not take it.
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()>;

    /// Takes the news that the event queue reported something.
    fn on_event(&mut self) {}

    /// Asks the event queue, after each poll, to report room to send if that has to be waited for.
    ///
    /// # Errors
    /// The event queue or the device is broken. No error of the network ends up here.
    fn update_interest(&mut self, registry: &Registry) -> io::Result<()>;

    /// Returns the address at which it receives.
    fn local_addr(&self) -> SocketAddr;

    /// Returns the source address of datagrams to `to`; the unspecified address if nothing leads
    /// there.
    fn local_addr_towards(&self, to: SocketAddr) -> SocketAddr;

    /// Returns whether datagrams to this address can leave at all.
    fn reaches(&self, to: SocketAddr) -> bool;
}
