//! The configuration file: defaults for options, and rooms by their names.

use std::fs;

use chatapp_e2e::{Home, Process, Room, TABLE, WELCOME, chatapp};

/// Writes the file of this home folder, which only its owner may read.
fn configure(home: &Home, text: &str) {
    let file = home.path().join("chatapp/config.toml");
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, text).expect("a file");
    allow(home, 0o600);
}

/// Sets the rights for the file.
fn allow(home: &Home, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = home.path().join("chatapp/config.toml");
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("rights");
    }
    #[cfg(not(unix))]
    let _ = (home, mode);
}

fn refusal(home: &Home, arguments: &[&str]) -> String {
    let (exit, printed) = Process::run(home, arguments);
    assert_eq!(exit, 2, "{printed}");
    printed
}

#[test]
fn has_defaults_for_options() {
    let room = Room::open();
    let port = room.port.to_string();
    let home = Home::of("alice");
    configure(
        &home,
        "[client]\njson = true\nexec = ['send bob hi', 'quit']\npins = 8\n",
    );
    let enters = ["-c", "alice", "127.0.0.1", &port, "0"];
    let mut alice = Process::start_at(&home, &enters);
    assert_eq!(alice.ends(), 6);
    let exists = |line: &&String| line.contains("no_such_client");
    assert_eq!(alice.lines().iter().filter(exists).count(), 1, "{alice}");

    // The command line comes first, and the environment can select another file, or none.
    let typed = [&enters[..], &["--exec", "quit"]].concat();
    let mut alice = Process::start_at(&home, &typed);
    assert_eq!(alice.ends(), 0);
    assert!(alice.lines()[0].starts_with('{'), "{alice}");
    let mut command = chatapp();
    command.env("CHATAPP_CONFIG", "");
    let mut alice = Process::start_command("alice", command, &home, &enters);
    alice.shows(WELCOME);
    alice.shows(TABLE);
    alice.leaves();
}

#[test]
fn enters_a_room_by_its_name() {
    let room = Room::open();
    let port = room.port.to_string();
    let invite = ["invite", "127.0.0.1", &port];
    let (exit, printed) = Process::run(room.server.home(), &invite);
    assert_eq!(exit, 0);
    let line = printed.lines().find(|line| line.starts_with("chatapp:"));
    let line = line.expect("an invitation");
    let home = Home::of("alice");
    let profile = format!("[room.home]\ninvitation = '{line}'\nname = 'alice'\n");
    configure(&home, &format!("{profile}bell = 'all'\n"));
    let (exit, shown) = Process::run(&home, &["config"]);
    assert_eq!(exit, 0);
    assert!(
        shown.contains(&format!("join home: {line} alice --bell=all")),
        "{shown}"
    );

    let mut alice = Process::start_at(&home, &["join", "home"]);
    alice.shows(WELCOME);
    let mut bob = Process::start_at(&home, &["join", "home", "bob", "--exec", "send alice hi"]);
    alice.shows("bob: hi");
    assert_eq!(bob.ends(), 0);
    alice.leaves();
    let unknown = refusal(&home, &["join", "work"]);
    assert!(unknown.contains("there is no room `work` in "), "{unknown}");
    let none = refusal(&Home::new(), &["join", "work"]);
    assert!(none.contains("`work` is no invitation"), "{none}");
    configure(&home, &format!("[room.home]\ninvitation = '{line}'\n"));
    let nameless = refusal(&home, &["join", "home", "--json"]);
    assert!(
        nameless.contains("your name in the room must follow"),
        "{nameless}"
    );
}

#[test]
fn reports_mistakes_in_the_file() {
    let home = Home::new();
    let enters = ["-c", "alice", "127.0.0.1", "4119", "0"];
    for (text, words) in [
        (
            "[client]\nbel = 'all'\n",
            "config.toml: unexpected argument '--bel' found",
        ),
        (
            "[client]\nbell = 'loud'\n",
            "config.toml: invalid value 'loud' for '--bell",
        ),
        (
            "[client]\nbell = 1.5\n",
            "config.toml: `bell` is text, a whole number",
        ),
        ("[client]\nlog = 'info'\n", "config.toml: the argument '-c"),
        ("[clients]\n", "unknown field `clients`"),
        ("[client\n", "config.toml: TOML parse error at line 1"),
    ] {
        configure(&home, text);
        let printed = refusal(&home, &enters);
        assert!(printed.contains(words), "{text}{printed}");
    }
    // Other modes do not read it.
    assert_eq!(Process::run(&home, &["--version"]).0, 0);
    let mut command = chatapp();
    command.env("CHATAPP_CONFIG", "nowhere.toml");
    let mut chosen = Process::start_command("chosen", command, &home, &enters);
    assert_eq!(chosen.ends(), 2, "a chosen file must be there");
}

#[cfg(unix)]
#[test]
fn refuses_a_room_key_that_others_can_read() {
    let home = Home::new();
    let key = "ab".repeat(32);
    configure(
        &home,
        &format!("[room.home]\ninvitation = 'chatapp:127.0.0.1,9,{key},{key}'\n"),
    );
    let (exit, shown) = Process::run(&home, &["config"]);
    assert_eq!(exit, 0, "{shown}");
    assert!(shown.contains(&format!("{key},(room key)")), "{shown}");
    allow(&home, 0o640);
    let printed = refusal(&home, &["join", "home", "alice"]);
    assert!(
        printed.contains("others can read the room key in "),
        "{printed}"
    );
}
