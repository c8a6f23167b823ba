//! A client, alice, and a hand that writes what her server and her peers send.

use std::net::SocketAddr;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Accept, Call, DataWriter, Datagram, Entry, Frame, Header, Hello, Status};
use chatapp_core::{
    Client, ClientConfig, ClientEvent, ClientStorage, Command, CommandError, CommandId, Endpoint,
    Handled, Instant, Name, OutboxSlot, PeerSlot, Seed, WindowSlot,
};

/// Session id that the server chooses.
const SERVER_ID: u64 = 0x5e;
/// Bob's process, and the session id that it chooses.
pub(crate) const BOB: u64 = 0xb0b;
pub(crate) const BOB_ID: u64 = 0xb1d;

/// The address of the server.
pub(crate) fn server() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 5_000))
}

/// The address of somebody else.
pub(crate) fn address(number: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 6_000 + number))
}

/// Where bob receives.
pub(crate) fn bob() -> SocketAddr {
    address(1)
}

fn leak<T: Clone>(vacant: T, count: usize) -> &'static mut [T] {
    vec![vacant; count].leak()
}

pub(crate) struct Rig {
    pub(crate) client: Client<'static>,
    pub(crate) now: Instant,
    /// Session id of the client towards the server.
    pub(crate) id: u64,
    /// Sequence number of the next frame from the server.
    next: u32,
}

impl Rig {
    /// A client that has asked for nothing yet, with room for two others.
    pub(crate) fn new() -> Self {
        let storage = ClientStorage {
            peers: leak(PeerSlot::VACANT, 4),
            names: leak(0, 8),
            sessions: leak(0, 16),
            outbox: leak(OutboxSlot::VACANT, 4),
            windows: leak(WindowSlot::VACANT, 2),
        };
        let config = ClientConfig::new(Name::new("alice").unwrap(), server());
        Self {
            client: Client::new(config, storage, Seed([5; 32])).unwrap(),
            now: Instant::ZERO,
            id: 0,
            next: 0,
        }
    }

    /// Registered, in a room with bob, and at rest.
    pub(crate) fn online() -> Self {
        let mut rig = Self::new();
        rig.command(Command::Register { name: "alice" }).unwrap();
        rig.accepts();
        let page = [
            entry("alice", Status::Online, 0xa, address(0)),
            entry("bob", Status::Online, BOB, bob()),
        ]
        .concat();
        rig.tells(&[whole_table(1, &page)]);
        assert_eq!(rig.events(), ["Registered", "TableUpdated"]);
        rig.sent();
        rig
    }

    /// The server answers the request for a session that the client is about to send.
    pub(crate) fn accepts(&mut self) {
        self.id = self.hello().id;
        let accept = Accept {
            id: SERVER_ID,
            epoch: 1,
            table_epoch: 1,
            window: 32,
        };
        let to = self.id;
        let accepted = self.give(server(), &Datagram::Accept { to, accept });
        assert_eq!(accepted, Handled::Accepted);
    }

