//! Tests of keys: created on first use, pinned, refused, forgotten; allow lists and room keys.

use std::fs;
use std::path::Path;

use chatapp_core::wire::Datagram;
use chatapp_core::{Identity, StaticKey};
use chatapp_e2e::{
    Direction, Home, Process, Relay, Room, TABLE, WELCOME, Weather, free_port, received_by,
};

const FOREIGN: &str = "[The name alice belongs to another key than yours. Choose another one.]";

/// Starts a client at a server, with this home folder.
fn start(home: &Home, name: &str, server: u16, options: &[&str]) -> Process {
    let server = server.to_string();
    let arguments = [&["-c", name, "127.0.0.1", &server, "0"], options].concat();
    Process::start_at(home, &arguments)
}

/// Starts a client, and waits until it is in the room.
fn join(home: &Home, name: &str, server: u16) -> Process {
    let mut client = start(home, name, server, &[]);
    client.shows(WELCOME);
    client.shows(TABLE);
    client
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a sane name")
}

/// Starts a server on this port with a new key and empty state.
fn another_server(port: u16) -> Process {
    let mut server = Process::start(&["-s", &port.to_string()]);
    server.shows_where("its start", |line| line.starts_with("The server starts!"));
    server
}

#[test]
fn creates_keys_once_for_their_owner_alone() {
    let port = free_port();
    let home = Home::new();
    let text = port.to_string();
    let mut server = Process::start_at(&home, &["-s", &text]);
    server.shows_where("its start", |line| line.starts_with("The server starts!"));
    join(&home, "alice", port).leaves();
    let files = [
        home.state().join("keys/alice"),
        home.state().join(format!("server-{port}/key")),
    ];
    let read = || files.each_ref().map(|file| fs::read(file).expect("a key"));
    let keys = read();
    assert!(keys.iter().all(|key| key.len() == 65) && keys[0] != keys[1]);
    #[cfg(unix)]
    for file in files.iter().chain([&home
        .state()
        .join(format!("clients/alice@127%2e0%2e0%2e1%3a{port}/memory.db"))])
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
    server.is_killed();
    let mut server = Process::start_at(&home, &["-s", &text]);
    server.shows_where("its start", |line| line.starts_with("The server starts!"));
    join(&home, "alice", port).leaves();
    assert_eq!(read(), keys, "the restart created new keys");
    server.logs("alice returned");

    let (code, shown) = Process::run(&home, &["keys", "show"]);
    assert_eq!(code, 0);
    let (_, line) = Process::run(&home, &["keys", "show", "alice"]);
    assert!(line.starts_with("alice ") && line.len() == 6 + 64, "{line}");
    assert!(shown.contains(&line), "{shown}");
    let servers: Vec<&str> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .collect();
    assert_eq!(
        servers.len(),
        2,
        "expected the server's own key and alice's copy: {shown}"
    );
    assert_eq!(servers[0], servers[1]);
    let (code, line) = Process::run(&home, &["keys", "show", "bob"]);
    assert_eq!(code, 2);
    assert!(line.contains("bob has no key yet"), "{line}");
}

#[test]
fn creates_one_key_in_concurrent_starts() {
    let room = Room::open();
    let home = Home::new();
    let mut both = [(); 2].map(|()| start(&home, "alice", room.port, &["--listen"]));
    let mut first = both.each_mut().map(Process::shows_next);
    first.sort_unstable();
    assert_eq!(
        first,
        [
            "[The name alice is active elsewhere. Choose another one.]",
            WELCOME
        ],
        "the key of the one that is refused is the right one"
    );
}

#[test]
fn binds_a_name_to_its_key_across_restarts() {
    let folder = Home::new();
    let mut room = Room::open_in(folder.path(), free_port());
    let home = Home::new();
    let mut alice = join(&home, "alice", room.port);
    let is_refused = |room: &mut Room| {
        let mut thief = start(&Home::new(), "alice", room.port, &[]);
        assert_eq!(thief.ends(), 4, "{thief}");
        assert_eq!(thief.lines(), [FOREIGN]);
        room.server.logs("refused alice from 127.0.0.1:");
    };
    is_refused(&mut room);
    alice.types("dereg alice");
    alice.shows("[You are Offline. Bye.]");
    is_refused(&mut room);
    room.server.is_killed();
    let mut room = Room::open_in(folder.path(), room.port);
    is_refused(&mut room);
    alice.types("reg alice");
    alice.shows(TABLE);
    is_refused(&mut room);
    alice.types("send alice still here");
    alice.shows("alice: still here");
}

