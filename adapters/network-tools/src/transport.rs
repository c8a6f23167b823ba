//! Layers around a transport of `chatapp-mio`.

use std::io::{self, Write};
use std::net::SocketAddr;

use chatapp_mio::{Registry, Token, Transport};

use crate::{FaultInjector, PcapWriter};

/// Delegates all methods to the inner transport.
macro_rules! delegate {
    () => {
        fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
            self.inner_mut().register(registry, token)
        }

        fn on_event(&mut self) {
            self.inner_mut().on_event();
        }

        fn update_interest(&mut self, registry: &Registry) -> io::Result<()> {
            self.inner_mut().update_interest(registry)
        }

        fn local_addr(&self) -> SocketAddr {
            self.inner().local_addr()
        }

        fn local_addr_towards(&self, to: SocketAddr) -> SocketAddr {
            self.inner().local_addr_towards(to)
        }

        fn reaches(&self, to: SocketAddr) -> bool {
            self.inner().reaches(to)
        }
    };
}

impl<T: Transport> Transport for FaultInjector<T> {
    delegate!();
}

impl<T: Transport, W: Write> Transport for PcapWriter<T, W> {
    delegate!();
}
