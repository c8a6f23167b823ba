//! Compares the vectors of the document with the code, and checks that every change of a datagram
//! is noticed.

use chatapp_core::crypto::SessionKeys;
use chatapp_core::limits::{CIPHERTEXT_LEN_MAX, DATAGRAM_LEN_MAX, STORED_MESSAGE_LEN_MAX};
use chatapp_core::wire::data::{self, DataWriter};
use chatapp_core::wire::{Datagram, Frame, Frames, Header};
use chatapp_core::{DropReason, Identity, PublicKey, UnixSeconds};
use chatapp_vectors::{
    DOCUMENT, Finding, OTHER, alice, body, check, identity, member, open_datagrams, plain, server,
};

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns the vectors that differ, with their right values.
fn wrong(document: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    check(document, |name, made, finding| {
        if finding != Finding::Agrees {
            wrong.push(format!("{name} {finding}: {}", hex(made)));
        }
    });
    wrong
}

fn all_open_datagrams(identity: &Identity) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = Vec::new();
    open_datagrams(identity, &mut |name, bytes| {
        all.push((name, bytes.to_vec()));
    });
    all
}

#[test]
fn agrees_with_the_document() {
    let wrong = wrong(DOCUMENT);
    assert!(wrong.is_empty(), "vectors:\n{}", wrong.join("\n"));
}

#[test]
fn notices_every_mistake_of_a_document() {
    let leave = "\n```vector leave\n00 ac 02 20 01  # header\n03  # frame\n03  # request\n```\n";
    assert!(DOCUMENT.contains(leave));
    let differs = "leave differs: 00 ac 02 20 01 03 03";
    for (there, expected) in [
        (leave.replace("02 20", "02 21"), &[differs][..]),
        (leave.replace("02 20", "02 2x"), &[differs]),
        (leave.replace("03  # request\n", ""), &[differs]),
        (leave.replace("# request", "\n00"), &[differs]),
        (
            leave.replace("vector leave", "vector leaf"),
            &[
                "leave is not in the document: 00 ac 02 20 01 03 03",
                "leaf is not made by the code: ",
            ],
        ),
        (leave.repeat(2), &["leave is not made by the code: "]),
    ] {
        assert_eq!(wrong(&DOCUMENT.replace(leave, &there)), expected, "{there}");
    }
}

#[test]
//= PROTOCOL.md#3.2
fn notices_every_change_of_an_open_datagram() {
    let identity = identity(server());
    for (name, bytes) in all_open_datagrams(&identity) {
        let intact = |bytes: &[u8]| Datagram::parse(&identity, bytes).is_ok();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                // A datagram of the kind Data has no short tag.
                let is_data = damaged[1] == 8;
                assert!(
                    is_data || !intact(&damaged),
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
fn notices_every_change_of_data() {
    let here = identity(alice());
    let key = [7; 32];
    let mut out = [0; DATAGRAM_LEN_MAX];
    let frame = Frame::Leave { request: 3 };
    let mut writer = DataWriter::new(&mut out, OTHER, &plain());
    assert!(writer.push(&frame));
    let len = writer.finish(&here, &mut SessionKeys::new(&key, &key));
    let datagram = &out[..len];
    let decrypts = |bytes: &[u8]| {
        let mut copy = bytes.to_vec();
        data::open(&here, &mut SessionKeys::new(&key, &key), &mut copy).map(|_| ())
    };
    assert_eq!(decrypts(datagram), Ok(()));
    for at in 0..len {
        for bit in 0..8 {
            let mut damaged = datagram.to_vec();
            damaged[at] ^= 1 << bit;
            assert_eq!(
                decrypts(&damaged),
                Err(DropReason::BadTag),
                "bit {bit} of byte {at}"
            );
        }
        assert!(decrypts(&datagram[..at]).is_err(), "cut to {at}");
    }
    assert!(decrypts(&[datagram, &[0]].concat()).is_err());
}

#[test]
fn separates_members_from_strangers() {
    let (inside, outside) = (member(server()), identity(server()));
    for (one, other) in [(&inside, &outside), (&outside, &inside)] {
        for (name, bytes) in all_open_datagrams(one) {
            let understood = Datagram::parse(other, &bytes).is_ok();
            assert_eq!(understood, name == "unsupported", "{name}");
        }
    }
}

#[test]
fn fits_the_largest_frames() {
    let (name, text) = (&"n".repeat(32), &"t".repeat(1_000));
    let worst = Header {
        nack: true,
        probe: true,
        phase: true,
        peer_phase: true,
        acknowledged: u32::MAX,
        window: u16::MAX,
        first: u32::MAX,
        table_version: Some(u32::MAX),
        ..Header::default()
    };
    let (request, counter, number, stamp) = (u32::MAX, u32::MAX, u32::MAX, UnixSeconds(u32::MAX));
    let (ciphertext, kept) = (&[b'l'; CIPHERTEXT_LEN_MAX], &[b'k'; STORED_MESSAGE_LEN_MAX]);
    for frame in [
        Frame::Text {
            counter,
            text: text.as_bytes(),
        },
        Frame::Store {
            request,
            counter,
            tried: u64::MAX,
            bounce: true,
            to: name,
            ciphertext: kept,
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
            message_key: PublicKey([0xff; 32]),
            ciphertext,
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
        let is_of_server = matches!(frame, Frame::Mail { .. } | Frame::Channel { .. });
        let worst = Header {
            table_version: worst.table_version.filter(|_| !is_of_server),
            ..worst
        };
        let mut out = [0; DATAGRAM_LEN_MAX];
        let built = body(&worst, &[frame], &mut out);
        let (_, mut read): (_, Frames<'_>) = Header::parse(built).unwrap();
        assert_eq!(read.next(), Some(Ok(frame)));
    }
}
