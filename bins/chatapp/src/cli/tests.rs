//! Tests of the arguments.

use super::*;

/// Parses a line where there is no configuration file.
fn parse_line(line: &str) -> Result<Mode, clap::Error> {
    super::parse_line(line, || Ok(Config::default()))
}

fn refusal(line: &str) -> String {
    let error = parse_line(line).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{line}");
    error.to_string()
}

#[test]
fn passes_the_checks_of_clap() {
    Arguments::command().debug_assert();
}

/// A host can have the name of the local network.
#[test]
fn searches_the_local_network_without_a_port_of_a_server() {
    for (line, server_port, port) in [
        ("ChatApp -c alice lan", None, 0),
        ("ChatApp --wait -c alice lan --no-history", None, 0),
        ("ChatApp -c alice lan --peers 64", None, 0),
        ("ChatApp -c alice lan 5000", None, 5_000),
        ("ChatApp -c alice lan 4119 5000", Some(4_119), 5_000),
    ] {
        let Mode::Chat(client) = parse_line(line).unwrap() else {
            panic!("expected a client");
        };
        let server = client.server.map(|place| place.port);
        assert_eq!((server, client.port), (server_port, port), "{line}");
    }
    for line in ["ChatApp -c alice lan 5000x", "ChatApp -c alice lan -s 5000"] {
        assert!(parse_line(line).is_err(), "{line}");
    }
}

#[test]
fn reads_both_lines() {
    let ping = parse_line("ChatApp ping localhost 4119 --json").unwrap();
    assert!(matches!(ping, Mode::Ping(_)));
    let Mode::Serve(server) = parse_line("ChatApp -s 4119\n").unwrap() else {
        panic!("expected a server");
    };
    assert_eq!(server.port, 4_119);
    assert_eq!(server.network, NetworkOptions::default());
    assert_eq!(server.data, DataOptions::default());
    let log = LogOptions {
        level: Level::Info,
        format: Format::Text,
    };
    assert_eq!(server.log, log);
    let chat = ClientOptions {
        name: Name::new("alice").unwrap(),
        server: Some(Place {
            host: "localhost".into(),
            port: 4_119,
        }),
        port: 0,
        network: NetworkOptions::bound_to("::1"),
        peers: 64,
        pins: 8,
        data: DataOptions::default(),
        keys: KeyOptions::default(),
        color: ColorChoice::Never,
        has_history: false,
        speaks_json: false,
        exec: vec!["send bob hi".into(), "/quit".into()],
        is_listening: true,
        is_persistent: true,
        personal: PersonalOptions::default(),
    };
    for words in [
        "ChatApp -c alice localhost 4119 0 --bind ::1 --peers 64 --pins 8 --color never \
        --no-history --listen --wait \
         --exec send_bob_hi --exec /quit",
        "ChatApp --exec send_bob_hi --exec=/quit --no-history --listen --wait --color=never \
        --bind ::1 --peers 64 --pins 8 \
         -c alice localhost 4119 0",
    ] {
        let words = words.split_whitespace().map(|word| word.replace('_', " "));
        assert_eq!(
            parse(words, || Ok(Config::default())).unwrap(),
            Mode::Chat(chat.clone())
        );
    }
    assert_eq!(parse_line("ChatApp demo").unwrap(), Mode::Demo);
    assert_eq!(parse_line("\u{feff}ChatApp demo").unwrap(), Mode::Demo);
    assert_eq!(parse_line("  \n").unwrap(), Mode::Ask);
}

#[test]
fn reports_the_mistake_in_a_start() {
    for (line, words) in [
        ("ChatApp -s 80", "\"80\" is not a port from 1024 to 65535"),
        ("ChatApp -s 65536", "\"65536\" is not a port"),
        ("ChatApp -s", "a value is required"),
        ("ChatApp -c alice localhost 4119", "4 values required"),
        ("ChatApp -c alice localhost 4119 0 0", "cannot be used with"),
        (
            "ChatApp -c alice localhost 0 0",
            "server port: \"0\" is not a port",
        ),
        (
            "ChatApp -c alice localhost 4119 80",
            "client port: \"80\" is not a port",
        ),
        (
            "ChatApp -c a\u{1b}b localhost 4119 0",
            "invalid name: a name has no white space",
        ),
        (
            "ChatApp -s 4119 -c alice localhost 4119 0",
            "cannot be used with",
        ),
        ("ChatApp -s 4119 --bind nowhere", "invalid value"),
        ("ChatApp -s 4119 --names 0", "0 is not in 1..=16777216"),
        ("ChatApp -s 4119 --peers 5", "cannot be used with"),
        ("ChatApp -s 4119 --pins 5", "cannot be used with"),
        (
            "ChatApp -c alice localhost 4119 0 --names 5",
            "cannot be used with '--names",
        ),
        (
            "ChatApp -s 4119 --data-dir room --ephemeral",
            "cannot be used with",
        ),
        (
            "ChatApp -s 4119 --keep soon",
            "\"soon\" is not a duration such as",
        ),
        (
            "ChatApp -s 4119 --keep 0s",
            "\"0s\" is not a duration such as",
        ),
        ("ChatApp store", "<DIR>"),
        ("ChatApp ping localhost 80", "\"80\" is not a port"),
        ("ChatApp dance", "unrecognized subcommand"),
        ("ChatApp -s 4119 --json", "cannot be used with"),
        ("ChatApp --log debug", "required"),
        (
            "ChatApp -c alice localhost 4119 0 --exec sned",
            "Did you mean send?",
        ),
        ("-s 4119", "ChatApp -s <PORT>"),
    ] {
        let message = refusal(line);
        assert!(message.contains(words), "{line}: {message}");
    }
}