#[test]
fn rejects_a_new_server_key_until_forgotten() {
    let mut room = Room::open();
    let relay = Relay::before(room.address(), Weather::default());
    let home = Home::new();
    let port = relay.address().port();
    join(&home, "alice", port).leaves();
    room.server.is_killed();
    let _other = another_server(room.port);

    for options in [&[][..], &["--json"], &["--exec", "send_all hi"]] {
        relay.forget();
        let mut alice = start(&home, "alice", port, options);
        assert_eq!(alice.ends(), 5, "{alice}");
        let output = alice.log().join("\n");
        let remedy = format!("ChatApp keys forget server 127.0.0.1 {port}");
        for words in ["has changed", &remedy, "the known key:"] {
            assert!(output.contains(words), "{output}");
        }
        let lines = alice.lines().join("\n");
        assert_eq!(lines.contains("server_key_changed"), options == ["--json"]);
        let anybody = Identity::new(StaticKey::new([1; 32]), None);
        let sent = relay.seen(Direction::ToServer);
        assert!(!sent.is_empty());
        for one in &sent {
            let is_question = matches!(
                Datagram::parse(&anybody, &one.bytes),
                Ok(Datagram::CookieRequest { .. })
            );
            assert!(
                is_question,
                "nothing but the question for a cookie: {one:?}"
            );
        }
    }

    let server = port.to_string();
    let forget = ["keys", "forget", "server", "127.0.0.1", &server];
    assert_eq!(Process::run(&home, &forget).0, 0);
    let (code, output) = Process::run(&home, &forget);
    assert_eq!(code, 2, "the key is still known");
    assert!(
        output.contains("no key of the server at 127.0.0.1:"),
        "{output}"
    );
    join(&home, "alice", port).leaves();
    join(&home, "alice", port).leaves();
}

#[test]
fn leaves_a_server_that_changes_its_key() {
    let mut room = Room::open();
    let mut alice = room.join("alice");
    room.server.is_killed();
    let _other = another_server(room.port);
    alice.types("send_all hi");
    assert_eq!(alice.ends(), 5);
    let line = "[The key of the server has changed: nothing was sent to it.]";
    assert_eq!(alice.count(line), 1, "{alice}");
    alice.logs("has changed");
}

#[test]
fn rejects_a_peer_with_a_changed_key() {
    let mut room = Room::open();
    let home = Home::new();
    let mut alice = join(&home, "alice", room.port);
    let mut bob = room.join("bob");
    alice.types("send bob hi");
    alice.shows(&received_by("bob"));
    bob.shows("alice: hi");
    alice.leaves();
    bob.leaves();

    // A server that has lost its names, or that claims so.
    room.server.is_killed();
    let room = Room::open_at(room.port, &[]);
    let mut thief = join(&Home::new(), "bob", room.port);
    thief.types("send alice it is me");
    thief.shows("[Client alice does not exist.]");
    let mut alice = join(&home, "alice", room.port);
    thief.shows(TABLE);
    alice.types("send bob a secret");
    let remedy = "type `ChatApp keys forget name bob`";
    alice.shows_where("a warning", |line| {
        line.starts_with("[The key of bob has changed: nothing was sent.") && line.contains(remedy)
    });
    alice.types("dereg alice");
    alice.shows("[You are Offline. Bye.]");
    thief.shows(TABLE);
    thief.types("send alice it is me");
    thief.shows("[Messages received by the server and saved]");
    alice.types("reg alice");
    alice.shows_where("a warning", |line| {
        line.starts_with("[The key of bob has changed: a message under that name is not shown.")
            && line.contains(remedy)
    });
    assert!(!alice.lines().iter().any(|line| line.contains("it is me")));
    assert!(!thief.lines().iter().any(|line| line.contains("secret")));
    alice.leaves();

    let mut alice = start(&home, "alice", room.port, &["--exec", "send bob a secret"]);
    assert_eq!(alice.ends(), 6, "the client delivered the message");

    assert_eq!(Process::run(&home, &["keys", "forget", "name", "bob"]).0, 0);
    let mut alice = join(&home, "alice", room.port);
    alice.types("send bob hi");
    alice.shows(&received_by("bob"));
    thief.shows("alice: hi");
}

