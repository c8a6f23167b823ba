//! Byte arrays for serde, one byte after the other.
//!
//! The format is that of serde's own implementation for arrays. That one unrolls each element,
//! which gives several times the code.

use core::fmt;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{SerializeTuple, Serializer};

/// Serializes an array as a tuple of bytes.
pub(crate) fn serialize<S: Serializer, const LEN: usize>(
    bytes: &[u8; LEN],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut tuple = serializer.serialize_tuple(LEN)?;
    for byte in bytes {
        tuple.serialize_element(byte)?;
    }
    tuple.end()
}

/// Deserializes an array from a tuple of bytes.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, const LEN: usize>(
    deserializer: D,
) -> Result<[u8; LEN], D::Error> {
    deserializer.deserialize_tuple(LEN, Bytes)
}

/// Visits exactly `LEN` bytes.
struct Bytes<const LEN: usize>;

impl<'de, const LEN: usize> Visitor<'de> for Bytes<LEN> {
    type Value = [u8; LEN];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{LEN} bytes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[u8; LEN], A::Error> {
        let mut bytes = [0; LEN];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = seq
                .next_element()?
                .ok_or_else(|| A::Error::invalid_length(at, &self))?;
        }
        Ok(bytes)
    }
}
