//! The choices that are drawn once for a run: the size of the world, the behaviour of its people,
//! and its faults.
//!
//! Each kind of fault is present in some runs and absent in others. A fault that is always present
//! hides problems that occur only without it.

use chatapp_core::{RateLimit, RateLimits};

use crate::choices::Choices;
use crate::keys::{Crypto, Keys};
use crate::people::SQUATS_MAX;
use crate::queue::Millis;

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Number of names, 1 to 64.
    pub clients: usize,
    /// How long people act and faults happen, in ms, before everything is healed.
    pub span: Millis,
    /// Mean time between two acts of one person, in ms.
    pub pace: Millis,
    /// Faults of the network.
    pub network: NetworkPlan,
    /// Faults of processes and machines.
    pub nodes: NodePlan,
    /// Faults of the store.
    pub store: StorePlan,
    /// Memory of clients and of the server.
    pub sizes: Sizes,
    /// The keys and ciphers.
    pub keys: Keys,
}

/// Faults of the network, in thousandths of datagrams unless a field has another unit.
#[derive(Clone, Debug, Default)]
pub struct NetworkPlan {
    /// Datagrams that are lost.
    pub loss: u32,
    /// Datagrams that arrive twice.
    pub duplicate: u32,
    /// Datagrams that arrive with a few changed bits.
    pub corrupt: u32,
    /// Datagrams that arrive without their end.
    pub truncate: u32,
    /// Datagrams that take up to `slow` instead of `delay`.
    pub straggle: u32,
    /// The longest usual delay in ms. The shortest is 0, so that datagrams overtake each other.
    pub delay: Millis,
    /// The longest delay of a straggler, in ms.
    pub slow: Millis,
    /// Mean time between two partitions, in ms; 0 for none.
    pub partition: Millis,
    /// Mean time between two acts of an attacker, in ms; 0 for none.
    pub attack: Millis,
}

/// Faults of processes and machines: mean times in ms between two faults in the whole world, 0 for
/// never.
#[derive(Clone, Debug, Default)]
pub struct NodePlan {
    /// A client crashes and returns.
    pub crash: Millis,
    /// The server crashes and returns.
    pub server_crash: Millis,
    /// Whether a server that returns has lost its memory.
    pub forgetful: bool,
    /// A process stops for a while, alone or with its whole machine.
    pub pause: Millis,
    /// The address of a client changes.
    pub roam: Millis,
    /// A process starts under a name in use.
    pub rival: Millis,
    /// A display or a socket takes nothing for a while.
    pub clog: Millis,
    /// A person loses the key of a name. It gets the name with another key once the server has
    /// forgotten the first.
    pub lost_key: Millis,
    /// The operator bans or mutes a name, lifts that, withdraws its messages, or announces a text;
    /// only in runs that ask for it.
    pub orders: Millis,
    /// A person ignores the key of a name, or no longer; only in runs that ask for it.
    pub ignores: Millis,
}

/// Faults of the store.
#[derive(Clone, Debug, Default)]
pub struct StorePlan {
    /// The longest time until a record is synced, in ms; 0: at once.
    pub slow: Millis,
    /// Thousandths of syncs that fail.
    pub fail: u32,
}

impl StorePlan {
    fn draw(choices: &mut dyn Choices) -> Self {
        Self {
            slow: match choices.chance(300) {
                true => choices.between(1, 3_000),
                false => 0,
            },
            fail: match choices.chance(100) {
                true => choices.between(1, 300) as u32,
                false => 0,
            },
        }
    }
}

