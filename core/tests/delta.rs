//! Delta frames: fields that consecutive messages of one sender share are sent once in a datagram.
//! The recipient reads the same frames as without deltas.

use chatapp_core::crypto::{SessionKeys, TAG_LEN};
use chatapp_core::limits::{BODY_LEN_MAX, DATAGRAM_LEN_MAX, TEXT_LEN_MAX};
use chatapp_core::wire::{DataWriter, Frame, Header, data};
use chatapp_core::{DropReason, Identity, PublicKey, StaticKey, UnixSeconds};

/// Length of the part of a datagram that is not encrypted, in bytes.
const FRONT_LEN: usize = 18;
/// Length of the header below, in bytes.
const HEADER_LEN: usize = 4;

/// Writes as many of these frames as fit into a datagram, and reads them back. Returns the
/// plaintext, and the number of frames.
fn written(header: &Header, frames: &[Frame<'_>]) -> (Vec<u8>, usize) {
    let identity = Identity::new(StaticKey::new([1; 32]), None);
    let session = || SessionKeys::new(&[7; 32], &[7; 32]);
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = DataWriter::new(&mut out, 1, header);
    let fitting = frames.iter().take_while(|frame| writer.push(frame)).count();
    let len = writer.finish(&identity, &mut session());
    let (read, read_frames) = data::open(&identity, &mut session(), &mut out[..len]).unwrap();
    assert_eq!(read, *header);
    let read_frames: Vec<_> = read_frames.map(Result::unwrap).collect();
    assert_eq!(read_frames, frames[..fitting]);
    (out[FRONT_LEN..len - TAG_LEN].to_vec(), fitting)
}

/// Returns the bytes of these frames without the header.
fn frames_of(frames: &[Frame<'_>]) -> Vec<u8> {
    let (body, fitting) = written(&Header::default(), frames);
    assert_eq!(fitting, frames.len());
    body[HEADER_LEN..].to_vec()
}

/// Reads frames from these bytes, behind an empty header.
fn read(frames: &[u8]) -> Vec<Result<String, DropReason>> {
    let body = [&[0; HEADER_LEN], frames].concat();
    let (_, frames) = Header::parse(&body).unwrap();
    frames
        .map(|frame| frame.map(|frame| format!("{frame:?}")))
        .collect()
}

fn words(frames: &[Frame<'_>]) -> Vec<Result<String, DropReason>> {
    let words = |frame| Ok(format!("{frame:?}"));
    frames.iter().map(words).collect()
}

/// The longest header in a session with a server.
const LONG_HEADER: Header = Header {
    nack: true,
    probe: true,
    phase: true,
    peer_phase: true,
    acknowledged: u32::MAX,
    window: u16::MAX,
    first: u32::MAX,
    table_version: None,
    closed: None,
    cookie: None,
};

const STAMP: u32 = 1_648_150_292;

/// Returns a message with 64 bytes of text and the numbers of a long session. The numbers grow with
/// `later`.
fn mail(later: u32) -> Frame<'static> {
    Frame::Mail {
        serial: 9_990 + u64::from(later),
        incarnation: 0x0102_0304_0506_0708,
        counter: 9_990 + later,
        stamp: UnixSeconds(STAMP + later / 8),
        kept: true,
        key: PublicKey([7; 32]),
        from: "member",
        message_key: PublicKey([8; 32]),
        ciphertext: &[b'l'; 64 + TAG_LEN],
    }
}

fn entry(later: u32) -> Frame<'static> {
    Frame::Channel {
        number: 19_990 + later,
        incarnation: 0x0102_0304_0506_0708,
        counter: 9_990 + later,
        stamp: UnixSeconds(STAMP + later / 8),
        kept: false,
        from: "member",
        text: core::str::from_utf8(&[b't'; 64]).unwrap(),
    }
}

/// A frame that no delta can follow.
const OTHER: Frame<'static> = Frame::Skipped { count: 1 };

#[test]
fn many_short_messages_share_a_datagram() {
    let mails: Vec<_> = (0..20).map(mail).collect();
    let entries: Vec<_> = (0..20).map(entry).collect();
    assert_eq!(written(&LONG_HEADER, &entries).1, 16);
    assert_eq!(written(&LONG_HEADER, &mails).1, 12);
    // Lengths of the first frame, and of each delta.
    for (frames, [first, delta]) in [(mails, [171, 86]), (entries, [92, 70])] {
        let mut lens = (1..6).map(|count| frames_of(&frames[..count]).len());
        assert_eq!(lens.next(), Some(first));
        for (more, len) in (1..).zip(lens) {
            assert_eq!(len, first + more * delta);
        }
    }
}

#[test]
fn shortens_frames_after_the_same_kind_and_process() {
    let changed = |change: fn(&mut Frame<'static>)| {
        let mut frames = [mail(1), entry(1)];
        frames.iter_mut().for_each(change);
        frames
    };
    let [full_mail, full_entry] = [mail(1), entry(1)].map(|frame| frames_of(&[frame]));
    let other_process = changed(|frame| {
        if let Frame::Mail { incarnation, .. } | Frame::Channel { incarnation, .. } = frame {
            *incarnation += 1;
        }
    });
    let other_name = changed(|frame| {
        if let Frame::Mail { from, .. } | Frame::Channel { from, .. } = frame {
            *from = "memper";
        }
    });
    let lower_number = changed(|frame| match frame {
        Frame::Mail { serial, .. } => *serial = 9_989,
        Frame::Channel { number, .. } => *number = 19_989,
        _ => {}
    });
    let mut foreign = [mail(1), mail(1)];
    if let Frame::Mail { key, .. } = &mut foreign[0] {
        key.0[31] = 1;
    }
    if let Frame::Mail { message_key, .. } = &mut foreign[1] {
        message_key.0[31] = 1;
    }
    let in_full = [
        (mail(0), &other_process[0]),
        (mail(0), &other_name[0]),
        (mail(0), &lower_number[0]),
        (mail(0), &foreign[0]),
        (mail(0), &foreign[1]),
        (mail(0), &entry(1)),
        (entry(0), &other_process[1]),
        (entry(0), &other_name[1]),
        (entry(0), &lower_number[1]),
        (entry(0), &mail(1)),
    ];
    for (first, second) in in_full {
        let apart = [frames_of(&[first]), frames_of(&[*second])].concat();
        assert_eq!(frames_of(&[first, *second]), apart, "{second:?}");
    }
    // Another frame between two of a kind ends the run.
    for (frames, full) in [
        ([mail(0), OTHER, mail(1)], full_mail),
        ([entry(0), OTHER, entry(1)], full_entry),
    ] {
        assert!(frames_of(&frames).ends_with(&full));
    }
}

#[test]
fn encodes_differences_to_the_previous_frame() {
    let numbers = [
        (5, 300, STAMP, true),
        (6, 301, STAMP, true),
        // A skipped entry, a clock that was set back, and a live message.
        (8, 304, STAMP - 3_600, false),
        // Numbers of a malicious sender.
        (u32::MAX, 303, u32::MAX, false),
        (u32::MAX, 303, 0, true),
        (u32::MAX, u32::MAX, 0, true),
        (u32::MAX, 0, 1, true),
    ];
    let frames = numbers.map(|(number, counter, stamp, kept)| Frame::Channel {
        number,
        incarnation: 1,
        counter,
        stamp: UnixSeconds(stamp),
        kept,
        from: "ann",
        text: "hi",
    });
    let first = frames_of(&frames[..1]);
    let expected: [&[u8]; 7] = [
        &first,
        &[15, 1, 1, 0, 1],
        &[15, 2, 3, 0xf0, 0xe3, 0xff, 0xff, 0x0f, 0],
        &[
            15, 0xf7, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f,
        ],
        &[15, 0, 0, 1, 1],
        &[15, 0, 0xd0, 0xfd, 0xff, 0xff, 0x0f, 0, 1],
        &[15, 0, 1, 1, 1],
    ];
    let bytes = frames_of(&frames);
    let mut rest = &bytes[..];
    for (at, expected) in expected.into_iter().enumerate() {
        assert!(rest.starts_with(expected), "frame {at}: {rest:x?}");
        let len = frames_of(&frames[..=at]).len();
        rest = &bytes[len..];
    }
    assert_eq!(rest, [0; 0]);
}

#[test]
//= PROTOCOL.md#14.16
fn rejects_a_delta_without_its_previous_frame() {
    let delta_of = |first: &Frame<'_>, second: &Frame<'_>| {
        frames_of(&[*first, *second])[frames_of(&[*first]).len()..].to_vec()
    };
    let mail_delta = delta_of(&mail(0), &mail(1));
    let entry_delta = delta_of(&entry(0), &entry(1));
    // No frame type has this number.
    let damaged = [frames_of(&[mail(0)]), vec![0xff]].concat();
    let text = Frame::Text {
        counter: 1,
        text: b"hi",
    };
    let in_front: [&[u8]; 5] = [
        &[],
        &damaged,
        &frames_of(&[OTHER]),
        &frames_of(&[text]),
        &frames_of(&[mail(0), OTHER]),
    ];
    let mut wrong: Vec<_> = in_front
        .iter()
        .flat_map(|front| [&mail_delta, &entry_delta].map(|delta| (front.to_vec(), delta)))
        .collect();
    wrong.push((frames_of(&[entry(0)]), &mail_delta));
    wrong.push((frames_of(&[mail(0)]), &entry_delta));
    // The frame behind it is not read either, because its start is unknown.
    let behind = frames_of(&[mail(3)]);
    for (front, delta) in wrong {
        let mut expected = read(&front);
        if expected.iter().all(Result::is_ok) {
            expected.push(Err(DropReason::Malformed));
        }
        let all = [&front[..], delta, &behind].concat();
        assert_eq!(read(&all), expected, "{all:x?}");
    }
}

#[test]
fn rejects_damaged_and_overflowing_deltas() {
    let last_mail = Frame::Mail {
        serial: u64::MAX - 1,
        incarnation: 1,
        counter: u32::MAX,
        stamp: UnixSeconds(u32::MAX),
        kept: true,
        key: PublicKey([7; 32]),
        from: "ann",
        message_key: PublicKey([8; 32]),
        ciphertext: b"hi",
    };
    let last_entry = Frame::Channel {
        number: u32::MAX - 1,
        incarnation: 1,
        counter: u32::MAX,
        stamp: UnixSeconds(u32::MAX),
        kept: true,
        from: "ann",
        text: "hi",
    };
    let long = [&[0xff; 10][..], &[1]].concat();
    let cases: [(Frame<'_>, Vec<u8>, bool); 14] = [
        (last_mail, vec![14, 1, 1, 1, 0, 0], true),
        (last_mail, vec![14, 2, 1, 1, 0, 0], false),
        (last_mail, [&[14][..], &long, &[1, 1, 0, 0]].concat(), false),
        (last_entry, vec![15, 1, 1, 1, 0, 0], true),
        (last_entry, vec![15, 2, 1, 1, 0, 0], false),
        // More than 32 bits.
        (
            last_entry,
            vec![15, 0x80, 0x80, 0x80, 0x80, 0x10, 1, 1, 0, 0],
            false,
        ),
        (
            last_entry,
            vec![15, 0, 0x80, 0x80, 0x80, 0x80, 0x10, 1, 0, 0],
            false,
        ),
        (
            last_entry,
            vec![15, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0],
            false,
        ),
        // No flag; no text; a text that is shorter than its length.
        (last_entry, vec![15, 1, 1, 1, 2, 0], false),
        (last_entry, vec![15, 1, 1, 1, 0, 1, 0xff], false),
        (last_entry, vec![15, 1, 1, 1, 0, 3, b'h', b'i'], false),
        (last_mail, vec![14, 1, 1, 1, 0, 3, b'h', b'i'], false),
        (last_entry, vec![15, 1, 1, 1, 0], false),
        (last_mail, vec![14], false),
    ];
    for (first, short, is_one) in cases {
        let bytes = [frames_of(&[first]), short].concat();
        let read = read(&bytes);
        assert_eq!(read.len(), 2);
        assert_eq!(read[..1], words(&[first]));
        assert_eq!(read[1].is_ok(), is_one, "{bytes:x?} {read:?}");
    }
}

#[test]
fn reads_complete_frames_in_place_of_deltas() {
    for frame in [mail, entry] {
        let frames: Vec<_> = (0..4).map(frame).collect();
        let full = frames.iter().flat_map(|frame| frames_of(&[*frame]));
        assert_eq!(read(&full.collect::<Vec<_>>()), words(&frames));
        // A delta refers to the frame directly before it, in either form.
        let apart = [frames_of(&frames[..1]), frames_of(&frames[1..])].concat();
        assert_eq!(read(&apart), words(&frames));
    }
}

#[test]
fn changes_nothing_when_a_frame_does_not_fit() {
    let long = "t".repeat(TEXT_LEN_MAX);
    let Frame::Channel {
        incarnation, from, ..
    } = entry(0)
    else {
        unreachable!("`entry` returns an entry")
    };
    let too_long = Frame::Channel {
        number: 19_993,
        incarnation,
        counter: 1,
        stamp: UnixSeconds(1),
        kept: true,
        from,
        text: &long,
    };
    let identity = Identity::new(StaticKey::new([1; 32]), None);
    let session = || SessionKeys::new(&[7; 32], &[7; 32]);
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = DataWriter::new(&mut out, 1, &Header::default());
    let frames: Vec<_> = (0..4).map(entry).collect();
    assert!(frames[..3].iter().all(|frame| writer.push(frame)));
    let room = writer.room();
    assert!(!writer.push(&too_long));
    assert_eq!(writer.room(), room);
    assert!(writer.push(&frames[3]));
    let len = writer.finish(&identity, &mut session());
    let (_, read) = data::open(&identity, &mut session(), &mut out[..len]).unwrap();
    assert_eq!(read.collect::<Result<Vec<_>, _>>(), Ok(frames));
}

/// A pseudorandom generator with a fixed seed (xorshift64*, by Marsaglia and Vigna).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) % end
    }

    /// Returns a small number in most cases, and any number in others.
    fn step(&mut self) -> u64 {
        match self.below(8) {
            0 => u64::MAX >> self.below(64),
            1 => self.below(1 << 20),
            _ => self.below(3),
        }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

/// Returns frames, most of which can follow the frame before as a delta.
fn some_frames<'a>(numbers: &mut Numbers, bytes: &'a [u8]) -> Vec<Frame<'a>> {
    let (mut number, mut counter, mut stamp) = (numbers.step(), numbers.step(), numbers.step());
    let mut frames = Vec::new();
    for _ in 0..numbers.below(24) {
        number = number.wrapping_add(numbers.step());
        counter = counter.wrapping_add(numbers.step());
        stamp = stamp.wrapping_add(numbers.step());
        let incarnation = numbers.pick(&[1, 1, 1, 1, 1, u64::MAX]);
        let from = numbers.pick(&["", "n", "ann", "ann", "ann", "ann"]);
        let [key, message_key] = [0, 0].map(|_| PublicKey([numbers.pick(&[1, 1, 1, 1, 2]); 32]));
        let kept = numbers.below(2) == 0;
        let ciphertext = &bytes[..numbers.pick(&[0, 1, 8, 64, 130])];
        let (low_counter, low_stamp) = (counter as u32, UnixSeconds(stamp as u32));
        frames.push(match numbers.below(12) {
            0 => Frame::Skipped { count: low_counter },
            1..6 => Frame::Mail {
                serial: number,
                incarnation,
                counter: low_counter,
                stamp: low_stamp,
                kept,
                key,
                from,
                message_key,
                ciphertext,
            },
            _ => Frame::Channel {
                number: number as u32,
                incarnation,
                counter: low_counter,
                stamp: low_stamp,
                kept,
                from,
                text: core::str::from_utf8(ciphertext).unwrap(),
            },
        });
    }
    frames
}

#[test]
fn reads_back_what_it_writes_in_fewer_bytes() {
    let bytes = [b'x'; 130];
    let mut numbers = Numbers(0x5eed);
    let (mut short, mut in_all) = (0, 0);
    for _ in 0..4_000 {
        let frames = some_frames(&mut numbers, &bytes);
        let (body, fitting) = written(&Header::default(), &frames);
        assert!(body.len() <= BODY_LEN_MAX);
        let full = |frame: &Frame<'_>| frames_of(&[*frame]).len();
        let in_full: usize = frames[..fitting].iter().map(full).sum();
        let len = body.len() - HEADER_LEN;
        assert!(len <= in_full, "{frames:?}");
        short += usize::from(len < in_full);
        // The writer left a frame out only because it does not fit.
        if let Some(next) = frames.get(fitting) {
            assert!(len + full(next) > BODY_LEN_MAX - HEADER_LEN);
        }
        in_all += 1;
    }
    assert!(short * 2 > in_all, "{short} of {in_all} were shortened");
}
