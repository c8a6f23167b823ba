//! The other end of a session with the client: the handshake from either side, and the datagrams.

use chatapp_core::Identity;
use chatapp_core::crypto::{KEY_LEN, Responder, SessionKeys, TAG_LEN};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Accept, Answer, DataWriter, Datagram, Frame, Header, PeerHello, data};

use crate::people::{BOB, BOB_ID, SERVER_ID, bytes, identity};

/// Length of the part of a datagram that is not encrypted, in bytes.
const FRONT_LEN: usize = 18;

/// The other end of a session with the client.
#[derive(Clone)]
pub(crate) struct Line {
    identity: Identity,
    session: SessionKeys,
    /// Session id of the client.
    pub(crate) to: u64,
}

impl Line {
    pub(crate) fn new(identity: Identity, session: SessionKeys, to: u64) -> Self {
        Self {
            identity,
            session,
            to,
        }
    }

    /// Decrypts a datagram, and formats each frame with `words`; `None` if it is not of this
    /// session.
    pub(crate) fn decrypt(
        &self,
        mut datagram: Vec<u8>,
        words: impl Fn(&Frame<'_>) -> String,
    ) -> Option<(Header, Vec<String>)> {
        let mut session = self.session.clone();
        let (header, frames) = data::open(&self.identity, &mut session, &mut datagram).ok()?;
        let frames = frames.map(|frame| words(&frame.unwrap()));
        Some((header, frames.collect()))
    }

    pub(crate) fn encrypt(&mut self, header: &Header, frames: &[Frame<'_>]) -> Vec<u8> {
        let mut out = [0; DATAGRAM_LEN_MAX];
        let mut writer = DataWriter::new(&mut out, self.to, header);
        assert!(
            frames.iter().all(|frame| writer.push(frame)),
            "the frames fit"
        );
        let len = writer.finish(&self.identity, &mut self.session);
        out[..len].to_vec()
    }

    /// Encrypts these bytes in place of header and frames.
    pub(crate) fn encrypt_bytes(&mut self, mut plain: Vec<u8>) -> Vec<u8> {
        let datagram = self.clone().encrypt(&Header::default(), &[]);
        let front = &datagram[..FRONT_LEN];
        let tag = self.identity.seal(&mut self.session, front, &mut plain);
        [front, &plain, &tag].concat()
    }
}

/// Answers a ClientHello or PeerHello as the holder of this identity. Returns the answer and the
/// session that it begins.
pub(crate) fn answer(identity: &Identity, request: &[u8], answer: &Answer) -> (Vec<u8>, Line) {
    let (to, prologue, message) = match Datagram::parse(identity, request) {
        Ok(Datagram::ClientHello(hello)) => (hello.id, hello.prologue, hello.message),
        Ok(Datagram::PeerHello(call)) => (call.id, call.prologue, call.message),
        other => panic!("{other:?}"),
    };
    let mut payload = [0; DATAGRAM_LEN_MAX];
    let (responder, _) = Responder::read(identity, prologue, message, &mut payload)
        .expect("the request is for this identity");
    let content = postcard::to_slice(answer, &mut payload).unwrap();
    let mut message = [0; DATAGRAM_LEN_MAX];
    let (session, len) = responder
        .answer(identity, &bytes("answers", to), content, &mut message)
        .unwrap();
    let message = &message[..len];
    let accept = plain(identity, &Datagram::Accept { to, message });
    (accept, Line::new(identity.clone(), session, to))
}

/// Returns the server's acceptance of a session with alice.
pub(crate) fn server_accepts() -> Answer {
    Answer::Accepted(Accept {
        id: SERVER_ID,
        epoch: 1,
        table_epoch: 1,
        window: 32,
        reset: identity("server").reset_token(SERVER_ID),
    })
}

/// Returns bob's acceptance of a session.
pub(crate) fn bob_accepts() -> Answer {
    Answer::Accepted(Accept {
        id: BOB_ID,
        epoch: 0,
        table_epoch: 0,
        window: 32,
        reset: identity("bob").reset_token(BOB_ID),
    })
}

/// Encodes a datagram that is not encrypted.
pub(crate) fn plain(identity: &Identity, datagram: &Datagram<'_>) -> Vec<u8> {
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = datagram.emit(identity, &mut out);
    assert_ne!(len, 0);
    out[..len].to_vec()
}

/// Returns an encrypted datagram of a session that does not exist.
pub(crate) fn stray(to: u64) -> Vec<u8> {
    let session = SessionKeys::new(&[1; KEY_LEN], &[2; KEY_LEN]);
    Line::new(identity("bob"), session, to).encrypt(&Header::default(), &[])
}

/// Returns the payload of a PeerHello from bob, with this session sequence.
pub(crate) fn from_caller(session_sequence: u32) -> PeerHello<'static> {
    PeerHello {
        from_incarnation: BOB,
        session_sequence,
        window: 32,
        reset: [0; TAG_LEN],
        from: "bob",
        to: "alice",
    }
}
