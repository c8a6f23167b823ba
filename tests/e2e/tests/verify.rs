//! Comparing keys: fingerprints at the first contact, codes that two people read to each other, and
//! a server's key that is given in advance.

use chatapp_e2e::{Home, Process, Room, received_by};

/// Whether a line has this many groups of five digits and nothing else.
fn has_groups(line: &str, count: usize) -> bool {
    let is_group =
        |group: &str| group.len() == 5 && group.bytes().all(|byte| byte.is_ascii_digit());
    line.split(' ').count() == count && line.split(' ').all(is_group)
}

/// Returns the code that a client shows for a name.
fn code_with(client: &mut Process, name: &str) -> String {
    client.types(&format!("keys verify {name}"));
    let line = client.shows_where("a code", |line| {
        has_groups(line.trim_matches(['[', ']']), 8)
    });
    client.shows_where("what to do with it", |line| {
        line.starts_with(&format!("[Compare it with {name} by voice."))
    });
    line.trim_matches(['[', ']']).to_owned()
}

#[test]
fn shows_both_people_one_code() {
    let room = Room::open();
    let homes = [Home::new(), Home::new()];
    let mut alice = room.join_from(&homes[0], "alice", &[]);
    let mut bob = room.join_from(&homes[1], "bob", &[]);
    alice.types("keys verify bob");
    alice.shows("[No key of bob is known: exchange a message first.]");
    alice.types("keys verify alice");
    alice.shows("[That is your own name.]");
    alice.types("keys verify");
    alice.shows("[Usage: keys verify <name>, or keys verified <name>]");
    alice.types("send bob hi");
    alice.shows(&received_by("bob"));
    let code = code_with(&mut alice, "bob");
    assert_eq!(code_with(&mut bob, "alice"), code);

    alice.types("keys verified bob");
    alice.shows(&format!("[bob is verified: {code}]"));
    alice.leaves();
    let lines = alice.lines();
    assert!(
        !lines.iter().any(|line| line.contains("First contact")),
        "{alice}"
    );

    let (exit, shown) = Process::run(&homes[0], &["keys", "show"]);
    let is_bob = |line: &&str| line.starts_with("bob ") && line.ends_with(" # verified");
    assert!(
        exit == 0 && shown.lines().any(|line| is_bob(&line)),
        "{shown}"
    );
    let (_, shown) = Process::run(&homes[1], &["keys", "verify", "alice"]);
    let title = format!("# bob and alice at 127.0.0.1:{}", room.port);
    assert_eq!(shown, format!("{title}:\n{code}"));
    let (_, shown) = Process::run(&homes[1], &["keys", "verify", "alice", "--yes"]);
    assert_eq!(shown, format!("{title}, verified:\n{code}"));
    let (exit, shown) = Process::run(&homes[1], &["keys", "verify", "carol"]);
    assert!(
        exit == 2 && shown.contains("no key of carol is known"),
        "{shown}"
    );

    // A key that is forgotten is not verified any more.
    assert_eq!(
        Process::run(&homes[0], &["keys", "forget", "name", "bob"]).0,
        0
    );
    let mut alice = room.join_from(&homes[0], "alice", &[]);
    alice.types("send bob me again");
    alice.shows(&received_by("bob"));
    assert_eq!(code_with(&mut alice, "bob"), code);
}

