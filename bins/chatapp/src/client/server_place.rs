//! The place of the server on the local network, and its addresses.

use std::mem;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use chatapp_mio::Transport;

use crate::address::Place;
use crate::cli::ClientOptions;
use crate::exit::{Exit, Failure};
use crate::lan;
use crate::network::Network;

/// Time between two lookups of the server's name.
const LOOKUP_PAUSE: Duration = Duration::from_secs(1);

/// Returns the place of the server. Without one, searches the local network.
///
/// # Errors
/// Returns an error if there is not one room there.
pub(super) fn find_room(options: &ClientOptions) -> Result<Place, Failure> {
    if let Some(place) = &options.server {
        return Ok(place.clone());
    }
    let place = persistently(options, || lan::find(options.name.as_str()))?;
    eprintln!("ChatApp: there is a room at {} {}", place.host, place.port);
    Ok(place)
}

/// Finds the addresses of the server.
///
/// # Errors
/// Returns an error if its name is not known, or none of them can be reached.
pub(super) fn find_server(
    options: &ClientOptions,
    place: &Place,
    network: &Network<impl Transport>,
) -> Result<Vec<SocketAddr>, Failure> {
    persistently(options, || {
        options.network.find(&place.host, place.port, network)
    })
}

/// Repeats a search that found no server if the client is to wait.
fn persistently<T>(
    options: &ClientOptions,
    search: impl Fn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut is_reported = false;
    loop {
        let failure = match search() {
            Err(failure) if options.is_persistent && failure.exit == Exit::NoServer => failure,
            found => return found,
        };
        if !mem::replace(&mut is_reported, true) {
            eprintln!("ChatApp: {failure}; trying again until it is found");
        }
        thread::sleep(LOOKUP_PAUSE);
    }
}
