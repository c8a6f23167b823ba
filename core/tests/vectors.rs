//! The test vectors of `PROTOCOL.md`: what the document says is what the code builds, and parses back.

use std::collections::BTreeMap;

use chatapp_core::UnixSeconds;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{
    Accept, Call, DataWriter, Datagram, Entry, Frame, Header, Hello, Outcome, Refusal, Status,
    VERSION,
};

const PROTOCOL: &str = include_str!("../PROTOCOL.md");

/// Session ids in the vectors: the recipient's and the sender's.
const TO: u64 = 0x1122_3344_5566_7788;
const FROM: u64 = 0x99aa_bbcc_ddee_ff00;
const INCARNATION: u64 = 0x0102_0304_0506_0708;

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

fn handshake() -> Vec<(&'static str, Datagram<'static>)> {
    let hello = Hello {
        id: FROM,
        incarnation: INCARNATION,
        resume: 0x1111_2222_3333_4444,
        cookie: 0x5555_6666_7777_8888,
        table_epoch: 0,
        table_version: 0,
        epoch: 0xe0e1,
        mail_shown: 9,
        channel_shown: 5,
        table_capacity: 64,
        opening: 1,
        window: 32,
        name: "alice",
    };
    let call = Call {
        id: FROM,
        from_incarnation: INCARNATION,
        to_incarnation: 0x0807_0605_0403_0201,
        opening: 2,
        window: 32,
        from: "alice",
    };
    let accept = Accept {
        id: FROM,
        epoch: 0xe0e1,
        table_epoch: 0xe2e3,
        window: 32,
    };
    vec![
        (
            "unsupported",
            Datagram::Unsupported {
                version: VERSION,
                echo: TO,
            },
        ),
        ("hello", Datagram::Hello(hello)),
        (
            "cookie",
            Datagram::Cookie {
                to: TO,
                cookie: 0x5555_6666_7777_8888,
            },
        ),
        ("call", Datagram::Call(call)),
        ("accept", Datagram::Accept { to: TO, accept }),
        (
            "refuse",
            Datagram::Refuse {
                to: TO,
                reason: Refusal::NameTaken,
            },
        ),
        ("reset", Datagram::Reset { echo: TO }),
    ]
}

fn entry() -> Entry<'static> {
    Entry::new(
        "bob",
        Status::Online,
        INCARNATION,
        "192.0.2.7:4000".parse().unwrap(),
    )
}

fn frames(page: &[u8]) -> Vec<(&'static str, Frame<'_>)> {
    let stamp = UnixSeconds(1_648_150_292);
    let (incarnation, counter, text) = (INCARNATION, 300, "hi");
    vec![
        ("text", Frame::Text { counter, text }),
        (
            "store",
            Frame::Store {
                request: 1,
                counter,
                tried: 0,
                bounce: true,
                to: "bob",
                text,
            },
        ),
        (
            "post",
            Frame::Post {
                request: 2,
                counter,
                text,
            },
        ),
        ("leave", Frame::Leave { request: 3 }),
        (
            "lookup",
            Frame::Lookup {
                query: 4,
                name: "bob",
            },
        ),
        (
            "result",
            Frame::Result {
                request: 1,
                outcome: Outcome::Full,
            },
        ),
        ("receipt", Frame::Receipt { to: "bob", counter }),
        (
            "mail",
            Frame::Mail {
                serial: 9,
                incarnation,
                counter,
                stamp,
                kept: true,
                from: "alice",
                text,
            },
        ),
        (
            "channel",
            Frame::Channel {
                number: 5,
                incarnation,
                counter,
                stamp,
                kept: false,
                from: "alice",
                text,
            },
        ),
        ("skipped", Frame::Skipped { count: 12 }),
        (
            "page",
            Frame::Page {
                version: 7,
                restart: true,
                complete: true,
                entries: page,
            },
        ),
        (
            "found",
            Frame::Found {
                query: 4,
                entry: entry(),
            },
        ),
        ("missing", Frame::Missing { query: 4 }),
        ("partial", Frame::Partial),
    ]
}

