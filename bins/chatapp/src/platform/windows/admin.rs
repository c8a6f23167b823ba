//! The channel of `ChatApp admin`: none. Orders are typed at the server.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::exit::{Exit, Failure};

/// The channel of a server, which is never there.
pub(crate) struct Listener;

impl Listener {
    /// Returns no channel.
    ///
    /// # Errors
    /// Returns none; other systems may.
    pub(crate) fn start(
        _: &Path,
        _: impl Fn(String) -> Option<String> + Send + 'static,
    ) -> io::Result<Option<Self>> {
        Ok(None)
    }
}

/// Refuses to send an order.
///
/// # Errors
/// Returns a failure in any case.
pub(crate) fn ask(_: &Path, _: &str, _: Duration) -> Result<String, Failure> {
    Err(Failure::new(
        Exit::Usage,
        "`ChatApp admin` needs Unix sockets: type the order at the server",
    ))
}