/// Numbers of slots in memory.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Peers in the roster of a client.
    pub peers: usize,
    /// Commands of a client without a final event.
    pub outbox: usize,
    /// Former processes whose message counters a client remembers.
    pub dedup: usize,
    /// Names whose keys a client can pin.
    pub pins: usize,
    /// Names that the server knows.
    pub names: usize,
    /// Stored messages for one name.
    pub mail_per_name: u32,
    /// Stored messages in all.
    pub mail: usize,
    /// Entries of the channel log.
    pub log: usize,
    /// Roster changes that the server remembers.
    pub changes: usize,
    /// Records that may wait for the store.
    pub journal: usize,
    /// Frames in flight in each direction.
    pub window: u16,
    /// Addresses whose rates the server limits separately.
    pub sources: usize,
    /// The rate limits of each address.
    pub rates: RateLimits,
    /// The percentage of each mailbox, of all stored messages and of the log for one sender.
    pub share: u32,
    /// Entries of the channel log that a new name gets.
    pub recent: u32,
    /// Seconds after which the server forgets an offline name.
    pub keep_s: u32,
    /// Milliseconds after which a client renews a session.
    pub renew_ms: u32,
}

impl Sizes {
    /// Enough for everything that a run can need.
    pub const ROOMY: Self = Self {
        peers: 70,
        outbox: 64,
        dedup: 128,
        pins: 70,
        names: 70,
        mail_per_name: 2_000,
        mail: 8_000,
        log: 8_000,
        changes: 140,
        journal: 1_024,
        window: 32,
        sources: 64,
        rates: RateLimits::NONE,
        share: 20,
        recent: 0,
        keep_s: 30 * 24 * 60 * 60,
        renew_ms: 30 * 60 * 1_000,
    };

    /// Messages, and log entries, that a few clients can send in a few seconds.
    const SHORT_RUN: usize = 1_024;

    /// Returns these sizes with no more memory for messages than a short run can fill. A run of
    /// milliseconds must not clear megabytes first.
    #[must_use]
    pub fn of_short_run(self) -> Self {
        // One sender may send all that fits into the rest.
        let is_shrunk = self.mail > Self::SHORT_RUN || self.log > Self::SHORT_RUN;
        Self {
            share: if is_shrunk { 100 } else { self.share },
            mail: self.mail.min(Self::SHORT_RUN),
            log: self.log.min(Self::SHORT_RUN),
            ..self
        }
    }
}

/// The server limits rates in one of so many runs.
const THROTTLED_EVERY: Millis = 5;

/// The names of the kinds of faults, for runs with fewer of them.
pub const FAULTS: &[&str] = &[
    "loss",
    "duplicate",
    "corrupt",
    "truncate",
    "straggle",
    "partition",
    "attack",
    "crash",
    "server-crash",
    "forgetful",
    "pause",
    "roam",
    "rival",
    "clog",
    "slow-store",
    "failing-store",
    "tight",
    "throttle",
    "lost-key",
];

/// The longest expiry time in seconds that a run can reach.
const KEEP_MAX_S: u32 = 60;

/// Returns the kinds of faults to leave out so that only these remain.
pub fn all_but(kept: &[impl AsRef<str>]) -> Vec<String> {
    FAULTS
        .iter()
        .filter(|fault| kept.iter().all(|kept| kept.as_ref() != **fault))
        .map(|fault| (*fault).to_owned())
        .collect()
}

impl Plan {
    /// Returns a world without faults, in which nobody acts without a test.
    pub fn quiet(clients: usize) -> Self {
        Self {
            clients,
            span: 0,
            pace: 0,
            network: NetworkPlan {
                delay: 10,
                ..NetworkPlan::default()
            },
            nodes: NodePlan::default(),
            store: StorePlan::default(),
            sizes: Sizes::ROOMY,
            keys: Keys {
                crypto: Crypto::Real,
                closed: false,
                tells_handshakes: true,
            },
        }
    }

