//! The test vectors of `PROTOCOL.md`: what the document says is what the code builds, and reads back. The script
//! `vectors.py` makes them a third time, from the text of the document alone.

use std::collections::BTreeMap;

use chatapp_core::limits::{DATAGRAM_LEN_MAX, KEPT_LETTER_LEN_MAX, LETTER_LEN_MAX};
use chatapp_core::seal::{Correspondence, Letters, Responder, Session};
use chatapp_core::wire::data::{self, DataWriter};
use chatapp_core::wire::{
    Accept, Answer, Call, Cookie, Datagram, Entry, Frame, Frames, Header, Hello, Opening, Outcome,
    Refusal, Status, VERSION,
};
use chatapp_core::{Drop, Identity, PublicKey, RoomKey, StaticKey, UnixSeconds};

const PROTOCOL: &str = include_str!("../PROTOCOL.md");

/// Session ids in the vectors: the initiator's and the responder's.
const CLIENT: u64 = 0x99aa_bbcc_ddee_ff00;
const OTHER: u64 = 0x1122_3344_5566_7788;
const INCARNATION: u64 = 0x0102_0304_0506_0708;
const BOBS: u64 = 0x1112_1314_1516_1718;
const COOKIE: Cookie = Cookie {
    issued_at_ms: 0x1_0000,
    mac: 0x5555_6666_7777_8888,
};

/// 32 bytes that count up from the first one: the secrets in the vectors.
fn counting(first: u8) -> [u8; 32] {
    std::array::from_fn(|at| first + at as u8)
}

fn server() -> StaticKey {
    StaticKey::new(counting(0x00))
}

fn alice() -> StaticKey {
    StaticKey::new(counting(0x20))
}

fn bob() -> StaticKey {
    StaticKey::new(counting(0x40))
}

fn identity(key: StaticKey) -> Identity {
    Identity::new(key, None)
}

fn member(key: StaticKey) -> Identity {
    Identity::new(key, Some(RoomKey::new(counting(0xc0))))
}

const INITIATOR_EPHEMERAL: u8 = 0x60;
const RESPONDER_EPHEMERAL: u8 = 0x80;
const LETTERS_EPHEMERAL: u8 = 0xa0;

/// The blocks marked `vector <name>`: bytes in hex, with comments behind `#`.
fn documented() -> BTreeMap<String, Vec<u8>> {
    let mut vectors = BTreeMap::new();
    let mut lines = PROTOCOL.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("```vector ") else {
            continue;
        };
        let digits: String = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .map(|line| line.split('#').next().unwrap_or_default().replace(' ', ""))
            .collect();
        let bytes = (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
        let bytes = bytes
            .collect::<Result<_, _>>()
            .unwrap_or_else(|_| panic!("{name} is not hex"));
        assert!(
            vectors.insert(name.to_owned(), bytes).is_none(),
            "{name} stands twice"
        );
    }
    vectors
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn payload<T: serde::Serialize>(value: &T) -> Vec<u8> {
    let mut out = [0; 200];
    postcard::to_slice(value, &mut out).unwrap().to_vec()
}

fn emitted(identity: &Identity, datagram: &Datagram<'_>) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(identity, &mut out);
    assert_eq!(
        Datagram::parse(identity, &out[..len]).as_ref(),
        Ok(datagram)
    );
    out[..len].to_vec()
}

fn public(first: u8) -> PublicKey {
    StaticKey::new(counting(first)).public()
}

fn hello() -> Hello<'static> {
    Hello {
        incarnation: INCARNATION,
        table_epoch: 0,
        table_version: 0,
        epoch: 0xe0e1,
        mail_shown: 9,
        channel_shown: 5,
        table_capacity: 64,
        opening: 1,
        window: 32,
        reset: *b"reset of alice's",
        name: "alice",
    }
}

fn call() -> Call<'static> {
    Call {
        from_incarnation: INCARNATION,
        opening: 2,
        window: 32,
        reset: *b"reset of alice's",
        letters: public(LETTERS_EPHEMERAL),
        from: "alice",
    }
}

fn accept(letters: Option<PublicKey>) -> Answer {
    let server = letters.is_none();
    Answer::Accepted(Accept {
        id: OTHER,
        epoch: if server { 0xe0e1 } else { 0 },
        table_epoch: if server { 0xe2e3 } else { 0 },
        window: 32,
        reset: *b"reset, the other",
        letters,
    })
}

/// What one handshake says: its two datagrams, and the session of the initiator.
struct Exchange {
    first: Vec<u8>,
    second: Vec<u8>,
    session: Session,
}