#[test]
fn admits_only_the_allow_list() {
    let home = Home::of("alice");
    let (_, alice) = Process::run(&home, &["keys", "show", "alice"]);
    let list = home.path().join("list");
    let list = path(&list);
    fs::write(
        list,
        format!("# who may\nbob\n{alice} # with this key only\n"),
    )
    .expect("a list");
    let mut room = Room::open_with(&["--allow-file", list]);
    join(&home, "alice", room.port).leaves();
    join(&Home::new(), "bob", room.port).leaves();
    // A stranger does not learn that bob is there.
    for name in ["alice", "bob", "carol"] {
        let mut stranger = start(&Home::new(), name, room.port, &[]);
        assert_eq!(stranger.ends(), 4);
        let line = format!(
            "[The server does not admit {name} with this key. \
             Ask its operator to add you to the allow list.]"
        );
        assert_eq!(stranger.lines(), [line]);
        room.server.logs(&format!("refused {name} from"));
    }
    let port = free_port().to_string();
    for (content, words) in [
        (
            "bob\nalice 12\n",
            "list, line 2: a key has 64 hexadecimal digits",
        ),
        ("bob\n\nbob\n", "list, line 3: bob is listed twice"),
    ] {
        fs::write(list, content).expect("a list");
        let (code, output) = Process::run(&home, &["-s", &port, "--allow-file", list]);
        assert_eq!(code, 2);
        assert!(output.contains(words), "{output}");
    }
    let (code, output) = Process::run(&home, &["-s", &port, "--allow-file", "nowhere"]);
    assert_eq!(code, 2);
    assert!(output.contains("nowhere cannot be read"), "{output}");
}

/// Alice has lost a key, and the operator lists a new one: the name belongs to that.
#[cfg(unix)]
#[test]
fn gives_a_name_to_the_key_of_the_allow_list() {
    let (old, new) = (Home::of("alice"), Home::with_key_of("alice", "new alice"));
    let list = old.path().join("list");
    let allow = |home: &Home| {
        let (_, alice) = Process::run(home, &["keys", "show", "alice"]);
        fs::write(&list, format!("bob\n{alice}")).expect("a list");
    };
    allow(&old);
    let room = Room::open_with(&["--allow-file", path(&list)]);
    let mut alice = join(&old, "alice", room.port);
    let home = Home::new();
    let mut bob = join(&home, "bob", room.port);
    alice.types("send bob hi");
    bob.shows("alice: hi");

    allow(&new);
    room.server.is_sent(rustix::process::Signal::HUP);
    assert_eq!(alice.ends(), 4);
    let mut alice = join(&new, "alice", room.port);
    assert_eq!(start(&old, "alice", room.port, &[]).ends(), 4);
    // Bob does not take the operator's word for the key of a friend.
    bob.leaves();
    let mut bob = join(&home, "bob", room.port);
    bob.types("send alice hi");
    bob.shows_where("a warning", |line| {
        line.starts_with("[The key of alice has changed: nothing was sent.")
    });
    bob.leaves();
    assert_eq!(
        Process::run(&home, &["keys", "forget", "name", "alice"]).0,
        0
    );
    let mut bob = join(&home, "bob", room.port);
    bob.types("send alice hi");
    alice.shows("bob: hi");
}

#[test]
fn answers_nothing_without_the_room_key() {
    use std::net::{Ipv4Addr, UdpSocket};

    let home = Home::new();
    let [key, other] = ["room.key", "other.key"].map(|name| home.path().join(name));
    let (key, other) = (path(&key), path(&other));
    for file in [key, other] {
        let (code, output) = Process::run(&home, &["keys", "new-room", file]);
        assert_eq!(code, 0, "{output}");
    }
    let before = fs::read(key).expect("a key");
    let (code, output) = Process::run(&home, &["keys", "new-room", key]);
    assert_eq!(code, 2);
    let words = "room.key exists, and a key is never overwritten: choose another file";
    assert!(output.contains(words), "{output}");
    assert_eq!(fs::read(key).expect("a key"), before, "not overwritten");

    let room = Room::open_with(&["--room-key", key]);
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    stranger.set_nonblocking(true).expect("a socket");
    let anybody = Identity::new(StaticKey::new([1; 32]), None);
    let mut out = [0; chatapp_core::limits::DATAGRAM_LEN_MAX];
    let len = Datagram::CookieRequest { id: 7 }.emit(&anybody, &mut out);
    let of_another_version = [&[99], &out[1..len]].concat();
    let of_no_session = [&out[..1], &[8], &[7; 98]].concat();
    for question in [
        &out[..len],
        &of_another_version,
        &of_no_session,
        &[7; 1_200],
    ] {
        stranger
            .send_to(question, room.address())
            .expect("it can be sent");
    }
    for options in [&[][..], &["--room-key", other]] {
        let mut outsider = start(&Home::new(), "mallory", room.port, options);
        assert_eq!(outsider.ends(), 3);
        outsider.logs("does not respond");
    }
    let mut alice = start(&home, "alice", room.port, &["--room-key", key]);
    alice.shows(TABLE);
    let mut bob = start(&Home::new(), "bob", room.port, &["--room-key", key]);
    bob.shows(TABLE);
    bob.types("send alice hi");
    bob.shows(&received_by("alice"));
    // The program has read all earlier datagrams by now.
    let answer = stranger.recv_from(&mut [0; 1_500]);
    assert_eq!(
        answer.expect_err("no answer").kind(),
        std::io::ErrorKind::WouldBlock
    );

    let (code, output) = Process::run(&home, &["-s", "4119", "--room-key", "nowhere"]);
    assert_eq!(code, 2);
    assert!(output.contains("nowhere"), "{output}");
}

