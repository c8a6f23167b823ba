//! Builds handshakes, their payloads, and Data under the keys that they give.

use chatapp_core::Identity;
use chatapp_core::crypto::{Responder, SessionKeys};
use chatapp_core::limits::DATAGRAM_LEN_MAX;
use chatapp_core::wire::data::DataWriter;
use chatapp_core::wire::{Accept, Answer, ClientHello, Datagram, Hello, PeerHello, Refusal};

use crate::open::emitted;
use crate::people::{
    INITIATOR_EPHEMERAL, RESPONDER_EPHEMERAL, alice, bob, counting, identity, member, server,
};
#[cfg(feature = "moderation")]
use crate::values::BAN_ENDS;
use crate::values::{BOBS, Bytes, CLIENT, COOKIE, INCARNATION, OTHER, Take, plain};

pub(crate) fn make(take: Take<'_>) {
    let (alice_here, server_here, bob_here) =
        (identity(alice()), identity(server()), identity(bob()));
    take("key-of-the-server", &server_here.public().0);
    take("key-of-alice", &alice_here.public().0);
    take("key-of-bob", &bob_here.public().0);

    let with_server = Hello::Client(COOKIE);
    let (said, answer) = (payload(&hello()), accept(true));
    take("client-hello-payload", &said);
    take("accept-payload", &payload(&answer));
    let registered = exchange(with_server, &alice_here, &server_here, &said, &answer);
    take("client-hello", &registered.first);
    take("accept", &registered.second);
    let (alice_inside, server_inside) = (member(alice()), member(server()));
    let invited = exchange(with_server, &alice_inside, &server_inside, &said, &answer);
    take("client-hello-in-a-closed-room", &invited.first);
    take("accept-in-a-closed-room", &invited.second);
    let refusal = Answer::Refused(Refusal::ForeignKey);
    let refused = exchange(with_server, &alice_here, &server_here, &said, &refusal);
    take("refused", &refused.second);
    #[cfg(feature = "moderation")]
    {
        let refusal = Answer::Refused(Refusal::Banned(BAN_ENDS));
        take("banned-payload", &payload(&refusal));
        let refused = exchange(with_server, &alice_here, &server_here, &said, &refusal);
        take("refused-as-banned", &refused.second);
    }

    let with_bob = Hello::Peer {
        to_incarnation: BOBS,
    };
    let (said, answer) = (payload(&call()), accept(false));
    take("peer-hello-payload", &said);
    take("peer-accept-payload", &payload(&answer));
    let called = exchange(with_bob, &alice_here, &bob_here, &said, &answer);
    take("peer-hello", &called.first);
    take("peer-accept", &called.second);

    encrypted(&alice_here, registered.session, take);
}

/// Builds the first acknowledgement of the initiator, and the first one after its key update.
fn encrypted(initiator: &Identity, mut session: SessionKeys, take: Take<'_>) {
    take("session-send", session.keys().0);
    take("session-receive", session.keys().1);
    let mut out = [0; DATAGRAM_LEN_MAX];
    let mut encrypt = |session: &mut SessionKeys| {
        let len = DataWriter::new(&mut out, OTHER, &plain()).finish(initiator, session);
        Bytes::from_slice(&out[..len]).expect("vectors are short")
    };
    take("encrypted", &encrypt(&mut session));
    for _ in 1..1 << 16 {
        encrypt(&mut session);
    }
    take("session-rekeyed", session.keys().0);
    take("encrypted-rekeyed", &encrypt(&mut session));
}

fn hello() -> ClientHello<'static> {
    ClientHello {
        incarnation: INCARNATION,
        table_epoch: 0,
        table_version: 0,
        epoch: 0xe0e1,
        mail_shown: 9,
        channel_shown: 5,
        table_capacity: 64,
        session_sequence: 1,
        window: 32,
        reset: *b"reset of alice's",
        name: "alice",
    }
}

fn call() -> PeerHello<'static> {
    PeerHello {
        from_incarnation: INCARNATION,
        session_sequence: 2,
        window: 32,
        reset: *b"reset of alice's",
        from: "alice",
        to: "bob",
    }
}

fn accept(server: bool) -> Answer {
    Answer::Accepted(Accept {
        id: OTHER,
        epoch: if server { 0xe0e1 } else { 0 },
        table_epoch: if server { 0xe2e3 } else { 0 },
        window: 32,
        reset: *b"reset, the other",
    })
}

fn payload<T: serde::Serialize>(value: &T) -> Bytes {
    let mut out = [0; 200];
    let bytes = postcard::to_slice(value, &mut out).expect("vectors are short");
    Bytes::from_slice(bytes).expect("vectors are short")
}

/// The two datagrams of a handshake, and the session keys of the initiator.
struct Exchange {
    first: Bytes,
    second: Bytes,
    session: SessionKeys,
}

fn exchange(
    hello: Hello,
    initiator: &Identity,
    responder: &Identity,
    said: &[u8],
    answer: &Answer,
) -> Exchange {
    let (ephemeral, remote) = (counting(INITIATOR_EPHEMERAL), responder.public());
    let mut out = [0; DATAGRAM_LEN_MAX];
    let len = hello.emit(CLIENT, initiator, &remote, &ephemeral, said, &mut out);
    let first = &out[..len];
    let (prologue, message) = match Datagram::parse(responder, first) {
        Ok(Datagram::ClientHello(hello)) => (hello.prologue, hello.message),
        Ok(Datagram::PeerHello(call)) => (call.prologue, call.message),
        other => panic!("{other:?}"),
    };
    let mut payload_read = [0; 200];
    let (read, len) = Responder::read(responder, prologue, message, &mut payload_read)
        .expect("the first message can be read");
    assert_eq!(&payload_read[..len], said);
    assert_eq!(read.remote(), initiator.public());
    let mut second = [0; 200];
    let ephemeral_back = counting(RESPONDER_EPHEMERAL);
    let (theirs, len) = read
        .answer(responder, &ephemeral_back, &payload(answer), &mut second)
        .expect("the second message can be made");
    let message = &second[..len];
    let (session, told) = hello
        .complete(CLIENT, initiator, &remote, &ephemeral, said, message)
        .expect("the second message can be read");
    assert_eq!(told, *answer);
    assert_eq!(theirs.keys(), (session.keys().1, session.keys().0));
    let second = emitted(
        responder,
        &Datagram::Accept {
            to: CLIENT,
            message,
        },
    );
    Exchange {
        first: Bytes::from_slice(first).expect("vectors are short"),
        second,
        session,
    }
}