fn exchange(
    opening: Opening,
    initiator: &Identity,
    responder: &Identity,
    said: &[u8],
    answer: &Answer,
) -> Exchange {
    let (ephemeral, remote) = (counting(INITIATOR_EPHEMERAL), responder.public());
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = opening.emit(CLIENT, initiator, &remote, &ephemeral, said, &mut out);
    let first = out[..len].to_vec();
    let (prologue, message) = match Datagram::parse(responder, &first) {
        Ok(Datagram::Hello(hello)) => (hello.prologue, hello.message),
        Ok(Datagram::Call(call)) => (call.prologue, call.message),
        other => panic!("{other:?}"),
    };
    let mut payload_read = [0; 200];
    let (read, len) = Responder::read(responder, prologue, message, &mut payload_read).unwrap();
    assert_eq!(&payload_read[..len], said);
    assert_eq!(read.remote(), initiator.public());
    let mut second = [0; 200];
    let ephemeral_back = counting(RESPONDER_EPHEMERAL);
    let (theirs, len) = read
        .answer(responder, &ephemeral_back, &payload(answer), &mut second)
        .unwrap();
    let message = &second[..len];
    let (session, told) = opening
        .complete(CLIENT, initiator, &remote, &ephemeral, said, message)
        .unwrap();
    assert_eq!(told, *answer);
    assert_eq!(theirs.keys(), (session.keys().1, session.keys().0));
    let second = emitted(
        responder,
        &Datagram::Accept {
            to: CLIENT,
            message,
        },
    );
    Exchange {
        first,
        second,
        session,
    }
}

fn plain() -> Header {
    Header {
        acknowledged: 300,
        window: 32,
        first: 1,
        ..Header::default()
    }
}

/// What is sealed in a datagram: header and frame.
fn body(header: &Header, frame: Option<&Frame<'_>>) -> Vec<u8> {
    let (identity, key) = (identity(alice()), [7; 32]);
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = DataWriter::new(&mut out, OTHER, header);
    assert!(frame.is_none_or(|frame| writer.push(frame)));
    let len = writer.finish(&identity, &mut Session::new(&key, &key));
    let mut session = Session::new(&key, &key);
    let datagram = &mut out[..len];
    let (read, frames) = data::open(&identity, &mut session, datagram).unwrap();
    assert_eq!(read, *header);
    assert_eq!(
        frames.collect::<Vec<_>>(),
        Vec::from_iter(frame.map(|frame| Ok(*frame)))
    );
    out[18..len - 16].to_vec()
}

fn correspondence() -> Correspondence<'static> {
    Correspondence {
        from: "alice",
        incarnation: INCARNATION,
        to: "bob",
    }
}

/// The letter "hi" of alice to bob with number 300.
fn letter() -> Vec<u8> {
    let (alice, bob) = (identity(alice()), identity(bob()));
    let letters_key = public(LETTERS_EPHEMERAL);
    let ephemeral = counting(LETTERS_EPHEMERAL);
    let who = correspondence();
    let to = Letters::to(&alice, &bob.public(), &ephemeral, &letters_key, who).unwrap();
    let mut text = b"hi".to_vec();
    let tag = to.seal(&alice, 300, &mut text);
    text.extend(tag);
    let from = Letters::from(&bob, &alice.public(), &letters_key, who).unwrap();
    for (counter, reads) in [(301, false), (300, true)] {
        let mut sealed = text.clone();
        let opened = from.open(&bob, counter, &mut sealed);
        assert_eq!(opened.is_some_and(|text| text == b"hi"), reads);
    }
    text
}

fn entry() -> Entry<'static> {
    let address = "192.0.2.7:4000".parse().unwrap();
    Entry::new(
        "bob",
        Status::Online,
        BOBS,
        identity(bob()).public(),
        address,
    )
}

fn frames<'a>(page: &'a [u8], letter: &'a [u8], kept: &'a [u8]) -> Vec<(&'static str, Frame<'a>)> {
    let stamp = UnixSeconds(1_648_150_292);
    let (incarnation, counter, text) = (INCARNATION, 300, "hi");
    let store = Frame::Store {
        request: 1,
        counter,
        tried: 0,
        bounce: true,
        to: "bob",
        letter: kept,
    };
    let post = Frame::Post {
        request: 2,
        counter,
        text,
    };
    let result = Frame::Result {
        request: 1,
        outcome: Outcome::Full,
    };
    let mail = Frame::Mail {
        serial: 9,
        incarnation,
        counter,
        stamp,
        kept: true,
        key: identity(alice()).public(),
        from: "alice",
        letter: kept,
    };
    let channel = Frame::Channel {
        number: 5,
        incarnation,
        counter,
        stamp,
        kept: false,
        from: "alice",
        text,
    };
    let page = Frame::Page {
        version: 7,
        restart: true,
        complete: true,
        entries: page,
    };
    let found = Frame::Found {
        query: 4,
        entry: entry(),
    };
    vec![
        ("text", Frame::Text { counter, letter }),
        ("store", store),
        ("post", post),
        ("leave", Frame::Leave { request: 3 }),
        (
            "lookup",
            Frame::Lookup {
                query: 4,
                name: "bob",
            },
        ),
        ("result", result),
        ("receipt", Frame::Receipt { to: "bob", counter }),
        ("mail", mail),
        ("channel", channel),
        ("skipped", Frame::Skipped { count: 12 }),
        ("page", page),
        ("found", found),
        ("missing", Frame::Missing { query: 4 }),
        ("partial", Frame::Partial),
    ]
}

