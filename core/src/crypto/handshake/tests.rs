//! Tests of the handshake against another implementation of Noise.

use super::super::{RoomKey, StaticKey};
use super::*;
use std::vec::Vec;

const ROOM: [u8; KEY_LEN] = [9; KEY_LEN];

/// Open rooms and closed ones. Miri takes half a minute for one multiplication on the curve.
const ROOMS: &[bool] = if cfg!(miri) { &[true] } else { &[false, true] };

fn identity(byte: u8, room: bool) -> Identity {
    Identity::new(
        StaticKey::new([byte; KEY_LEN]),
        room.then(|| RoomKey::new(ROOM)),
    )
}

fn snow(key: &[u8; KEY_LEN], room: bool) -> snow::Builder<'_> {
    let psk: &'static [u8; KEY_LEN] = if room { &ROOM } else { &[0; KEY_LEN] };
    snow::Builder::new("Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s".parse().unwrap())
        .local_private_key(key)
        .unwrap()
        .psk(1, psk)
        .unwrap()
        .prologue(b"front")
        .unwrap()
}

fn first(handshake: &Handshake<'_>) -> Vec<u8> {
    let mut out = [0; 300];
    let len = handshake.first(&mut out).unwrap();
    out[..len].to_vec()
}

#[test]
fn completes_with_a_foreign_responder() {
    for &room in ROOMS {
        let (local, remote) = (identity(1, room), identity(2, room));
        let handshake = Handshake {
            identity: &local,
            remote: &remote.public(),
            prologue: b"front",
            ephemeral: &[3; KEY_LEN],
            payload: b"hello",
        };
        let mut other = snow(&[2; KEY_LEN], room).build_responder().unwrap();
        let mut buffer = [0; 300];
        let len = other.read_message(&first(&handshake), &mut buffer).unwrap();
        assert_eq!(&buffer[..len], b"hello");
        assert_eq!(other.get_remote_static(), Some(&local.public().0[..]));
        let mut second = [0; 300];
        let len = other.write_message(b"welcome", &mut second).unwrap();
        let (mut session, len) = handshake.complete(&second[..len], &mut buffer).unwrap();
        assert_eq!(&buffer[..len], b"welcome");

        let mut other = other.into_transport_mode().unwrap();
        let mut text = *b"text";
        let tag = local.seal(&mut session, &[], &mut text);
        let ciphertext = [&text[..], &tag].concat();
        let len = other.read_message(&ciphertext, &mut buffer).unwrap();
        assert_eq!(&buffer[..len], b"text");
        let len = other.write_message(b"back", &mut buffer).unwrap();
        let (text, tag) = buffer[..len].split_last_chunk_mut().unwrap();
        assert!(local.open(&mut session, 0, &[], text, &*tag));
        assert_eq!(text, b"back");
    }
}

#[test]
fn answers_a_foreign_initiator() {
    for &room in ROOMS {
        let local = identity(2, room);
        let mut other = snow(&[1; KEY_LEN], room)
            .remote_public_key(&local.public().0)
            .unwrap()
            .build_initiator()
            .unwrap();
        let (mut message, mut payload) = ([0; 300], [0; 300]);
        let len = other.write_message(b"hello", &mut message).unwrap();
        let (responder, len) =
            Responder::read(&local, b"front", &message[..len], &mut payload).unwrap();
        assert_eq!(&payload[..len], b"hello");
        assert_eq!(responder.remote(), identity(1, room).public());
        let (mut session, len) = responder
            .answer(&local, &[4; KEY_LEN], b"welcome", &mut message)
            .unwrap();
        let len = other.read_message(&message[..len], &mut payload).unwrap();
        assert_eq!(&payload[..len], b"welcome");
        let mut other = other.into_transport_mode().unwrap();
        let mut text = *b"text";
        let tag = local.seal(&mut session, &[], &mut text);
        let ciphertext = [&text[..], &tag].concat();
        assert_eq!(other.read_message(&ciphertext, &mut payload).unwrap(), 4);
    }
}

