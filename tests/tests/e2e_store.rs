//! A server that is killed and started again with its store.

use chatapp_tests::e2e::{
    BYE, KEPT, POSTED, Process, Room, SAVED, TABLE, free_port, is_stamped, no_ack_from,
};
use tempfile::TempDir;

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

#[test]
fn what_was_saved_is_there_after_a_kill() {
    let folder = folder();
    let mut room = Room::open_in(folder.path(), free_port());
    let [mut alice, mut bob, mut carol] = room.join_all(["alice", "bob", "carol"]);
    carol.types("dereg carol");
    carol.shows(BYE);
    alice.shows(TABLE);
    alice.types("send carol hi");
    alice.shows(SAVED);
    bob.types("send_all hello");
    bob.shows(POSTED);
    alice.shows("Channel_Message bob: hello");
    room.server.is_killed();

    let _room = Room::open_in(folder.path(), room.port);
    carol.types("reg carol");
    carol.shows(KEPT);
    carol.shows_where("alice's message", |line| is_stamped(line, "alice", "hi"));
    carol.shows_where("bob's message", |line| {
        is_stamped(line, "Channel_Message bob", "hello")
    });
    carol.shows(TABLE);
    carol.types("send_all back");
    carol.shows(POSTED);
    for (client, times) in [(&mut alice, 1), (&mut bob, 0)] {
        client.shows("Channel_Message carol: back");
        assert_eq!(client.count("Channel_Message bob: hello"), times, "no more");
    }
}

#[test]
fn a_store_can_be_looked_into_while_it_is_used() {
    let folder = folder();
    let path = folder.path().to_str().expect("a sane name");
    let room = Room::open_in(folder.path(), free_port());
    let [mut alice, mut bob] = room.join_all(["alice", "bob"]);
    bob.types("dereg bob");
    bob.shows(BYE);
    for number in 0..2 {
        alice.types(&format!("send bob {number}"));
        alice.shows(&no_ack_from("bob"));
        alice.shows(SAVED);
    }
    let mut report = Process::start(&["store", path]);
    assert_eq!(report.ends(), 0);
    let lines = report.lines();
    assert!(
        lines[0].starts_with("alice  active   0 waiting  127.0.0.1:"),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("bob    offline  2 waiting  127.0.0.1:"),
        "{lines:?}"
    );
    assert!(
        lines[2]
            .ends_with("room.db: 2 names, 2 waiting messages, 0 channel messages, 2 bytes of text"),
        "{lines:?}"
    );
    let mut report = Process::start(&["store", "--json", path]);
    assert_eq!(report.ends(), 0);
    let line = report.shows_next();
    for part in [
        r#""schema":1,"names":[{"name":"alice","active":true,"#,
        r#"{"name":"bob","active":false,"#,
        r#""waiting":2}],"waiting":2,"log_entries":0,"text_bytes":2}"#,
    ] {
        assert!(line.contains(part), "{line}");
    }
    let nothing = folder.path().join("nothing");
    let mut report = Process::start(&["store", nothing.to_str().expect("a sane name")]);
    assert_eq!(report.ends(), 2);
    report.logs("there is no store");
}

#[test]
fn without_a_folder_the_state_folder_of_the_user_is_used_and_nobody_else_may_read_it() {
    let room = Room::open();
    drop(room.join("alice"));
    let file = room
        .server
        .home()
        .join(format!("chatapp/server-{}/room.db", room.port));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for file in [
            file.clone(),
            file.with_extension("db-wal"),
            file.with_file_name("lock"),
        ] {
            let mode = file
                .metadata()
                .expect("the file is there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
        let folder = file.parent().expect("a file is in a folder");
        let mode = folder
            .metadata()
            .expect("the folder is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    assert!(file.metadata().expect("the file is there").len() != 0);
    let mut room = Room::open_with(&["--ephemeral"]);
    drop(room.join("alice"));
    let left = std::fs::read_dir(room.server.home())
        .expect("a home")
        .count();
    assert_eq!(left, 0, "nothing was written");
    room.server.is_killed();
}
