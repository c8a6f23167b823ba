//! A room with a server and people, on a network without faults.

use std::net::SocketAddr;

use chatapp_core::crypto::{Correspondence, KEY_LEN, MediumKeyId, MessageKey};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::{
    Client, ClientConfig, ClientEvent, ClientMemory, ClientRecord, Command, Endpoint, Identity,
    Instant, MediumSecrets, Name, OwnMediumKeys, PublicKey, Receipt, Record, Seed, Server,
    ServerConfig, ServerMemory, StaticKey, StoreFailed, UnixSeconds,
};

pub(crate) const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 5_000);
pub(crate) const DAY_S: u32 = 24 * 60 * 60;

pub(crate) fn identity(name: &str) -> Identity {
    Identity::new(StaticKey::new([name.as_bytes()[0]; KEY_LEN]), None)
}

/// A client, its store, and its display.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) client: Client<'static>,
    /// The secrets that survive a crash, and those that the disk has not taken yet.
    pub(crate) stored: MediumSecrets,
    pub(crate) records: Vec<MediumSecrets>,
    pub(crate) has_slow_disk: bool,
    pub(crate) is_hung: bool,
    pub(crate) has_ended: bool,
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) shown: Vec<String>,
}

/// A stored message, as the server's store has it.
#[derive(Clone)]
pub(crate) struct Mail {
    pub(crate) incarnation: u64,
    pub(crate) counter: u32,
    pub(crate) ciphertext: Vec<u8>,
}

/// A room with a server and people, on a network without faults.
pub(crate) struct Room {
    pub(crate) now: Instant,
    pub(crate) wall: u32,
    pub(crate) server: Server<'static>,
    pub(crate) people: Vec<Person>,
    pub(crate) mail: Vec<Mail>,
    /// The medium-term keys in the records of names.
    pub(crate) published: Vec<PublicKey>,
    pub(crate) store_works: bool,
    pub(crate) starts: u8,
}

