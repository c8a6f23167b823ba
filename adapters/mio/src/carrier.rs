//! What carries the datagrams of a driver.

use std::io;
use std::net::SocketAddr;

use chatapp_core::{Endpoint, Instant};
use mio::{Registry, Token};

/// Carries the datagrams of a [`Driver`](crate::Driver): a socket of the operating system, or a network stack on a
/// device that can be waited for.
pub trait Carrier {
    /// Asks the event queue to report, under this token, when there is something to receive.
    ///
    /// # Errors
    /// The event queue does not take it.
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()>;

    /// The event queue reported something.
    fn notice(&mut self);

    /// Runs one [`Turn`](chatapp_core::Turn), and asks the event queue to report room to send if that has to be waited for.
    ///
    /// # Errors
    /// The event queue or the device is broken. No error of the network ends up here.
    fn work<E: Endpoint + ?Sized>(
        &mut self,
        registry: &Registry,
        endpoint: &mut E,
        now: Instant,
        drain: impl FnMut(&mut E, Instant),
    ) -> io::Result<()>;

    /// When the next turn is due, if nothing is reported before. Called once behind each turn.
    fn wake_at<E: Endpoint + ?Sized>(&mut self, endpoint: &E, now: Instant) -> Option<Instant>;

    /// Where it receives.
    fn local_addr(&self) -> SocketAddr;

    /// Where datagrams to this address come from; the unspecified address if nothing leads there.
    fn local_addr_towards(&self, to: SocketAddr) -> SocketAddr;

    /// Whether datagrams to this address can leave at all.
    fn reaches(&self, to: SocketAddr) -> bool;
}
