//! Messages for offline names: stored, synced to the disk, and fetched.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use chatapp_core::Command;
use chatapp_e2e::crowd::Crowd;
use chatapp_e2e::{PATIENCE, Room, free_port};
use tempfile::TempDir;

use crate::child::Child;
use crate::fan_out::UNLIMITED;
use crate::report::{Goal, Line, Row, Score};
use crate::stream::Stream;
use crate::work::{BARE_LEN, Size, TEXT};

const SENDERS: usize = 32;
/// Number of messages stored for one client, which then fetches all.
const FETCHED: usize = 10_000;

/// A server with a store, and one crowd of senders and of offline recipients.
struct Post {
    _room: Room,
    _folder: TempDir,
    crowd: Crowd,
    away: usize,
}

impl Post {
    fn open(away: usize) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let data = folder.path().to_str().expect("a name in UTF-8").to_owned();
        let most = FETCHED.to_string();
        let options = [
            "--data-dir",
            &data,
            "--mailbox",
            &most,
            "--mail-share",
            "100",
        ];
        let room = Room::open_at(free_port(), &[&UNLIMITED[1..], &options].concat());
        let mut crowd = Crowd::new(room.address()).expect("an event queue");
        for _ in 0..SENDERS + away {
            crowd.joins(SENDERS + away).expect("a socket");
        }
        let all_came = crowd.works_until(PATIENCE, |crowd| {
            let mut members = crowd.members.iter();
            members.all(|member| member.client.is_registered())
        });
        assert!(all_came.expect("events"), "some clients did not register");
        let mut post = Self {
            _room: room,
            _folder: folder,
            crowd,
            away,
        };
        (SENDERS..SENDERS + away).for_each(|number| post.leaves(number));
        // Waits until the senders know that the recipients are offline.
        let known = post.crowd.works_until(PATIENCE, |crowd| {
            crowd.members[..SENDERS].iter().all(|member| {
                let online = member.client.table().filter(|entry| entry.online);
                online.count() == SENDERS
            })
        });
        assert!(
            known.expect("events"),
            "the senders do not know the offline names"
        );
        post
    }

    fn leaves(&mut self, number: usize) {
        let name = Crowd::name_of(number);
        self.crowd
            .commands(number, Command::Deregister { name: &name });
        let left = self.crowd.works_until(PATIENCE, |crowd| {
            crowd.members[number].client.is_idle() && !crowd.members[number].client.is_registered()
        });
        assert!(left.expect("events"), "the client cannot leave");
    }

    /// Lets all senders send, each with this many in flight, until enough messages are saved.
    /// Returns messages per second.
    fn saves(&mut self, messages: usize, at_once: usize) -> f64 {
        let start = Instant::now();
        let before = self.crowd.succeeded;
        let mut asked: Vec<usize> = (0..SENDERS)
            .map(|number| self.crowd.members[number].succeeded)
            .collect();
        let recipients: Vec<String> = (0..self.away)
            .map(|number| Crowd::name_of(SENDERS + number))
            .collect();
        let mut order = recipients.iter().cycle().take(messages);
        let mut next = |asked: &mut usize, succeeded: usize| {
            let has_room = *asked - succeeded < at_once;
            let to = has_room.then(|| order.next()).flatten()?;
            *asked += 1;
            Some(Command::Send { to, text: TEXT })
        };
        for (number, asked) in asked.iter_mut().enumerate() {
            let succeeded = *asked;
            let first = std::iter::from_fn(|| next(asked, succeeded));
            self.crowd.commands_all(number, first);
        }
        while self.crowd.succeeded - before < messages {
            let turn = self
                .crowd
                .turn_then(PATIENCE, |number, client, succeeded, now| {
                    let Some(asked) = asked.get_mut(number) else {
                        return;
                    };
                    while let Some(command) = next(asked, succeeded) {
                        client.command(now, command).expect("it takes the command");
                    }
                });
            turn.expect("events");
            assert!(start.elapsed() < PATIENCE, "not everything was saved");
        }
        messages as f64 / start.elapsed().as_secs_f64()
    }

    /// Lets one offline client return, and leave once it has all messages. Returns messages per
    /// second.
    fn fetches(&mut self, number: usize, messages: usize) -> f64 {
        let name = Crowd::name_of(number);
        let wanted = self.crowd.shown + messages;
        let start = Instant::now();
        self.crowd
            .commands(number, Command::Register { name: &name });
        while self.crowd.shown < wanted {
            self.crowd.turn(PATIENCE).expect("events");
            assert!(start.elapsed() < PATIENCE, "not everything was fetched");
        }
        let rate = messages as f64 / start.elapsed().as_secs_f64();
        self.leaves(number);
        rate
    }
}

/// Baseline: appends records to a file, with this many per sync. Returns records per second.
fn append(folder: &Path, records: usize, group: usize) -> f64 {
    let mut log = File::create(folder.join("log")).expect("a file");
    let bytes = vec![b'x'; group * BARE_LEN];
    let start = Instant::now();
    for _ in 0..records / group {
        log.write_all(&bytes).expect("the disk works");
        log.sync_data().expect("the disk works");
    }
    records as f64 / start.elapsed().as_secs_f64()
}

pub(crate) fn saved(title: &str, size: Size) -> Row {
    saved_with(title, size, 1)
}

pub(crate) fn many_saved(title: &str, size: Size) -> Row {
    saved_with(title, size, 16)
}

/// Measures with this many in-flight messages for each sender.
fn saved_with(title: &str, size: Size, at_once: usize) -> Row {
    const AWAY: usize = 16;
    let messages = 10_000 / size.divisor;
    let mut post = Post::open(AWAY);
    let folder = TempDir::new().expect("a temporary folder");
    let mut run = || {
        (
            post.saves(messages, at_once),
            append(folder.path(), messages.next_multiple_of(SENDERS), SENDERS),
        )
    };
    run();
    let (ours, baseline) = (0..size.rounds).map(|_| run()).unzip();
    Row {
        title: title.into(),
        baseline: "an append log, 32 records between two syncs",
        lines: vec![Line {
            what: "messages a second",
            ours,
            baseline,
            score: Score::Ratio,
            goal: Goal::AtLeast(0.5),
        }],
    }
}

pub(crate) fn fetched(title: &str, size: Size) -> Row {
    let mut post = Post::open(1);
    let mut recipient = Child::start(&["bare-answers"]);
    let to = format!("127.0.0.1:{}", recipient.next_line());
    let mut sender = Child::start(&["bare-sender", &to, "16"]);
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        post.saves(FETCHED, 16);
        ours.push(post.fetches(SENDERS, FETCHED));
        let times = sender.streams(&Stream::order(FETCHED, 1_024));
        baseline.push(FETCHED as f64 / times.all.as_secs_f64());
    }
    Row {
        title: title.into(),
        baseline: "16 messages packed in each datagram, which is acknowledged",
        lines: vec![Line {
            what: "messages a second",
            ours,
            baseline,
            score: Score::Ratio,
            goal: Goal::AtLeast(0.4),
        }],
    }
}
