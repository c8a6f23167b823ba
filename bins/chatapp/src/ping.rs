//! The command `ChatApp ping`: asks whether a server answers, without a name and without a session.
//!
//! It sends the request that every session begins with. The server answers it without any state,
//! in fewer bytes.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chatapp_console::Visible;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Datagram, VERSION};
use chatapp_core::{Identity, StaticKey};
use chatapp_store as store;
use clap::Args;
use serde::Serialize;

use crate::address::{parse_local, parse_port, resolve};
use crate::data::unusable;
use crate::exit::{Exit, Failure, print};
use crate::keys::random;

/// Number of requests to each address.
const ROUNDS: usize = 3;

/// Time for one answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Arguments of `ChatApp ping`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct PingOptions {
    /// Its IP address or host name
    #[arg(value_name = "SERVER-IP")]
    host: String,

    /// Its port
    #[arg(value_name = "SERVER-PORT", value_parser = parse_port)]
    port: u16,

    /// The key of a closed room, whose server answers nobody else
    #[arg(long, value_name = "FILE")]
    room_key: Option<PathBuf>,

    /// Ask from this address of this machine
    #[arg(long, value_name = "IP", value_parser = parse_local)]
    bind: Option<SocketAddr>,

    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// The answer of a server.
struct Answer {
    address: SocketAddr,
    version: u8,
    time: Duration,
}

/// The result in JSON.
#[derive(Default, Serialize)]
struct Object {
    answers: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trip_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Runs `ChatApp ping`.
///
/// # Errors
/// Returns a failure with exit code 1 if no server answers, or one of another version does.
pub(crate) fn run(options: &PingOptions) -> Result<Exit, Failure> {
    let room = options.room_key.as_deref().map(store::room_key);
    let room = room.transpose().map_err(unusable)?;
    let identity = Identity::new(StaticKey::new(*random()?), room);
    let result = search(options, &identity).and_then(|answer| {
        let what = format!("the server has protocol version {}", answer.version);
        match answer.version {
            VERSION => Ok(answer),
            _ => Err(format!("{what}, this program has version {VERSION}")),
        }
    });
    match result {
        Ok(answer) if options.json => print_object(&Object {
            answers: true,
            address: Some(answer.address.to_string()),
            version: Some(answer.version),
            // Microseconds are as exact as this is.
            round_trip_ms: Some(answer.time.as_micros() as f64 / 1_000.0),
            message: None,
        }),
        Ok(answer) => print(
            format!(
                "The server at {} answers in {:.2} ms. It has protocol version {}.\n",
                answer.address,
                answer.time.as_secs_f64() * 1_000.0,
                answer.version
            )
            .as_bytes(),
        ),
        Err(message) => {
            if options.json {
                print_object(&Object {
                    message: Some(message.clone()),
                    ..Object::default()
                })?;
            }
            Err(Failure::new(Exit::System, message))
        }
    }
}

fn print_object(object: &Object) -> Result<Exit, Failure> {
    // JSON can represent every field, so serialization cannot fail.
    let line = serde_json::to_string(object).unwrap_or_default();
    print(format!("{line}\n").as_bytes())
}

/// Asks all addresses of the host in turn.
///
/// # Errors
/// Returns a message for the user if none answers.
fn search(options: &PingOptions, identity: &Identity) -> Result<Answer, String> {
    let mut addresses = resolve(&options.host, options.port)
        .map_err(|error| format!("cannot find {}: {error}", Visible(&options.host)))?;
    if let Some(local) = options.bind {
        addresses.retain(|address| address.is_ipv4() == local.is_ipv4());
    }
    if addresses.is_empty() {
        let host = Visible(&options.host);
        return Err(format!("{host} has no address that --bind can reach"));
    }
    let mut reason = None;
    for address in addresses.iter().cycle().take(ROUNDS * addresses.len()) {
        match ask(identity, options.bind, *address) {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {}
            Err(error) => reason = Some(error),
        }
    }
    let list: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let reason = reason.map_or_else(String::new, |error| format!(": {error}"));
    let list = list.join(", ");
    Err(format!("the server at {list} does not respond{reason}"))
}

/// Returns whether a server of an open room, with the version of this program, answers there.
pub(crate) fn answers(address: SocketAddr) -> bool {
    let Ok(seed) = random() else { return false };
    let identity = Identity::new(StaticKey::new(*seed), None);
    let answer = ask(&identity, None, address);
    answer.is_ok_and(|answer| answer.is_some_and(|answer| answer.version == VERSION))
}

/// Sends one request, from this address of the machine. The socket takes datagrams from the
/// server's address only.
fn ask(
    identity: &Identity,
    local: Option<SocketAddr>,
    address: SocketAddr,
) -> io::Result<Option<Answer>> {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(local.unwrap_or(any))?;
    socket.connect(address)?;
    let id = fastrand::u64(1..);
    let mut buffer = [0; DATAGRAM_LEN_MAX];
    let len = Datagram::CookieRequest { id }.emit(identity, &mut buffer);
    let start = Instant::now();
    socket.send(&buffer[..len])?;
    loop {
        let left = PATIENCE.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        socket.set_read_timeout(Some(left))?;
        let len = match socket.recv(&mut buffer) {
            Ok(len) => len,
            Err(error) if is_timeout(error.kind()) => return Ok(None),
            Err(error) => return Err(error),
        };
        if let Some(version) = version_in(identity, &buffer[..len], id) {
            let time = start.elapsed();
            return Ok(Some(Answer {
                address,
                version,
                time,
            }));
        }
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Returns the version of the server that has sent the answer to this request; `None` for any other
/// datagram.
fn version_in(identity: &Identity, datagram: &[u8], id: u64) -> Option<u8> {
    match Datagram::parse(identity, datagram) {
        Ok(Datagram::Cookie { to, .. }) if to == id => Some(VERSION),
        Ok(Datagram::Unsupported { version, echo }) if echo == id => Some(version),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chatapp_core::wire::Cookie;

    #[test]
    fn takes_only_the_answer_to_its_request() {
        let identity = Identity::new(StaticKey::new([1; 32]), None);
        let cookie = Cookie {
            issued_at_ms: 1,
            mac: 2,
        };
        let answers = [
            (Datagram::CookieRequest { id: 7 }, None),
            (
                Datagram::Cookie {
                    to: 7,
                    cookie,
                    key: None,
                },
                Some(VERSION),
            ),
            (
                Datagram::Unsupported {
                    version: 9,
                    echo: 7,
                },
                Some(9),
            ),
        ];
        for (datagram, version) in answers {
            let mut buffer = [0; DATAGRAM_LEN_MAX];
            let len = datagram.emit(&identity, &mut buffer);
            assert_eq!(version_in(&identity, &buffer[..len], 7), version);
            assert_eq!(version_in(&identity, &buffer[..len], 8), None);
        }
    }
}
