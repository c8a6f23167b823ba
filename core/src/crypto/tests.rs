//! Tests of all implementations of ChaCha20-Poly1305: the vector of its specification, changed
//! input, and equal results.

use super::nonce::{NONCE_LEN, nonce};
#[cfg(feature = "ring")]
use super::ring;
use super::{KEY_LEN, TAG_LEN, rust_crypto};

mod wycheproof;

type Seal = fn(&[u8; KEY_LEN], &[u8; NONCE_LEN], &[u8], &mut [u8]) -> [u8; TAG_LEN];
type Open = fn(&[u8; KEY_LEN], &[u8; NONCE_LEN], &[u8], &mut [u8], &[u8; TAG_LEN]) -> Option<()>;

struct Cipher {
    seal: Seal,
    open: Open,
}

const ALL: &[Cipher] = &[
    Cipher {
        seal: rust_crypto::seal,
        open: rust_crypto::open,
    },
    #[cfg(feature = "ring")]
    Cipher {
        seal: ring::seal,
        open: ring::open,
    },
];

/// RFC 8439, appendix A.5: the only vector there whose nonce begins with four zero bytes, as all
/// nonces of the protocol do.
#[test]
fn follows_the_vector_of_the_specification() {
    let key = [
        0x1c, 0x92, 0x40, 0xa5, 0xeb, 0x55, 0xd3, 0x8a, 0xf3, 0x33, 0x88, 0x86, 0x04, 0xf6, 0xb5,
        0xf0, 0x47, 0x39, 0x17, 0xc1, 0x40, 0x2b, 0x80, 0x09, 0x9d, 0xca, 0x5c, 0xbc, 0x20, 0x70,
        0x75, 0xc0,
    ];
    let counter = 0x0807_0605_0403_0201;
    let associated = [0xf3, 0x33, 0x88, 0x86, 0, 0, 0, 0, 0, 0, 0x4e, 0x91];
    let tag = [
        0xee, 0xad, 0x9d, 0x67, 0x89, 0x0c, 0xbb, 0x22, 0x39, 0x23, 0x36, 0xfe, 0xa1, 0x85, 0x1f,
        0x38,
    ];
    let start = [
        0x64, 0xa0, 0x86, 0x15, 0x75, 0x86, 0x1a, 0xf4, 0x60, 0xf0, 0x62, 0xc7, 0x9b, 0xe6, 0x43,
        0xbd,
    ];
    let plain = "Internet-Drafts are draft documents valid for a maximum of six months and \
                 may be updated, replaced, or obsoleted by other documents at any time. It is \
                 inappropriate to use Internet-Drafts as reference material or to cite them \
                 other than as /\u{201c}work in progress./\u{201d}"
        .as_bytes();
    assert_eq!(plain.len(), 265);
    for cipher in ALL {
        let mut text = plain.to_vec();
        // The tag authenticates the whole ciphertext.
        assert_eq!(
            (cipher.seal)(&key, &nonce(counter), &associated, &mut text),
            tag
        );
        assert!(text.starts_with(&start));
        let decrypted = (cipher.open)(&key, &nonce(counter), &associated, &mut text, &tag);
        assert_eq!((decrypted, &text[..]), (Some(()), plain));
    }
}

#[test]
fn refuses_and_hides_a_text_when_a_bit_was_changed() {
    let (key, counter, associated, plain) = ([7; KEY_LEN], 5, *b"front", [b'x'; 40]);
    for cipher in ALL {
        let mut ciphertext = plain;
        let tag = (cipher.seal)(&key, &nonce(counter), &associated, &mut ciphertext);
        let decrypts = |key: &_, counter, associated: &[u8], mut text: [u8; 40], tag: &_| {
            let is_open = (cipher.open)(key, &nonce(counter), associated, &mut text, tag).is_some();
            assert_eq!(is_open, text == plain);
            is_open
        };
        assert!(decrypts(&key, counter, &associated, ciphertext, &tag));
        // Miri takes long for each call.
        for bit in if cfg!(miri) { 7..8 } else { 0..8 } {
            let flip = 1 << bit;
            for at in 0..TAG_LEN {
                let mut tag = tag;
                tag[at] ^= flip;
                assert!(!decrypts(&key, counter, &associated, ciphertext, &tag));
            }
            for at in 0..ciphertext.len() {
                let mut text = ciphertext;
                text[at] ^= flip;
                assert!(!decrypts(&key, counter, &associated, text, &tag));
            }
            for at in 0..associated.len() {
                let mut associated = associated;
                associated[at] ^= flip;
                assert!(!decrypts(&key, counter, &associated, ciphertext, &tag));
            }
            let mut other = key;
            other[31] ^= flip;
            assert!(!decrypts(&other, counter, &associated, ciphertext, &tag));
            let other = counter ^ 1 << (8 * bit);
            assert!(!decrypts(&key, other, &associated, ciphertext, &tag));
        }
        assert!(!decrypts(&key, counter, &associated[..4], ciphertext, &tag));
    }
}

#[test]
fn checks_the_tag_of_an_empty_text() {
    for cipher in ALL {
        let tag = (cipher.seal)(&[1; KEY_LEN], &nonce(1), &[], &mut []);
        let decrypted = |counter| (cipher.open)(&[1; KEY_LEN], &nonce(counter), &[], &mut [], &tag);
        assert_eq!((decrypted(1), decrypted(2)), (Some(()), None));
    }
}

/// The assembly has separate code for many lengths. This tries each length up to that of a datagram
/// four times, with other keys, counters, associated data and alignments.
#[cfg(feature = "ring")]
#[test]
fn encrypts_alike_in_all_implementations() {
    let mut state = 1_u64;
    let mut draw = move || {
        // Knuth's linear congruential generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let mut bytes = |len| -> std::vec::Vec<u8> { (0..len).map(|_| draw()).collect() };
    for len in (0..=crate::limits::DATAGRAM_LEN_MAX).flat_map(|len| [len; 4]) {
        let key = *bytes(KEY_LEN).first_chunk().unwrap();
        let counter = u64::from_le_bytes(*bytes(8).first_chunk().unwrap());
        let from = bytes(1)[0];
        let counter = counter >> (from % 64);
        let associated = bytes(usize::from(from % 80));
        let start = usize::from(from / 16);
        let plain = bytes(start + len);
        let mut all = ALL.iter().map(|cipher| {
            let mut text = plain.clone();
            let tag = (cipher.seal)(&key, &nonce(counter), &associated, &mut text[start..]);
            (text, tag)
        });
        let (ciphertext, tag) = all.next().unwrap();
        assert!(all.all(|other| other == (ciphertext.clone(), tag)), "{len}");
        for cipher in ALL {
            let mut text = ciphertext.clone();
            let decrypted =
                (cipher.open)(&key, &nonce(counter), &associated, &mut text[start..], &tag);
            assert!(decrypted.is_some() && text == plain, "{len}");
            let mut forged = tag;
            forged[usize::from(from % 16)] ^= 1 << (from / 16 % 8);
            let mut text = ciphertext.clone();
            let decrypted = (cipher.open)(
                &key,
                &nonce(counter),
                &associated,
                &mut text[start..],
                &forged,
            );
            assert!(decrypted.is_none() && (len < 16 || text != plain), "{len}");
        }
    }
}
