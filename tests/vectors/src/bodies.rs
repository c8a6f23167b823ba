//! Builds the plaintext of Data: headers, and frames behind them.

use chatapp_core::UnixSeconds;
use chatapp_core::crypto::SessionKeys;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::data::{self, DataWriter};
use chatapp_core::wire::{Entry, Frame, Header, Outcome, Refusal, Status};

use crate::people::{alice, bob, identity};
use crate::stored_message::{self, FIRST, LATER, ciphertext, stored_message};
use crate::values::{BOBS, COOKIE, INCARNATION, OTHER, Take, plain};

/// The time of the server's frames, and of one after its clock was set back by two minutes.
const STAMP: UnixSeconds = UnixSeconds(1_648_150_292);
const EARLIER: UnixSeconds = UnixSeconds(STAMP.0 - 120);

/// Writes the plaintext of a datagram, header and frames, to `out`, and reads it back.
///
/// # Panics
/// Panics if it reads back something else.
pub fn body<'a>(
    header: &Header,
    frames: &[Frame<'_>],
    out: &'a mut [u8; DATAGRAM_LEN_MAX],
) -> &'a [u8] {
    let (identity, key) = (identity(alice()), [7; 32]);
    let mut writer = DataWriter::new(out, OTHER, header);
    assert!(frames.iter().all(|frame| writer.push(frame)));
    let len = writer.finish(&identity, &mut SessionKeys::new(&key, &key));
    let mut session = SessionKeys::new(&key, &key);
    let (read, read_frames) = data::open(&identity, &mut session, &mut out[..len])
        .expect("the datagram can be decrypted");
    assert_eq!(read, *header);
    assert!(read_frames.eq(frames.iter().map(|frame| Ok(*frame))));
    &out[18..len - 16]
}

pub(crate) fn make(take: Take<'_>) {
    let probe = Header {
        nack: true,
        probe: true,
        table_version: Some(7),
        ..plain()
    };
    let closing = Header {
        closed: Some(Refusal::Evicted),
        ..Header::default()
    };
    let moving = Header {
        cookie: Some(COOKIE),
        ..plain()
    };
    let mut out = [0; DATAGRAM_LEN_MAX];
    for (name, header) in [
        ("acknowledgement", plain()),
        ("probe", probe),
        ("closing", closing),
        ("moving", moving),
    ] {
        take(name, body(&header, &[], &mut out));
    }
    #[cfg(feature = "moderation")]
    orders(take, &mut out);
    // Only long datagrams are padded when they are written: this one is only read.
    let padded: [u8; 10] = [0x80, 0xac, 2, 0x20, 1, 3, 7, 0, 0, 3];
    let (read, mut frames_read) = Header::parse(&padded).expect("the header is valid");
    assert_eq!(read, plain());
    let leave = Frame::Leave { request: 7 };
    assert!(frames_read.next() == Some(Ok(leave)) && frames_read.next().is_none());
    take("padded", &padded);
    let mut page = [0; 80];
    let len = entry().emit(&mut page);
    assert_eq!(entry().address(), ([192, 0, 2, 7], 4_000).into());
    let messages = [ciphertext(FIRST), ciphertext(LATER)];
    let [first, later] = messages.each_ref().map(|message| &message[..]);
    for (name, frame) in frames(&page[..len], first, &stored_message()) {
        take(name, body(&plain(), &[frame], &mut out));
    }
    let mails = [mail(9, FIRST, first), mail(11, LATER, later)];
    take("mail-delta", body(&plain(), &mails, &mut out));
    let entries = [
        channel(5, 300, STAMP, "hi"),
        channel(6, 301, EARLIER, "all"),
    ];
    take("channel-delta", body(&plain(), &entries, &mut out));
}

/// Builds the frames that tell a client of the operator's orders.
#[cfg(feature = "moderation")]
fn orders(take: Take<'_>, out: &mut [u8; DATAGRAM_LEN_MAX]) {
    let closing = Header {
        closed: Some(Refusal::Banned(UnixSeconds(0))),
        ..Header::default()
    };
    take("closing-as-banned", body(&closing, &[], out));
    let muted = Frame::Result {
        request: 2,
        outcome: Outcome::Muted,
    };
    take("result-muted", body(&plain(), &[muted], out));
}

fn entry() -> Entry<'static> {
    let address = ([192, 0, 2, 7], 4_000).into();
    let key = identity(bob()).public();
    Entry::new("bob", Status::Online, BOBS, key, address)
}

fn mail(serial: u64, counter: u32, ciphertext: &[u8]) -> Frame<'_> {
    Frame::Mail {
        serial,
        incarnation: INCARNATION,
        counter,
        stamp: STAMP,
        kept: true,
        key: identity(alice()).public(),
        from: "alice",
        message_key: stored_message::key(),
        ciphertext,
    }
}

fn channel(number: u32, counter: u32, stamp: UnixSeconds, text: &str) -> Frame<'_> {
    Frame::Channel {
        number,
        incarnation: INCARNATION,
        counter,
        stamp,
        kept: false,
        from: "alice",
        text,
    }
}

fn frames<'a>(
    page: &'a [u8],
    ciphertext: &'a [u8],
    stored: &'a [u8],
) -> [(&'static str, Frame<'a>); 14] {
    let (counter, text) = (FIRST, "hi");
    let store = Frame::Store {
        request: 1,
        counter,
        tried: 0,
        bounce: true,
        to: "bob",
        ciphertext: stored,
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
    let mail = mail(9, counter, ciphertext);
    let channel = channel(5, counter, STAMP, text);
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
    [
        (
            "text",
            Frame::Text {
                counter,
                text: b"hi",
            },
        ),
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
