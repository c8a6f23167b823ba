//! A server, and a hand that writes datagrams to it.

use std::net::SocketAddr;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Accept, DataWriter, Datagram, Frame, Header, Hello, Refusal};
use chatapp_core::{
    ChangeSlot, Endpoint, FlightSlot, Handled, Instant, JournalSlot, LogSlot, MailSlot, NameSlot,
    Seed, Server, ServerConfig, ServerStorage, SourceSlot, StoreFailed,
};

/// Names that the server has room for.
pub(crate) const NAMES: usize = 32;

fn leak<T: Clone>(vacant: T, count: usize) -> &'static mut [T] {
    vec![vacant; count].leak()
}

/// A server and a hand that writes datagrams to it.
pub(crate) struct Rig {
    pub(crate) server: Server<'static>,
    pub(crate) now: Instant,
    /// What the server reported, in the words of `Debug`.
    pub(crate) events: Vec<String>,
    /// Records that were offered to the store, and whether it takes them.
    pub(crate) records: usize,
    pub(crate) store_works: bool,
}

/// Datagrams that were sent, and where to.
pub(crate) type Sent = Vec<(SocketAddr, Vec<u8>)>;

/// A client in its session with the server.
pub(crate) struct Member {
    pub(crate) address: SocketAddr,
    /// Session ids: the client's and the server's.
    pub(crate) id: u64,
    pub(crate) server_id: u64,
    /// The life of the server's store, as it was told.
    pub(crate) epoch: u64,
    /// The life of the table, as it was told.
    pub(crate) table_epoch: u64,
    /// Sequence numbers: of the next frame to the server, and of the next one from it.
    next: u32,
    taken: u32,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(ServerConfig::default())
    }

    pub(crate) fn with(config: ServerConfig) -> Self {
        let storage = ServerStorage {
            names: leak(NameSlot::VACANT, NAMES),
            name_index: leak(0, NAMES * 2),
            session_index: leak(0, NAMES * 4),
            sources: leak(SourceSlot::VACANT, 1),
            flights: leak(FlightSlot::VACANT, NAMES * 4),
            changes: leak(ChangeSlot::VACANT, NAMES * 2),
            mail: leak(MailSlot::VACANT, 8),
            mail_texts: leak(0, 512),
            log: leak(LogSlot::VACANT, 8),
            log_texts: leak(0, 512),
            journal: leak(JournalSlot::VACANT, 8),
        };
        let server = Server::new(config, storage, Seed([3; 32])).unwrap();
        Self {
            server,
            now: Instant::ZERO,
            events: Vec::new(),
            records: 0,
            store_works: true,
        }
    }

    /// Stores what is to be stored.
    pub(crate) fn store(&mut self) {
        while let Some(record) = self.server.poll_persist() {
            let ticket = record.ticket;
            let result = self.store_works.then_some(()).ok_or(StoreFailed);
            self.records += 1;
            self.server.handle_stored(self.now, ticket, result);
        }
    }

    /// Takes all outputs; the datagrams that were sent, at most a thousand.
    pub(crate) fn drain(&mut self) -> Sent {
        self.store();
        while let Some(event) = self.server.poll_event() {
            self.events.push(format!("{event:?}"));
        }
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut sent = Vec::new();
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut out) {
            sent.push((transmit.to, out[..transmit.len].to_vec()));
            assert!(
                sent.len() < 1_000,
                "one input makes the server send for ever"
            );
        }
        sent
    }

    pub(crate) fn give(&mut self, from: SocketAddr, datagram: &[u8]) -> Sent {
        let _ = self.server.handle_datagram(self.now, from, datagram);
        self.drain()
    }

    pub(crate) fn give_hello(&mut self, from: SocketAddr, hello: Hello<'_>) -> Sent {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = Datagram::Hello(hello).emit(&mut out);
        self.give(from, &out[..len])
    }

    /// A request to register that proves its address.
    pub(crate) fn proven(&mut self, from: SocketAddr, mut hello: Hello<'_>) -> Vec<u8> {
        for (_, datagram) in self.give_hello(from, hello) {
            if let Ok(Datagram::Cookie { cookie, .. }) = Datagram::parse(&datagram) {
                hello.cookie = cookie;
            }
        }
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = Datagram::Hello(hello).emit(&mut out);
        out[..len].to_vec()
    }

    /// Says hello until it is answered with something but a cookie.
    pub(crate) fn answer_to(
        &mut self,
        from: SocketAddr,
        mut hello: Hello<'_>,
    ) -> Result<Accept, Refusal> {
        loop {
            let sent = self.give_hello(from, hello);
            for (_, datagram) in sent.iter().filter(|(to, _)| *to == from) {
                match Datagram::parse(datagram) {
                    Ok(Datagram::Cookie { cookie, .. }) => hello.cookie = cookie,
                    Ok(Datagram::Accept { to, accept }) if to == hello.id => return Ok(accept),
                    Ok(Datagram::Refuse { to, reason }) if to == hello.id => return Err(reason),
                    _ => {}
                }
            }
        }
    }

    pub(crate) fn online(&self) -> usize {
        self.server.table().filter(|entry| entry.online).count()
    }

    /// Time passes, with every wake-up that the server asks for.
    pub(crate) fn pass(&mut self, millis: u64) -> Sent {
        let end = self.now.plus_millis(millis);
        let mut sent = Vec::new();
        while let Some(due) = self.server.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.server.handle_timeout(due);
            sent.extend(self.drain());
        }
        self.now = end;
        sent
    }

    /// A client registers and takes all that it is told.
    pub(crate) fn join(&mut self, number: u16, name: &str) -> Member {
        let mut member = self.enters(number, hello(number.into(), name));
        // What came with the answer is taken for lost, and comes again.
        let sent = self.pass(500);
        self.listens(&mut member, sent);
        member
    }

    /// A client registers. What came with the answer is lost.
    pub(crate) fn enters(&mut self, number: u16, hello: Hello<'_>) -> Member {
        let address = address(number);
        let accept = self.answer_to(address, hello).unwrap();
        Member {
            address,
            id: hello.id,
            server_id: accept.id,
            epoch: accept.epoch,
            table_epoch: accept.table_epoch,
            next: 0,
            taken: 0,
        }
    }

    /// A member takes what was sent, and acknowledges until nothing new comes; the frames, in the words of `Debug`.
    pub(crate) fn listens(&mut self, member: &mut Member, mut sent: Sent) -> Vec<String> {
        let mut told = Vec::new();
        while member.hears(&sent) {
            told.extend(
                member
                    .reads(&sent)
                    .into_iter()
                    .flat_map(|(_, frames)| frames),
            );
            sent = self.say(member, &[]);
        }
        told
    }

    /// A member sends one datagram with these frames, behind all that it sent before.
    pub(crate) fn say(&mut self, member: &mut Member, frames: &[Frame<'_>]) -> Sent {
        let datagram = member.writes(&member.header(), frames);
        member.next += u32::try_from(frames.len()).unwrap();
        self.give(member.address, &datagram)
    }

    /// What becomes of one datagram. Its outputs stay inside.
    pub(crate) fn judges(&mut self, from: SocketAddr, datagram: &[u8]) -> Handled {
        self.server.handle_datagram(self.now, from, datagram)
    }
}