    /// Draws a run.
    pub fn draw(choices: &mut dyn Choices) -> Self {
        let clients = match choices.below(40) {
            0 => choices.between(13, 64),
            1..=6 => choices.between(6, 12),
            _ => choices.between(1, 5),
        };
        let span = match choices.below(8) {
            0 => choices.between(60_000, 240_000),
            _ => choices.between(3_000, 40_000),
        };
        // Rare faults leave time for their consequences; frequent faults coincide.
        let every = |choices: &mut dyn Choices, one_in: u64| match choices.below(one_in) {
            0 => choices.between(500, span),
            _ => 0,
        };
        let nodes = NodePlan {
            crash: every(choices, 2),
            server_crash: every(choices, 3),
            forgetful: choices.chance(300),
            pause: every(choices, 4),
            roam: every(choices, 6),
            rival: every(choices, 6),
            clog: every(choices, 4),
            lost_key: 0,
            orders: 0,
            ignores: 0,
        };
        let partition = every(choices, 3);
        let attack = if choices.chance(250) {
            choices.between(50, 2_000)
        } else {
            0
        };
        let some = |choices: &mut dyn Choices, most: u64| match choices.below(3) {
            0 => choices.between(1, most) as u32,
            _ => 0,
        };
        let pace = choices.between(100, 5_000) * if clients > 12 { 4 } else { 1 };
        let plan = Self {
            clients: clients as usize,
            span,
            pace,
            network: NetworkPlan {
                loss: some(choices, 600),
                duplicate: some(choices, 300),
                corrupt: some(choices, 200),
                truncate: some(choices, 100),
                straggle: some(choices, 200),
                delay: choices.between(0, 200),
                slow: choices.between(500, 5_000),
                partition,
                attack,
            },
            nodes,
            store: StorePlan::draw(choices),
            sizes: Self::throttled(Self::draw_sizes(choices, clients as usize), span, pace),
            // Not drawn, so that older seeds keep their runs.
            keys: Keys {
                crypto: Crypto::Real,
                closed: span.is_multiple_of(7),
                tells_handshakes: span.is_multiple_of(5),
            },
        };
        plan.with_lost_keys()
            .with_few_pins()
            .with_short_sessions()
            .with_recent_entries()
    }

    /// Gives new names some entries of the channel log, in every fifth run. It draws no choice,
    /// either.
    fn with_recent_entries(mut self) -> Self {
        if self.pace % 5 == 2 {
            self.sizes.recent = 1 + (self.span % 7) as u32;
        }
        self
    }

    /// Lets clients renew their sessions after some seconds, in every third run. It draws no
    /// choice, either. A server that limits rates admits one renewal each second from all.
    fn with_short_sessions(mut self) -> Self {
        if self.span.is_multiple_of(3) {
            let renew_s = 6 + (self.span % 11) as u32;
            let is_throttled = self.span.is_multiple_of(THROTTLED_EVERY);
            let least_s = if is_throttled { self.clients as u32 } else { 0 };
            self.sizes.renew_ms = 1_000 * renew_s.max(least_s);
        }
        self
    }

    /// Lets people lose their keys, and the server forget names soon, in every thirteenth run. It
    /// draws no choice, either.
    fn with_lost_keys(mut self) -> Self {
        if self.pace.is_multiple_of(13) {
            self.nodes.lost_key = self.span / (2 + self.span % 4);
            self.sizes.keep_s = 2 + (self.span % 5) as u32;
        }
        self
    }

    /// Gives clients few pins in every eleventh run. It draws no choice, either.
    fn with_few_pins(mut self) -> Self {
        if self.span % 11 == 3 {
            self.sizes.pins = 1 + (self.pace % 3) as usize;
        }
        self
    }

    /// Returns this plan with another expiry time of names, in seconds. With a long one, no person
    /// loses a key, because the name would not be free again within the run.
    #[must_use]
    pub fn keeping(mut self, keep_s: u32) -> Self {
        self.sizes.keep_s = keep_s;
        if keep_s > KEEP_MAX_S {
            self.nodes.lost_key = 0;
        }
        self
    }

    /// Limits the rates of the server in every fifth run. It draws no choice, so that older seeds
    /// keep their runs.
    fn throttled(sizes: Sizes, span: Millis, pace: Millis) -> Sizes {
        if !span.is_multiple_of(THROTTLED_EVERY) {
            return sizes;
        }
        let number = |base: u32, spread: u64, drawn: Millis| base + (drawn % spread) as u32;
        let limit = |per_second, burst| RateLimit { per_second, burst };
        Sizes {
            sources: number(1, 8, span / 5) as usize,
            rates: RateLimits {
                handshakes: limit(number(20, 40, pace), number(4, 8, pace / 8)),
                registrations: limit(number(4, 8, pace), number(1, 4, pace / 8)),
                requests: limit(number(100, 200, pace), number(1, 50, span / 40)),
                text_bytes: limit(number(20_000, 30_000, span), number(1, 5_000, pace)),
            },
            ..sizes
        }
    }

