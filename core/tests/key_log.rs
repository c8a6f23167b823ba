//! With the keys that a machine tells, a captured conversation can be read; without them, it
//! cannot.

use std::collections::HashMap;
use std::net::SocketAddr;

use chatapp_core::crypto::{HandshakeKey, KEY_LEN, MessageKey, SessionKeys, TAG_LEN};
use chatapp_core::wire::{Datagram, Frame, data};
use chatapp_core::{
    Client, ClientConfig, ClientEvent, ClientMemory, Command, Endpoint, Identity, Instant, KeySlot,
    LoggedKey, Name, PublicKey, Seed, Server, ServerConfig, ServerMemory, StaticKey, limits,
};

const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 5_000);
const CLIENTS: [(&str, ([u8; 4], u16)); 2] = [
    ("ann", ([10, 0, 0, 2], 6_000)),
    ("bob", ([10, 0, 0, 3], 6_000)),
];

fn leak<T: Clone>(vacant: T, count: usize) -> &'static mut [T] {
    vec![vacant; count].leak()
}

fn server() -> Server<'static> {
    let memory = Box::leak(Box::new(ServerMemory::<4, 8, 4, 1_024, 16>::new()));
    let identity = Identity::new(StaticKey::new([1; KEY_LEN]), None);
    Server::new(
        ServerConfig::default(),
        memory.storage(),
        identity,
        Seed([1; 32]),
    )
    .unwrap()
}

fn client(name: &str, logged: usize) -> Client<'static> {
    let memory = Box::leak(Box::new(ClientMemory::<4, 4, 4>::new()));
    let config = ClientConfig::new(Name::new(name).unwrap(), SERVER.into());
    let own = [name.as_bytes()[0]; KEY_LEN];
    let identity = Identity::new(StaticKey::new(own), None);
    let mut client = Client::new(config, memory.storage(), identity, Seed(own)).unwrap();
    client.log_keys(leak(KeySlot::VACANT, logged));
    client
}

const ANN: usize = 0;
const BOB: usize = 1;

/// How far a conversation has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Arrival,
    Message,
    Shown,
    Departure,
    Farewell,
    StoredMessage,
}

/// All datagrams while ann and bob register, ann writes bob a message, he leaves, and she writes
/// once more; and the keys that the machine of one of them tells.
fn conversation(whose: usize, logged: usize) -> (Vec<Vec<u8>>, Vec<LoggedKey>) {
    let mut server = server();
    let mut clients = CLIENTS.map(|(name, _)| client(name, logged));
    let mut now = Instant::ZERO;
    let (mut captured, mut keys) = (Vec::new(), Vec::new());
    let mut out = [0; limits::DATAGRAM_LEN_MAX];
    let mut network: Vec<(SocketAddr, SocketAddr, Vec<u8>)> = Vec::new();
    let mut stage = Stage::Arrival;
    for ((name, _), client) in CLIENTS.iter().zip(&mut clients) {
        client.command(now, Command::Register { name }).unwrap();
    }
    while stage != Stage::StoredMessage || clients.iter().any(|client| !client.is_idle()) {
        while let Some(persist) = server.poll_persist() {
            let ticket = persist.ticket;
            server.handle_stored(now, ticket, Ok(()));
        }
        while server.poll_event().is_some() {}
        while let Some(sent) = server.poll_transmit(now, &mut out) {
            network.push((SERVER.into(), sent.to, out[..sent.len].to_vec()));
        }
        for ((_, address), client) in CLIENTS.iter().zip(&mut clients) {
            while let Some(event) = client.poll_event() {
                stage = match (stage, event) {
                    (Stage::Message, ClientEvent::Message { .. }) => Stage::Shown,
                    (Stage::Departure, ClientEvent::TableUpdated) => Stage::Farewell,
                    _ => stage,
                };
            }
            while let Some(sent) = client.poll_transmit(now, &mut out) {
                network.push(((*address).into(), sent.to, out[..sent.len].to_vec()));
            }
        }
        let told = &mut clients[whose];
        keys.extend(std::iter::from_fn(|| told.poll_key_log()));
        let [ann, bob] = &mut clients;
        let send = |text| Command::Send { to: "bob", text };
        match stage {
            Stage::Arrival if ann.is_registered() && bob.is_registered() => {
                ann.command(now, send("a canary")).unwrap();
                stage = Stage::Message;
            }
            Stage::Shown => {
                let leave = Command::Deregister { name: "bob" };
                bob.command(now, leave).unwrap();
                stage = Stage::Departure;
            }
            Stage::Farewell => {
                ann.command(now, send("a canary, kept")).unwrap();
                stage = Stage::StoredMessage;
            }
            _ => {}
        }
        if network.is_empty() {
            now = now.plus_millis(100);
            server.handle_timeout(now);
            clients
                .iter_mut()
                .for_each(|client| client.handle_timeout(now));
        }
        for (from, to, mut datagram) in network.drain(..) {
            captured.push(datagram.clone());
            let place = CLIENTS
                .iter()
                .position(|(_, address)| to == (*address).into());
            match place {
                Some(place) => clients[place].handle_datagram(now, from, &mut datagram),
                None => server.handle_datagram(now, from, &mut datagram),
            };
        }
    }
    (captured, keys)
}

