//! Settings of the board: one line, typed at its console when it starts.
//!
//! A board has no entropy and no calendar of its own. Both come with the settings, new at each
//! start.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};

use chatapp_console::Visible;
use chatapp_core::crypto::KEY_LEN;
use chatapp_core::{Identity, Name, NameError, PublicKey, RoomKey, StaticKey, UnixSeconds};

/// The role of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Client of one user.
    Client,
    /// The server of a room.
    Server,
}

/// A setting of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Own name in the room.
    Name,
    /// Address of the server.
    Server,
    /// Address of the board.
    Address,
    /// Router to other networks.
    Gateway,
    /// UDP port to receive on.
    Port,
    /// Own private key.
    Key,
    /// Known key of the server.
    ServerKey,
    /// Room key of a closed room.
    Room,
    /// Entropy from the host.
    Seed,
    /// Time of day at the start.
    Time,
    /// Whether the console echoes typed keys.
    Echo,
}

/// All settings of a client, and below those of a server.
const OF_CLIENT: &[Setting] = &[
    Setting::Name,
    Setting::Server,
    Setting::Address,
    Setting::Gateway,
    Setting::Port,
    Setting::Key,
    Setting::ServerKey,
    Setting::Room,
    Setting::Seed,
    Setting::Echo,
];
const OF_SERVER: &[Setting] = &[
    Setting::Address,
    Setting::Gateway,
    Setting::Port,
    Setting::Key,
    Setting::Room,
    Setting::Seed,
    Setting::Time,
    Setting::Echo,
];

impl Role {
    /// Returns the settings of this role.
    pub const fn settings(self) -> &'static [Setting] {
        match self {
            Self::Client => OF_CLIENT,
            Self::Server => OF_SERVER,
        }
    }
}

impl Setting {
    const fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Server => "server",
            Self::Address => "address",
            Self::Gateway => "gateway",
            Self::Port => "port",
            Self::Key => "key",
            Self::ServerKey => "server_key",
            Self::Room => "room",
            Self::Seed => "seed",
            Self::Time => "time",
            Self::Echo => "echo",
        }
    }

    const fn is_needed(self) -> bool {
        !matches!(
            self,
            Self::Gateway | Self::Port | Self::ServerKey | Self::Room | Self::Time | Self::Echo
        )
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Name => "your name in the room, such as alice",
            Self::Server => {
                "where the server is: an IPv4 address and a port, such as 10.9.0.1:4119"
            }
            Self::Address => "the address of this board, and its network, such as 10.9.0.2/24",
            Self::Gateway => "the router to other networks, such as 10.9.0.1",
            Self::Port => "the UDP port of this board, 1 to 65535, such as 5000",
            Self::Key => {
                "your private key, 64 secret hexadecimal digits, the same at each start: openssl \
                 rand -hex 32"
            }
            Self::ServerKey => {
                "the key of the server, 64 hexadecimal digits that it shows: another one is refused"
            }
            Self::Room => "the key of a closed room, 64 hexadecimal digits",
            Self::Seed => {
                "64 unpredictable hexadecimal digits, new at each start: openssl rand -hex 32"
            }
            Self::Time => "seconds since 1970, for the stamps of messages: date +%s",
            Self::Echo => "on, or off for a program at the other end",
        }
    }
}

/// Formats a setting for `help`: `port=   the UDP port ...`.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional = if self.is_needed() {
            ""
        } else {
            " (may be left out)"
        };
        let (key, meaning) = (self.key(), self.meaning());
        write!(
            f,
            "{key}={:width$}{meaning}{optional}",
            "",
            width = 12 - key.len()
        )
    }
}

/// An address with the prefix of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// IPv4 address in the network.
    pub address: Ipv4Addr,
    /// Length of the network prefix in bits.
    pub prefix_len: u8,
}

impl Subnet {
    fn parse(value: &str) -> Option<Self> {
        let (address, prefix_len) = value.split_once('/')?;
        let subnet = Self {
            address: address.parse().ok()?,
            prefix_len: prefix_len.parse().ok()?,
        };
        (subnet.prefix_len <= 32).then_some(subnet)
    }

    /// Returns whether another address is in the same network.
    pub fn contains(self, other: Ipv4Addr) -> bool {
        let differs = self.address.to_bits() ^ other.to_bits();
        let host_len = 32 - u32::from(self.prefix_len);
        differs.checked_shr(host_len).unwrap_or(0) == 0
    }
}

/// Error of a line of settings; its [`Display`](fmt::Display) form is a line with advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsError<'a> {
    /// A word is no setting.
    Unknown(&'a str),
    /// A setting is given twice.
    Twice(Setting),
    /// A setting is missing.
    Missing(Setting),
    /// The value of a setting is invalid.
    Bad(Setting),
    /// The name is invalid, with the reason.
    BadName(NameError),
    /// The address of the gateway, or else of the server, is in another network.
    OutOfReach(Ipv4Addr),
}

impl fmt::Display for SettingsError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => {
                write!(
                    f,
                    "[There is no setting {}. Type help to see all settings.]",
                    Visible(word)
                )
            }
            Self::Twice(setting) => write!(f, "[{}= is given twice.]", setting.key()),
            Self::Missing(setting) => {
                write!(f, "[{}= is missing: {}.]", setting.key(), setting.meaning())
            }
            Self::Bad(setting) => {
                write!(f, "[{}= is invalid: {}.]", setting.key(), setting.meaning())
            }
            Self::BadName(reason) => write!(f, "[name= is invalid: {reason}.]"),
            Self::OutOfReach(address) => write!(
                f,
                "[{address} is not in the network of this board; gateway= says which router of \
                this network leads there.]"
            ),
        }
    }
}