/// Datagrams that are not sealed and open no handshake.
fn open_datagrams(identity: &Identity) -> Vec<(&'static str, Vec<u8>)> {
    let key = Some(identity.public());
    let reset = Datagram::Reset {
        echo: OTHER,
        token: *b"reset, the other",
    };
    let datagrams = [
        (
            "unsupported",
            Datagram::Unsupported {
                version: VERSION,
                echo: OTHER,
            },
        ),
        ("cookie-request", Datagram::CookieRequest { id: CLIENT }),
        (
            "cookie",
            Datagram::Cookie {
                to: CLIENT,
                cookie: COOKIE,
                key,
            },
        ),
        (
            "cookie-of-a-path",
            Datagram::Cookie {
                to: CLIENT,
                cookie: COOKIE,
                key: None,
            },
        ),
        (
            "refuse",
            Datagram::Refuse {
                to: CLIENT,
                reason: Refusal::RateExceeded,
            },
        ),
        ("reset", reset),
    ];
    datagrams
        .iter()
        .map(|(name, datagram)| (*name, emitted(identity, datagram)))
        .collect()
}

/// Handshakes, what they say, and what is sealed with the keys that they give.
fn handshakes() -> Vec<(&'static str, Vec<u8>)> {
    let (alice_here, server_here, bob_here) =
        (identity(alice()), identity(server()), identity(bob()));
    let (said, answer) = (payload(&hello()), accept(None));
    let with_server = Opening::Hello(COOKIE);
    let registered = exchange(with_server, &alice_here, &server_here, &said, &answer);
    let refusal = Answer::Refused(Refusal::ForeignKey);
    let refused = exchange(with_server, &alice_here, &server_here, &said, &refusal);
    let invited = exchange(
        with_server,
        &member(alice()),
        &member(server()),
        &said,
        &answer,
    );
    let with_bob = Opening::Call {
        to_incarnation: BOBS,
    };
    let answer_of_bob = accept(Some(public(0xb0)));
    let calling = payload(&call());
    let called = exchange(with_bob, &alice_here, &bob_here, &calling, &answer_of_bob);

    let mut session = registered.session;
    let (send, receive) = (session.keys().0.to_vec(), session.keys().1.to_vec());
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = DataWriter::new(&mut out, OTHER, &plain()).finish(&alice_here, &mut session);
    let sealed = out[..len].to_vec();
    for _ in 1..1 << 16 {
        DataWriter::new(&mut out, OTHER, &plain()).finish(&alice_here, &mut session);
    }
    let rekeyed = session.keys().0.to_vec();
    let len = DataWriter::new(&mut out, OTHER, &plain()).finish(&alice_here, &mut session);
    let letter = letter();
    vec![
        ("key-of-the-server", server_here.public().0.to_vec()),
        ("key-of-alice", alice_here.public().0.to_vec()),
        ("key-of-bob", bob_here.public().0.to_vec()),
        ("hello-payload", said),
        ("hello", registered.first),
        ("hello-in-a-closed-room", invited.first),
        ("accept-payload", payload(&answer)),
        ("accept", registered.second),
        ("accept-in-a-closed-room", invited.second),
        ("refused", refused.second),
        ("call-payload", calling),
        ("call", called.first),
        ("call-accept-payload", payload(&answer_of_bob)),
        ("call-accept", called.second),
        ("session-send", send),
        ("session-receive", receive),
        ("sealed", sealed),
        ("session-rekeyed", rekeyed),
        ("sealed-rekeyed", out[..len].to_vec()),
        ("letter", letter.clone()),
        (
            "letter-kept",
            [&public(LETTERS_EPHEMERAL).0[..], &letter].concat(),
        ),
    ]
}

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let mut page = [0; 80];
    let len = entry().emit(&mut page);
    assert_eq!(entry().address().to_string(), "192.0.2.7:4000");
    let letter = letter();
    let kept = [&public(LETTERS_EPHEMERAL).0[..], &letter].concat();
    let probe = Header {
        gap: true,
        probe: true,
        table_version: Some(7),
        ..plain()
    };
    let closing = Header {
        closed: Some(Refusal::Displaced),
        ..Header::default()
    };
    let moving = Header {
        cookie: Some(COOKIE),
        ..plain()
    };
    let mut all = vec![
        ("acknowledgement", body(&plain(), None)),
        ("probe", body(&probe, None)),
        ("closing", body(&closing, None)),
        ("moving", body(&moving, None)),
    ];
    for (name, frame) in frames(&page[..len], &letter, &kept) {
        all.push((name, body(&plain(), Some(&frame))));
    }
    all
}