impl Member {
    /// The header of the next datagram to the server.
    pub(crate) fn header(&self) -> Header {
        Header {
            acknowledged: self.taken,
            window: 32,
            first: self.next,
            ..Header::default()
        }
    }

    pub(crate) fn writes(&self, header: &Header, frames: &[Frame<'_>]) -> Vec<u8> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = DataWriter::new(&mut out, self.server_id, self.id, header);
        assert!(frames.iter().all(|frame| writer.push(frame)), "they fit");
        let len = writer.finish();
        out[..len].to_vec()
    }

    /// The headers and frames of the datagrams in its session, the frames in the words of `Debug`.
    pub(crate) fn reads(&self, sent: &Sent) -> Vec<(Header, Vec<String>)> {
        let mine = sent.iter().filter(|(to, _)| *to == self.address);
        mine.filter_map(|(_, datagram)| match Datagram::parse(datagram) {
            Ok(Datagram::Data(data)) if data.to == self.id => data.open(self.server_id).ok(),
            _ => None,
        })
        .map(|(header, frames)| {
            let frames = frames.map(|frame| format!("{:?}", frame.unwrap()));
            (header, frames.collect())
        })
        .collect()
    }

    /// Takes what was sent to it; whether there was anything new.
    pub(crate) fn hears(&mut self, sent: &Sent) -> bool {
        let before = self.taken;
        for (header, frames) in self.reads(sent) {
            if header.first == self.taken {
                self.taken += u32::try_from(frames.len()).unwrap();
            }
        }
        self.taken != before
    }
}

pub(crate) fn address(number: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 10_000 + number))
}

pub(crate) fn hello(id: u64, name: &str) -> Hello<'_> {
    Hello {
        id,
        incarnation: id,
        resume: id,
        cookie: 0,
        table_epoch: 0,
        table_version: 0,
        epoch: 0,
        mail_shown: 0,
        channel_shown: 0,
        table_capacity: 64,
        opening: 1,
        window: 32,
        name,
    }
}
