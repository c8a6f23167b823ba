//! Capacities of a server and rate limits per address: the options, and the lines that report them
//! at the start.

use std::fmt;

use chatapp_core::{RateLimit, RateLimits, ServerConfig};
use chatapp_mio::ServerLimits;
use clap::Args;

/// Upper bound of each capacity: more would fit neither the protocol's numbers nor a real machine.
const MOST: i64 = 16_777_216;

/// Time for which an address may save up its rate: enough for a lecture hall that arrives at once,
/// or for a script.
const REGISTRATION_BURST_S: u32 = 30;
const REQUEST_BURST_S: u32 = 4;
/// Handshakes of an address for each registration: junk takes no registration.
const HANDSHAKES: u32 = 20;
const HANDSHAKE_BURST_S: u32 = 2;

#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Server limits")]
pub(crate) struct LimitOptions {
    /// Maximum number of names
    #[arg(
        long, requires = "server", conflicts_with = "client", value_name = "N",
        default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=MOST)
    )]
    names: u32,

    /// Admit every name without white space, also those that look like another name or like a line
    #[arg(long, requires = "server", conflicts_with = "client")]
    any_name: bool,

    /// Maximum number of names of one key; 0 for no limit
    #[arg(
        long,
        requires = "server",
        conflicts_with = "client",
        value_name = "N",
        default_value_t = 4
    )]
    names_per_key: u32,

    /// Maximum number of names from one address, except loopback; 0 for no limit
    #[arg(
        long,
        requires = "server",
        conflicts_with = "client",
        value_name = "N",
        default_value_t = 1_024
    )]
    names_per_source: u32,

    /// Maximum number of stored messages for one name
    #[arg(
        long, requires = "server", conflicts_with = "client", value_name = "N",
        default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=MOST)
    )]
    mailbox: u32,

    /// Maximum number of stored messages for all names
    #[arg(
        long, requires = "server", conflicts_with = "client", value_name = "N",
        default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=MOST)
    )]
    messages: u32,

    /// Share of one sender in each mailbox, and in all stored messages; 100 for no limit
    #[arg(
        long, requires = "server", conflicts_with = "client", value_name = "PERCENT",
        default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100)
    )]
    mail_share: u32,

    /// Maximum number of entries of the channel log
    #[arg(
        long, requires = "server", conflicts_with = "client", value_name = "N",
        default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1..=MOST)
    )]
    channel: u32,

    /// Share of one sender in the channel log; 100 for no limit
    #[arg(
        long, requires = "server", conflicts_with = "client", value_name = "PERCENT",
        default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100)
    )]
    channel_share: u32,

    /// Number of earlier channel messages that a new name gets
    #[arg(
        long, requires = "server", conflicts_with = "client", value_name = "N",
        default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=MOST)
    )]
    recent: u32,

    /// Registrations per second from one address (bursts of 30 times as many); 0 for no limit
    #[arg(
        long,
        requires = "server",
        conflicts_with = "client",
        value_name = "N",
        default_value_t = 10
    )]
    registrations: u32,

    /// Requests per second from one address (bursts of 4 times as many); 0 for no limit
    #[arg(
        long,
        requires = "server",
        conflicts_with = "client",
        value_name = "N",
        default_value_t = 500
    )]
    requests: u32,

    /// KiB of text per second in these requests (bursts of 4 times as many); 0 for no limit
    #[arg(
        long, requires = "server", conflicts_with = "client", value_name = "KIB",
        default_value_t = 512, value_parser = clap::value_parser!(u32).range(0..=1_048_576)
    )]
    text_kib: u32,
}

impl LimitOptions {
    pub(crate) fn memory(&self) -> ServerLimits {
        ServerLimits {
            names: self.names as usize,
            kept_messages: self.messages as usize,
            log_entries: self.channel as usize,
            ..ServerLimits::default()
        }
    }