#[test]
fn the_document_and_the_code_agree() {
    let mut documented = documented();
    let built = [open_datagrams(&identity(server())), handshakes(), bodies()].concat();
    let mut wrong = Vec::new();
    for (name, built) in built {
        let written = documented.remove(name).unwrap_or_default();
        if written != built {
            wrong.push(format!("{name}: {}", hex(&built)));
        }
    }
    assert!(wrong.is_empty(), "vectors:\n{}", wrong.join("\n"));
    let left: Vec<_> = documented.into_keys().collect();
    assert_eq!(left, Vec::<String>::new(), "nothing else is documented");
}

#[test]
fn every_change_of_an_open_datagram_is_noticed() {
    let identity = identity(server());
    for (name, bytes) in open_datagrams(&identity) {
        let intact = |bytes: &[u8]| Datagram::parse(&identity, bytes).is_ok();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                // What is taken for a sealed datagram is not opened by anybody.
                let sealed = damaged[1] == 8;
                assert!(
                    sealed || !intact(&damaged),
                    "{name}: bit {bit} of byte {at}"
                );
            }
            assert!(!intact(&bytes[..at]), "{name} cut to {at}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(!intact(&longer), "{name} with a byte more");
        longer.resize(DATAGRAM_LEN_MAX + 1, 0);
        assert!(!intact(&longer), "{name} longer than any datagram");
    }
}

#[test]
fn every_change_of_a_sealed_datagram_is_noticed() {
    let here = identity(alice());
    let key = [7; 32];
    let mut out = [0; DATAGRAM_LEN_MAX];
    let frame = Frame::Leave { request: 3 };
    let mut writer = DataWriter::new(&mut out, OTHER, &plain());
    assert!(writer.push(&frame));
    let len = writer.finish(&here, &mut Session::new(&key, &key));
    let sealed = &out[..len];
    let opens = |bytes: &[u8]| {
        let mut copy = bytes.to_vec();
        data::open(&here, &mut Session::new(&key, &key), &mut copy).map(|_| ())
    };
    assert_eq!(opens(sealed), Ok(()));
    for at in 0..len {
        for bit in 0..8 {
            let mut damaged = sealed.to_vec();
            damaged[at] ^= 1 << bit;
            assert_eq!(opens(&damaged), Err(Drop::BadTag), "bit {bit} of byte {at}");
        }
        assert!(opens(&sealed[..at]).is_err(), "cut to {at}");
    }
    assert!(opens(&[sealed, &[0]].concat()).is_err());
}

#[test]
fn members_of_a_closed_room_and_strangers_do_not_understand_each_other() {
    let (inside, outside) = (member(server()), identity(server()));
    for (one, other) in [(&inside, &outside), (&outside, &inside)] {
        for (name, bytes) in open_datagrams(one) {
            let understood = Datagram::parse(other, &bytes).is_ok();
            assert_eq!(understood, name == "unsupported", "{name}");
        }
    }
}

#[test]
fn the_largest_frames_fit() {
    let (name, text) = (&"n".repeat(32), &"t".repeat(1_000));
    let worst = Header {
        gap: true,
        probe: true,
        round: true,
        heard_round: true,
        acknowledged: u32::MAX,
        window: u16::MAX,
        first: u32::MAX,
        table_version: Some(u32::MAX),
        ..Header::default()
    };
    let (request, counter, number, stamp) = (u32::MAX, u32::MAX, u32::MAX, UnixSeconds(u32::MAX));
    let (letter, kept) = (&[b'l'; LETTER_LEN_MAX], &[b'k'; KEPT_LETTER_LEN_MAX]);
    for frame in [
        Frame::Text { counter, letter },
        Frame::Store {
            request,
            counter,
            tried: u64::MAX,
            bounce: true,
            to: name,
            letter: kept,
        },
        Frame::Post {
            request,
            counter,
            text,
        },
        Frame::Mail {
            serial: u64::MAX,
            incarnation: u64::MAX,
            counter,
            stamp,
            kept: true,
            key: PublicKey([0xff; 32]),
            from: name,
            letter: kept,
        },
        Frame::Channel {
            number,
            incarnation: u64::MAX,
            counter,
            stamp,
            kept: true,
            from: name,
            text,
        },
    ] {
        let built = body(&worst, Some(&frame));
        let (_, mut read): (_, Frames<'_>) = Header::parse(&built).unwrap();
        assert_eq!(read.next(), Some(Ok(frame)));
    }
}
