use super::*;

const SEED: &str = "seed=000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

const KEY: &str = "key=2021222324252627282930313233343536373839404142434445464748495051";

fn client(rest: &str) -> String {
    format!("name=alice server=10.9.0.1:4119 address=10.9.0.2/24 {KEY} {SEED} {rest}")
}

fn complaint(line: &str, role: Role) -> String {
    Settings::parse(line, role).unwrap_err().to_string()
}

#[test]
fn parses_all_settings() {
    let line = client(" port=7000  gateway=10.9.0.254 echo=off");
    let settings = Settings::parse(&line, Role::Client).unwrap();
    assert_eq!(settings.name.unwrap().as_str(), "alice");
    assert_eq!(settings.server, Some("10.9.0.1:4119".parse().unwrap()));
    assert_eq!(
        settings.subnet.address,
        "10.9.0.2".parse::<Ipv4Addr>().unwrap()
    );
    assert_eq!(settings.subnet.prefix_len, 24);
    assert_eq!(settings.gateway, Some("10.9.0.254".parse().unwrap()));
    assert_eq!(settings.port, 7_000);
    assert_eq!(settings.seed.0, core::array::from_fn(|at| at as u8));
    assert!(!settings.echo);
    assert!(!settings.identity.is_closed() && settings.server_key.is_none());
    let own_key = settings.identity.public();
    let line = client(&format!(" server_key={own_key} room={own_key}"));
    let settings = Settings::parse(&line, Role::Client).unwrap();
    assert_eq!(settings.server_key, Some(own_key));
    assert!(settings.identity.is_closed());
}

#[test]
fn uses_defaults_for_optional_settings() {
    let settings = Settings::parse(&client(""), Role::Client).unwrap();
    assert_eq!(
        (settings.port, settings.gateway, settings.echo),
        (5_000, None, true)
    );
    let line = format!("address=10.9.0.2/24 {KEY} {SEED}");
    let settings = Settings::parse(&line, Role::Server).unwrap();
    assert_eq!((settings.port, settings.time), (4_119, UnixSeconds(0)));
    let line = format!("{line} time=1648150292");
    let settings = Settings::parse(&line, Role::Server).unwrap();
    assert_eq!(settings.time, UnixSeconds(1_648_150_292));
}

#[test]
fn gives_advice_for_mistakes() {
    for (line, error) in [
        (
            "",
            "[name= is missing: your name in the room, such as alice.]",
        ),
        (
            "hello",
            "[There is no setting hello. Type help to see all settings.]",
        ),
        (
            "time=5",
            "[There is no setting time. Type help to see all settings.]",
        ),
        ("name=a name=b", "[name= is given twice.]"),
        (
            &client("room=00"),
            "[room= is invalid: the key of a closed room, 64 hexadecimal digits.]",
        ),
        (
            &client("port=0"),
            "[port= is invalid: the UDP port of this board, 1 to 65535, such as 5000.]",
        ),
        (
            &client("port=x"),
            "[port= is invalid: the UDP port of this board, 1 to 65535, such as 5000.]",
        ),
        (
            &client("echo=1"),
            "[echo= is invalid: on, or off for a program at the other end.]",
        ),
        (
            &client("").replace("10.9.0.1:", "192.0.2.1:"),
            "[192.0.2.1 is not in the network of this board; gateway= says which router of this \
            network leads there.]",
        ),
        (
            &client("gateway=192.0.2.1"),
            "[192.0.2.1 is not in the network of this board; gateway= says which router of this \
            network leads there.]",
        ),
        (
            &client("").replace("1F", "1"),
            "[seed= is invalid: 64 unpredictable hexadecimal digits, new at each start: openssl \
             rand -hex 32.]",
        ),
        (
            &client("").replace("1F", "1g"),
            "[seed= is invalid: 64 unpredictable hexadecimal digits, new at each start: openssl \
             rand -hex 32.]",
        ),
        (
            &client("").replace("/24", "/33"),
            "[address= is invalid: the address of this board, and its network, such as \
             10.9.0.2/24.]",
        ),
    ] {
        assert_eq!(complaint(line, Role::Client), error);
    }
    let long = "x".repeat(33);
    assert!(
        complaint(&client("").replace("alice", &long), Role::Client)
            .starts_with("[name= is invalid: ")
    );
    assert!(complaint("name=alice", Role::Server).starts_with("[There is no setting name."));
}

#[test]
fn reaches_other_networks_through_a_gateway() {
    let line = client("gateway=10.9.0.1").replace("10.9.0.1:", "192.0.2.1:");
    assert!(Settings::parse(&line, Role::Client).is_ok());
}

#[test]
fn contains_addresses_with_its_prefix() {
    for (subnet, other, contains) in [
        ("10.9.0.2/24", "10.9.0.200", true),
        ("10.9.0.2/24", "10.9.1.2", false),
        ("10.9.0.2/32", "10.9.0.2", true),
        ("10.9.0.2/32", "10.9.0.3", false),
        ("10.9.0.2/0", "192.0.2.1", true),
    ] {
        let subnet = Subnet::parse(subnet).unwrap();
        assert_eq!(
            subnet.contains(other.parse().unwrap()),
            contains,
            "{subnet:?} {other}"
        );
    }
}

#[test]
fn lists_every_setting_in_the_help() {
    for role in [Role::Client, Role::Server] {
        for setting in role.settings() {
            assert!(setting.to_string().starts_with(setting.key()), "{setting}");
        }
    }
}
