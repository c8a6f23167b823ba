//! The symmetric state of the Noise Protocol Framework (revision 34, section 5.2): both sides of a
//! handshake mix into it all data that they send and receive, and all secrets that they share.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::suite::Suite;
use super::{HandshakeKey, KEY_LEN, TAG_LEN};

/// The chaining key, the transcript hash, and the cipher key once there is one.
pub(super) struct Symmetric {
    suite: Suite,
    chaining_key: [u8; KEY_LEN],
    transcript: [u8; KEY_LEN],
    key: Option<[u8; KEY_LEN]>,
    nonce: u64,
}

impl ZeroizeOnDrop for Symmetric {}

impl Drop for Symmetric {
    fn drop(&mut self) {
        self.chaining_key.zeroize();
        self.key.zeroize();
    }
}

impl Symmetric {
    /// Starts a handshake with this protocol name, which must be longer than a hash. At most eight
    /// parts of the prologue.
    pub(super) fn new(suite: Suite, name: &[u8], prologue: &[&[u8]]) -> Self {
        let start = suite.hash(&[name]);
        let mut state = Self {
            suite,
            chaining_key: start,
            transcript: start,
            key: None,
            nonce: 0,
        };
        let mut parts: [&[u8]; 9] = [&[]; 9];
        let transcript = state.transcript;
        let all = core::iter::once(&transcript[..]).chain(prologue.iter().copied());
        parts.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        debug_assert!(prologue.len() < parts.len());
        state.transcript = suite.hash(&parts);
        state
    }

    /// Mixes data into the transcript hash (`MixHash`).
    pub(super) fn mix_hash(&mut self, data: &[u8]) {
        self.transcript = self.suite.hash(&[&self.transcript, data]);
    }

    /// Mixes key material into the chaining key (`MixKey`).
    pub(super) fn mix_key(&mut self, material: &[u8]) {
        let [next, key] = &*self.expand(material);
        self.chaining_key = *next;
        self.start_key(key);
    }

    /// Mixes in the shared secret of two key pairs, or returns `None` if that is zero.
    pub(super) fn mix_shared(
        &mut self,
        private: &[u8; KEY_LEN],
        public: &[u8; KEY_LEN],
    ) -> Option<()> {
        let shared = Zeroizing::new(self.suite.shared(private, public)?);
        self.mix_key(&*shared);
        Some(())
    }

    /// Mixes in the shared secret of two key pairs, also if that is zero.
    #[cfg(feature = "medium-keys")]
    pub(super) fn mix_any_shared(&mut self, private: &[u8; KEY_LEN], public: &[u8; KEY_LEN]) {
        let shared = Zeroizing::new(self.suite.shared(private, public).unwrap_or_default());
        self.mix_key(&*shared);
    }

    /// Mixes the pre-shared key into key and transcript (`MixKeyAndHash`).
    pub(super) fn mix_key_and_hash(&mut self, material: &[u8; KEY_LEN]) {
        let temporary = Zeroizing::new(self.suite.hmac(&self.chaining_key, &[material]));
        let first = Zeroizing::new(self.suite.hmac(&temporary, &[&[1]]));
        let second = self.suite.hmac(&temporary, &[&*first, &[2]]);
        let third = Zeroizing::new(self.suite.hmac(&temporary, &[&second, &[3]]));
        self.chaining_key = *first;
        self.mix_hash(&second);
        self.start_key(&third);
    }

    fn start_key(&mut self, key: &[u8; KEY_LEN]) {
        self.key = Some(*key);
        self.nonce = 0;
    }

    /// Returns the two outputs of HKDF with the chaining key.
    fn expand(&self, material: &[u8]) -> Zeroizing<[[u8; KEY_LEN]; 2]> {
        let temporary = Zeroizing::new(self.suite.hmac(&self.chaining_key, &[material]));
        let mut both = Zeroizing::new([[0; KEY_LEN]; 2]);
        let [first, second] = &mut *both;
        *first = self.suite.hmac(&temporary, &[&[1]]);
        *second = self.suite.hmac(&temporary, &[first, &[2]]);
        both
    }

    /// Encrypts `text` to the start of `out`, and splits that off; `None` if there is no room.
    pub(super) fn encrypt(&mut self, text: &[u8], out: &mut &mut [u8]) -> Option<()> {
        let place = take_mut(out, text.len() + TAG_LEN)?;
        let (ciphertext, tag) = place.split_last_chunk_mut::<TAG_LEN>()?;
        ciphertext
            .iter_mut()
            .zip(text)
            .for_each(|(to, from)| *to = *from);
        let key = self.key.as_ref()?;
        *tag = self
            .suite
            .seal(key, self.nonce, &self.transcript, ciphertext);
        self.nonce += 1;
        self.mix_hash(place);
        Some(())
    }

    /// Decrypts a result of [`encrypt`](Self::encrypt) into `out`; returns the length of the text.
    pub(super) fn decrypt(&mut self, ciphertext: &[u8], out: &mut [u8]) -> Option<usize> {
        let (text, tag) = ciphertext.split_last_chunk::<TAG_LEN>()?;
        let place = out.get_mut(..text.len())?;
        place
            .iter_mut()
            .zip(text)
            .for_each(|(to, from)| *to = *from);
        let key = self.key.as_ref()?;
        self.suite
            .open(key, self.nonce, &self.transcript, place, tag)?;
        self.nonce += 1;
        self.mix_hash(ciphertext);
        Some(text.len())
    }

    /// Returns the key of the next encrypted part, which must be the first under its key.
    pub(super) fn handshake_key(&self) -> HandshakeKey {
        debug_assert!(self.nonce == 0 && self.key.is_some());
        HandshakeKey {
            key: self.key.unwrap_or_default(),
            transcript: self.transcript,
        }
    }

    /// Returns the keys of both directions, the initiator's first (`Split`).
    pub(super) fn split(&self) -> Zeroizing<[[u8; KEY_LEN]; 2]> {
        self.expand(&[])
    }

    /// Derives a key from the whole state, including the transcript.
    pub(super) fn bound_key(&self) -> [u8; KEY_LEN] {
        let [_, key] = *self.expand(&self.transcript);
        key
    }
}

/// Splits the first `len` bytes off.
pub(super) fn take_mut<'a>(out: &mut &'a mut [u8], len: usize) -> Option<&'a mut [u8]> {
    let (place, rest) = core::mem::take(out).split_at_mut_checked(len)?;
    *out = rest;
    Some(place)
}

/// Splits the first `len` bytes off.
pub(super) fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}
