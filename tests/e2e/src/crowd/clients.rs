//! Clients of a crowd and their event queue.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use chatapp_core::{Client, Command, Endpoint, Instant};
use chatapp_mio::Clock;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::member::{Member, Shared};

/// Number of source addresses of the crowd.
const SOURCES: usize = 250;

/// Polling interval for conditions without an event.
const LOOK: Duration = Duration::from_millis(5);

/// Many clients with one event queue.
pub struct Crowd {
    /// Clients in the order of their arrival.
    pub members: Vec<Member>,
    /// Number of messages that all members showed.
    pub shown: usize,
    /// Number of commands of all members that succeeded.
    pub succeeded: usize,
    clock: Clock,
    server: SocketAddr,
    poll: Poll,
    events: Events,
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    shared: Shared,
    /// The key of all members, instead of one for each.
    key: Option<[u8; 32]>,
}

impl Crowd {
    /// Creates an empty crowd.
    ///
    /// # Errors
    /// Returns an error if the system cannot create an event queue.
    pub fn new(server: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            members: Vec::new(),
            shown: 0,
            succeeded: 0,
            clock: Clock::new(),
            server,
            poll: Poll::new()?,
            events: Events::with_capacity(1_024),
            timers: BinaryHeap::new(),
            shared: Shared::default(),
            key: None,
        })
    }

    /// Works as [`new`](Self::new); all members will have this key.
    ///
    /// # Errors
    /// Returns an error if the system cannot create an event queue.
    pub fn with_one_key(server: SocketAddr, key: [u8; 32]) -> io::Result<Self> {
        Ok(Self {
            key: Some(key),
            ..Self::new(server)?
        })
    }

    /// Returns the name of a member.
    pub fn name_of(number: usize) -> String {
        format!("member{number}")
    }

    /// Adds a client whose table has this capacity.
    ///
    /// # Errors
    /// Returns an error if the machine has no socket or memory left.
    pub fn joins(&mut self, table: usize) -> io::Result<()> {
        let number = self.members.len();
        let host = u8::try_from(number % SOURCES).unwrap_or_default();
        let ip = IpAddr::V4(Ipv4Addr::new(127, 0, 1, host + 1));
        let now = self.clock.now();
        let member = Member::new(
            now,
            &Self::name_of(number),
            ip,
            table,
            self.server,
            self.key,
        )?;
        self.poll.registry().register(
            &mut SourceFd(&member.socket.as_fd().as_raw_fd()),
            Token(number),
            Interest::READABLE,
        )?;
        self.members.push(member);
        self.drive(number, now, false);
        Ok(())
    }

    /// Passes a command to a member.
    ///
    /// # Panics
    /// Panics if the member rejects it.
    pub fn commands(&mut self, number: usize, command: Command<'_>) {
        self.commands_all(number, [command]);
    }

    /// Passes several commands to a member, whose frames then leave together.
    ///
    /// # Panics
    /// Panics if the member rejects one of them.
    pub fn commands_all<'c>(
        &mut self,
        number: usize,
        commands: impl IntoIterator<Item = Command<'c>>,
    ) {
        let now = self.clock.now();
        let client = &mut self.members[number].client;
        for command in commands {
            client.command(now, command).expect("it takes the command");
        }
        self.drive(number, now, false);
    }

    /// Drives the crowd until the condition holds or the time is over; returns whether it holds.
    ///
    /// # Errors
    /// Returns an error if the event queue failed.
    pub fn works_until(
        &mut self,
        timeout: Duration,
        mut condition: impl FnMut(&mut Self) -> bool,
    ) -> io::Result<bool> {
        let deadline = std::time::Instant::now() + timeout;
        let mut next_look = std::time::Instant::now();
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            self.turn(left.min(LOOK))?;
            if std::time::Instant::now() < next_look {
                continue;
            }
            if condition(self) {
                return Ok(true);
            }
            let now = std::time::Instant::now();
            if now >= deadline {
                return Ok(false);
            }
            next_look = deadline.min(now + LOOK);
        }
    }

    /// Returns the members whose table differs from the whole crowd with its addresses.
    pub fn without_the_whole_table(&self) -> Vec<usize> {
        let names: Vec<String> = (0..self.members.len()).map(Self::name_of).collect();
        let truth: HashMap<&str, SocketAddr> = names
            .iter()
            .map(String::as_str)
            .zip(self.members.iter().map(|member| member.address))
            .collect();
        let is_wrong = |member: &Member| {
            let mut entries = 0;
            let all_true = member.client.table().all(|entry| {
                entries += 1;
                entry.online && truth.get(entry.name) == Some(&entry.address)
            });
            !all_true || entries != truth.len()
        };
        (0..self.members.len())
            .filter(|&number| is_wrong(&self.members[number]))
            .collect()
    }

    /// Waits up to `pause` until a member has an event or deadline, and drives it.
    ///
    /// # Errors
    /// Returns an error if the event queue failed.
    pub fn turn(&mut self, pause: Duration) -> io::Result<()> {
        self.turn_then(pause, |_, _, _, _| {})
    }

    /// Works as [`turn`](Self::turn), and calls `then` for each member that has read its datagrams.
    /// `then` gets its number, its client, its succeeded commands, and the time. Frames of its
    /// commands leave together with the acknowledgements.
    ///
    /// # Errors
    /// Returns an error if the event queue failed.
    pub fn turn_then(
        &mut self,
        pause: Duration,
        mut then: impl FnMut(usize, &mut Client<'static>, usize, Instant),
    ) -> io::Result<()> {
        let now = self.clock.now();
        let due = self.timers.peek();
        let due = due.map(|Reverse((at, _))| Duration::from_millis(at.millis_since(now)));
        let pause = due.map_or(pause, |due| due.min(pause));
        match self.poll.poll(&mut self.events, Some(pause)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
        for number in ready {
            let now = self.clock.now();
            self.drive_then(number, now, true, |client, succeeded, now| {
                then(number, client, succeeded, now);
            });
        }
        let now = self.clock.now();
        while let Some(&Reverse((at, number))) = self.timers.peek() {
            if at > now {
                break;
            }
            self.timers.pop();
            let member = &mut self.members[number];
            // The member may have a newer deadline.
            if member.listed == Some(at) {
                member.listed = None;
                self.drive(number, now, false);
            }
        }
        Ok(())
    }

    /// Polls a member, and lists its next deadline.
    fn drive(&mut self, number: usize, now: Instant, has_arrived: bool) {
        self.drive_then(number, now, has_arrived, |_, _, _| {});
    }

    fn drive_then(
        &mut self,
        number: usize,
        now: Instant,
        has_arrived: bool,
        then: impl FnMut(&mut Client<'static>, usize, Instant),
    ) {
        let member = &mut self.members[number];
        member.work(now, has_arrived, &mut self.shared, then);
        let (shown, succeeded) = member.counted;
        member.counted = (member.shown, member.succeeded);
        self.shown += member.shown - shown;
        self.succeeded += member.succeeded - succeeded;
        let due = member.client.poll_timeout();
        if let Some(at) = due
            && member.listed.is_none_or(|listed| at < listed)
        {
            member.listed = Some(at);
            self.timers.push(Reverse((at, number)));
        }
    }
}