    fn hello(&mut self) -> Hello<'static> {
        let sent = self.sent();
        let [(to, datagram)] = &sent[..] else {
            panic!("one request: {sent:?}")
        };
        assert_eq!(*to, server());
        match Datagram::parse(datagram) {
            Ok(Datagram::Hello(hello)) => Hello {
                name: "alice",
                ..hello
            },
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn command(&mut self, command: Command<'_>) -> Result<CommandId, CommandError> {
        self.client.command(self.now, command)
    }

    pub(crate) fn send_to_bob(&mut self, text: &str) -> CommandId {
        self.command(Command::Send { to: "bob", text }).unwrap()
    }

    /// The call that the client is about to send to bob, and its answer.
    pub(crate) fn call_to_bob(&mut self) -> u64 {
        let sent = self.sent();
        let [(to, datagram)] = &sent[..] else {
            panic!("one call: {sent:?}")
        };
        assert_eq!(*to, bob());
        match Datagram::parse(datagram) {
            Ok(Datagram::Call(Call {
                id, to_incarnation, ..
            })) => {
                assert_eq!(to_incarnation, BOB);
                id
            }
            other => panic!("{other:?}"),
        }
    }

    /// What the client shows, in the words of `Debug`.
    pub(crate) fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.client.poll_event().map(|event| format!("{event:?}"))).collect()
    }

    /// The next event, and no other.
    pub(crate) fn event(&mut self) -> Option<ClientEvent<'_>> {
        self.client.poll_event()
    }

    pub(crate) fn sent(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut sent = Vec::new();
        while let Some(transmit) = self.client.poll_transmit(self.now, &mut out) {
            sent.push((transmit.to, out[..transmit.len].to_vec()));
            assert!(sent.len() < 100, "it never stops");
        }
        sent
    }

    /// What was sent to the server in its session.
    pub(crate) fn said(&mut self) -> Vec<(Header, Vec<String>)> {
        let sent = self.sent();
        let data = sent
            .iter()
            .filter_map(|(_, datagram)| match Datagram::parse(datagram) {
                Ok(Datagram::Data(data)) if data.to == SERVER_ID => data.open(self.id).ok(),
                _ => None,
            });
        data.map(|(header, frames)| {
            let frames = frames.map(|frame| format!("{:?}", frame.unwrap()));
            (header, frames.collect())
        })
        .collect()
    }

    /// Time passes, with every wake-up that the client asks for; what it shows meanwhile.
    pub(crate) fn pass(&mut self, millis: u64) -> Vec<String> {
        let end = self.now.plus_millis(millis);
        let mut shown = self.events();
        self.sent();
        while let Some(due) = self.client.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.client.handle_timeout(due);
            shown.extend(self.events());
            self.sent();
        }
        self.now = end;
        shown
    }

    pub(crate) fn give(&mut self, from: SocketAddr, datagram: &Datagram<'_>) -> Handled {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = datagram.emit(&mut out);
        assert_ne!(len, 0);
        self.client.handle_datagram(self.now, from, &out[..len])
    }

    /// The server sends these frames, behind all that it sent before.
    pub(crate) fn tells(&mut self, frames: &[Frame<'_>]) {
        let header = self.header();
        self.next += u32::try_from(frames.len()).unwrap();
        assert_eq!(self.tells_under(&header, frames), Handled::Accepted);
    }

    pub(crate) fn header(&self) -> Header {
        Header {
            window: 32,
            first: self.next,
            ..Header::default()
        }
    }

    pub(crate) fn tells_under(&mut self, header: &Header, frames: &[Frame<'_>]) -> Handled {
        self.gives_data(server(), (self.id, SERVER_ID), header, frames)
    }

    /// Frames in the session with these ids: the client's and the other side's.
    pub(crate) fn gives_data(
        &mut self,
        from: SocketAddr,
        (to, id): (u64, u64),
        header: &Header,
        frames: &[Frame<'_>],
    ) -> Handled {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = DataWriter::new(&mut out, to, id, header);
        assert!(frames.iter().all(|frame| writer.push(frame)), "they fit");
        let len = writer.finish();
        self.client.handle_datagram(self.now, from, &out[..len])
    }
}

pub(crate) fn entry(name: &str, status: Status, incarnation: u64, address: SocketAddr) -> Vec<u8> {
    let mut out = [0; 200];
    let len = Entry::new(name, status, incarnation, address).emit(&mut out);
    out[..len].to_vec()
}

/// A page that is the whole table.
pub(crate) fn whole_table(version: u32, entries: &[u8]) -> Frame<'_> {
    Frame::Page {
        version,
        restart: true,
        complete: true,
        entries,
    }
}

/// A page with what is new.
pub(crate) fn news(version: u32, entries: &[u8]) -> Frame<'_> {
    Frame::Page {
        version,
        restart: false,
        complete: true,
        entries,
    }
}
