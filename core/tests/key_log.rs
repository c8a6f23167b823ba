//! The key log: its keys decrypt a captured conversation, and nothing else does.

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
        Seed::new(&mut [1; 32]),
    )
    .unwrap()
}

fn client(name: &str, logged: usize) -> Client<'static> {
    let memory = Box::leak(Box::new(ClientMemory::<4, 4, 4, 4>::new()));
    let config = ClientConfig::new(Name::new(name).unwrap(), SERVER.into());
    let mut own = [name.as_bytes()[0]; KEY_LEN];
    let identity = Identity::new(StaticKey::new(own), None);
    let mut client = Client::new(config, memory.storage(), identity, Seed::new(&mut own)).unwrap();
    client.log_keys(leak(KeySlot::VACANT, logged));
    client
}

const ANN: usize = 0;
const BOB: usize = 1;

/// The progress of a conversation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Arrival,
    Message,
    Shown,
    Departure,
    Farewell,
    StoredMessage,
}

/// Runs a conversation: ann and bob register, ann writes to bob, bob leaves, and ann writes again.
/// Returns all datagrams, and the key events of one client.
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
                if let Some(receipt) = event.receipt() {
                    client.handle_shown(now, receipt);
                }
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
fn decrypts_a_capture_only_with_logged_keys() {
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
        // Ann's log does not have the session between bob and the server.
        let Some(session) = sessions.get_mut(&to) else {
            continue;
        };
        let (_, frames) =
            data::open(&anybody, session, &mut datagram).expect("the logged key decrypts it");
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
                let (text, _) = key.open(&anybody, counter, &mut ciphertext)?;
                Some(text.to_vec())
            };
            let text = message_keys.iter().find_map(open);
            read.push(text.expect("the logged key decrypts it"));
        }
    }
    assert_eq!(read, [&b"a canary"[..], b"a canary, kept"]);
}

/// Returns the handshake messages whose parts the key log of one client decrypts.
fn decrypted_handshakes(whose: usize) -> Vec<&'static str> {
    let (captured, keys) = conversation(whose, 16);
    let anybody = Identity::new(StaticKey::new([9; KEY_LEN]), None);
    let mut parts = HashMap::<u64, Vec<HandshakeKey>>::new();
    for logged in keys {
        if let LoggedKey::Handshake { id, part } = logged {
            parts.entry(id).or_default().push(part);
        }
    }
    // The log has each part once: the static key, the first payload and the second one.
    assert!(parts.values().all(|parts| parts.len() == 3));
    let decrypts = |id: u64, ciphertext: &[u8]| {
        let mut keys = parts.get(&id).into_iter().flatten();
        keys.any(|key| key.open(&anybody, &mut ciphertext.to_vec()).is_some())
    };
    let mut decrypted = Vec::new();
    for datagram in captured {
        let (what, id, message) = match Datagram::parse(&anybody, &datagram) {
            Ok(Datagram::ClientHello(hello)) => ("hello", hello.id, hello.message),
            Ok(Datagram::PeerHello(call)) => ("call", call.id, call.message),
            Ok(Datagram::Accept { to, message }) => ("accept", to, message),
            _ => continue,
        };
        let ciphertext = &message[KEY_LEN..];
        let is_decrypted = if what == "accept" {
            decrypts(id, ciphertext)
        } else {
            let (key, payload) = ciphertext.split_at(KEY_LEN + TAG_LEN);
            assert_eq!(decrypts(id, key), decrypts(id, payload));
            decrypts(id, payload)
        };
        decrypted.extend(is_decrypted.then_some(what));
    }
    decrypted.sort_unstable();
    decrypted
}

/// As the initiator and as the responder.
#[test]
fn logs_the_keys_of_its_handshakes() {
    let own_and_shared = ["accept", "accept", "call", "hello"];
    assert_eq!(decrypted_handshakes(ANN), own_and_shared);
    assert_eq!(decrypted_handshakes(BOB), own_and_shared);
}

/// Without memory there is no log.
#[test]
fn counts_lost_keys_when_the_log_is_full() {
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
