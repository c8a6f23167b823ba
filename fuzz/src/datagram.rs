//! The parser and the encoder.

use chatapp_core::limits::{BODY_LEN_MAX, DATAGRAM_LEN_MAX};
use chatapp_core::wire::{DATAGRAM_LEN_MIN, Data, DataWriter, Datagram, Entry, Frame};

use crate::seal::{TAG_LEN, seal_data, seal_public};

/// The session that all data datagrams here come from.
const FROM: u64 = 1;
/// Longest datagram that is ever built: some that are longer parse, and cannot be built again.
const BUILT_LEN_MAX: usize = DATAGRAM_LEN_MIN + BODY_LEN_MAX;

/// Parses `bytes` as they are and with a valid tag in place of their last bytes; whatever parses is emitted again
/// and must have kept its meaning.
///
/// # Panics
/// If it has not.
pub fn datagram(bytes: &[u8]) {
    emits_what_it_parses(bytes);
    let Some(content) = bytes.len().checked_sub(TAG_LEN).map(|len| &bytes[..len]) else {
        return;
    };
    let mut public = content.to_vec();
    seal_public(&mut public);
    emits_what_it_parses(&public);
    if let Some(to) = content.get(2..10) {
        let mut data = content.to_vec();
        seal_data(
            &mut data,
            u64::from_le_bytes(to.try_into().expect("8 bytes")),
            FROM,
        );
        emits_what_it_parses(&data);
    }
}

fn emits_what_it_parses(bytes: &[u8]) {
    let Ok(datagram) = Datagram::parse(bytes) else {
        return;
    };
    if let Datagram::Data(data) = datagram {
        return data_emits_what_it_parses(bytes, data);
    }
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(&mut out);
    if len == 0 {
        assert!(
            bytes.len() > BUILT_LEN_MAX,
            "{datagram:?} is not too long to be built"
        );
    } else {
        assert_eq!(Datagram::parse(&out[..len]), Ok(datagram));
    }
}

fn data_emits_what_it_parses(bytes: &[u8], data: Data<'_>) {
    let Ok((header, frames)) = data.open(FROM) else {
        return;
    };
    let Ok(frames) = frames.collect::<Result<Vec<_>, _>>() else {
        return;
    };
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut writer = DataWriter::new(&mut out, data.to, FROM, &header);
    if !frames.iter().all(|frame| writer.push(frame)) {
        assert!(
            bytes.len() > BUILT_LEN_MAX,
            "{frames:?} are not too long to be built"
        );
        return;
    }
    let len = writer.finish();
    let Ok(Datagram::Data(again)) = Datagram::parse(&out[..len]) else {
        panic!("not a data datagram")
    };
    let (header_again, frames_again) = again.open(FROM).expect("the tag fits");
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
