//! What a registered client with bad intentions, or a busy machine, cannot do to a server.

use std::net::SocketAddr;

use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Accept, DataWriter, Datagram, Frame, Header, Hello, Refusal};
use chatapp_core::{
    ChangeSlot, Endpoint, FlightSlot, Instant, JournalSlot, LogSlot, MailSlot, NameSlot, Seed,
    Server, ServerConfig, ServerStorage, SourceSlot,
};

const NAMES: usize = 32;

fn leak<T: Clone>(vacant: T, count: usize) -> &'static mut [T] {
    vec![vacant; count].leak()
}

/// A server and a hand that writes datagrams to it.
struct Rig {
    server: Server<'static>,
    now: Instant,
}

impl Rig {
    fn new() -> Self {
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
        let server = Server::new(ServerConfig::default(), storage, Seed([3; 32])).unwrap();
        Self {
            server,
            now: Instant::ZERO,
        }
    }

    /// Takes all outputs; the datagrams that were sent, at most a thousand.
    fn drain(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        while let Some(record) = self.server.poll_persist() {
            let ticket = record.ticket;
            self.server.handle_stored(self.now, ticket, Ok(()));
        }
        while self.server.poll_event().is_some() {}
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

    fn give(&mut self, from: SocketAddr, datagram: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        let _ = self.server.handle_datagram(self.now, from, datagram);
        self.drain()
    }

    fn give_hello(&mut self, from: SocketAddr, hello: Hello<'_>) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = Datagram::Hello(hello).emit(&mut out);
        self.give(from, &out[..len])
    }

    /// Says hello until it is answered with something but a cookie.
    fn answer_to(&mut self, from: SocketAddr, mut hello: Hello<'_>) -> Result<Accept, Refusal> {
        loop {
            let sent = self.give_hello(from, hello);
            for (_, datagram) in sent.iter().filter(|(to, _)| *to == from) {
                match Datagram::parse(datagram) {
                    Ok(Datagram::Cookie { cookie, .. }) => hello.cookie = cookie,
                    Ok(Datagram::Accept { accept, .. }) => return Ok(accept),
                    Ok(Datagram::Refuse { reason, .. }) => return Err(reason),
                    _ => {}
                }
            }
        }
    }

    fn online(&self) -> usize {
        self.server.table().filter(|entry| entry.online).count()
    }
}

fn address(number: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 10_000 + number))
}

fn hello(id: u64, name: &str) -> Hello<'_> {
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

#[test]
fn no_number_of_a_request_panics_or_makes_the_server_talk_for_ever() {
    for request in [0, 1, u32::MAX / 2, u32::MAX - 1, u32::MAX] {
        let mut rig = Rig::new();
        let accept = rig.answer_to(address(1), hello(7, "mallory")).unwrap();
        for (number, frame) in [
            Frame::Post {
                request,
                counter: 1,
                text: "hi",
            },
            Frame::Store {
                request,
                counter: 1,
                tried: 0,
                bounce: false,
                to: "mallory",
                text: "hi",
            },
            Frame::Leave { request },
        ]
        .into_iter()
        .enumerate()
        {
            let mut out = [0; DATAGRAM_LEN_MAX];
            let first = u32::try_from(number).unwrap();
            let header = Header {
                window: 32,
                first,
                ..Header::default()
            };
            let mut writer = DataWriter::new(&mut out, accept.id, 7, &header);
            assert!(writer.push(&frame));
            let len = writer.finish();
            rig.give(address(1), &out[..len]);
        }
    }
}

#[test]
fn a_room_that_falls_silent_departs_although_the_timers_run_late() {
    let mut rig = Rig::new();
    let names: Vec<String> = (0..NAMES).map(|number| format!("guest{number}")).collect();
    for (number, name) in (0_u16..).zip(&names) {
        rig.answer_to(address(number), hello(u64::from(number) + 1, name))
            .unwrap();
    }
    assert_eq!(rig.online(), NAMES);
    // A machine that is too busy: it tells the time often, but always for a few timers only.
    for _ in 0..4_000 {
        rig.now = rig.now.plus_millis(300);
        rig.server.handle_timeout(rig.now);
        rig.drain();
    }
    assert_eq!(rig.online(), 0);
}

#[test]
fn an_answer_to_one_contest_says_nothing_about_a_later_one() {
    let mut rig = Rig::new();
    let holder = rig.answer_to(address(1), hello(1, "ann")).unwrap();
    // A rival asks; the holder answers; the rival is refused.
    assert_eq!(
        rig.answer_to(address(2), hello(2, "ann")),
        Err(Refusal::Wait)
    );
    let mut out = [0; DATAGRAM_LEN_MAX];
    let header = Header {
        window: 32,
        ..Header::default()
    };
    let len = DataWriter::new(&mut out, holder.id, 1, &header).finish();
    rig.give(address(1), &out[..len]);
    assert_eq!(
        rig.answer_to(address(2), hello(2, "ann")),
        Err(Refusal::NameTaken)
    );
    // The holder dies. The next one to ask waits for its silence, and gets the name.
    let mut answer = Err(Refusal::Wait);
    for _ in 0..12 {
        rig.now = rig.now.plus_millis(500);
        rig.server.handle_timeout(rig.now);
        rig.drain();
        answer = rig.answer_to(address(3), hello(3, "ann"));
        if answer != Err(Refusal::Wait) {
            break;
        }
    }
    assert!(answer.is_ok(), "{answer:?}");
}

#[test]
fn one_address_takes_names_no_faster_than_its_share() {
    let mut rig = Rig::new();
    // Each registration is stored: a process that opens its session again and again costs more than its share.
    let mut refused = None;
    for opening in 1..=2_000 {
        let again = Hello {
            opening,
            id: u64::from(opening),
            incarnation: 1,
            resume: 1,
            ..hello(1, "mallory")
        };
        if let Err(reason) = rig.answer_to(address(1), again) {
            refused = Some((opening, reason));
            break;
        }
    }
    assert_eq!(refused, Some((301, Refusal::RateExceeded)));
    // Other ports of that address have no more; other addresses have theirs.
    let neighbour = rig.answer_to(address(2), hello(5_000, "ann"));
    assert_eq!(neighbour, Err(Refusal::RateExceeded));
    assert_eq!(rig.server.stats().drops(chatapp_core::Drop::Refused), 2);
    rig.now = rig.now.plus_millis(100);
    rig.answer_to(address(2), hello(5_000, "ann")).unwrap();
}
