//! Runs the parser and the encoder on any input.

use chatapp_core::crypto::SessionKeys;
use chatapp_core::limits::{BODY_LEN_MAX, DATAGRAM_LEN_MAX};
use chatapp_core::wire::data::{self, DataWriter};
use chatapp_core::wire::{DATAGRAM_LEN_MIN, Datagram, Entry, Frame, Header};

use crate::people::identity;
use crate::short_tag::{TAG_LEN, append_tag};

/// The longest datagram that can be built; some longer ones parse.
const BUILT_LEN_MAX: usize = DATAGRAM_LEN_MIN + BODY_LEN_MAX;

/// Parses `bytes` as they are, with a valid tag in place of their last bytes, and as the plaintext
/// of a session. Each value that was parsed is emitted again.
///
/// # Panics
/// If the emitted bytes have another meaning.
pub fn datagram(bytes: &[u8]) {
    emits_what_it_parses(bytes);
    if let Some(len) = bytes.len().checked_sub(TAG_LEN) {
        let mut public = bytes[..len].to_vec();
        append_tag(&mut public);
        emits_what_it_parses(&public);
    }
    body_emits_what_it_parses(bytes);
}

fn emits_what_it_parses(bytes: &[u8]) {
    let identity = identity(0);
    let Ok(datagram) = Datagram::parse(&identity, bytes) else {
        return;
    };
    if let Datagram::Data { .. } | Datagram::ClientHello(_) | Datagram::PeerHello(_) = datagram {
        return;
    }
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(&identity, &mut out);
    if len == 0 {
        assert!(
            bytes.len() > BUILT_LEN_MAX,
            "{datagram:?} is not too long to be built"
        );
    } else {
        assert_eq!(Datagram::parse(&identity, &out[..len]), Ok(datagram));
    }
}

fn body_emits_what_it_parses(body: &[u8]) {
    let Ok((header, frames)) = Header::parse(body) else {
        return;
    };
    let Ok(frames) = frames.collect::<Result<Vec<_>, _>>() else {
        return;
    };
    let (identity, key) = (identity(0), [7; 32]);
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = DataWriter::new(&mut out, 1, &header);
    if !frames.iter().all(|frame| writer.push(frame)) {
        assert!(
            body.len() > BODY_LEN_MAX,
            "{frames:?} are not too long to be built"
        );
        return;
    }
    let len = writer.finish(&identity, &mut SessionKeys::new(&key, &key));
    let mut session = SessionKeys::new(&key, &key);
    let (header_again, frames_again) =
        data::open(&identity, &mut session, &mut out[..len]).expect("the tag fits");
    assert_eq!(header_again, header);
    assert_eq!(
        frames_again.collect::<Result<Vec<_>, _>>().as_ref(),
        Ok(&frames)
    );
    frames.iter().for_each(page_emits_what_it_parses);
}

fn page_emits_what_it_parses(frame: &Frame<'_>) {
    let Frame::Page { entries, .. } = *frame else {
        return;
    };
    let entries: Vec<Entry<'_>> = Entry::parse_all(entries).collect();
    let mut page = [0; DATAGRAM_LEN_MAX];
    let mut len = 0;
    for entry in &entries {
        let added = entry.emit(&mut page[len..]);
        assert_ne!(added, 0, "{entry:?} came out of a smaller page");
        len += added;
    }
    assert!(Entry::parse_all(&page[..len]).eq(entries));
}
