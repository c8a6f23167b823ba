//! A peer that sends a PeerHello to the client, and the session that follows.

use chatapp_core::Identity;
use chatapp_core::crypto::KEY_LEN;
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::{Answer, Datagram, Hello, PeerHello};

use crate::client_rig::Rig;
use crate::lines::Line;
use crate::people::bytes;

/// Returns the ephemeral key and the payload of a PeerHello.
fn call_of(identity: &Identity, id: u64, call: &PeerHello<'_>) -> ([u8; KEY_LEN], Vec<u8>) {
    let call = PeerHello {
        reset: identity.reset_token(id),
        ..*call
    };
    let mut payload = [0; DATAGRAM_LEN_MAX];
    let payload = postcard::to_slice(&call, &mut payload).unwrap().to_vec();
    (bytes("calls", id), payload)
}

/// Builds a PeerHello to the client, under the key of this person, with this session id.
pub(crate) fn call(rig: &Rig, person: &str, id: u64, call: &PeerHello<'_>) -> Vec<u8> {
    let to_incarnation = rig.incarnation;
    let identity = rig.identity(person);
    let (ephemeral, payload) = call_of(&identity, id, call);
    let hello = Hello::Peer { to_incarnation };
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = hello.emit(
        id,
        &identity,
        &rig.client.key(),
        &ephemeral,
        &payload,
        &mut out,
    );
    out[..len].to_vec()
}

/// Returns the session that the client's Accept of this PeerHello begins.
pub(crate) fn accepted_session(
    rig: &Rig,
    person: &str,
    id: u64,
    call: &PeerHello<'_>,
    accept: &[u8],
) -> Line {
    let to_incarnation = rig.incarnation;
    let identity = rig.identity(person);
    let (ephemeral, payload) = call_of(&identity, id, call);
    let hello = Hello::Peer { to_incarnation };
    let key = rig.client.key();
    let Ok(Datagram::Accept { message, .. }) = Datagram::parse(&identity, accept) else {
        panic!("not an Accept: {accept:?}")
    };
    let opened = hello.complete(id, &identity, &key, &ephemeral, &payload, message);
    match opened {
        Some((session, Answer::Accepted(accept))) => Line::new(identity, session, accept.id),
        other => panic!("{other:?}"),
    }
}