impl core::error::Error for SettingsError<'_> {}

/// The random bytes of one start. Their first use as a [seed](chatapp_core::Seed) wipes them.
#[derive(Clone)]
pub struct Entropy(pub [u8; 32]);

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}

/// Identity and addresses of the board.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Own name; only for a client.
    pub name: Option<Name>,
    /// Address of the server; only for a client.
    pub server: Option<SocketAddrV4>,
    /// Address of the board with its network.
    pub subnet: Subnet,
    /// Router to other networks.
    pub gateway: Option<Ipv4Addr>,
    /// UDP port to receive on.
    pub port: u16,
    /// Identity of the board, and its room key.
    pub identity: Identity,
    /// Known key of the server, which excludes any other; only for a client.
    pub server_key: Option<PublicKey>,
    /// Entropy for the random numbers.
    pub seed: Entropy,
    /// Time of day at the start of the board; 0 if it is unknown.
    pub time: UnixSeconds,
    /// Whether the console echoes typed keys.
    pub echo: bool,
}

impl Settings {
    /// Parses a line such as `name=alice server=10.9.0.1:4119 address=10.9.0.2/24 seed=...`, in any
    /// order.
    ///
    /// # Errors
    /// Returns a [`SettingsError`] with advice.
    pub fn parse(line: &str, role: Role) -> Result<Self, SettingsError<'_>> {
        let values = Values::split(line, role)?;
        let subnet = values.needed(Setting::Address, Subnet::parse)?;
        let settings = Self {
            name: values.name()?,
            server: values.read(Setting::Server, |value| {
                let server = value.parse().ok();
                server.filter(|server: &SocketAddrV4| server.port() != 0)
            })?,
            subnet,
            gateway: values.read(Setting::Gateway, |value| value.parse().ok())?,
            port: values
                .read(Setting::Port, |value| {
                    value.parse().ok().filter(|port| *port != 0)
                })?
                .unwrap_or(match role {
                    Role::Client => 5_000,
                    Role::Server => 4_119,
                }),
            identity: Identity::new(
                static_key(values.needed(Setting::Key, parse_bytes)?),
                values.read(Setting::Room, parse_bytes)?.map(RoomKey::new),
            ),
            server_key: values.read(Setting::ServerKey, parse_bytes)?.map(PublicKey),
            seed: Entropy(values.needed(Setting::Seed, parse_bytes)?),
            time: values
                .read(Setting::Time, |value| value.parse().ok())?
                .map_or(UnixSeconds(0), UnixSeconds),
            echo: values
                .read(Setting::Echo, |value| match value {
                    "on" => Some(true),
                    "off" => Some(false),
                    _ => None,
                })?
                .unwrap_or(true),
        };
        // The gateway must be in the network; without a gateway, the server must be.
        let near = settings
            .gateway
            .or(settings.server.map(|server| *server.ip()));
        match near {
            Some(address) if !subnet.contains(address) => Err(SettingsError::OutOfReach(address)),
            _ => Ok(settings),
        }
    }
}

/// Values of a line, by the numbers of their settings.
struct Values<'a>([Option<&'a str>; 11]);

impl<'a> Values<'a> {
    /// Finds the values in a line, and checks that none is missing.
    fn split(line: &'a str, role: Role) -> Result<Self, SettingsError<'a>> {
        let mut values = [None; 11];
        for word in line.split_ascii_whitespace() {
            let (key, value) = word.split_once('=').ok_or(SettingsError::Unknown(word))?;
            let mut settings = role.settings().iter();
            let setting = settings
                .find(|setting| setting.key() == key)
                .ok_or(SettingsError::Unknown(key))?;
            if values[*setting as usize].replace(value).is_some() {
                return Err(SettingsError::Twice(*setting));
            }
        }
        for setting in role.settings() {
            if setting.is_needed() && values[*setting as usize].is_none() {
                return Err(SettingsError::Missing(*setting));
            }
        }
        Ok(Self(values))
    }

    fn name(&self) -> Result<Option<Name>, SettingsError<'a>> {
        self.0[Setting::Name as usize]
            .map(|name| Name::new(name).map_err(SettingsError::BadName))
            .transpose()
    }

    /// Parses the value of a setting, if it is given.
    fn read<T>(
        &self,
        setting: Setting,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingsError<'a>> {
        self.0[setting as usize]
            .map(|value| parse(value).ok_or(SettingsError::Bad(setting)))
            .transpose()
    }

    fn needed<T>(
        &self,
        setting: Setting,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, SettingsError<'a>> {
        self.read(setting, parse)?
            .ok_or(SettingsError::Missing(setting))
    }
}

/// Creates a private key of these bytes.
pub(crate) fn static_key(bytes: [u8; KEY_LEN]) -> StaticKey {
    #[cfg(feature = "noise")]
    return StaticKey::new(bytes);
    #[cfg(not(feature = "noise"))]
    StaticKey::transparent(bytes)
}

fn parse_bytes(value: &str) -> Option<[u8; KEY_LEN]> {
    let mut bytes = [0; KEY_LEN];
    let digits = value.as_bytes();
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else {
            return None;
        };
        *byte = (digit(high)? << 4 | digit(low)?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