pub(crate) fn server() -> Server<'static> {
    let memory = Box::leak(Box::new(ServerMemory::<4, 8, 16, 4_352, 16>::new()));
    let config = ServerConfig {
        mail_share: 100,
        ..ServerConfig::default()
    };
    let mut seed = [1; 32];
    let seed = Seed::new(&mut seed);
    Server::new(config, memory.storage(), identity("server"), seed).unwrap()
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            now: Instant::ZERO,
            wall: 1_800_000_000,
            server: server(),
            people: Vec::new(),
            mail: Vec::new(),
            published: Vec::new(),
            store_works: true,
            starts: 0,
        }
    }

    /// Starts a process of a name, which uses medium-term keys as it says.
    pub(crate) fn start(&mut self, name: &'static str, stored: Option<&MediumSecrets>) -> usize {
        self.starts += 1;
        let memory = Box::leak(Box::new(ClientMemory::<5, 8, 4, 4>::new()));
        let config = ClientConfig::new(Name::new(name).unwrap(), SERVER.into());
        let mut seed = [self.starts; 32];
        let seed = Seed::new(&mut seed);
        let mut client = Client::new(config, memory.storage(), identity(name), seed).unwrap();
        client.handle_wall_clock(UnixSeconds(self.wall));
        client.use_medium_keys(match stored {
            Some(stored) => OwnMediumKeys::Stored(stored),
            None => OwnMediumKeys::NotStored,
        });
        client
            .command(self.now, Command::Register { name })
            .unwrap();
        self.people.push(Person {
            name,
            address: ([10, 0, 1, self.starts], 6_000).into(),
            client,
            stored: stored.cloned().unwrap_or(MediumSecrets::NONE),
            records: Vec::new(),
            has_slow_disk: false,
            is_hung: false,
            has_ended: false,
            receipts: Vec::new(),
            shown: Vec::new(),
        });
        self.people.len() - 1
    }

    /// Starts a process, and waits until it is in the room and its key is published.
    pub(crate) fn enter(&mut self, name: &'static str, stored: Option<&MediumSecrets>) -> usize {
        let at = self.start(name, stored);
        self.run();
        assert!(self.people[at].client.is_registered());
        at
    }

    /// Ends a process in an orderly way; returns its stored secrets.
    pub(crate) fn leave(&mut self, at: usize) -> MediumSecrets {
        let name = self.people[at].name;
        let leave = Command::Deregister { name };
        self.people[at].client.command(self.now, leave).unwrap();
        self.run();
        assert!(!self.people[at].client.is_registered());
        self.crash(at)
    }

    /// Ends a process at once; returns its stored secrets.
    pub(crate) fn crash(&mut self, at: usize) -> MediumSecrets {
        self.people[at].has_ended = true;
        self.people[at].stored.clone()
    }

    pub(crate) fn send(&mut self, at: usize, to: &str, text: &str) {
        let send = Command::Send { to, text };
        self.people[at].client.command(self.now, send).unwrap();
    }

    /// Carries datagrams until nothing moves, and a few seconds pass.
    pub(crate) fn run(&mut self) {
        for _ in 0..40 {
            while self.step() {}
            self.now = self.now.plus_millis(100);
            self.server.handle_timeout(self.now);
            for person in &mut self.people {
                person.client.handle_timeout(self.now);
            }
        }
    }

    /// Advances the simulated clock by a day.
    pub(crate) fn pass_a_day(&mut self) {
        self.wall += DAY_S;
        // The keep-alives.
        for _ in 0..3 {
            self.now = self.now.plus_millis(10_000);
            self.server.handle_timeout(self.now);
            for person in &mut self.people {
                person.client.handle_wall_clock(UnixSeconds(self.wall));
                person.client.handle_timeout(self.now);
            }
            self.run();
        }
    }

    pub(crate) fn store(&mut self) {
        while let Some(persist) = self.server.poll_persist() {
            let ticket = persist.ticket;
            match persist.record {
                Record::Mail {
                    incarnation,
                    counter,
                    ciphertext,
                    ..
                } => self.mail.push(Mail {
                    incarnation,
                    counter,
                    // Behind the key of the sender.
                    ciphertext: ciphertext[KEY_LEN..].to_vec(),
                }),
                Record::Name(name) if !name.medium_key.is_none() => {
                    self.published.push(name.medium_key);
                }
                _ => {}
            }
            let result = if self.store_works {
                Ok(())
            } else {
                Err(StoreFailed)
            };
            self.server.handle_stored(self.now, ticket, result);
        }
        while self.server.poll_event().is_some() {}
    }

    /// Returns whether anything moved.
    pub(crate) fn step(&mut self) -> bool {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut network: Vec<(SocketAddr, SocketAddr, Vec<u8>)> = Vec::new();
        self.store();
        while let Some(sent) = self.server.poll_transmit(self.now, &mut out) {
            network.push((SERVER.into(), sent.to, out[..sent.len].to_vec()));
        }
        for person in self.people.iter_mut().filter(|person| !person.has_ended) {
            person.poll(self.now);
            while let Some(sent) = person.client.poll_transmit(self.now, &mut out) {
                network.push((person.address, sent.to, out[..sent.len].to_vec()));
            }
        }
        let moved = !network.is_empty();
        for (from, to, mut datagram) in network {
            if to == SERVER.into() {
                self.server.handle_datagram(self.now, from, &mut datagram);
            }
            for person in self.people.iter_mut().filter(|person| person.address == to) {
                person.client.handle_datagram(self.now, from, &mut datagram);
            }
        }
        moved
    }

    /// Returns the id that the latest stored message is encrypted for.
    pub(crate) fn latest_id(&self) -> Option<MediumKeyId> {
        MediumKeyId::of_message(&self.mail.last()?.ciphertext)
    }

    /// Returns whether this identity and these secrets decrypt a stored message of ann to bob.
    pub(crate) fn decrypts(&self, mail: &Mail, secrets: &MediumSecrets) -> bool {
        let (bob, room) = (identity("bob"), identity("server").public());
        let who = Correspondence {
            room: &room,
            from: "ann",
            incarnation: mail.incarnation,
            to: "bob",
        };
        let (ephemeral, ciphertext) = PublicKey::in_front_of(&mail.ciphertext);
        let ann = identity("ann").public();
        let mut keys = vec![MessageKey::from(&bob, &ann, &ephemeral, who)];
        for place in secrets.places() {
            let private: &[u8; KEY_LEN] = place.last_chunk().unwrap();
            let public = StaticKey::new(*private).public();
            keys.push(MessageKey::from_medium(
                &bob,
                (private, &public),
                &ann,
                &ephemeral,
                who,
            ));
        }
        keys.into_iter().flatten().any(|key| {
            [0, 2].into_iter().any(|skip| {
                let mut text = ciphertext[skip..].to_vec();
                key.open(&bob, mail.counter, &mut text).is_some()
            })
        })
    }
}

impl Person {
    pub(crate) fn poll(&mut self, now: Instant) {
        while let Some(record) = self.client.poll_persist() {
            if let ClientRecord::MediumKeys(secrets) = record {
                self.records.push(secrets.clone());
            }
        }
        if !self.has_slow_disk {
            for secrets in self.records.drain(..) {
                self.stored = secrets;
                self.client.handle_medium_keys_stored(now);
            }
        }
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Message {
                    text,
                    receipt: Some(_),
                    ..
                } => self.shown.push(text.to_owned()),
                ClientEvent::NotShown { reason, .. } => self.shown.push(format!("{reason:?}")),
                ClientEvent::MessageStatus { status, .. } => {
                    self.shown.push(format!("{status:?}"));
                }
                _ => {}
            }
            if let Some(receipt) = event.receipt() {
                self.receipts.push(receipt);
            }
        }
        if !self.is_hung {
            for receipt in self.receipts.drain(..) {
                self.client.handle_shown(now, receipt);
            }
        }
    }

    pub(crate) fn take_shown(&mut self) -> Vec<String> {
        std::mem::take(&mut self.shown)
    }
}