#[test]
fn stores_private_texts_only_encrypted() {
    const SECRET: &str = "the canary sings at midnight";
    const PUBLIC: &str = "the parrot talks at noon";
    let folder = Home::new();
    let room = Room::open_in(folder.path(), free_port());
    let relay = Relay::before(room.address(), Weather::default());
    let [mut alice, mut bob] = Room::join_all_at(relay.address(), ["alice", "bob"]);
    alice.types(&format!("send bob {SECRET}"));
    bob.shows(&format!("alice: {SECRET}"));
    alice.shows(&received_by("bob"));
    alice.types(&format!("send_all {PUBLIC}"));
    bob.shows(&format!("Channel_Message alice: {PUBLIC}"));
    bob.types("dereg bob");
    bob.shows("[You are Offline. Bye.]");
    alice.shows(TABLE);
    alice.types(&format!("send bob {SECRET}"));
    alice.shows("[Messages received by the server and saved]");

    let mut files = 0;
    for entry in fs::read_dir(folder.path()).expect("the server's folder") {
        let path = entry.expect("an entry").path();
        // The socket for orders has no content.
        if !path.is_file() {
            continue;
        }
        let content = fs::read(path).expect("a file");
        let found = |text: &str| {
            content
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        assert!(!found("midnight") && !found("canary"));
        files += usize::from(found("alice"));
    }
    assert!(files != 0, "no file contains the name");
    bob.types("reg bob");
    bob.shows_where("what was kept", |line| {
        line.ends_with(SECRET) && line.contains('<')
    });
    bob.shows(TABLE);
    for direction in [
        Direction::ToServer,
        Direction::FromServer,
        Direction::BetweenClients,
    ] {
        let seen = relay.seen(direction);
        assert!(!seen.is_empty());
        for word in ["canary", "midnight", "parrot", "noon", "alice", "bob"] {
            let leaked = seen.iter().find(|seen| seen.carries(word.as_bytes()));
            assert!(leaked.is_none(), "{word}: {leaked:?}");
        }
    }
    assert!(!room.server.log().join("\n").contains("canary"));
}

#[test]
fn refuses_to_start_with_unusable_files() {
    let nothing = Relay::before_nothing();
    let port = nothing.address().port();
    let home = Home::of("alice");
    let key = home.state().join("keys/alice");
    let is_refused = |words: &str| {
        let mut alice = start(&home, "alice", port, &[]);
        assert_eq!(alice.ends(), 2, "{alice}");
        assert_eq!(alice.lines(), Vec::<String>::new());
        let output = alice.log().join("\n");
        assert!(output.contains(words), "{output}");
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644))
            .expect("this user owns the file");
        is_refused("chmod 600");
    }
    fs::remove_file(&key).expect("this user owns the file");
    fs::create_dir(&key).expect("a folder takes the place of the file");
    is_refused("keys/alice");
    fs::remove_dir(&key).expect("it is empty");

    let folder = format!("clients/alice@127%2e0%2e0%2e1%3a{port}");
    let memory = home.state().join(folder);
    fs::create_dir_all(&memory).expect("a folder");
    fs::write(memory.join("memory.db"), b"junk").expect("a file");
    is_refused("is damaged");
    assert!(nothing.seen(Direction::ToServer).is_empty());
}