#[test]
fn a_capture_can_be_read_with_the_keys_and_not_without() {
    let (captured, keys) = conversation(ANN, 16);
    let anybody = Identity::new(StaticKey::new([9; KEY_LEN]), None);
    let mut sessions: HashMap<u64, SessionKeys> = HashMap::new();
    let mut message_keys = Vec::new();
    for logged in keys {
        match logged {
            LoggedKey::Session { id, key } => {
                sessions.insert(id, SessionKeys::new(&[0; KEY_LEN], &key));
            }
            LoggedKey::StoredMessages { key, .. } => message_keys.push(MessageKey::of(key)),
            LoggedKey::Handshake { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let mut read = Vec::new();
    for mut datagram in captured {
        let plain = |bytes: &[u8]| bytes.windows(8).any(|part| part == b"a canary");
        assert!(!plain(&datagram));
        let Ok(Datagram::Data { to, .. }) = Datagram::parse(&anybody, &datagram) else {
            continue;
        };
        // Bob's session with the server is not hers.
        let Some(session) = sessions.get_mut(&to) else {
            continue;
        };
        let (_, frames) = data::open(&anybody, session, &mut datagram).expect("it is sealed so");
        for frame in frames {
            let (counter, ciphertext) = match frame {
                Ok(Frame::Text { text, .. }) => {
                    read.push(text.to_vec());
                    continue;
                }
                Ok(Frame::Store {
                    counter,
                    ciphertext,
                    ..
                }) => (counter, ciphertext),
                _ => continue,
            };
            assert!(!plain(ciphertext));
            let (_, ciphertext) = PublicKey::in_front_of(ciphertext);
            let open = |key: &MessageKey| {
                let mut ciphertext = ciphertext.to_vec();
                Some(key.open(&anybody, counter, &mut ciphertext)?.to_vec())
            };
            let text = message_keys.iter().find_map(open);
            read.push(text.expect("it is sealed so"));
        }
    }
    assert_eq!(read, [&b"a canary"[..], b"a canary, kept"]);
}

/// Parts of handshakes that can be opened: the key of who begins and what it says, or what is
/// answered.
fn opened_handshakes(whose: usize) -> Vec<&'static str> {
    let (captured, keys) = conversation(whose, 16);
    let anybody = Identity::new(StaticKey::new([9; KEY_LEN]), None);
    let mut parts = HashMap::<u64, Vec<HandshakeKey>>::new();
    for logged in keys {
        if let LoggedKey::Handshake { id, part } = logged {
            parts.entry(id).or_default().push(part);
        }
    }
    // Each is told once: for the key, the first payload and the second one.
    assert!(parts.values().all(|parts| parts.len() == 3));
    let opens = |id: u64, sealed: &[u8]| {
        let mut keys = parts.get(&id).into_iter().flatten();
        keys.any(|key| key.open(&anybody, &mut sealed.to_vec()).is_some())
    };
    let mut opened = Vec::new();
    for datagram in captured {
        let (what, id, message) = match Datagram::parse(&anybody, &datagram) {
            Ok(Datagram::ClientHello(hello)) => ("hello", hello.id, hello.message),
            Ok(Datagram::PeerHello(call)) => ("call", call.id, call.message),
            Ok(Datagram::Accept { to, message }) => ("accept", to, message),
            _ => continue,
        };
        let sealed = &message[KEY_LEN..];
        let is_open = if what == "accept" {
            opens(id, sealed)
        } else {
            let (key, payload) = sealed.split_at(KEY_LEN + TAG_LEN);
            assert_eq!(opens(id, key), opens(id, payload));
            opens(id, payload)
        };
        opened.extend(is_open.then_some(what));
    }
    opened.sort_unstable();
    opened
}

#[test]
fn whoever_begins_or_answers_a_handshake_tells_what_opens_it() {
    let own_and_the_one_with_the_other = ["accept", "accept", "call", "hello"];
    assert_eq!(opened_handshakes(ANN), own_and_the_one_with_the_other);
    assert_eq!(opened_handshakes(BOB), own_and_the_one_with_the_other);
}

#[test]
fn a_full_log_says_how_much_it_lost_and_no_room_means_no_log() {
    let (_, all) = conversation(ANN, 16);
    let (_, few) = conversation(ANN, 1);
    assert_eq!(few.first(), all.first());
    let told = few.iter().map(|logged| match logged {
        LoggedKey::Lost { count } => *count,
        _ => 1,
    });
    assert_eq!(told.sum::<u32>() as usize, all.len(), "{few:?}");
    assert!(few.len() < all.len(), "{few:?}");
    assert_eq!(conversation(ANN, 0).1, []);
}