    pub(crate) fn config(&self) -> ServerConfig {
        ServerConfig {
            names_per_key: self.names_per_key,
            names_per_source: self.names_per_source,
            mail_per_name: self.mailbox,
            mail_share: self.mail_share,
            log_share: self.channel_share,
            recent_entries: self.recent,
            rates: RateLimits {
                handshakes: RateLimit::new(
                    self.registrations.saturating_mul(HANDSHAKES),
                    HANDSHAKE_BURST_S,
                ),
                registrations: RateLimit::new(self.registrations, REGISTRATION_BURST_S),
                requests: RateLimit::new(self.requests, REQUEST_BURST_S),
                text_bytes: RateLimit::new(self.text_kib.saturating_mul(1_024), REQUEST_BURST_S),
            },
            is_name_allowed: if self.any_name {
                ServerConfig::default().is_name_allowed
            } else {
                chatapp_names::is_allowed
            },
            ..ServerConfig::default()
        }
    }
}

impl fmt::Display for LimitOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            names,
            mailbox,
            messages,
            mail_share,
            channel,
            channel_share,
            ..
        } = self;
        write!(f, "Limits: {names} names (")?;
        match self.names_per_key {
            0 => f.write_str("unlimited for each key, ")?,
            most => write!(f, "{most} for each key, ")?,
        }
        match self.names_per_source {
            0 => f.write_str("unlimited for each address), ")?,
            most => write!(f, "{most} for each address), ")?,
        }
        write!(
            f,
            "{messages} stored messages ({mailbox} for each name, {mail_share} % of them for each \
             sender), {channel} channel messages ({channel_share} % for each sender). "
        )?;
        f.write_str("Per second, each address has ")?;
        let rates = [
            (self.registrations, "registrations, "),
            (self.requests, "requests and "),
            (self.text_kib, "KiB of text."),
        ];
        for (rate, what) in rates {
            match rate {
                0 => write!(f, "unlimited {what}")?,
                rate => write!(f, "{rate} {what}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[arg(short = 's')]
        server: u16,
        #[arg(short = 'c')]
        client: Option<String>,
        #[command(flatten)]
        limits: LimitOptions,
    }

    fn parse(words: &str) -> LimitOptions {
        Only::parse_from(format!("ChatApp -s 4119 {words}").split_whitespace()).limits
    }

    #[test]
    fn matches_the_defaults_of_core_and_adapter() {
        let limits = parse("");
        assert_eq!(limits.memory(), ServerLimits::default());
        let (ours, default) = (limits.config(), ServerConfig::default());
        assert_eq!(ours.rates, default.rates);
        assert_eq!(ours.mail_per_name, default.mail_per_name);
        let names = |config: &ServerConfig| (config.names_per_key, config.names_per_source);
        assert_eq!(names(&ours), names(&default));
        let shares = |config: &ServerConfig| (config.mail_share, config.log_share);
        assert_eq!(shares(&ours), shares(&default));
        assert_eq!(ours.recent_entries, default.recent_entries);
        assert_eq!(
            limits.to_string(),
            "Limits: 16384 names (4 for each key, 1024 for each address), 100000 stored messages \
             (1000 for each name, 20 % of them for each sender), 65536 channel messages (20 % for \
             each sender). Per second, each address has 10 registrations, 500 requests and 512 KiB \
             of text."
        );
    }

    #[test]
    fn applies_each_option() {
        let limits = parse(
            "--names 5 --mailbox 6 --messages 7 --channel 8 --registrations 0 --requests 9 \
            --text-kib 1 --names-per-key 2 --names-per-source 0 --mail-share 3 --channel-share 100 \
            --recent 20",
        );
        let memory = limits.memory();
        assert_eq!(
            (memory.names, memory.kept_messages, memory.log_entries),
            (5, 7, 8)
        );
        let config = limits.config();
        assert_eq!((config.mail_per_name, config.mail_share), (6, 3));
        assert_eq!((config.names_per_key, config.names_per_source), (2, 0));
        assert_eq!((config.log_share, config.recent_entries), (100, 20));
        assert!(limits.to_string().starts_with(
            "Limits: 5 names (2 for each key, unlimited for each address), 7 stored messages (6"
        ));
        assert_eq!(config.rates.handshakes, RateLimit::new(0, 2));
        assert_eq!(limits.config().rates.registrations, RateLimit::new(0, 30));
        assert_eq!(limits.config().rates.text_bytes.burst, 4_096);
        assert!(
            limits.to_string().ends_with(
                "each address has unlimited registrations, 9 requests and 1 KiB of text."
            )
        );
    }
}