fn data(header: &Header, frame: Option<&Frame<'_>>) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = DataWriter::new(&mut out, TO, FROM, header);
    assert!(frame.is_none_or(|frame| writer.push(frame)));
    let len = writer.finish();
    out[..len].to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_document_and_the_code_agree() {
    let mut documented = documented();
    let mut check = |name: &str, built: &[u8]| {
        let written = documented.remove(name).unwrap_or_default();
        assert_eq!(hex(&written), hex(built), "vector {name}");
    };
    for (name, datagram) in handshake() {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let len = datagram.emit(&mut out);
        check(name, &out[..len]);
        assert_eq!(
            Datagram::parse(&out[..len]),
            Ok(datagram),
            "{name} parses back"
        );
    }

    let plain = Header {
        acknowledged: 300,
        window: 32,
        first: 1,
        ..Header::default()
    };
    let full = Header {
        gap: true,
        probe: true,
        table_version: Some(7),
        ..plain
    };
    for (name, header) in [("acknowledgement", plain), ("probe", full)] {
        let built = data(&header, None);
        check(name, &built);
        let Ok(Datagram::Data(parsed)) = Datagram::parse(&built) else {
            panic!("{name} is data")
        };
        assert_eq!(parsed.open(FROM).map(|(header, _)| header), Ok(header));
        assert!(
            parsed.open(FROM + 1).is_err(),
            "the tag depends on the sender's session id"
        );
    }

    let mut page = [0; 64];
    let len = entry().emit(&mut page);
    assert_eq!(entry().address().to_string(), "192.0.2.7:4000");
    for (name, frame) in frames(&page[..len]) {
        let built = data(&plain, Some(&frame));
        check(name, &built);
        let Ok(Datagram::Data(parsed)) = Datagram::parse(&built) else {
            panic!("{name} is data")
        };
        let (header, frames) = parsed.open(FROM).unwrap();
        assert_eq!(header, plain);
        assert_eq!(
            frames.collect::<Vec<_>>(),
            [Ok(frame)],
            "{name} parses back"
        );
    }
    assert_eq!(
        documented.into_keys().collect::<Vec<_>>(),
        Vec::<String>::new(),
        "nothing else is documented"
    );
}

#[test]
fn every_damaged_byte_is_noticed() {
    for (name, bytes) in documented() {
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                let intact = match Datagram::parse(&damaged) {
                    Ok(Datagram::Data(data)) => data.open(FROM).is_ok(),
                    other => other.is_ok(),
                };
                assert!(!intact, "{name}: bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn every_truncation_and_extension_is_noticed() {
    for (name, bytes) in documented() {
        let intact = |bytes: &[u8]| match Datagram::parse(bytes) {
            Ok(Datagram::Data(data)) => data.open(FROM).is_ok(),
            other => other.is_ok(),
        };
        for len in 0..bytes.len() {
            assert!(!intact(&bytes[..len]), "{name} cut to {len}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(!intact(&longer), "{name} with a byte more");
        longer.resize(DATAGRAM_LEN_MAX + 1, 0);
        assert!(!intact(&longer), "{name} longer than any datagram");
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
    };
    let (request, counter, number, stamp) = (u32::MAX, u32::MAX, u32::MAX, UnixSeconds(u32::MAX));
    for frame in [
        Frame::Text { counter, text },
        Frame::Store {
            request,
            counter,
            tried: u64::MAX,
            bounce: true,
            to: name,
            text,
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
            from: name,
            text,
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
        let built = data(&worst, Some(&frame));
        assert!(
            built.len() <= DATAGRAM_LEN_MAX - 80 + 18,
            "80 bytes stay free, of which 18 are used today"
        );
    }
}