#[test]
fn tells_programs_about_keys() {
    let room = Room::open();
    let home = Home::new();
    let mut alice = room.start_from(&home, "alice", &["--json"]);
    let is_pinned = |line: &str, name: &str| {
        line.starts_with(&format!(r#"{{"event":"key_pinned","name":{name},"key":""#))
    };
    alice.shows_where("the server's key", |line| is_pinned(line, "null"));
    alice.shows(r#"{"event":"table_updated"}"#);
    let _bob = room.join("bob");
    alice.types(r#"{"command":"verify","name":"bob","tag":1}"#);
    alice.shows(concat!(
        r#"{"event":"rejected","reason":"no_key","#,
        r#""message":"no key of this name is known","tag":1}"#
    ));
    alice.types("send bob hi");
    alice.shows_where("the key of bob", |line| is_pinned(line, r#""bob""#));
    let row = |verified: bool| format!(r#""foreign_key":false,"verified":{verified}}}"#);
    for (command, verified) in [("verify", false), ("verified", true)] {
        alice.types(&format!(
            r#"{{"command":"{command}","name":"bob","tag":2}}"#
        ));
        alice.shows_where("a code", |line| {
            line.starts_with(r#"{"event":"verification","name":"bob","code":""#)
                && line.ends_with(&format!(r#"","verified":{verified},"tag":2}}"#))
        });
        alice.types("table");
        alice.shows_where("a row", |line| {
            line.contains(r#""event":"table""#) && line.contains(&row(verified))
        });
    }
    alice.types("quit");
    assert_eq!(alice.ends(), 0);
    let mut alice = room.start_from(&home, "alice", &["--json", "--exec", "table"]);
    alice.shows_where("a verified name", |line| line.contains(&row(true)));
    assert_eq!(alice.ends(), 0);
    let pinned = alice.lines().iter().any(|line| line.contains("key_pinned"));
    assert!(!pinned, "only the first contact is reported: {alice}");
}

#[test]
fn accepts_only_the_given_server_key() {
    let folder = Home::new();
    let room = Room::open_in(folder.path(), chatapp_e2e::free_port());
    let place = folder.path().to_str().expect("a sane name");
    let (exit, shown) = Process::run(&Home::new(), &["keys", "server", place]);
    assert_eq!(exit, 0, "{shown}");
    let (title, key) = shown.split_once('\n').expect("two lines");
    let fingerprint = title.rsplit_once(": ").expect("a fingerprint").1;
    assert!(key.len() == 64 && has_groups(fingerprint, 6), "{shown}");

    let home = Home::new();
    let other = "ab".repeat(32);
    let mut alice = room.start_from(&home, "alice", &["--server-key", &other]);
    assert_eq!(alice.ends(), 5, "{alice}");
    let log = alice.log().join("\n");
    assert!(
        log.contains("has another key than that of --server-key"),
        "{log}"
    );
    assert!(log.contains(&other) && log.contains(key), "{log}");
    let (_, shown) = Process::run(&home, &["keys", "show"]);
    assert!(
        shown.contains("#   not known"),
        "nothing is trusted: {shown}"
    );

    let mut alice = room.join_from(&home, "alice", &["--server-key", key]);
    alice.leaves();
    let (_, shown) = Process::run(&home, &["keys", "show"]);
    assert!(shown.contains(&format!("#   {key}")), "{shown}");
    let mut alice = room.start_from(&home, "alice", &["--server-key", &other]);
    assert_eq!(alice.ends(), 5, "{alice}");
    let log = alice.log().join("\n");
    assert!(
        log.contains("is known with another key than that of --server-key"),
        "{log}"
    );
    let mut alice = room.join_from(&home, "alice", &[]);
    alice.leaves();

    let (exit, shown) = Process::run(&Home::new(), &["keys", "server"]);
    assert!(
        exit == 2 && shown.contains("there is no server in"),
        "{shown}"
    );
}

#[cfg(unix)]
#[test]
fn shows_first_contacts_at_a_terminal() {
    use chatapp_e2e::Screen;

    let room = Room::open();
    let alice = Screen::join(room.address(), "alice", &[]);
    let mut bob = room.join("bob");
    alice.shows("[First contact with this server, key ");
    alice.types("send bob hi\r");
    bob.shows("alice: hi");
    alice.shows("[First contact with bob, key ");
    alice.types("keys verified bob\r");
    alice.shows("[bob is verified: ");
    alice.types("table\r");
    alice.shows("bob (verified)  ");
}
