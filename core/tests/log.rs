//! Log messages of the core, with the feature `log`.

use std::sync::Mutex;

use chatapp_core::{
    Client, ClientConfig, ClientMemory, Command, Endpoint, Identity, Instant, Name, Seed, StaticKey,
};

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Recorder;

impl log::Log for Recorder {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let target = record.target().split("::").next().unwrap_or_default();
        let line = format!("{target}: {}", record.args());
        LOGGED.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

#[test]
fn logs_drops_and_failed_sessions() {
    log::set_logger(&Recorder).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    let server = "192.0.2.1:4119".parse().unwrap();
    let mut memory = ClientMemory::<2, 1, 0, 1>::new();
    let mut client = Client::new(
        ClientConfig::new(Name::new("alice").unwrap(), server),
        memory.storage(),
        Identity::new(StaticKey::new([2; 32]), None),
        Seed::new(&mut [1; 32]),
    )
    .unwrap();
    client.handle_datagram(Instant::ZERO, server, &mut [0]);
    client
        .command(Instant::ZERO, Command::Register { name: "alice" })
        .unwrap();
    let mut now = Instant::ZERO;
    while client.poll_event().is_none() {
        let mut out = [0; chatapp_core::limits::DATAGRAM_LEN_MAX];
        while client.poll_transmit(now, &mut out).is_some() {}
        now = client.poll_timeout().unwrap();
        client.handle_timeout(now);
    }
    assert_eq!(
        *LOGGED.lock().unwrap(),
        [
            "chatapp_core: dropped: bad-length",
            "chatapp_core: silent to all retries: the session is given up"
        ]
    );
}
