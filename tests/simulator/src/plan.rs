//! The choices that are drawn once for a run: the size of the world, the behaviour of its people,
//! and its faults.
//!
//! Each kind of fault is present in some runs and absent in others: a fault that is always there
//! hides what only happens without it.

use chatapp_core::{RateLimit, RateLimits};

use crate::choices::Choices;
use crate::keys::{Crypto, Keys};
use crate::queue::Millis;

/// A run before it begins.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Names of clients, 1 to 64.
    pub clients: usize,
    /// How long people act and faults happen, before everything is healed.
    pub span: Millis,
    /// Mean time between two acts of one person.
    pub pace: Millis,
    /// Faults of the network.
    pub network: NetworkPlan,
    /// Faults of processes and machines.
    pub nodes: NodePlan,
    /// Faults of the store.
    pub store: StorePlan,
    /// How much memory client and server are given.
    pub sizes: Sizes,
    /// The keys and ciphers.
    pub keys: Keys,
}

/// Faults of the network, in thousandths of datagrams unless a field says otherwise.
#[derive(Clone, Debug, Default)]
pub struct NetworkPlan {
    /// Lost.
    pub loss: u32,
    /// Arrive twice.
    pub duplicate: u32,
    /// Arrive with a few bits changed.
    pub corrupt: u32,
    /// Arrive with their end missing.
    pub truncate: u32,
    /// Take up to `slow` instead of `delay`.
    pub straggle: u32,
    /// Longest usual delay; the shortest is 0, so that datagrams overtake each other.
    pub delay: Millis,
    /// Longest delay of a straggler.
    pub slow: Millis,
    /// Mean time between two partitions; 0 for none.
    pub partition: Millis,
    /// Mean time between two acts of an attacker; 0 for none.
    pub attack: Millis,
}

/// Faults of processes and machines: mean times between two faults in the whole world, 0
/// for never.
#[derive(Clone, Debug, Default)]
pub struct NodePlan {
    /// A client crashes and returns.
    pub crash: Millis,
    /// The server crashes and returns.
    pub server_crash: Millis,
    /// A server that returns has lost its memory.
    pub forgetful: bool,
    /// A process stands still, or its whole machine.
    pub pause: Millis,
    /// The address of a client changes.
    pub roam: Millis,
    /// A process starts under a name that is in use.
    pub rival: Millis,
    /// A display or a socket takes nothing for a while.
    pub clog: Millis,
    /// A person loses the key of a name, and gets the name with another one when the server has
    /// forgotten the first.
    pub lost_key: Millis,
}

/// Faults of the store.
#[derive(Clone, Debug, Default)]
pub struct StorePlan {
    /// Longest time until a record is synced; 0: at once.
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

/// Slots of memory.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Peers in a client's table.
    pub peers: usize,
    /// Commands that a client may have unsettled.
    pub outbox: usize,
    /// Windows for processes that left the table.
    pub dedup: usize,
    /// Names the server knows.
    pub names: usize,
    /// Messages kept for one name.
    pub mail_per_name: u32,
    /// Messages kept in all.
    pub mail: usize,
    /// Entries of the channel log.
    pub log: usize,
    /// Table changes the server remembers.
    pub changes: usize,
    /// Records that may wait for the store.
    pub journal: usize,
    /// Frames in flight, both ways.
    pub window: u16,
    /// Addresses whose rates the server limits each for itself.
    pub sources: usize,
    /// The rates of each of them.
    pub rates: RateLimits,
    /// Seconds after which the server forgets a name that is away.
    pub keep_s: u32,
}

impl Sizes {
    /// Enough for everything that a run can ask for.
    pub const ROOMY: Self = Self {
        peers: 70,
        outbox: 64,
        dedup: 128,
        names: 70,
        mail_per_name: 2_000,
        mail: 8_000,
        log: 8_000,
        changes: 140,
        journal: 1_024,
        window: 32,
        sources: 64,
        rates: RateLimits::NONE,
        keep_s: 30 * 24 * 60 * 60,
    };

    /// Messages, and entries of the channel log, that a few clients can send in a few seconds.
    const SHORT_RUN: usize = 1_024;

    /// The same with no more memory for messages than a short run can fill: a run that is over in
    /// milliseconds must not clear megabytes first.
    #[must_use]
    pub fn of_short_run(self) -> Self {
        Self {
            mail: self.mail.min(Self::SHORT_RUN),
            log: self.log.min(Self::SHORT_RUN),
            ..self
        }
    }
}

/// The kinds of faults by name, for looking at a failure with fewer of them.
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

/// Names that are kept for longer than so many seconds are not forgotten within a run.
const KEEP_MAX_S: u32 = 60;

/// Returns the kinds of faults to leave out so that only these are left.
pub fn all_but(kept: &[impl AsRef<str>]) -> Vec<String> {
    FAULTS
        .iter()
        .filter(|fault| kept.iter().all(|kept| kept.as_ref() != **fault))
        .map(|fault| (*fault).to_owned())
        .collect()
}

impl Plan {
    /// A world without faults in which nobody does anything by himself.
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
        // Rare faults leave time for their consequences; frequent ones meet each other.
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
            // As with limits, without a choice.
            keys: Keys {
                crypto: Crypto::Real,
                closed: span.is_multiple_of(7),
                tells_handshakes: span.is_multiple_of(5),
            },
        };
        plan.with_lost_keys()
    }

    /// Lets people lose their keys, and the server forget names soon, in every thirteenth run;
    /// without a choice, too.
    fn with_lost_keys(mut self) -> Self {
        if self.pace.is_multiple_of(13) {
            self.nodes.lost_key = self.span / (2 + self.span % 4);
            self.sizes.keep_s = 2 + (self.span % 5) as u32;
        }
        self
    }

    /// The same plan with another time for which the server keeps a name. If that is long,
    /// no person loses a key: the name would not be free again within the run.
    #[must_use]
    pub fn keeping(mut self, keep_s: u32) -> Self {
        self.sizes.keep_s = keep_s;
        if keep_s > KEEP_MAX_S {
            self.nodes.lost_key = 0;
        }
        self
    }

    /// Makes the server limit rates in every fifth run. It asks for no choice, so that the seeds of
    /// runs found before there were limits still stand for the same runs.
    fn throttled(sizes: Sizes, span: Millis, pace: Millis) -> Sizes {
        if !span.is_multiple_of(5) {
            return sizes;
        }
        let number = |base: u32, spread: u64, drawn: Millis| base + (drawn % spread) as u32;
        let limit = |per_second, burst| RateLimit { per_second, burst };
        Sizes {
            sources: number(1, 8, span / 5) as usize,
            rates: RateLimits {
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

    /// The same plan without some kinds of faults.
    ///
    /// # Errors
    /// The name that is not one of [`FAULTS`].
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

    /// Whether nothing can be full in this run.
    pub fn is_roomy(&self) -> bool {
        let (ours, roomy) = (&self.sizes, Sizes::ROOMY);
        ours.mail_per_name == roomy.mail_per_name
            && ours.mail >= Sizes::SHORT_RUN
            && ours.log >= Sizes::SHORT_RUN
    }
}