#[test]
fn refuses_messages_with_any_changed_byte() {
    let (local, remote) = (identity(1, false), identity(2, false));
    let handshake = Handshake {
        identity: &local,
        remote: &remote.public(),
        prologue: b"front",
        ephemeral: &[3; KEY_LEN],
        payload: b"hello",
    };
    let message = first(&handshake);
    assert_eq!(message, first(&handshake), "built again");
    let mut payload = [0; 300];
    let (responder, _) = Responder::read(&remote, b"front", &message, &mut payload).unwrap();
    let mut second = [0; 300];
    let (_, len) = responder
        .answer(&remote, &[4; KEY_LEN], b"welcome", &mut second)
        .unwrap();
    let step = if cfg!(miri) { 61 } else { 1 };
    for at in (0..message.len()).step_by(step) {
        let mut changed = message.clone();
        changed[at] ^= 1 << (at % 7);
        assert!(Responder::read(&remote, b"front", &changed, &mut payload).is_none());
        assert!(Responder::read(&remote, b"front", &message[..at], &mut payload).is_none());
    }
    for at in (0..len).step_by(step) {
        let mut changed = second;
        changed[at] ^= 1 << (at % 7);
        assert!(handshake.complete(&changed[..len], &mut payload).is_none());
        assert!(handshake.complete(&second[..at], &mut payload).is_none());
    }
    assert!(Responder::read(&remote, b"other", &message, &mut payload).is_none());
    assert!(Responder::read(&local, b"front", &message, &mut payload).is_none());
    let elsewhere = identity(2, true);
    assert!(Responder::read(&elsewhere, b"front", &message, &mut payload).is_none());
}

/// With any point of low order, X25519 gives zero (RFC 7748, section 6.1).
#[test]
fn refuses_keys_of_low_order() {
    let mut one = [0; KEY_LEN];
    one[0] = 1;
    let local = identity(1, false);
    for weak in [[0; KEY_LEN], one] {
        let handshake = Handshake {
            identity: &local,
            remote: &PublicKey(weak),
            prologue: b"front",
            ephemeral: &[3; KEY_LEN],
            payload: b"hello",
        };
        assert!(handshake.first(&mut [0; 300]).is_none());
        let mut message = [0; 130];
        message[..KEY_LEN].copy_from_slice(&weak);
        assert!(Responder::read(&local, b"front", &message, &mut [0; 300]).is_none());
    }
}

#[test]
fn exports_the_key_of_each_part_on_both_sides() {
    for &room in ROOMS {
        let (local, remote) = (identity(1, room), identity(2, room));
        let handshake = Handshake {
            identity: &local,
            remote: &remote.public(),
            prologue: b"front",
            ephemeral: &[3; KEY_LEN],
            payload: b"hello",
        };
        let message = first(&handshake);
        let (responder, _) = Responder::read(&remote, b"front", &message, &mut [0; 300]).unwrap();
        let mut second = [0; 300];
        let (_, len) = responder
            .answer(&remote, &[4; KEY_LEN], b"welcome", &mut second)
            .unwrap();

        let (mut initiator_keys, mut responder_keys) = (Vec::new(), Vec::new());
        handshake.first_message_keys(|part| initiator_keys.push(part));
        handshake.second_message_key(&second[..len], |part| initiator_keys.push(part));
        let ephemeral = [4; KEY_LEN];
        Responder::handshake_keys(&remote, b"front", &message, &ephemeral, |part| {
            responder_keys.push(part);
        });
        assert_eq!(initiator_keys, responder_keys);

        let (key, payload) = message[KEY_LEN..].split_at(KEY_LEN + TAG_LEN);
        let parts = [
            (key, &local.public().0[..]),
            (payload, b"hello"),
            (&second[KEY_LEN..len], b"welcome"),
        ];
        let stranger = identity(9, false);
        assert_eq!(initiator_keys.len(), parts.len());
        for (at, key) in initiator_keys.iter().enumerate() {
            for (place, (part, text)) in parts.iter().enumerate() {
                let mut part = part.to_vec();
                let decrypted = key.open(&stranger, &mut part);
                assert_eq!(decrypted.as_deref(), (at == place).then_some(*text));
            }
        }
    }
}

#[test]
fn hides_handshake_keys_in_debug_output() {
    let part = HandshakeKey {
        key: [7; KEY_LEN],
        transcript: [7; KEY_LEN],
    };
    assert_eq!(std::format!("{part:?}"), "HandshakeKey(..)");
}