    fn draw_sizes(choices: &mut dyn Choices, clients: usize) -> Sizes {
        if choices.chance(700) {
            return Sizes::ROOMY;
        }
        let tight = |choices: &mut dyn Choices, least: usize, most: usize, roomy: usize| {
            if choices.chance(500) {
                choices.between(least as u64, most as u64) as usize
            } else {
                roomy
            }
        };
        let roomy = Sizes::ROOMY;
        Sizes {
            peers: tight(choices, 2, clients + 2, roomy.peers),
            outbox: tight(choices, 1, 4, roomy.outbox),
            dedup: tight(choices, 1, 4, roomy.dedup),
            names: tight(choices, clients.div_ceil(2), clients, roomy.names),
            mail_per_name: tight(choices, 1, 5, roomy.mail_per_name as usize) as u32,
            mail: tight(choices, 1, 10, roomy.mail),
            log: tight(choices, 1, 10, roomy.log),
            changes: tight(choices, 1, 4, roomy.changes),
            journal: tight(choices, 8, 32, roomy.journal),
            window: tight(choices, 1, 4, roomy.window.into()) as u16,
            ..roomy
        }
    }

    /// Returns this plan without some kinds of faults.
    ///
    /// # Errors
    /// The first name that is not one of [`FAULTS`].
    pub fn without<'f>(
        mut self,
        faults: impl IntoIterator<Item = &'f str>,
    ) -> Result<Self, String> {
        for fault in faults {
            match fault {
                "loss" => self.network.loss = 0,
                "duplicate" => self.network.duplicate = 0,
                "corrupt" => self.network.corrupt = 0,
                "truncate" => self.network.truncate = 0,
                "straggle" => self.network.straggle = 0,
                "partition" => self.network.partition = 0,
                "attack" => self.network.attack = 0,
                "crash" => self.nodes.crash = 0,
                "server-crash" => self.nodes.server_crash = 0,
                "forgetful" => self.nodes.forgetful = false,
                "pause" => self.nodes.pause = 0,
                "roam" => self.nodes.roam = 0,
                "rival" => self.nodes.rival = 0,
                "clog" => self.nodes.clog = 0,
                "slow-store" => self.store.slow = 0,
                "failing-store" => self.store.fail = 0,
                "tight" => {
                    self.sizes = Sizes {
                        sources: self.sizes.sources,
                        rates: self.sizes.rates,
                        keep_s: self.sizes.keep_s,
                        ..Sizes::ROOMY
                    };
                }
                "throttle" => self.sizes.rates = RateLimits::NONE,
                "lost-key" => self = self.keeping(Sizes::ROOMY.keep_s),
                unknown => return Err(format!("{unknown} is none of {}", FAULTS.join(", "))),
            }
        }
        Ok(self)
    }

    /// Returns whether the server has room for all names of this run, with those of an attacker.
    pub fn names_fit(&self) -> bool {
        self.sizes.names >= self.names_max()
    }

    /// Returns whether the roster of a client has room for all names of this run.
    pub fn peers_fit(&self) -> bool {
        self.sizes.peers >= self.names_max()
    }

    fn names_max(&self) -> usize {
        let is_attacked = self.network.attack != 0;
        self.clients + if is_attacked { SQUATS_MAX } else { 0 }
    }

    /// Returns whether no memory can be full in this run.
    pub fn is_roomy(&self) -> bool {
        let (ours, roomy) = (&self.sizes, Sizes::ROOMY);
        ours.mail_per_name == roomy.mail_per_name
            && ours.mail >= Sizes::SHORT_RUN
            && ours.log >= Sizes::SHORT_RUN
    }
}
